"""What the experiments add up to: claimed, after shrinkage, and realized by the holdout of the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty_exp.errors import NotEstimable
from loyalty_exp.portfolio.gather import Entry
from loyalty_exp.stats.synthesis import ProgramTotal, program_total

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """Money that points of the treatments, beyond those of control, still are to cost at the end of windows.

    ``most`` is true where no table says what was redeemed meanwhile, so that it is the cost of all points.
    """

    amount: float
    most: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums in one currency.

    Attributes
    ----------
    symbol : str
        Of the currency.
    alpha : float
        Of the intervals.
    experiments, shipped : int
        How many are pooled, and how many of them were shipped.
    sums : ProgramTotal or None
        None when nothing can be added up.
    realized : mapping or None
        Net benefit of the whole program against its holdout: estimate, ci_lower, ci_upper.
    owed : Owed or None
        For points of all experiments with a valid readout; None where no offer gives points.
    """

    symbol: str
    alpha: float
    experiments: int
    shipped: int
    sums: ProgramTotal | None
    realized: Row | None
    owed: Owed | None = None

    @property
    def realized_over_claimed(self) -> float | None:
        """What the holdout shows of each unit of money that was claimed; None unless something was."""
        if self.realized is None or self.sums is None or self.sums.claimed <= 0:
            return None
        return float(self.realized["estimate"]) / self.sums.claimed


def money_of(readout: Row | None) -> Row | None:
    """Give the money of the arm that the verdict speaks of; None when there is none to be shown."""
    if readout is None or readout["status"] == "invalid":
        return None
    arm = readout["decision"]["arm"]
    rows: list[Row] = readout["economics"]
    return next((e for e in rows if e["treatment"] == arm), rows[0] if rows and arm is None else None)


def owed_of(readout: Row | None) -> Owed | None:
    """Add up the points liability that the treatments of an experiment created; None without points."""
    if readout is None or readout["status"] == "invalid":
        return None
    found = [e["points"]["total"] for e in readout["economics"] if e.get("points")]
    if not found:
        return None
    known = [t["closing_liability"] for t in found]
    most = any(x is None for x in known)
    amounts = [t["accrual_cost"] if x is None else x for x, t in zip(known, found, strict=True)]
    return Owed(float(sum(amounts)), most)


def _all_owed(entries: Sequence[Entry], code: str) -> Owed | None:
    found = [
        o for e in entries if e.readout and _currency(e)[0] == code and (o := owed_of(e.readout)) is not None
    ]
    return Owed(sum(o.amount for o in found), any(o.most for o in found)) if found else None


def was_shipped(entry: Entry) -> bool:
    """Tell whether it was shipped: as people decided, else as the rule says."""
    if entry.decision is not None:
        return entry.decision == "ship"
    return entry.readout is not None and entry.readout["decision"]["action"] == "ship"


def counts(entry: Entry, holdout: str | None) -> bool:
    """Tell whether an experiment is pooled: randomized, mature, with a net benefit and its standard error."""
    money = money_of(entry.readout)
    if entry.readout is None or money is None or _is(entry.id, holdout):
        return False
    if entry.readout["status"] != "mature" or entry.readout["experiment"]["kind"] != "randomized":
        return False
    net = money["net_benefit_total"]
    return net["estimate"] is not None and bool(net["std_error"])


def totals_of(entries: Sequence[Entry], holdout: str | None) -> tuple[Totals, ...]:
    """Add up what was shipped, one currency after the other, in the order of the entries."""
    by_currency: dict[str, list[Entry]] = {}
    for entry in entries:
        if counts(entry, holdout):
            by_currency.setdefault(_currency(entry)[0], []).append(entry)
    kept_out = next((e for e in entries if _is(e.id, holdout)), None)
    return tuple(_totals(own, kept_out, _all_owed(entries, code)) for code, own in by_currency.items())


def _totals(own: list[Entry], kept_out: Entry | None, owed: Owed | None) -> Totals:
    nets: list[Row] = [m["net_benefit_total"] for e in own if (m := money_of(e.readout))]
    alphas = {float(e.readout["plan"]["alpha"]) for e in own if e.readout}
    alpha = alphas.pop() if len(alphas) == 1 else 0.05
    shipped = [was_shipped(e) for e in own]
    try:
        sums = program_total(
            [n["estimate"] for n in nets], [n["std_error"] ** 2 for n in nets], shipped, alpha
        )
    except NotEstimable:
        sums = None
    realized = money_of(kept_out.readout) if kept_out else None
    if kept_out is None or realized is None or _currency(kept_out)[0] != _currency(own[0])[0]:
        realized = None
    return Totals(
        symbol=_currency(own[0])[1],
        alpha=alpha,
        experiments=len(own),
        shipped=sum(shipped),
        sums=sums,
        realized=realized["net_benefit_total"] if realized else None,
        owed=owed,
    )


def _currency(entry: Entry) -> tuple[str, str]:
    assert entry.readout is not None
    found = entry.readout["plan"].get("currency") or {}
    code = str(found.get("code") or "")
    return code, str(found.get("symbol") or (f"{code} " if code else ""))


def _is(experiment: str, holdout: str | None) -> bool:
    """Tell the holdout's readout by its id; ids of files do not tell upper from lower case."""
    return holdout is not None and experiment.casefold() == holdout.casefold()
