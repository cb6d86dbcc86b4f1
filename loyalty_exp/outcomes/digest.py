"""The fingerprint of the data: the same tables give the same digest, other ones another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from loyalty_exp.outcomes.measure import Measured
from loyalty_exp.outcomes.overflow import as_summed
from loyalty_exp.stats.moments import Moments


def digest(described: Mapping[str, object], measured: Measured) -> str:
    """SHA-256 over columns and row counts of the tables, and all sufficient statistics at full precision."""
    whole: dict[str, Any] = {
        "tables": dict(described),
        "units": dict(measured.units),
        "missing": {name: dict(by_arm) for name, by_arm in measured.missing.items()},
        "overall": {b: {arm: _plain(m) for arm, m in arms.items()} for b, arms in measured.overall.items()},
        "segments": [
            [
                cell.dimension,
                cell.value,
                {b: {arm: _plain(m) for arm, m in arms.items()} for b, arms in blocks.items()},
            ]
            for cell, blocks in measured.segments.items()
        ],
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(m: Moments) -> list[Any]:
    m = as_summed(m)
    return [m.n, [float(x).hex() for x in m.mean], [float(x).hex() for x in m.comoment.ravel()]]
