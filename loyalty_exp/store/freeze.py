"""What a lock freezes: the canonical JSON of a spec, its hash, and the names of what differs between two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from loyalty_exp.grammar import canonical
from loyalty_exp.spec.experiment import Experiment

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A resolved spec as text, with its hash and that of the program it belongs to."""

    id: str
    spec: str
    sha256: str
    program_sha256: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: its path, and both values as JSON text."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new}"


def freeze(experiment: Experiment) -> Frozen:
    """Freeze a spec with everything it refers to: shared metrics, prices and points stand inside it."""
    values = canonical(experiment)
    text = canonical_text(values)
    return Frozen(experiment.experiment, text, sha256(text), sha256(canonical_text(values["program"])))


def canonical_text(value: Any) -> str:
    """Write JSON with the same bytes for the same content, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text: str) -> str:
    """Hash a text as UTF-8, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def changes_since(locked: str, now: str) -> tuple[Change, ...]:
    """Name what differs between a locked spec and one of today.

    A later version of the package may know keys that the lock does not; a key that has its default is no
    change. So the locked text is read by the grammar of today first, where that still reads it.
    """
    if locked == now:
        return ()
    return differences(_as_read_today(locked), json.loads(now))


def differences(old: Any, new: Any) -> tuple[Change, ...]:
    """Name every path at which two JSON values differ, in the order of the paths."""
    return tuple(Change(path or "(all)", _shown(a), _shown(b)) for path, a, b in _walk("", old, new))


class _Absent:
    """Stands for a key that is not there."""


_NOTHING = _Absent()


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _walk(
                f"{path}.{key}" if path else str(key), old.get(key, _NOTHING), new.get(key, _NOTHING)
            )
    elif (named := (_by_id(old), _by_id(new))) and named[0] is not None and named[1] is not None:
        if list(named[0]) != list(named[1]) and named[0].keys() == named[1].keys():
            yield f"{path} (order)", list(named[0]), list(named[1])
        for key in dict.fromkeys([*named[0], *named[1]]):
            yield from _walk(f"{path}[{key}]", named[0].get(key, _NOTHING), named[1].get(key, _NOTHING))
    elif _same(old, new):
        return
    else:
        yield path, old, new


def _same(old: Any, new: Any) -> bool:
    """Compare as JSON would be written: 1 is not true."""
    if isinstance(old, _Absent) or isinstance(new, _Absent):
        return old is new
    return canonical_text(old) == canonical_text(new)


def _by_id(value: Any) -> dict[str, Any] | None:
    """Give a list of things that have ids as a mapping; None for anything else."""
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(v, Mapping) and isinstance(v.get("id"), str) for v in value):
        return None
    named = {v["id"]: v for v in value}
    return named if len(named) == len(value) else None


def _shown(value: Any) -> str:
    if isinstance(value, _Absent):
        return ABSENT
    text = canonical_text(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _as_read_today(locked: str) -> Any:
    try:
        return canonical(Experiment.model_validate_json(locked))
    except ValidationError:
        return json.loads(locked)
