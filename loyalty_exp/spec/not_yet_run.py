"""What is valid and not yet run: a notice; a refused run where leaving it out would change the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from loyalty_exp.errors import Refused
from loyalty_exp.grammar import canonical
from loyalty_exp.metrics import Amount, Margin
from loyalty_exp.spec.draft import Draft, draft
from loyalty_exp.spec.events import EVENT_TABLES
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.place import Finding, Path, dotted

_LATER = "is not yet run by this version"


@dataclass(frozen=True, slots=True)
class Later:
    """One part of a spec that this version does not run.

    Attributes
    ----------
    path : tuple
    words : str
    refused : bool
        True when the numbers of a run without it would be other numbers, so that a run is refused.
    """

    path: Path
    words: str
    refused: bool = False


def not_yet_run(spec: Draft) -> list[Finding]:
    """Say which valid parts of a spec this version does not run."""
    told = []
    for later in _later(spec):
        words = f"{later.words}; `run` is refused" if later.refused else later.words
        told.append(Finding(later.path, words, "", on_key=True, severity="notice"))
    return told


def refuse_what_is_not_run(experiment: Experiment) -> None:
    """Refuse a run that would leave out what changes its numbers.

    Raises
    ------
    Refused
        With all such parts.
    """
    found = [later for later in _later(draft(canonical(experiment))) if later.refused]
    if found:
        parts = ". ".join(f"{dotted(later.path)}: {later.words}" for later in found)
        raise Refused(f"{parts}. Without it the numbers would be others, so none are given.")


def _later(spec: Draft) -> Iterator[Later]:
    for part in PARTS:
        yield from part(spec)


def _drawing(spec: Draft) -> Iterator[Later]:
    without = spec.data is not None and spec.data.assignments is None
    if spec.transactions_shape and without and not spec.observational and not spec.raw.get("assignment"):
        words = "nobody is assigned: add assignment: {salt: ...} to draw arms, or name data.assignments"
        yield Later(("data",), words)
    if spec.schedule is None:
        return
    for i, conflict in enumerate(spec.schedule.calendar_conflicts):
        if conflict.policy == "censor" and spec.units_shape:
            words = "a per-unit table holds sums over all days, of which none can be left out"
            yield Later(("schedule", "calendar_conflicts", i, "policy"), words, refused=True)


def _design(spec: Draft) -> Iterator[Later]:
    if spec.observational:
        yield Later(("design",), f"estimating without randomization {_LATER}", refused=True)


def _tables(spec: Draft) -> Iterator[Later]:
    if spec.data is None:
        return
    used = {line.driver for line in spec.costs.values()} | _compared(spec) | {"exposures", "triggers"}
    for name in EVENT_TABLES:
        if getattr(spec.data, name) is not None and name not in used:
            yield Later(("data", name), f"reading this table {_LATER}")
    sold = spec.data.transactions
    made = any(isinstance(m, Margin) for m in spec.metrics.values())
    for name in ("cogs", "shipping", "restockable", "refund_cogs"):
        if sold is not None and getattr(sold, name) is not None and (not made or name == "shipping"):
            words = "is read by no metric"
            words += "" if name == "shipping" else "; a metric of type: margin is made of it"
            yield Later(("data", "transactions", name), words)
    if spec.data.currency and spec.program is not None and spec.program.fx is not None:
        words = f"converting currencies of a per-unit table {_LATER}; rows in another currency are refused"
        yield Later(("data", "currency"), words)


def _compared(spec: Draft) -> set[str]:
    """Tables that say who took part, in the comparison that is not causal."""
    asked = [n for n in spec.naive.values() if n.compare == "participated"]
    if not asked or spec.data is None:
        return set()
    usual = "exposures" if spec.data.exposures is not None else "coupons"
    return {n.table or usual for n in asked}


def _tax(spec: Draft) -> Iterator[Later]:
    """Tax can be taken out of the amounts of transactions; in a margin there is none; elsewhere who knows."""
    tax = spec.program.vat if spec.program is not None else None
    benefit = spec.by_id.get(spec.benefit.metric) if spec.benefit is not None else None
    if tax is None or not tax.included or not tax.rate or not isinstance(benefit, Amount):
        return
    sold = spec.data.transactions if spec.data is not None else None
    if sold is None or benefit.column not in (sold.amount, sold.margin):
        words = (
            f"nothing says whether value added tax is in '{benefit.column}'; sum the amount or the margin of "
            "data.transactions, name a metric of type: margin, or write program.vat.included: false"
        )
        yield Later(("economics", "benefit"), words, refused=True)


PARTS: tuple[Callable[[Draft], Iterator[Later]], ...] = (
    _drawing,
    _design,
    _tables,
    _tax,
)
"""What is not yet run; a part that is run is taken out here."""
