"""The tables of the store. Rows are only ever added: what was locked, seen or decided is never rewritten.

The order of events is the order of ``version`` and ``sequence``, not of the clock, which may be set back.
Long texts (specs, readouts) are kept as the text that was hashed, so that a hash can be checked years later.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

REVISIONS = ("0001", "0002")
"""Known states of the schema, the oldest first; the last one is that of the models below."""


class Instant(sa.types.TypeDecorator[dt.datetime]):
    """A moment, kept in UTC on every database."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Write in UTC without a zone."""
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Read as UTC."""
        return value.replace(tzinfo=dt.UTC) if value is not None else None


class Base(DeclarativeBase):
    """All tables; constraints have names, so that later migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name for it
        dt.datetime: Instant,
        dict[str, Any]: sa.JSON,
        list[str]: sa.JSON,
        str: sa.Text,
    }


class ExperimentRow(Base):
    """An experiment the store has heard of."""

    __tablename__ = "experiments"
    id: Mapped[str] = mapped_column(sa.String(63), primary_key=True)
    spec_file: Mapped[str]
    since: Mapped[dt.datetime]


class LockRow(Base):
    """One frozen version of a spec, with everything it refers to."""

    __tablename__ = "locks"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "version"),)
    key: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.String(63), sa.ForeignKey("experiments.id"))
    version: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    spec: Mapped[str]
    """Canonical JSON of the resolved spec; `sha256` is its hash."""
    program_sha256: Mapped[str] = mapped_column(sa.String(64))
    """Hash of the part that came from the program file: prices, points, shared metrics."""
    reason: Mapped[str | None]
    """Why it was amended; none for the first version."""
    locked_at: Mapped[dt.datetime]
    package_version: Mapped[str]
    looks_before: Mapped[int]
    """Looks at outcomes that were recorded before this version."""


class AssignmentRunRow(Base):
    """One draw of units; the rows themselves lie with the data."""

    __tablename__ = "assignment_runs"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "sequence"),)
    key: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.String(63), sa.ForeignKey("experiments.id"))
    sequence: Mapped[int]
    assigned_at: Mapped[dt.datetime]
    spec_sha256: Mapped[str] = mapped_column(sa.String(64))
    salt: Mapped[str]
    digest: Mapped[str]
    counts: Mapped[dict[str, Any]]
    """Units of each arm."""


class LookRow(Base):
    """One look at outcomes."""

    __tablename__ = "looks"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "sequence"),)
    key: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.String(63), sa.ForeignKey("experiments.id"))
    sequence: Mapped[int]
    looked_at: Mapped[dt.datetime]
    data_to: Mapped[str | None] = mapped_column(sa.String(10))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[str] = mapped_column(sa.String(20))
    action: Mapped[str] = mapped_column(sa.String(20))
    arm: Mapped[str | None]
    spec_sha256: Mapped[str] = mapped_column(sa.String(64))
    lock_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    digest: Mapped[str | None]
    """Digest of the data that were read."""


class ReadoutRow(Base):
    """The readout of a look, word for word."""

    __tablename__ = "readouts"
    look_key: Mapped[int] = mapped_column(sa.ForeignKey("looks.key"), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[str]


class DecisionRow(Base):
    """What people decided, beside what the rule recommended."""

    __tablename__ = "decisions"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "sequence"),)
    key: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.String(63), sa.ForeignKey("experiments.id"))
    sequence: Mapped[int]
    decided_at: Mapped[dt.datetime]
    by: Mapped[str]
    because: Mapped[str]
    action: Mapped[str] = mapped_column(sa.String(20))
    recommended: Mapped[str] = mapped_column(sa.String(20))
    arm: Mapped[str | None]
    look_key: Mapped[int] = mapped_column(sa.ForeignKey("looks.key"))


class ArchiveRow(Base):
    """What was learned."""

    __tablename__ = "archive"
    experiment_id: Mapped[str] = mapped_column(
        sa.String(63), sa.ForeignKey("experiments.id"), primary_key=True
    )
    archived_at: Mapped[dt.datetime]
    learning: Mapped[str]
    next_ids: Mapped[list[str]]
    """Experiments that follow from this one."""
