"""Sentences of a plan: why a test cannot answer, what would change that, and the lines of the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from markupsafe import Markup

from loyalty_exp.planning.plan_language import speech
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Number, Wording

REASONS = (
    N_("no baseline is known: give sizing.baseline, or sizing.history"),
    N_("a baseline that is no share needs its sd: give it under sizing.baseline"),
    N_("nothing varies in the baseline, so no test can be planned"),
    N_("the baseline mean is 0, so an effect relative to it is nothing; name it absolute"),
    N_("the baseline mean is 0, so a margin relative to it is nothing; name it absolute"),
    N_("the power of this estimator has no closed form; rehearse it on made data"),
    N_("the size of a cluster is not known: give sizing.cluster_size, or sizing.history"),
    N_("how alike the units of a cluster are is not known: give sizing.icc, or sizing.history"),
    N_("the spread of the money is not known: give sizing.money, or sizing.history"),
    N_("the expected cost is not known from the past: give sizing.expected_cost_per_unit"),
    N_("the expected benefit is not known, so there is no interval to expect"),
    N_("the expected cost is not known, so there is no interval to expect"),
    N_("the spread of the cost is not known, so the intervals hold only that of the benefit"),
    N_("no effect is named: give sizing.mde or sizing.relative_mde"),
    N_("with the effect planned for, the offer would lose money however many units there are"),
    N_("A control unit costs nothing here, so no shares are cheapest: the more control, the cheaper."),
    N_("the effect would take the share below 0 or above 1"),
    N_("no change of this share is detectable with these arms"),
    N_("a quantile is not sized in closed form"),
    N_("more than 1e+15 units would be needed"),
    N_("contrasts are not planned over clusters"),
    N_("there is no cost to divide by"),
    N_("the mean of the denominator is 0"),
)
"""What cannot be planned, and why; each is translated as a whole."""

NAMES = {"net_benefit": N_("Net benefit"), "roi": N_("ROI above the hurdle")}


@dataclass(frozen=True, slots=True)
class Says:
    """The words of one plan in one language."""

    facts: Mapping[str, Any]
    words: Wording

    def reason(self, text: str | None) -> Markup:
        """Give a reason in the language of the page; one that is not in the catalogue as it is."""
        if not text:
            return Markup("")
        return self.words.say(text) if text in REASONS else Markup.escape(text)

    def metric(self, metric_id: str, kind: str = "metric") -> Markup:
        """Name a metric, a contrast or the money."""
        if kind in NAMES:
            return self.words.say(NAMES[kind])
        if metric_id in NAMES:
            return self.words.say(NAMES[metric_id])
        head, _, contrast = metric_id.partition(": ")
        name = next((m["name"] for m in self.facts["experiment"]["metrics"] if m["id"] == head), head)
        shown = self.words.name(name, head)
        if kind == "survival":
            return self.words.say("{metric}, by time to the event", metric=shown)
        if not contrast:
            return Markup.escape(shown)
        return self.words.say("{metric}: {contrast}", metric=shown, contrast=self._contrast(contrast))

    def _contrast(self, contrast: str) -> str:
        """Name a contrast: of the spec by its id, of the factors by what it compares."""
        words, factors = self.words, self.facts["experiment"]["factors"]
        for factor in factors:
            if contrast == f"main_{factor}":
                return words.say("Main effect of {factor}", factor=factor.replace("_", " "))
        for pair in combinations(factors, 2):
            if contrast == "interaction_" + "_".join(pair):
                first, second = (f.replace("_", " ") for f in pair)
                return words.say("Interaction of {first} and {second}", first=first, second=second)
        return contrast.replace("_", " ")

    def arm(self, arm_id: str | None) -> str:
        """Name an arm."""
        name = next((a["name"] for a in self.facts["arms"] if a["id"] == arm_id), arm_id)
        return self.words.name(name, arm_id or "")

    def display(self, metric_id: str) -> str:
        """How the numbers of a metric are written."""
        if metric_id == "net_benefit":
            return "money"
        head = metric_id.partition(": ")[0]
        metrics = self.facts["experiment"]["metrics"]
        return str(next((m["display"] for m in metrics if m["id"] == head), "number"))

    def level(self, metric_id: str, value: float) -> Number:
        """A mean."""
        how = self.display(metric_id)
        if how == "percent":
            return self.words.share(value)
        return self.words.money(value) if how == "money" else self.words.number(value)

    def change(self, metric_id: str, value: float, *, signed: bool = False) -> Number:
        """A difference."""
        how = self.display(metric_id)
        if how == "percent":
            return self.words.points(value, signed=signed, step=-1 if abs(value) >= 0.001 else -2)
        if how == "money":
            return self.words.money(value, signed=signed)
        return self.words.number(value, signed=signed)

    def several(self) -> bool:
        """Whether there is more than one treatment."""
        return len(self.facts["arms"]) > 2

    def why(self, why: Mapping[str, Any]) -> Markup:
        """Say one reason why the test cannot answer."""
        words, name = self.words, self.metric(why["id"], why["kind"])
        if self.several() and why["treatment"]:
            name = words.say("{metric} ({arm})", metric=name, arm=self.arm(why["treatment"]))
        if why["code"] == "too_few_units":
            return words.say(
                "{metric} needs {needed} units; there are {there}.",
                metric=name,
                needed=words.count(why["needed"]),
                there=words.count(why["there"]),
            )
        if why["code"] == "too_few_days":
            return words.say(
                "{metric} needs {needed} units; {there} can enter in the days there are.",
                metric=name,
                needed=words.count(why["needed"]),
                there=words.count(why["there"]),
            )
        return words.say("{metric}: {reason}.", metric=name, reason=self.reason(why["words"]))

    def way(self, way: Mapping[str, Any]) -> Markup:
        """Say one change that lets the test answer."""
        words, detail, value = self.words, way["detail"], way["value"]
        units = words.count(way["units"]) if way["units"] is not None else ""
        if way["kind"] == "longer":
            return words.say(
                "Let units enter for {days} days, {more} more than now: {units} units, and the answer after "
                "{total} days.",
                days=words.count(value),
                more=words.count(way["days"] or 0),
                units=units,
                total=words.count(detail["total_days"]),
            )
        if way["kind"] == "larger":
            return words.say(
                "Take in {units} units, {times} times what is there.",
                units=units,
                times=words.number(value, step=0 if value >= 10 else -2 if value >= 1.1 else -4),
            )
        if way["kind"] == "covariate":
            step = -2 if abs(value - detail["now"]) >= 0.01 else -4
            numbers = {
                "metric": self.metric(detail["metric"]),
                "value": words.number(value, step=step),
                "now": words.number(detail["now"], step=step),
            }
            if not way["enough"]:
                return words.say(
                    "Adjust for something known before the test: with {metric} even a correlation of {value} "
                    "takes {units} units; now it is {now}.",
                    units=units,
                    **numbers,
                )
            return words.say(
                "Adjust for something known before the test: with {metric} it needs a correlation of "
                "{value}; "
                "now it is {now}.",
                **numbers,
            )
        if way["kind"] == "narrower":
            return words.say(
                "Test only {part}, {share} of the units: {units} are needed and {there} are there.",
                part=self._part(detail),
                share=words.percent(value),
                units=units,
                there=words.count(detail["there"]),
            )
        if way["kind"] == "surrogate":
            return words.say(
                "Decide by {metric}, which needs {units} units.",
                metric=self.metric(detail["metric"]),
                units=units,
            )
        if way["kind"] == "shares":
            return words.say("Make the arms equal: {units} units are needed.", units=units)
        if way["kind"] == "fewer_arms":
            return words.say(
                "Test {arm} alone against control: {units} units are needed.",
                arm=self.arm(detail["treatment"]),
                units=units,
            )
        if way["kind"] == "cheaper_offer":
            return words.say(
                "Bring the cost of the offer below {value} a unit; {now} is planned.",
                value=words.money(value),
                now=words.money(detail["now"]),
            )
        return words.say(
            "Aim at an effect at least {times} times as large, or do not run the test.",
            times=words.number(value),
        )

    def _part(self, detail: Mapping[str, Any]) -> Markup:
        if not detail["dimension"]:
            return self.words.say("those who bought before")
        return Markup.escape(f"{detail['dimension']} = {detail['value']}")

    def cost(self, way: Mapping[str, Any]) -> Markup:
        """Say what a change costs."""
        cost = way["cost"]
        if cost is None:
            return self.words.say("cost not known")
        if abs(cost) < 0.005:
            return self.words.say("no further offers to pay for")
        if cost < 0:
            return self.words.say("{money} less to pay for offers", money=self.words.exact(-cost))
        return self.words.say("{money} more to pay for offers", money=self.words.exact(cost))

    def headline(self) -> Markup:
        """Say in one sentence what the plan comes to."""
        words, facts = self.words, self.facts
        if facts["why"] and all(w["code"] == "no_effect_named" for w in facts["why"]):
            return words.say("Nothing says yet how large an effect the test must find")
        if not facts["answerable"]:
            return words.say("This test cannot answer the question")
        if facts["required_units"] is None:
            return words.say("There is nothing that this test must answer")
        return words.say("{units} units answer the question", units=words.count(facts["required_units"]))


def says(facts: Mapping[str, Any], language: str) -> Says:
    """Give the words of a plan in a language."""
    currency = facts["experiment"]["currency"] or {}
    symbol = str(currency.get("symbol") or (f"{currency['code']} " if currency.get("code") else ""))
    return Says(facts, Wording(speech(language), symbol, float(facts["rule"]["alpha"])))


def summary(facts: Mapping[str, Any]) -> str:
    """Give the lines of the terminal: the verdict, why, and the ways."""
    say = says(facts, "en")
    lines = [f"{facts['experiment']['id']}: {say.headline().striptags()}."]
    lines += [f"  {say.why(w).striptags()}" for w in facts["why"] if w["code"] != "no_effect_named"]
    for i, way in enumerate(facts["ways"], 1):
        enough = "enough alone" if way["enough"] else "not enough alone"
        lines.append(f"  {i}. {say.way(way).striptags()} ({enough}; {say.cost(way).striptags()})")
    lines += [_answer(say, a) for a in facts["answers"]]
    lines += [_money(say, m) for m in facts["money"] if m["budget_at_risk"] is not None]
    if facts["calendar"]:
        days = say.words.count(facts["calendar"][-1]["day"])
        lines.append(f"  {days} days from the first unit to final data, with the units of the test")
    return "\n".join(lines)


def _answer(say: Says, a: Mapping[str, Any]) -> str:
    """Give the line of one question."""
    words, parts = say.words, [a["reason"]] if a["reason"] else []
    arm = f" ({say.arm(a['treatment'])})" if say.several() and a["treatment"] else ""

    def size(which: str) -> str:
        relative = a[f"{which}_relative"]
        beside = f" ({words.percent(relative)})" if relative is not None else ""
        return f"{say.change(a['id'], a[f'{which}_absolute'])}{beside}"

    if a["n_total"] is not None:
        days = f" after {words.count(a['days_to_answer'])} days" if a["days_to_answer"] else ""
        parts.append(f"{words.count(a['n_total'])} units find {size('effect')}{days}")
    if a["mde_absolute"] is not None:
        chance = f", and the effect with a chance of {words.chance(a['power'])}" if a["power"] else ""
        parts.append(f"the units there find {size('mde')}{chance}")
    return f"  {say.metric(a['id'], a['kind']).striptags()}{arm}: {'; '.join(parts)}"


def _money(say: Says, m: Mapping[str, Any]) -> str:
    """Give the line of the money of one offer."""
    words, parts = say.words, []
    if m["half_width"] is not None:
        parts.append(
            f"net benefit {words.money(m['net_benefit'])} a unit, known to ± {words.money(m['half_width'])}"
        )
    if m["roi_lower"] is not None and m["roi_upper"] is not None:
        parts.append(f"ROI from {words.percent(m['roi_lower'])} to {words.percent(m['roi_upper'])}")
    if m["probability_readable"] is not None:
        parts.append(f"readable with a chance of {words.chance(m['probability_readable'])}")
    parts.append(f"{words.exact(m['budget_at_risk'])} at risk")
    if m["control_cost"] is not None:
        parts.append(f"the control costs {words.exact(m['control_cost'])}")
    return f"  {say.arm(m['treatment'])}: {'; '.join(parts)}"
