"""What the grouped query answered: keys and figures, before they are moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.outcomes.products import Layout
from loyalty_exp.outcomes.unit_table import MISSING


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of one grouped query: keys as text, figures as numbers; figures of rows can be added."""

    layout: Layout
    keys: list[tuple[Any, ...]]
    figures: npt.NDArray[np.float64]

    def of(self, arm: str, position: int | None = None, value: str = "") -> npt.NDArray[np.float64]:
        """Sum the figures of an arm, or of an arm in one segment value."""
        rows = [
            i
            for i, key in enumerate(self.keys)
            if key[0] == arm and (position is None or shown(key[1 + position]) == value)
        ]
        return np.asarray(self.figures[rows].sum(axis=0), dtype=np.float64)


def shown(value: object) -> str:
    """Name a segment value."""
    return str(value) if value is not None and value != "" else MISSING
