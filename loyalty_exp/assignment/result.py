"""What a draw gives: counts, checks, and the record that is written beside the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loyalty_exp.assignment import ledger
from loyalty_exp.assignment.arms import Draw, shares_of
from loyalty_exp.assignment.balance import Difference
from loyalty_exp.assignment.calendar import Clash
from loyalty_exp.assignment.draw import thresholds
from loyalty_exp.assignment.overlap import Overlap
from loyalty_exp.assignment.plan import plan_of, span_of
from loyalty_exp.grammar import canonical
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.sample_ratio import SampleRatio, sample_ratio
from loyalty_exp.stats.standardized import Balance


@dataclass(frozen=True, slots=True)
class Assigned:
    """What was drawn, or had been drawn before.

    Attributes
    ----------
    experiment : str
    status : str
        ``drawn``, ``grown`` (units were added), ``unchanged``, ``dry_run``, or ``external`` (the spec names
        arms that were drawn elsewhere; they were checked).
    path : str or None
        The written table.
    as_of : str or None
    salt : str or None
        Of the accepted draw.
    units : mapping of arm to int
    drawn : mapping of arm to int
        Clusters where those are drawn, else the units.
    shares : mapping of arm to float
        As planned.
    left_out : mapping of reason to int
    sample_ratio : SampleRatio or None
        None when nobody is drawn.
    differences : tuple of Difference
    omnibus : Balance or None
        None when no covariate is declared.
    findings : tuple of Clash
        Events of the calendar inside the experiment.
    overlaps : tuple of Overlap
        Experiments that run at the same time on some of the same units.
    record : mapping
        As written.
    """

    experiment: str
    status: str
    path: str | None
    as_of: str | None
    salt: str | None
    units: Mapping[str, int]
    drawn: Mapping[str, int]
    shares: Mapping[str, float]
    left_out: Mapping[str, int] = field(default_factory=dict)
    sample_ratio: SampleRatio | None = None
    differences: tuple[Difference, ...] = ()
    omnibus: Balance | None = None
    findings: tuple[Clash, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the salt, from which a member could compute an arm."""
        values = asdict(self)
        del values["record"], values["salt"]
        values["digest"] = self.record.get("digest")
        values["spec_hash"] = self.record.get("spec_hash")
        tried = self.record.get("rerandomization") or {}
        values["rerandomization"] = {k: v for k, v in tried.items() if k != "salt"} or None
        return values


def stands(experiment: Experiment, home: Path, record: dict[str, Any], found: tuple[Clash, ...]) -> Assigned:
    """Give what was drawn before, as its record tells it."""
    arms, shares = shares_of(experiment)
    units, drawn = ({arm: record[key][arm] for arm in arms} for key in ("units", "drawn"))
    test = record.get("omnibus")
    return Assigned(
        experiment=experiment.experiment,
        status="unchanged",
        path=str(home / ledger.ROWS),
        as_of=record["as_of"],
        salt=record["salt"],
        units=units,
        drawn=drawn,
        shares={a: float(s) for a, s in zip(arms, shares, strict=True)},
        left_out=record["left_out"],
        sample_ratio=sample_ratio([drawn[a] for a in arms], [float(s) for s in shares]),
        differences=tuple(Difference(**d) for d in record.get("balance", ())),
        omnibus=Balance(**test) if test else None,
        findings=found,
        record=record,
    )


def record_of(
    experiment: Experiment,
    draw: Draw,
    units: Mapping[str, int],
    drawn: Mapping[str, int],
    left_out: Mapping[str, int],
    rerandomized: dict[str, Any] | None,
    before: dict[str, Any] | None,
) -> dict[str, Any]:
    """Give the record of a draw; of a grown one, with all entries so far."""
    plan = experiment.assignment
    assert plan is not None
    earlier = list(before["entries"]) if before else []
    added = sum(units.values()) - sum(e["units"] for e in earlier)
    return {
        "schema": ledger.SCHEMA,
        "experiment": experiment.experiment,
        "spec_hash": before["spec_hash"] if before else experiment.spec_hash,
        "plan": plan_of(experiment),
        "ramp": [canonical(step) for step in plan.ramp],
        "span": span_of(experiment),
        "as_of": draw.as_of.isoformat(),
        "salt": draw.salt,
        "thresholds": list(thresholds(draw.shares)),
        "units": dict(units),
        "drawn": dict(drawn),
        "left_out": dict(left_out),
        "entries": [*earlier, {"as_of": draw.as_of.isoformat(), "units": added}],
        "rerandomization": rerandomized,
    }
