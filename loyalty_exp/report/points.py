"""Points of a treatment against control: issued, burned, expired, still owed, and where they break even."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_

FLOWS = (
    ("issued_base", N_("Base points issued")),
    ("issued_bonus", N_("Bonus points issued")),
    ("clawed_back", N_("Clawed back")),
    ("net_issued", N_("Net points issued")),
    ("redeemed", N_("Redeemed (burned)")),
    ("expired", N_("Expired")),
    ("outstanding", N_("Outstanding")),
    ("expected_future", N_("Of which expected to be redeemed")),
)
COSTS = (
    ("accrual_cost", N_("Cost of points as issued")),
    ("burn_cost", N_("Of which burned")),
    ("closing_liability", N_("Of which still owed (points liability)")),
    ("true_up", N_("True-up at the rates estimated by now, in no cost above")),
)
BOOKS = (
    ("price", N_("Price paid for orders")),
    ("deferred", N_("Revenue put off for points given with them")),
    ("released", N_("Of which released as points were redeemed")),
    ("liability", N_("Of which contract liability")),
)
SUMS = ("net_issued", "accrual_cost")

AT_ANY_RATE = {
    "profitable_at_any_rate": N_("pays at any redemption rate"),
    "loss_at_any_rate": N_("loses at any redemption rate"),
    "indifferent_at_any_rate": N_("neither gains nor loses at any redemption rate"),
}


@dataclass(frozen=True, slots=True)
class PointsRow:
    """One line: both arms in total, and the treatment less control per unit and for the whole arm."""

    name: str
    treatment: str
    control: str
    per_unit: str
    total: str
    sum: bool


@dataclass(frozen=True, slots=True)
class PointsBlock:
    """The points of one treatment; `break_even` is what is printed large, `lead` says it in a sentence."""

    arm: str
    control: str
    shown: bool
    lead: Markup
    break_even: str
    rows: tuple[PointsRow, ...]
    books: tuple[PointsRow, ...]
    notes: tuple[Markup, ...]


def points_blocks(facts: Facts) -> tuple[PointsBlock, ...]:
    """Give the points of every treatment that has any, the one shown first."""
    found = [e for e in facts.economics if e.get("points")]
    return tuple(
        points_block(facts, e) for e in sorted(found, key=lambda e: bool(e["treatment"] != facts.shown))
    )


def points_block(facts: Facts, e: Row) -> PointsBlock:
    """Give the points of one treatment."""
    points = e["points"]
    rows = [
        *(row(facts, key, name, points, money=False) for key, name in FLOWS),
        *(row(facts, key, name, points, money=True) for key, name in COSTS),
    ]
    return PointsBlock(
        arm=facts.arm(e["treatment"]),
        control=facts.arm(e["control"]),
        shown=e["treatment"] == facts.shown,
        lead=break_even_sentence(facts, e),
        break_even=break_even_words(facts, points),
        rows=tuple(r for r in rows if r is not None),
        books=books(facts, points),
        notes=notes(facts, points),
    )


def books(facts: Facts, points: Row) -> tuple[PointsRow, ...]:
    """Give the view of the accounts: lines of their own, where both arms have them."""
    held = [arm.get("contract") for arm in points["arms"]]
    if not all(held):
        return ()
    apart = {"arms": [c | {"units": a["units"]} for c, a in zip(held, points["arms"], strict=True)]}
    rows = (row(facts, key, name, apart | {"per_unit": {}}, money=True) for key, name in BOOKS)
    return tuple(r for r in rows if r is not None)


def row(facts: Facts, key: str, name: str, points: Row, *, money: bool) -> PointsRow | None:
    """Give one line; none where neither arm has the number."""
    words, (treated, control) = facts.words, points["arms"]
    if treated.get(key) is None and control.get(key) is None:
        return None
    per_unit, total = gaps(key, points)

    def whole(value: float | None) -> str:
        return "–" if value is None else words.exact(value) if money else words.count(value)

    def gap(value: float | None, step: int) -> str:
        if value is None:
            return "–"
        return words.exact(value, signed=True) if money else words.number(value, step=step, signed=True)

    return PointsRow(
        name=words.say(name),
        treatment=whole(treated[key]),
        control=whole(control[key]),
        per_unit=gap(per_unit, -2),
        total=gap(total, 0),
        sum=key in SUMS,
    )


def gaps(key: str, points: Row) -> tuple[float | None, float | None]:
    """Give the treatment less control: per unit, and for as many units as the treatment has."""
    treated, control = points["arms"]
    if key in points["per_unit"]:
        return points["per_unit"][key], points["total"][key]
    if treated[key] is None or control[key] is None or not treated["units"] or not control["units"]:
        return None, None
    gap = treated[key] / treated["units"] - control[key] / control["units"]
    return gap, gap * treated["units"]


def break_even_words(facts: Facts, points: Row) -> str:
    """Write the break-even rate, or what holds at every rate."""
    found = points["break_even"]
    if found["value"] is not None:
        return facts.words.percent(found["value"], step=-1)
    status = found["status"]
    return facts.words.say(AT_ANY_RATE[status] if status in AT_ANY_RATE else N_("not estimable"))


def break_even_sentence(facts: Facts, e: Row) -> Markup:
    """Say at which redemption rate the program pays, and which one is used; empty where none decides."""
    words, points = facts.words, e["points"]
    found = points["break_even"]
    if found["value"] is None:
        return Markup("")
    values = {
        "rate": words.percent(found["value"], step=-1),
        "assumed": words.whole_percent(points["arms"][0]["redemption_rate"]),
    }
    if points["per_unit"]["accrual_cost"] > 0:
        return words.say(
            "The program pays as long as at most {rate} of the points are ever redeemed; {assumed} is used.",
            **values,
        )
    return words.say(
        "The program breaks even where {rate} of the points are ever redeemed; {assumed} is used.", **values
    )


def notes(facts: Facts, points: Row) -> tuple[Markup, ...]:
    """Say how to read the table, and where an assumption did not hold."""
    words = facts.words
    said = [
        words.say(
            "Whole arms are compared: bonus points are often used first and leave base points unused. "
            "The liability is on a cost basis; the contract liability of the accounts is another number "
            "and is never added to it."
        )
    ]
    for arm in points["arms"]:
        if arm["assumption_refuted"]:
            said.append(
                words.say(
                    "{arm}: more is redeemed already than was ever expected, so {rate} is used.",
                    arm=facts.arm(arm["arm"]),
                    rate=words.percent(arm["redemption_rate"], step=-1),
                )
            )
        if arm["opening_balance_used"]:
            said.append(
                words.say(
                    "{arm}: more was redeemed and expired than was issued, so points from before were used; "
                    "the liability is the change of what is owed.",
                    arm=facts.arm(arm["arm"]),
                )
            )
    return tuple(said)
