"""What one comparison of two arms yields: the difference, the relative lift, and how sure we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Difference:
    """An absolute difference, in the unit of the metric.

    Attributes
    ----------
    estimate, ci_lower, ci_upper : float
        The interval is two-sided at the declared alpha.
    std_error : float or None
        0 when nothing varies; None where the method has none (ranks, randomization).
    p_value : float or None
        Two-sided; None when the test does not exist.
    log_p_value : float or None
        Natural logarithm of the p-value, finite where the p-value itself underflows to 0.
    df : float or None
        Degrees of freedom of the reference t distribution; None for a normal or score reference.
    """

    estimate: float
    std_error: float | None
    ci_lower: float
    ci_upper: float
    p_value: float | None
    log_p_value: float | None = None
    df: float | None = None


@dataclass(frozen=True, slots=True)
class RelativeLift:
    """A relative difference, a fraction of the control mean (0.12 is +12 %).

    Attributes
    ----------
    estimate, std_error, ci_lower, ci_upper : float or None
        None where the quantity does not exist; both bounds are None when the set is unbounded.
    not_bounded : str
        Why there is no bounded interval; empty when there is one.
    """

    estimate: float | None
    std_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    not_bounded: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """The answer of one estimator for one metric, one treatment arm against control.

    Attributes
    ----------
    estimator : str
        Name under which the estimator is listed.
    n_treated, n_control : int
        Units that entered.
    mean_treated, mean_control : float
        Means (or ratios), adjusted where the estimator adjusts.
    absolute : Difference
    relative : RelativeLift
    variance_reduction : float or None
        Share of the variance removed by the covariates; None when nothing was adjusted.
    facts : mapping of name to float
        Further numbers of the estimator, such as the probability of a larger value.
    """

    estimator: str
    n_treated: int
    n_control: int
    mean_treated: float
    mean_control: float
    absolute: Difference
    relative: RelativeLift
    variance_reduction: float | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
