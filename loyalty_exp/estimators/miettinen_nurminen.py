"""Difference of two proportions by the score method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.means import ArmMeans
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.proportions import miettinen_nurminen

ALL_OR_NONE = "in one of the arms it happened to all units or to none, so the relative lift has no interval"


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; the column holds 0 and 1 only."""
    (column,) = outcome
    x_t, t = _proportion(treated, column, "the treatment arm")
    x_c, c = _proportion(control, column, "the control arm")
    absolute = miettinen_nurminen(x_t, t.n, x_c, c.n, alpha)
    found = effect("miettinen_nurminen", t, c, alpha, absolute=absolute)
    if x_c > 0 and (x_t in (0, t.n) or x_c == c.n):
        # A variance estimated as 0 is not certainty: this lift has a value, but no interval from the means.
        return replace(found, relative=RelativeLift(found.relative.estimate, None, None, None, ALL_OR_NONE))
    return found


def successes(moments: Moments, column: str) -> tuple[int, int]:
    """Successes and units of an arm whose column holds 0 and 1 only."""
    return round(moments.n * moments.mean_of(column)), moments.n


def _proportion(moments: Moments, column: str, name: str) -> tuple[int, ArmMeans]:
    """Successes of one arm, and the proportion with its unpooled variance ``p (1 - p) / n``."""
    if moments.n < 2:
        raise NotEstimable(f"{'one unit' if moments.n == 1 else 'no units'} in {name}")
    x = round(moments.n * moments.mean_of(column))
    p = x / moments.n
    variance = np.array([[p * (1 - p) / moments.n]])
    return x, ArmMeans(moments.n, (column,), np.array([p]), variance, float(moments.n - 1))


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
