"""One-sided tests and bounds, for margins; the tests of effects are two-sided."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import t_one_sided, t_quantile
from loyalty_exp.stats.effect import Difference

Alternative = Literal["greater", "less"]


@dataclass(frozen=True, slots=True)
class OneSided:
    """A one-sided test with the interval that inverts it.

    Attributes
    ----------
    statistic : float
        Estimate minus the null value, over the standard error.
    df : float or None
        None for a normal reference.
    p_value, log_p_value : float
        ``p_value < alpha`` exactly when the interval excludes the null value.
    ci_lower, ci_upper : float
        One of them is infinite.
    """

    statistic: float
    df: float | None
    p_value: float
    log_p_value: float
    ci_lower: float
    ci_upper: float


def one_sided(difference: Difference, alternative: Alternative, alpha: float, null: float = 0.0) -> OneSided:
    """Turn a two-sided result into a one-sided one.

    Parameters
    ----------
    difference : Difference
        By a method whose interval is estimate plus or minus a multiple of the standard error.
    alternative : str
        ``greater`` bounds from below, ``less`` from above.
    alpha : float
        One-sided.
    null : float
        In the unit of the difference.

    Raises
    ------
    NotEstimable
        When nothing varies.

    References
    ----------
    Lehmann & Romano (2005), Testing Statistical Hypotheses, 3rd edition, Springer, section 3.5.
    """
    if alternative not in ("greater", "less"):
        raise ValueError(f"the alternative is greater or less, not {alternative}")
    if not difference.std_error:
        raise NotEstimable("nothing varies")
    df = math.inf if difference.df is None else difference.df
    sign = 1.0 if alternative == "greater" else -1.0
    statistic = (difference.estimate - null) / difference.std_error
    p, log_p = t_one_sided(sign * statistic, df)
    bound = difference.estimate - sign * t_quantile(1 - alpha, df) * difference.std_error
    low, high = (bound, math.inf) if sign > 0 else (-math.inf, bound)
    return OneSided(statistic, difference.df, p, log_p, low, high)
