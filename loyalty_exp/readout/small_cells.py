"""Segment cells of too few units: no effect, no size and, where it could name a person, no value is told.

A cell with fewer than ``analysis.min_cell`` units in an arm carries no figure. A value that fewer than
`FEW` units share may be the name of one of them (a column of addresses taken for a segment), so that such
values are gathered into one row without a name. What the hidden cells of a dimension hold together is the
whole less the shown ones; where that would be fewer than `FEW` units, the smallest shown cell is hidden
too, as statistical offices do (complementary suppression).

References
----------
Hundepool et al. (2012), Statistical Disclosure Control, Wiley, on tables. Sweeney (2002), k-anonymity, Int.
J. Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 557-570: no group of fewer than k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyalty_exp.readout.result import Estimate

FEW = 10
"""Units below which a value may be a person's."""

UNNAMED = f"(fewer than {FEW} units)"
"""Stands for the values that are not named."""

COMPLEMENT = "shown, it would give away a smaller cell"


def hide_small(cells: Sequence[Estimate]) -> list[Estimate]:
    """Take from the cells of too few units, which are marked as suppressed, all that they would give away."""
    groups: dict[tuple[str, str, str], list[Estimate]] = defaultdict(list)
    for e in cells:
        assert e.segment is not None
        groups[e.metric, e.treatment, e.segment["dimension"]].append(e)
    return [e for group in groups.values() for e in _of_dimension(group)]


def _of_dimension(group: list[Estimate]) -> list[Estimate]:
    hidden = sum(_units(e) for e in group if e.suppressed)
    shown = [e for e in group if not e.suppressed]
    spared = min(shown, key=_units) if shown and 0 < hidden < FEW else None
    found, unnamed = [], None
    for e in group:
        if e is spared:
            found.append(_blank(replace(e, not_estimable=COMPLEMENT)))
        elif not e.suppressed:
            found.append(e)
        elif _units(e) >= FEW:
            found.append(_blank(e))
        else:
            unnamed = unnamed or e
    if unnamed is not None:
        assert unnamed.segment is not None
        found.append(_blank(replace(unnamed, segment={**unnamed.segment, "value": UNNAMED})))
    return found


def _units(e: Estimate) -> int:
    return (e.units_treatment or 0) + (e.units_control or 0)


def _blank(e: Estimate) -> Estimate:
    return replace(
        e,
        units_treatment=None,
        units_control=None,
        mean_treatment=None,
        mean_control=None,
        absolute=None,
        relative=None,
        sequential=None,
        variance_reduction=None,
        guardrail=None,
        suppressed=True,
        facts=None,
    )
