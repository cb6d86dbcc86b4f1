"""The pre-registration: what was promised before the results, as a document for people and reviewers.

It is made from the store alone, so that making it again gives the same bytes. The salt is not in it: who
knows it can work out arms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from loyalty_exp.grammar import in_language
from loyalty_exp.store.freeze import changes_since
from loyalty_exp.store.repository import History

FILE = "preregistration.md"


def preregistration(found: History) -> str:
    """Write the document of an experiment that has been locked.

    Raises
    ------
    ValueError
        If it has not.
    """
    if found.lock is None:
        raise ValueError(f"{found.id} is not locked")
    spec = json.loads(found.lock.spec)
    parts = [
        f"# Pre-registration: {_safe(in_language(spec['name'], 'en', found.id))}",
        _quoted(in_language(spec["question"], "en")),
        _table(("Registered", ""), _registered(found)),
        "## Versions",
        *_versions(found),
        "## Design",
        _table(("What", "Registered"), _design(spec)),
        "## Metrics",
        _table(("Metric", "Type", "Role", "Better when it"), _metrics(spec)),
        "## Rule",
        "The decision follows this rule. Who decides otherwise says why.",
        _block({"decision": spec["decision"], "analysis": spec["analysis"], "economics": spec["economics"]}),
        "## The whole spec",
        "Every default is written out. The lock is the SHA-256 of this content as canonical JSON, salts "
        "included; they are kept in the store and left out here.",
        _block(_without_salts(spec)),
    ]
    return "\n\n".join(parts) + "\n"


def _registered(found: History) -> list[tuple[str, str]]:
    lock = found.lock
    assert lock is not None
    return [
        ("Experiment", f"`{found.id}`"),
        ("Spec file", f"`{_code(found.spec_file)}`"),
        ("Lock (SHA-256)", f"`{lock.sha256}`"),
        ("Program (SHA-256)", f"`{lock.program_sha256}`"),
        ("Version", str(lock.version)),
        ("Locked at", f"{lock.locked_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("loyalty-exp", _safe(lock.package_version)),
    ]


def _versions(found: History) -> list[str]:
    written = []
    for number, lock in enumerate(found.locks):
        looks = "" if not lock.looks_before else f", after {lock.looks_before} recorded look(s) at outcomes"
        head = f"**Version {lock.version}**, {lock.locked_at:%Y-%m-%d %H:%M:%S} UTC{looks}, `{lock.sha256}`"
        if number == 0:
            written.append(f"{head}: first registration.")
            continue
        written.append(f"{head}: {_safe(lock.reason or 'no reason recorded')}")
        changes = changes_since(found.locks[number - 1].spec, lock.spec)
        written.append(
            "\n".join(
                f"- `{_code(c.path)}`"
                + ("" if "salt" in c.path else f": `{_code(c.old)}` became `{_code(c.new)}`")
                for c in changes
            )
            or "- nothing but keys that this version of loyalty-exp no longer knows"
        )
    return written


def _design(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    schedule, arms = spec["schedule"], spec["arms"]
    if isinstance(arms, list):
        told = [f"{_safe(a['id'])} (share {_safe(str(a['share']))})" for a in arms]
    else:
        told = [_safe(a) for a in (arms["control"], *arms["treatments"])]
    return [
        ("Unit", _safe(spec["cluster"] or spec["unit"])),
        ("Arms", ", ".join(told)),
        ("Offer", f"{schedule['start'] or 'not said'} to {schedule['end'] or 'not said'}"),
        ("Outcome window", f"{schedule['outcome_days']} days" if schedule["outcome_days"] else "not said"),
        ("Data to", schedule["data_to"] or "not said"),
        ("Level", f"alpha {spec['analysis']['alpha']:g}"),
        ("Segments", ", ".join(_safe(s["id"]) for s in spec["segments"]) or "none"),
    ]


def _metrics(spec: Mapping[str, Any]) -> list[tuple[str, ...]]:
    better = {"increase": "rises", "decrease": "falls"}
    return [
        (
            _safe(m["id"]),
            _safe(str(m.get("type", ""))),
            _safe(str(m.get("role", ""))),
            better.get(str(m.get("direction")), "-"),
        )
        for m in spec["metrics"]
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _without_salts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            k: "(kept in the store)" if k == "salt" and v else _without_salts(v) for k, v in value.items()
        }
    return [_without_salts(v) for v in value] if isinstance(value, list) else value


def _block(value: Any) -> str:
    """Write JSON in a fence that its content cannot close."""
    return "~~~~json\n" + json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n~~~~"


def _quoted(text: str) -> str:
    return f"> {_safe(text)}"


def _safe(text: str) -> str:
    """Write text so that Markdown and HTML read nothing into it."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~])", r"\\\1", flat)


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'").replace("|", "/")
