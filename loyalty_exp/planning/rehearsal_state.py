"""What a rehearsal has done so far, in a file that is always whole, for a later call to go on from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loyalty_exp.workspace import make_folder, write_text

SCHEMA = "loyalty-exp/rehearsal-state/v2"

PAUSE = 5.0
"""Seconds between two writes."""


@dataclass(slots=True)
class State:
    """Records by scenario, in the order of the rehearsals."""

    path: Path | None
    key: str
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    written: int = 0
    last: float = field(default_factory=time.monotonic)

    @classmethod
    def at(cls, path: Path | None, key: str) -> State:
        """Find what a run of the same key has done; begin anew where there is no such run."""
        state = cls(path, key)
        if path is None or not path.is_file():
            return state
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return state
        if isinstance(found, dict) and found.get("schema") == SCHEMA and found.get("key") == key:
            state.records = {str(k): list(v) for k, v in found["records"].items()}
            state.written = state.done
        return state

    @property
    def done(self) -> int:
        """Rehearsals that are done in every scenario."""
        return min((len(r) for r in self.records.values()), default=0)

    def add(self, found: Mapping[str, dict[str, Any]]) -> None:
        """Add the records of the next rehearsal, all scenarios at once."""
        for name in found:
            self.records.setdefault(name, [])
        for name, record in found.items():
            self.records[name].append(record)

    def keep_now_and_then(self) -> None:
        """Write what is done, unless it was written a moment ago."""
        if time.monotonic() - self.last > PAUSE:
            self.keep()

    def keep(self) -> None:
        """Write what is done."""
        self.last = time.monotonic()
        if self.path is None or self.done == self.written:
            return
        done = self.done
        records = {name: found[:done] for name, found in self.records.items()}
        text = json.dumps({"schema": SCHEMA, "key": self.key, "records": records}, separators=(",", ":"))
        make_folder(self.path.parent)
        write_text(self.path, text)
        self.written = done
