"""Decisions and the archive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decisions",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("experiment_id", sa.String(63), sa.ForeignKey("experiments.id"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("recommended", sa.String(20), nullable=False),
        sa.Column("arm", sa.Text),
        sa.Column("look_key", sa.Integer, sa.ForeignKey("looks.key"), nullable=False),
        sa.UniqueConstraint("experiment_id", "sequence"),
    )
    op.create_table(
        "archive",
        sa.Column("experiment_id", sa.String(63), sa.ForeignKey("experiments.id"), primary_key=True),
        sa.Column("archived_at", sa.DateTime, nullable=False),
        sa.Column("learning", sa.Text, nullable=False),
        sa.Column("next_ids", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables; what was decided is lost."""
    op.drop_table("archive")
    op.drop_table("decisions")
