"""Difference of two proportions by the score method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.proportions import miettinen_nurminen

if TYPE_CHECKING:
    from loyalty_exp.stats.exact import Exact

ALL_OR_NONE = "in one of the arms it happened to all units or to none, so the relative lift has no interval"

TOLERANCE = 1e-9
"""Rounding of an engine's mean and spread, as a share of the units."""


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; the column holds 0 and 1 only."""
    (column,) = outcome
    enough_units(treated, control)
    x_t, t = _proportion(treated, column)
    x_c, c = _proportion(control, column)
    absolute = miettinen_nurminen(x_t, t.n, x_c, c.n, alpha)
    found = effect("miettinen_nurminen", t, c, alpha, absolute=absolute)
    if x_c > 0 and (x_t in (0, t.n) or x_c == c.n):
        # A variance estimated as 0 is not certainty: this lift has a value, but no interval from the means.
        return replace(found, relative=RelativeLift(found.relative.estimate, None, None, None, ALL_OR_NONE))
    return found


def with_exact_test(
    name: str,
    test: Callable[[int, int, int, int], Exact],
    treated: Moments,
    control: Moments,
    outcome: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Give the score interval beside the p-value of an exact test, which has no interval of its own.

    Parameters
    ----------
    name : str
        Of the estimator.
    test : callable
        Of successes and units of the treated and of control.
    alpha : float
        Two-sided.
    """
    found = replace(estimate(treated, control, outcome, (), alpha), estimator=name)
    (column,) = outcome
    if found.absolute.p_value is None:  # it happened to all or to nobody: there is nothing to test
        return found
    exact = test(*successes(treated, column), *successes(control, column))
    absolute = replace(found.absolute, p_value=exact.p_value, log_p_value=exact.log_p_value)
    return replace(found, absolute=absolute)


def successes(moments: Moments, column: str) -> tuple[int, int]:
    """Successes and units of an arm whose column holds 0 and 1 only.

    Raises
    ------
    ValueError
        For moments that no such column has: its sum is a whole number, its spread ``n p (1 - p)``.
    """
    n, p = moments.n, moments.mean_of(column)
    spread = float(moments.select((column,)).comoment[0, 0])
    x = round(n * p) if math.isfinite(n * p) else -1
    if not (0 <= x <= n and abs(n * p - x) < TOLERANCE * n and abs(spread - n * p * (1 - p)) < TOLERANCE * n):
        raise ValueError(f"the column {column} of a proportion holds other values than 0 and 1")
    return x, n


def _proportion(moments: Moments, column: str) -> tuple[int, ArmMeans]:
    """Successes of one arm, and the proportion with its unpooled variance ``p (1 - p) / n``."""
    x, n = successes(moments, column)
    p = x / n
    variance = np.array([[p * (1 - p) / n]])
    return x, ArmMeans(n, (column,), np.array([p]), variance, float(n - 1))


MIETTINEN_NURMINEN = Estimator(
    "miettinen_nurminen",
    {
        "en": "Difference of proportions with the score test and interval of Miettinen and Nurminen (1985); "
        "relative lift with Fieller's interval.",
        "zh-CN": "比例差，采用 Miettinen 与 Nurminen（1985）得分检验与区间；相对提升采用 Fieller 区间。",
    },
    estimate,
    fits=("proportion",),
)
