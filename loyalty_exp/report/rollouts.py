"""Rolling out to everyone eligible: range, shrunk range, chance, and what more data can be worth."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.roi import money_interval, step_of_money
from loyalty_exp.report.said import why_not
from loyalty_exp.report.wording import Number


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One line: its value, and its interval in words and drawn, where it has one."""

    name: str
    value: str
    interval: str
    chance: str
    mark: IntervalMark | None
    sum: bool


@dataclass(frozen=True, slots=True)
class RolloutBlock:
    """The roll-out of one treatment; `why` says why there is none."""

    arm: str
    shown: bool
    exploratory: str
    rows: tuple[RolloutRow, ...]
    why: Markup
    note: Markup


def rollout_blocks(facts: Facts) -> tuple[RolloutBlock, ...]:
    """Give the roll-out of every treatment, the one shown first."""
    found = [
        (e["treatment"], look["rollout"])
        for e in facts.economics
        if (look := facts.outlook_of(e["treatment"])) is not None and look["rollout"] is not None
    ]
    return tuple(
        rollout_block(facts, arm, r) for arm, r in sorted(found, key=lambda pair: pair[0] != facts.shown)
    )


def rollout_block(facts: Facts, arm: str, r: Row) -> RolloutBlock:
    """Give one roll-out."""
    words = facts.words
    whole = r["total"] is not None
    return RolloutBlock(
        arm=facts.arm(arm),
        shown=arm == facts.shown,
        exploratory="" if called_for(facts, arm) else str(words.say("exploratory")),
        rows=rollout_rows(facts, r) if whole else (),
        why=Markup("")
        if whole
        else words.say(
            "The roll-out cannot be projected: {reason}.", reason=why_not(words, r["not_estimable"])
        ),
        note=rollout_note(facts, arm, r) if whole else Markup(""),
    )


def called_for(facts: Facts, arm: str) -> bool:
    """Say whether the registered rule calls for rolling this arm out."""
    ships = facts.decision["action"] == "ship" and facts.randomized
    return bool(ships and facts.decision["arm"] == arm)


def rollout_lead(facts: Facts, r: Row) -> Markup:
    """Say what rolling out would bring, rounded as the first screen is: shrunk where past programs tell."""
    words = facts.words
    values = {
        "n": words.count(r["eligible"]),
        "units": facts.units(),
        "coverage": words.whole_percent(r["coverage"]),
        "total": words.money(r["total"]["estimate"], step=step_of_money(r["total"])),
        "level": words.level(),
        "interval": money_interval(words, r["total"], exact=False),
    }
    said = words.say(
        "If the response holds, a roll-out to the {n} eligible {units}, of whom {coverage} are reached, "
        "would bring {total} after costs ({level} interval {interval}).",
        **values,
    )
    if not r["shrunk_total"]:
        return said
    shrunk = words.say(
        "Drawn toward what past programs kept, it is {total} ({interval}).",
        total=words.money(r["shrunk_total"]["estimate"], step=step_of_money(r["shrunk_total"])),
        interval=money_interval(words, r["shrunk_total"], exact=False),
    )
    return words.sentences([said, shrunk])


def rollout_rows(facts: Facts, r: Row) -> tuple[RolloutRow, ...]:
    """Give the lines from one unit to the whole."""
    words = facts.words
    totals = [t for t in (r["total"], r["shrunk_total"]) if t]
    scale = scale_of(t[k] for t in totals for k in ("ci_lower", "ci_upper"))
    per_unit = words.say("Net benefit of each {unit} before fixed costs", unit=facts.unit())
    between = money_interval(words, r["net_benefit"], exact=True)
    rows = [
        plain_row(words.say("Eligible {units}", units=facts.units()), words.count(r["eligible"])),
        plain_row(words.say("Coverage"), words.whole_percent(r["coverage"])),
        plain_row(per_unit, words.exact(r["net_benefit"]["estimate"]), between),
        plain_row(words.say("Fixed costs of the roll-out"), words.exact(r["fixed"])),
        total_row(
            facts, words.say("Net benefit of the roll-out"), r["total"], r["probability_positive"], scale
        ),
    ]
    if r["shrunk_total"]:
        name = words.say("The same, drawn toward past programs")
        rows.append(total_row(facts, name, r["shrunk_total"], r["probability_shrunk_positive"], scale))
    losses = (
        ("loss_if_shipped", words.say("Expected loss if rolled out")),
        ("loss_if_held", words.say("Expected loss if not rolled out")),
    )
    rows += [plain_row(name, words.exact(r[key])) for key, name in losses if r.get(key) is not None]
    if r["value_of_information"] is not None:
        name = words.say("The most that more data can be worth")
        rows.append(plain_row(name, words.exact(r["value_of_information"])))
    return tuple(rows)


def plain_row(name: str, value: str, interval: str = "") -> RolloutRow:
    """Give a line without a drawing."""
    return RolloutRow(name, value, interval, "", None, sum=False)


def total_row(facts: Facts, name: str, total: Row, chance: float | None, scale: Scale) -> RolloutRow:
    """Give a total with its interval, drawn on the common range, and its chance."""
    words = facts.words
    return RolloutRow(
        name=name,
        value=words.exact(total["estimate"]),
        interval=money_interval(words, total, exact=True),
        chance="–" if chance is None else words.chance(chance),
        mark=scale.mark(total["estimate"], total["ci_lower"], total["ci_upper"]),
        sum=True,
    )


def rollout_note(facts: Facts, arm: str, r: Row) -> Markup:
    """Say what the projection rests on, how far it is shrunk, and what it leaves out."""
    words = facts.words
    said = [
        words.say(
            "A projection and not a measurement: it takes the response of the test to last and to hold for "
            "everyone eligible. Fixed costs are those of the roll-out and not of the test."
        )
    ]
    if not called_for(facts, arm):
        said.insert(0, words.say("Exploratory: the registered rule does not call for this roll-out."))
    spread, kept = r["total"]["std_error"], r["shrunk_total"]
    if kept and spread:
        said += drawn_toward(facts, words.percent((kept["std_error"] / spread) ** 2, step=0))
    said.append(
        words.say("The other posterior probabilities are under a flat prior and hold sampling error only.")
        if kept
        else words.say("Posterior probabilities are under a flat prior and hold sampling error only.")
    )
    if r["value_of_information"] is not None:
        said.append(
            words.say(
                "Even perfect knowledge would be worth no more than this; a longer test pays only if it "
                "costs clearly less."
            )
        )
    own = this_look(facts)
    return words.sentences([*said, *([own] if own else [])])


def drawn_toward(facts: Facts, weight: Number) -> list[Markup]:
    """Say what the estimate is drawn toward, and how much the test weighs against it."""
    words, prior = facts.words, facts.plan.get("prior")
    said = [
        words.say(
            "Drawn toward past programs: posterior under the prior of the spec, to which the test "
            "contributes a weight of {weight}.",
            weight=weight,
        )
    ]
    if prior:
        said.append(
            words.say(
                "That prior expects a net benefit of {mean} for each {unit}, give or take {sd}.",
                mean=words.exact(prior["mean"]),
                sd=words.exact(prior["sd"]),
                unit=facts.unit(),
            )
        )
    return said


def worth_of_data(facts: Facts) -> Markup | None:
    """Say the most that more data can be worth, for the arm shown."""
    look = facts.outlook_of(facts.shown)
    rollout = look["rollout"] if look is not None else None
    if rollout is None or rollout["value_of_information"] is None:
        return None
    return facts.words.say(
        "For a roll-out to {n} {units}, more data are worth {worth} at most.",
        n=facts.words.count(rollout["eligible"]),
        units=facts.units(),
        worth=facts.words.money(rollout["value_of_information"]),
    )
