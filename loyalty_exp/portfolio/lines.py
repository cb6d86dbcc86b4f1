"""The experiments of the portfolio as lines of a table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.portfolio.gather import Entry
from loyalty_exp.portfolio.language import speech
from loyalty_exp.portfolio.totals import Row, money_of, owed_of
from loyalty_exp.report.language import N_
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.settled import deciding_net
from loyalty_exp.report.verdict import EVIDENCE, LABELS
from loyalty_exp.report.wording import Wording, interval_step

STATES = {
    "draft": N_("Not registered"),
    "locked": N_("Registered"),
    "running": N_("Running"),
    "closed": N_("Ended, outcomes open"),
    "mature": N_("Ready to decide"),
    "decided": N_("Decided"),
    "archived": N_("Archived"),
    None: N_("Not registered"),
}
DECISIONS = {
    "ship": N_("Scale it"),
    "stop": N_("Stop it"),
    "iterate": N_("Change and test again"),
    "extend": N_("Let it run on"),
    "not_settled": N_("Close it, not settled"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One experiment."""

    id: str
    name: str
    page: str
    state: Markup
    verdict: Markup
    tone: str
    net: str
    interval: Markup
    owed: Markup
    mark: IntervalMark | None
    evidence: Markup
    data_to: str
    decision: Markup


def scales_of(entries: tuple[Entry, ...]) -> dict[str, Scale]:
    """Give one range for each currency, so that the drawings can be compared."""
    values: dict[str, list[float]] = {}
    for entry in entries:
        money = money_of(entry.readout)
        if money is not None and entry.readout is not None:
            net = deciding_net(money)
            own = values.setdefault(_symbol(entry), [])
            own += [v for v in (net["estimate"], net["ci_lower"], net["ci_upper"]) if v is not None]
    return {symbol: scale_of(own) for symbol, own in values.items()}


def _symbol(entry: Entry) -> str:
    found = (entry.readout["plan"].get("currency") or {}) if entry.readout else {}
    return str(found.get("symbol") or (f"{found['code']} " if found.get("code") else ""))


def line_of(language: str, entry: Entry, scales: dict[str, Scale], page: str) -> Line:
    """Put one experiment into words."""
    readout = entry.readout
    alpha = float(readout["plan"].get("alpha") or 0.05) if readout else 0.05
    words = Wording(speech(language), _symbol(entry), alpha)
    verdict, tone, evidence = words.say("Not analyzed yet"), "", Markup("–")
    net, interval, mark = "–", Markup(""), None
    if readout is not None:
        invalid = readout["status"] == "invalid"
        label, tone = LABELS.get(
            "invalid" if invalid else readout["decision"]["action"], LABELS["not_settled"]
        )
        verdict = words.say(label)
        level = EVIDENCE.get("none" if invalid else readout["experiment"]["evidence_level"], EVIDENCE["none"])
        evidence = words.say(level[0])
    if (money := money_of(readout)) is not None:
        found = deciding_net(money)
        lower, upper = found["ci_lower"], found["ci_upper"]
        net = words.money(
            found["estimate"], step=interval_step(found["estimate"], lower or 0.0, upper or 0.0)
        )
        interval = words.say(
            "{level} interval: {interval}",
            level=words.level(),
            interval=money_interval(words, found, exact=False),
        )
        if lower is not None and upper is not None:
            mark = scales[_symbol(entry)].mark(found["estimate"], lower, upper)
    return Line(
        id=entry.id,
        name=words.name(readout["experiment"]["name"] if readout else None, entry.id),
        page=page,
        state=words.say(STATES[entry.state]),
        verdict=verdict,
        tone={"up": "pass", "down": "fail"}.get(tone, tone),
        net=net,
        interval=interval,
        owed=_owed(words, readout),
        mark=mark,
        evidence=evidence,
        data_to=words.say("data to {day}", day=words.day(readout["data_to"]))
        if readout and readout["data_to"]
        else "",
        decision=_decision(words, entry),
    )


def _owed(words: Wording, readout: Row | None) -> Markup:
    """Say the points liability that the experiment created; nothing without points."""
    found = owed_of(readout)
    if found is None:
        return Markup("")
    amount = words.money(found.amount)
    if found.most:
        return words.say("points liability at most {amount}", amount=amount)
    return words.say("points liability {amount}", amount=amount)


def _decision(words: Wording, entry: Entry) -> Markup:
    if entry.decision is None:
        return Markup("–")
    action = words.say(DECISIONS.get(entry.decision, DECISIONS["not_settled"]))
    if entry.decision != entry.recommended:
        return words.say("{action}, by {who}, other than the rule", action=action, who=entry.by)
    return words.say("{action}, by {who}", action=action, who=entry.by)
