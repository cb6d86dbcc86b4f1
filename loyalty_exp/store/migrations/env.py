"""What Alembic runs: the migrations, on the connection it is handed and inside its open transaction."""

from __future__ import annotations

from alembic import context

from loyalty_exp.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
