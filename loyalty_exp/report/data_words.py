"""What the checks of the data found: missing, implausible and odd rows, in words with their numbers."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from loyalty_exp.report.check_names import TABLES
from loyalty_exp.report.facts import Facts, Row


def outlier(facts: Facts, d: Row, p: float | None) -> Markup:
    """Values that no money and no count of a program reaches."""
    words = facts.words
    return words.say(
        "{n} {units} with a value beyond {limit} in {column}; correct it, or give the metric a cap.",
        n=words.count(d.get("rows") or 0),
        units=facts.units(),
        limit=words.count(d.get("limit") or 0.0),
        column=facts.column_name(str(d.get("column", ""))),
    )


def skewed(facts: Facts, d: Row, p: float | None) -> Markup:
    """Metrics whose intervals may miss more often on one side."""
    words = facts.words
    return words.say(
        "{metrics}: values are so skewed, in groups of unequal size or spread, that a Welch interval misses "
        "more often on one side. Consider a capped reading or a randomization test beside it.",
        metrics=words.join([facts.metric_name(str(m)) for m in d.get("metrics") or []]),
    )


def missing(facts: Facts, d: Row, p: float | None) -> Markup:
    """Missing outcomes by column."""
    words = facts.words
    columns = [c for c in d.get("columns") or [] if c.get("units")]
    if not columns:
        return words.say("No outcome is missing.")
    listed = words.join(
        [
            words.say("{name} {n}", name=facts.column_name(str(c["column"])), n=words.count(c["units"]))
            for c in columns[:4]
        ]
    )
    worst = d.get("worst_p")
    if worst is None:
        return words.say("Missing outcomes: {list}.", list=listed)
    return words.say(
        "Missing outcomes: {list}; test for a difference between groups p {p}.",
        list=listed,
        p=words.p_value(worst),
    )


def other(facts: Facts, d: Row, p: float | None) -> Markup:
    """Rows found with the money they hold, metrics named, or only a p-value."""
    words = facts.words
    if d.get("rows") is not None:
        values: dict[str, Any] = {
            "n": words.count(d["rows"]),
            "share": words.share(d.get("share") or 0.0),
        }
        if d.get("table"):
            table = TABLES.get(str(d["table"]))
            named = str(words.say(table)) if table else str(d["table"]).replace("_", " ")
            return words.say("{n} found ({share}) in the {table}.", table=named, **values)
        if d.get("total") is not None and not facts.invalid:
            return words.say(
                "{n} found ({share}), {amount} in all.", amount=words.exact(d["total"]), **values
            )
        return words.say("{n} found ({share}).", **values)
    if d.get("metrics"):
        return words.say(
            "Metrics: {list}.", list=words.join([facts.metric_name(str(m)) for m in d["metrics"]])
        )
    if p is not None:
        return words.say("p {p}.", p=words.p_value(p))
    return words.say("No further numbers.")
