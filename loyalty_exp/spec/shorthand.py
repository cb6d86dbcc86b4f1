"""The short ways of writing: a segment as a word, the program as a path, a shared metric by `use`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from loyalty_exp.errors import Problem, SpecError
from loyalty_exp.spec.document import Document
from loyalty_exp.spec.parse import parse
from loyalty_exp.spec.place import Finding, Path, near
from loyalty_exp.spec.source import text_of

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


@dataclass(slots=True)
class Expanded:
    """A spec written out in full, still plain data.

    Attributes
    ----------
    data : dict
        What the models read.
    program : Document or None
        The program file, when the spec names one.
    findings : list of Finding
    elsewhere : list of Problem
        Problems of the program file as a whole.
    settled : set of tuple
        Paths about which everything is said; what the models say about them is left out.
    """

    data: dict[str, Any]
    program: Document | None = None
    findings: list[Finding] = field(default_factory=list)
    elsewhere: list[Problem] = field(default_factory=list)
    settled: set[Path] = field(default_factory=set)


def expand(data: dict[str, Any], folder: FilePath) -> Expanded:
    """Write a spec out in full."""
    expanded = Expanded(dict(data))
    _program(expanded, folder)
    _segments(expanded)
    _used_metrics(expanded)
    _prices(expanded)
    _refund_days(expanded)
    return expanded


def _program(expanded: Expanded, folder: FilePath) -> None:
    named = expanded.data.get("program")
    if not isinstance(named, str):
        return
    try:
        if not named or "\0" in named:
            raise SpecError((Problem(named, 0, 0, "", "there is no such file"),))
        path = folder / named
        expanded.program = parse(text_of(path, str(path)), str(path))
        expanded.data["program"] = expanded.program.data
    except SpecError as error:
        expanded.settled.add(("program",))
        expanded.data["program"] = None
        if all(p.line == 0 for p in error.problems):
            words = "; ".join(p.message for p in error.problems)
            message, hint = (
                f"'{named}': {words}",
                "name the program file, as seen from the folder of this spec",
            )
            expanded.findings.append(Finding(("program",), message, hint))
        else:
            expanded.elsewhere.extend(error.problems)


def _segments(expanded: Expanded) -> None:
    segments = expanded.data.get("segments")
    if not isinstance(segments, list):
        return
    expanded.data["segments"] = [{"id": s} if isinstance(s, str) else s for s in segments]
    for i, word in enumerate(segments):
        if isinstance(word, str) and not _ID.fullmatch(word):
            message = f"'{word[:60]}' names a column; the segment needs an id of letters, digits, _ and -"
            hint = f"write {{id: my_segment, column: '{word[:60]}'}}"
            expanded.settled.add(("segments", i))
            expanded.findings.append(Finding(("segments", i), message, hint))


def _used_metrics(expanded: Expanded) -> None:
    """Replace ``{use: spend, role: primary}`` by the program's metric with that role."""
    metrics = expanded.data.get("metrics")
    if not isinstance(metrics, list):
        return
    shared = _shared_metrics(expanded.data.get("program"))
    full = list(metrics)
    for i, item in enumerate(metrics):
        if not (isinstance(item, dict) and "use" in item):
            continue
        path: Path = ("metrics", i)
        name = item["use"]
        if isinstance(name, str) and name in shared:
            full[i] = {**shared[name], **{k: v for k, v in item.items() if k != "use"}}
            continue
        expanded.settled.add(path)
        full[i] = {"id": name, **item}
        if ("program",) not in expanded.settled:
            hint = near(name, shared) or "name the program file with program: and define the metric there"
            message = f"'{str(name)[:60]}' is not a metric of the program"
            expanded.findings.append(Finding((*path, "use"), message, hint))
    expanded.data["metrics"] = full


def _shared_metrics(program: object) -> dict[str, dict[str, Any]]:
    metrics = program.get("metrics") if isinstance(program, dict) else None
    items = metrics if isinstance(metrics, list) else []
    return {m["id"]: m for m in items if isinstance(m, dict) and isinstance(m.get("id"), str)}


def _prices(expanded: Expanded) -> None:
    """Replace the name of a price by the price; names that are not there stay, and are found later."""
    program, economics = expanded.data.get("program"), expanded.data.get("economics")
    book = program.get("cost_prices") if isinstance(program, dict) else None
    costs = economics.get("costs") if isinstance(economics, dict) else None
    if not isinstance(book, dict) or not isinstance(costs, list):
        return
    priced = [_priced(line, book) if isinstance(line, dict) else line for line in costs]
    expanded.data["economics"] = {**expanded.data["economics"], "costs": priced}


def _priced(line: dict[str, Any], book: dict[str, Any]) -> dict[str, Any]:
    def number(value: object) -> object:
        entry = book.get(value) if isinstance(value, str) else None
        price = entry.get("price") if isinstance(entry, dict) else None
        return price if isinstance(price, (int, float)) and not isinstance(price, bool) else value

    found = {k: number(v) if k in {"per_unit", "price"} else v for k, v in line.items()}
    names = [line[k] for k in ("per_unit", "price") if k in line and found[k] != line[k]]
    return {**found, "price_of": names[0]} if names and "price_of" not in line else found


def _refund_days(expanded: Expanded) -> None:
    """Take the days in which orders may be refunded from the program, where the spec gives none."""
    program, data = expanded.data.get("program"), expanded.data.get("data")
    schedule = expanded.data.get("schedule")
    maturity = program.get("maturity") if isinstance(program, dict) else None
    days = maturity.get("refund_days") if isinstance(maturity, dict) else None
    sold = isinstance(data, dict) and "transactions" in data
    if sold and type(days) is int and isinstance(schedule, dict) and "refund_days" not in schedule:
        expanded.data["schedule"] = {**schedule, "refund_days": days}
