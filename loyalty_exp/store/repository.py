"""Reading and adding rows. Adding the same again adds nothing, so that a command may be run twice."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loyalty_exp.store.freeze import Frozen, sha256
from loyalty_exp.store.life import Facts
from loyalty_exp.store.models import (
    ArchiveRow,
    AssignmentRunRow,
    DecisionRow,
    ExperimentRow,
    LockRow,
    LookRow,
    ReadoutRow,
)


@dataclass(frozen=True, slots=True)
class History:
    """Everything the store holds of one experiment, the oldest first."""

    id: str
    spec_file: str
    locks: tuple[LockRow, ...]
    runs: tuple[AssignmentRunRow, ...]
    looks: tuple[LookRow, ...]
    decisions: tuple[DecisionRow, ...]
    archive: ArchiveRow | None

    @property
    def lock(self) -> LockRow | None:
        """The lock in force."""
        return self.locks[-1] if self.locks else None

    @property
    def look(self) -> LookRow | None:
        """The look under the lock in force that has the latest data; of several, the last one."""
        lock = self.lock
        own = [k for k in self.looks if lock is not None and k.lock_sha256 == lock.sha256]
        return max(own, key=lambda k: (k.data_to or "", k.sequence), default=None)


def history(session: Session, experiment: str) -> History | None:
    """Read everything of an experiment; None when it is not known."""
    row = session.get(ExperimentRow, experiment)
    return _histories(session, [row])[0] if row is not None else None


def histories(session: Session) -> tuple[History, ...]:
    """Read everything, by id; one query a table."""
    return _histories(session, session.scalars(sa.select(ExperimentRow).order_by(ExperimentRow.id)).all())


def _histories(session: Session, rows: Sequence[ExperimentRow]) -> tuple[History, ...]:
    one = rows[0].id if len(rows) == 1 else None

    def grouped(table: Any, order: Any) -> dict[str, list[Any]]:
        query = sa.select(table).order_by(order)
        found: dict[str, list[Any]] = {}
        for row in session.scalars(query if one is None else query.where(table.experiment_id == one)):
            found.setdefault(row.experiment_id, []).append(row)
        return found

    locks, runs = grouped(LockRow, LockRow.version), grouped(AssignmentRunRow, AssignmentRunRow.sequence)
    looks, decisions = grouped(LookRow, LookRow.sequence), grouped(DecisionRow, DecisionRow.sequence)
    archive = grouped(ArchiveRow, ArchiveRow.experiment_id)
    return tuple(
        History(
            row.id,
            row.spec_file,
            tuple(locks.get(row.id, ())),
            tuple(runs.get(row.id, ())),
            tuple(looks.get(row.id, ())),
            tuple(decisions.get(row.id, ())),
            next(iter(archive.get(row.id, ())), None),
        )
        for row in rows
    )


def facts_of(found: History | None, experiment: str) -> Facts:
    """Give what the rules of life ask for."""
    if found is None:
        return Facts(experiment)
    schedule = json.loads(found.lock.spec)["schedule"] if found.lock else {}
    look = found.look
    return Facts(
        id=experiment,
        locked=found.lock is not None,
        start=_day(schedule.get("start")),
        end=_day(schedule.get("end")),
        assigned=bool(found.runs),
        status=look.status if look else None,
        recommended=look.action if look else None,
        decision=found.decisions[-1].action if found.decisions else None,
        archived=found.archive is not None,
    )


def add_lock(
    session: Session, frozen: Frozen, spec_file: str, reason: str | None, version: str
) -> tuple[LockRow, bool]:
    """Add a version; the one in force again adds nothing."""
    known(session, frozen.id, spec_file)
    last = session.scalars(
        sa.select(LockRow).where(LockRow.experiment_id == frozen.id).order_by(LockRow.version.desc()).limit(1)
    ).first()
    if last is not None and last.sha256 == frozen.sha256:
        return last, False
    row = LockRow(
        experiment_id=frozen.id,
        version=last.version + 1 if last else 1,
        sha256=frozen.sha256,
        spec=frozen.spec,
        program_sha256=frozen.program_sha256,
        reason=reason,
        locked_at=now(),
        package_version=version,
        looks_before=_next(session, LookRow, frozen.id) - 1,
    )
    session.add(row)
    session.flush()
    return row, True


def units_at_looks(session: Session, experiment: str) -> tuple[int, ...]:
    """Units analyzed at every recorded look, the oldest first.

    A readout that knew its look says how many these were; of others they are all assigned units.
    """
    rows = session.execute(
        sa.select(LookRow.units, ReadoutRow.content)
        .join(ReadoutRow, ReadoutRow.look_key == LookRow.key)
        .where(LookRow.experiment_id == experiment)
        .order_by(LookRow.sequence)
    )
    return tuple(_analyzed(content, units) for units, content in rows)


def readout_at(session: Session, experiment: str, look: int) -> str | None:
    """Give the readout of a recorded look as it was written; None when there is no such look."""
    return session.scalar(
        sa.select(ReadoutRow.content)
        .join(LookRow, ReadoutRow.look_key == LookRow.key)
        .where(LookRow.experiment_id == experiment, LookRow.sequence == look)
    )


def _analyzed(content: str, assigned: int) -> int:
    reasons = json.loads(content)["decision"].get("reasons", ())
    return next((int(r["units"]) for r in reasons if r.get("code") == "sequential"), assigned)


def add_look(session: Session, readout: Mapping[str, Any], text: str, spec_file: str) -> tuple[LookRow, bool]:
    """Add a look with its readout; the same readout again is no new look."""
    facts, decision = readout["experiment"], readout["decision"]
    known(session, facts["id"], spec_file)
    digest = sha256(text)
    before = session.scalars(
        sa.select(LookRow)
        .join(ReadoutRow, ReadoutRow.look_key == LookRow.key)
        .where(LookRow.experiment_id == facts["id"], ReadoutRow.sha256 == digest)
    ).first()
    if before is not None:
        return before, False
    row = LookRow(
        experiment_id=facts["id"],
        sequence=_next(session, LookRow, facts["id"]),
        looked_at=now(),
        data_to=readout["data_to"],
        units=sum(arm["units"] for arm in readout["arms"]),
        status=readout["status"],
        action=decision["action"],
        arm=decision["arm"],
        spec_sha256=facts["spec_hash"],
        lock_sha256=facts["lock"],
        digest=readout["provenance"]["data_digest"],
    )
    session.add(row)
    session.flush()
    session.add(ReadoutRow(look_key=row.key, sha256=digest, content=text))
    session.flush()
    return row, True


def add_decision(
    session: Session, look: LookRow, *, by: str, because: str, action: str, arm: str | None
) -> tuple[DecisionRow, bool]:
    """Add a decision beside what the rule recommended at a look; the last one again adds nothing."""
    last = session.scalars(
        sa.select(DecisionRow)
        .where(DecisionRow.experiment_id == look.experiment_id)
        .order_by(DecisionRow.sequence.desc())
        .limit(1)
    ).first()
    same = (by, because, action, arm, look.key)
    if last is not None and (last.by, last.because, last.action, last.arm, last.look_key) == same:
        return last, False
    row = DecisionRow(
        experiment_id=look.experiment_id,
        sequence=last.sequence + 1 if last else 1,
        decided_at=now(),
        by=by,
        because=because,
        action=action,
        recommended=look.action,
        arm=arm,
        look_key=look.key,
    )
    session.add(row)
    session.flush()
    return row, True


def add_archive(
    session: Session, experiment: str, learning: str, next_ids: Sequence[str]
) -> tuple[ArchiveRow, bool]:
    """Add what was learned; the same again adds nothing."""
    found = session.get(ArchiveRow, experiment)
    if found is not None:
        return found, False
    row = ArchiveRow(experiment_id=experiment, archived_at=now(), learning=learning, next_ids=list(next_ids))
    session.add(row)
    session.flush()
    return row, True


def add_assignment_run(
    session: Session,
    experiment: str,
    spec_file: str,
    *,
    spec_sha256: str,
    salt: str,
    digest: str,
    counts: Mapping[str, int],
) -> tuple[AssignmentRunRow, bool]:
    """Add a draw by its digest and counts; the last one again adds nothing."""
    known(session, experiment, spec_file)
    last = session.scalars(
        sa.select(AssignmentRunRow)
        .where(AssignmentRunRow.experiment_id == experiment)
        .order_by(AssignmentRunRow.sequence.desc())
        .limit(1)
    ).first()
    if last is not None and (last.digest, last.salt, last.spec_sha256) == (digest, salt, spec_sha256):
        return last, False
    row = AssignmentRunRow(
        experiment_id=experiment,
        sequence=last.sequence + 1 if last else 1,
        assigned_at=now(),
        spec_sha256=spec_sha256,
        salt=salt,
        digest=digest,
        counts=dict(counts),
    )
    session.add(row)
    session.flush()
    return row, True


def known(session: Session, experiment: str, spec_file: str) -> None:
    """Make sure that the experiment has its row."""
    if session.get(ExperimentRow, experiment) is None:
        session.add(ExperimentRow(id=experiment, spec_file=spec_file, since=now()))
        session.flush()


def now() -> dt.datetime:
    """Give the moment, in UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _next(session: Session, table: type[LookRow], experiment: str) -> int:
    query = sa.select(sa.func.coalesce(sa.func.max(table.sequence), 0))
    return int(session.scalar(query.where(table.experiment_id == experiment)) or 0) + 1


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
