"""Experiments, their locks, assignment runs, looks and readouts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _owner() -> sa.Column[str]:
    return sa.Column("experiment_id", sa.String(63), sa.ForeignKey("experiments.id"), nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("spec_file", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    op.create_table(
        "locks",
        sa.Column("key", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("program_sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("locked_at", sa.DateTime, nullable=False),
        sa.Column("package_version", sa.Text, nullable=False),
        sa.Column("looks_before", sa.Integer, nullable=False),
        sa.UniqueConstraint("experiment_id", "version"),
    )
    op.create_table(
        "assignment_runs",
        sa.Column("key", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("assigned_at", sa.DateTime, nullable=False),
        sa.Column("spec_sha256", sa.String(64), nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.UniqueConstraint("experiment_id", "sequence"),
    )
    op.create_table(
        "looks",
        sa.Column("key", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("looked_at", sa.DateTime, nullable=False),
        sa.Column("data_to", sa.String(10)),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("arm", sa.Text),
        sa.Column("spec_sha256", sa.String(64), nullable=False),
        sa.Column("lock_sha256", sa.String(64)),
        sa.Column("digest", sa.Text),
        sa.UniqueConstraint("experiment_id", "sequence"),
    )
    op.create_table(
        "readouts",
        sa.Column("look_key", sa.Integer, sa.ForeignKey("looks.key"), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("readouts", "looks", "assignment_runs", "locks", "experiments"):
        op.drop_table(table)
