"""What the checks of the design found: draw, groups, clusters, reach, in words with their numbers."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.wording import significant_step


def sample_ratio(facts: Facts, d: Row, p: float | None) -> Markup:
    """Observed counts beside planned shares."""
    words = facts.words
    planned = d.get("planned") or {}
    arms = [
        words.say(
            "{arm} {n} (planned {share})",
            arm=facts.arm(arm),
            n=words.count(n),
            share=words.percent(planned[arm], step=-1),
        )
        if arm in planned
        else words.say("{arm} {n}", arm=facts.arm(arm), n=words.count(n))
        for arm, n in (d.get("observed") or {}).items()
    ]
    if p is None:
        return words.say("{arms}.", arms=words.join(arms))
    values = {"arms": words.join(arms), "p": words.p_value(p)}
    if any(e.get("sequential") for e in facts.readout["estimates"]):
        told = words.say("{arms}; test that holds at every look, p {p}.", **values)
    else:
        told = words.say("{arms}; chi-squared test p {p}.", **values)
    return words.sentences([told, words.say("Whole clusters are counted.")]) if facts.clustered else told


def by_segment(facts: Facts, d: Row, p: float | None) -> Markup:
    """The segment whose values the groups share least alike."""
    words, limit = facts.words, d.get("threshold") or 0.0
    return words.say(
        "Least alike by {dimension}: chi-squared test p {p} (a warning below {limit}).",
        dimension=facts.segment_name(str(d.get("dimension") or "")),
        p=words.p_value(1.0 if p is None else p),
        limit=words.number(limit, step=significant_step(limit, 1)),
    )


def drift(facts: Facts, d: Row, p: float | None) -> Markup:
    """Whether the groups shared the units alike over the time of assignment, and where least so."""
    words, worst = facts.words, d.get("worst") or {}
    periods, p_value = words.count(d.get("periods") or 0), words.p_value(1.0 if p is None else p)
    told = words.say("Compared over {n} periods of assignment; chi-squared test p {p}.", n=periods, p=p_value)
    if p is None or p >= (d.get("threshold") or 0.0) or not worst.get("shares"):
        return told
    arms = [
        words.say("{arm} {share}", arm=facts.arm(arm), share=words.percent(share, step=-1))
        for arm, share in worst["shares"].items()
    ]
    where = words.say(
        "Furthest off in the period from {day}: {arms}.",
        day=words.day(worst["begins"]),
        arms=words.join(arms),
    )
    return words.sentences([told, where, words.say("Read the effects by phase of assignment.")])


def balance(facts: Facts, d: Row, p: float | None) -> Markup:
    """The largest standardized difference before launch."""
    words, worst = facts.words, d.get("worst")
    if not worst:
        return words.say("No covariate from before launch was given, so this was not compared.")
    return words.say(
        "Largest standardized difference {value} ({column}); up to {limit} passes.",
        value=words.number(worst.get("value") or 0.0, step=-3),
        column=facts.column_name(str(worst.get("column", ""))),
        limit=words.number(d.get("threshold") or 0.1, step=-2),
    )


def split_clusters(facts: Facts, d: Row, p: float | None) -> Markup:
    """Clusters whose units are in more than one group."""
    n = d.get("clusters") or 0
    if not n:
        return facts.words.say("No cluster has {units} in more than one group.", units=facts.units())
    return facts.words.say(
        "{n} clusters have {units} in more than one group; whole clusters should share one group.",
        n=facts.words.count(n),
        units=facts.units(),
    )


def few_clusters(facts: Facts, d: Row, p: float | None) -> Markup:
    """How many clusters there are to compare."""
    words, n = facts.words, facts.words.count(d.get("clusters") or 0)
    told = words.say("{n} clusters.", n=n)
    if (d.get("clusters") or 0) >= 20:
        return told
    return words.sentences(
        [told, words.say("With fewer than 20, intervals rest on rough approximations; read them with care.")]
    )


def unusual_days(facts: Facts, d: Row, p: float | None) -> Markup:
    """Which events of the calendar lie inside, and what became of their days."""
    words, told = facts.words, []
    for e in d.get("events") or []:
        values = {"event": str(e["event"]), "span": words.span(e["first"], e["last"])}
        if e["policy"] == "censor":
            told.append(
                words.say(
                    "{event} ({span}): its orders and events count nowhere, in all groups alike; costs per "
                    "unit and fixed costs count in full.",
                    **values,
                )
            )
        else:
            told.append(words.say("{event} ({span}): inside, in all groups alike.", **values))
    return words.sentences(told)


def reached(facts: Facts, d: Row, p: float | None) -> Markup:
    """How many units of each group an offer reached."""
    words, listed = facts.words, []
    for r in d.get("reach") or []:
        values = {
            "arm": facts.arm(r["arm"]),
            "n": words.count(r["reached"]),
            "all": words.count(r["units"]),
            "share": words.share(r["share"]),
        }
        if r.get("offer") and r["offer"] != r["arm"]:
            offer = facts.arm(r["offer"])
            listed.append(words.say("{offer} in {arm}: {n} of {all} ({share})", offer=offer, **values))
        else:
            listed.append(words.say("{arm}: {n} of {all} ({share})", **values))
    told = words.say("Reached: {list}.", list=words.join(listed))
    if not d.get("weak"):
        return told
    weak = words.say(
        "Assignment hardly changed who was reached in {arms} (first-stage F below {limit}).",
        arms=words.join([facts.arm(a) for a in d["weak"]]),
        limit=words.count(d.get("threshold") or 0.0),
    )
    return words.sentences([told, weak])


def trigger(facts: Facts, d: Row, p: float | None) -> Markup:
    """Which part of each group came to the trigger, and whether alike."""
    words = facts.words
    listed = [
        words.say("{arm} {share}", arm=facts.arm(arm), share=words.share(rate))
        for arm, rate in (d.get("rates") or {}).items()
        if rate is not None
    ]
    told = [words.say("Came to the trigger: {list}.", list=words.join(listed))]
    if p is not None:
        told.append(words.say("Chi-squared test p {p}.", p=words.p_value(p)))
    if not d.get("declared"):
        told.append(
            words.say(
                "The spec does not say how it is logged alike in all groups, so triggered units are not read."
            )
        )
    return words.sentences(told)
