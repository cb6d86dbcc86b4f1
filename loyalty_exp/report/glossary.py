"""The words used on the page, each with its meaning; metrics with a definition come last."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row


def glossary(facts: Facts) -> tuple[tuple[str, Markup], ...]:
    """Give the words used here; metrics with a definition come last."""
    words = facts.words
    lines: list[tuple[str, Markup]] = [
        (
            words.say("{level} interval", level=words.level()),
            words.say(
                "The range of true effects that fit the data. Made again and again in the same way, "
                "{level} of such ranges hold the true value.",
                level=words.level(),
            ),
        ),
        (words.say("Control"), control_word(facts)),
        (
            words.say("Not settled"),
            words.say("The data fit both a useful change and none. It is not a finding of zero."),
        ),
        (
            words.say("p"),
            words.say(
                "How rare data this extreme would be if the true effect were zero. It "
                "is not the chance of being wrong."
            ),
        ),
    ]
    if facts.look is not None:
        lines.append(
            (
                words.say("Holds at every look"),
                words.say(
                    "Looking often finds extremes by luck. This interval is wider, so that it holds the true "
                    "value at all looks together in {level} of such tests.",
                    level=words.level(),
                ),
            )
        )
    if facts.economics:
        lines += [
            (
                words.say("Net benefit"),
                words.say("Extra margin beyond control, less everything the program costs."),
            ),
            (
                words.say("Return on investment (ROI)"),
                words.say("Net benefit divided by the cost of the program."),
            ),
            (
                words.say("Posterior probability"),
                words.say(
                    "Read from a normal curve around the estimate, with a flat prior; sampling error only."
                ),
            ),
        ]
        lines += money_words(facts)
    if any(
        facts.metric(e["metric"]).get("display") == "percent"
        for e in facts.overall("primary", "secondary", "guardrail")
    ):
        lines.append(
            (
                words.say("Percentage point (pp)"),
                words.say(
                    "The plain difference of two percentages: from 20% to 22% is 2 pp, and 10% relative."
                ),
            )
        )
    if facts.overall("guardrail"):
        lines.append(
            (
                words.say("Guardrail"),
                words.say("A metric that must not get worse by more than an allowed change."),
            )
        )
    for metric in facts.plan["metrics"]:
        lines += definition(facts, metric)
    return tuple(lines)


def money_words(facts: Facts) -> list[tuple[str, Markup]]:
    """Give the words of hurdles, points and coupons, where the page speaks of them."""
    words = facts.words
    lines: list[tuple[str, Markup]] = []
    if facts.outlook_of(facts.shown) is not None:
        lines.append((words.say("Hurdle"), words.say("The return on investment that is asked for.")))
    if any(o["points"] for o in facts.readout.get("over_time") or ()):
        lines += [
            (
                words.say("Band of all days"),
                words.say(
                    "Looking at many days finds extremes by luck. The band is wide enough to hold the true "
                    "curve on all of them together in {level} of such tests.",
                    level=words.level(),
                ),
            ),
            (
                words.say("Money back for good"),
                words.say("The first day from which on net benefit was never below zero again."),
            ),
        ]
    if any(e.get("points") for e in facts.economics):
        lines += [
            (
                words.say("Redemption rate"),
                words.say("The share of the points issued, less those clawed back, that are ever redeemed."),
            ),
            (
                words.say("Points liability (cost basis)"),
                words.say("What the points that are still to be redeemed will cost."),
            ),
        ]
    if any(e.get("coupons") for e in facts.economics):
        lines += [
            (
                words.say("Incremental share"),
                words.say("The part of the redemptions that were orders beyond those of control."),
            ),
            (
                words.say("Deadweight subsidy"),
                words.say("Money taken off orders that would have come anyway."),
            ),
        ]
    return lines


def control_word(facts: Facts) -> Markup:
    """Say who control is."""
    if facts.randomized:
        return facts.words.say("The {units} chosen at random who did not get the offer.", units=facts.units())
    return facts.words.say("The {units} who did not get the offer.", units=facts.units())


def definition(facts: Facts, metric: Row) -> list[tuple[str, Markup]]:
    """Give the definition of a metric, where the spec has one."""
    text = facts.words.name(metric.get("definition"), "")
    return [(facts.metric_name(metric["id"]), Markup("{}").format(text))] if text else []
