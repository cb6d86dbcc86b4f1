"""Are two arms alike within limits? Two one-sided tests."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.one_sided import one_sided


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Both one-sided tests, and the interval that lies between the limits when both reject.

    Attributes
    ----------
    p_lower, p_upper : float
        That the difference is above the lower, and below the upper limit.
    p_value, log_p_value : float
        The larger of the two.
    ci_lower, ci_upper : float
        Interval of the difference at ``1 - 2 alpha``.
    equivalent : bool
    """

    p_lower: float
    p_upper: float
    p_value: float
    log_p_value: float
    ci_lower: float
    ci_upper: float
    equivalent: bool


def equivalence(difference: Difference, low: float, high: float, alpha: float) -> Equivalence:
    """Test that a difference lies strictly between two limits.

    Parameters
    ----------
    difference : Difference
        By a method whose interval is estimate plus or minus a multiple of the standard error.
    low, high : float
        Limits, in the unit of the difference.
    alpha : float
        One-sided, of each test and of both together.

    Raises
    ------
    NotEstimable
        When nothing varies.

    References
    ----------
    Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach, Journal of
    Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    if not low < high:
        raise ValueError(f"the lower limit {low} is not below the upper limit {high}")
    above = one_sided(difference, "greater", alpha, low)
    below = one_sided(difference, "less", alpha, high)
    worse = above if above.log_p_value > below.log_p_value else below
    return Equivalence(
        above.p_value,
        below.p_value,
        worse.p_value,
        worse.log_p_value,
        above.ci_lower,
        below.ci_upper,
        worse.p_value < alpha,
    )
