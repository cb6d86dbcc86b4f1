"""Comparisons that are not causal, as the readout tells them beside the causal one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NaiveFigureFacts:
    """One comparison that is not causal: the mean of one group and of the other, a unit.

    ``relative`` is a fraction of the other mean, null where that is not above 0. For ``before_after`` the
    other group is the same units before, in as many days; market-adjusted, what growth would have made of it.
    """

    comparison: str
    units: int | None = None
    units_other: int | None = None
    mean: float | None = None
    mean_other: float | None = None
    difference: float | None = None
    relative: float | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class NaiveFacts:
    """Comparisons of one treatment that are not causal; the causal estimate of the same metric decides."""

    treatment: str
    control: str
    metric: str
    figures: tuple[NaiveFigureFacts, ...]
