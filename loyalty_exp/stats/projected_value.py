"""Projected customer value from the repeat-buying models, and its difference between arms.

A projection is a surrogate: it says what the later outcome would be if the models hold, and stands in for
that outcome only as far as past experiments with the long outcome have shown. The models are fitted to each
arm on its own, so nothing an arm does is shrunk towards the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.purchase_history import PurchaseHistory
from loyalty_exp.stats.repeat_buying import BgNbd, expected_later_purchases, fit_bg_nbd, model_of
from loyalty_exp.stats.replicates import Replicates
from loyalty_exp.stats.spend_per_purchase import (
    GammaGamma,
    expected_spend,
    fit_gamma_gamma,
    spend_model_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Buyers:
    """Customers of one arm at the end of the window.

    Attributes
    ----------
    history : PurchaseHistory
        Washed out: it should not hold the burst that the campaign itself caused.
    value : array, shape (n,)
        Mean money a repeat purchase; not read where there is none.
    """

    history: PurchaseHistory
    value: Vector

    def __post_init__(self) -> None:
        if self.value.shape != self.history.frequency.shape:
            raise ValueError("one value for each customer")


@dataclass(frozen=True, slots=True)
class Projection:
    """What is projected.

    Attributes
    ----------
    periods : int
        How many.
    period : float
        Length of one, in the time of the histories.
    discount : float
        For each period.
    margin : float
        Share of the money spent that is contribution margin.
    """

    periods: int
    period: float
    discount: float = 0.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        if self.periods < 1 or not self.period > 0 or not self.discount > -1:
            raise ValueError("at least one period of a length above 0, and a discount above -1")


def projected_values(buyers: Buyers, model: BgNbd, spend: GammaGamma, over: Projection) -> Vector:
    """Discounted margin each customer is expected to bring after the window.

    References
    ----------
    Fader, Hardie, Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
    Marketing Research 42, 415-430: transactions and spend are projected apart and multiplied.
    """
    total, before = np.zeros(buyers.history.n), np.zeros(buyers.history.n)
    for k in range(1, over.periods + 1):
        by_then = expected_later_purchases(model, buyers.history, k * over.period)
        total, before = total + (by_then - before) / (1 + over.discount) ** k, by_then
    each = expected_spend(
        spend, buyers.history.frequency, np.where(buyers.history.frequency > 0, buyers.value, 0)
    )
    return np.asarray(over.margin * each * total)


def projected_difference(
    treated: Buyers, control: Buyers, over: Projection, replicates: int, rng: np.random.Generator
) -> Replicates:
    """Difference of mean projected value between arms; every resample fits the models again.

    Without the refit the interval would take the parameters for known. The data must determine every
    parameter; a resample may leave one at its limit, where the projection still stands.

    Parameters
    ----------
    treated, control : Buyers
    over : Projection
    replicates : int
        Resamples of the customers of each arm.
    rng : numpy.random.Generator

    Raises
    ------
    NotEstimable
        When a model cannot be fitted, in the data or in a resample; the reason counts them.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall, section 8.3 (two samples).
    """
    if replicates < 1:
        raise ValueError("at least one replicate")
    whole = [_fitted(arm, None, None) for arm in (treated, control)]
    means = [_mean(arm, m, over, None) for arm, m in zip((treated, control), whole, strict=True)]
    values, failed = np.empty(replicates), 0
    for i in range(replicates):
        found = []
        for arm, start in zip((treated, control), whole, strict=True):
            n = arm.history.n
            count = rng.multinomial(n, np.full(n, 1 / n)).astype(np.float64)
            try:
                found.append(_mean(arm, _fitted(arm, count, start), over, count))
            except NotEstimable:
                found.append(math.nan)
        values[i] = found[0] - found[1]
        failed += math.isnan(values[i])
    if failed:
        raise NotEstimable(f"the models could not be fitted in {failed:,} of {replicates:,} resamples")
    return Replicates(means[0] - means[1], values)


def absolute_percentage_error(predicted: Sequence[float], actual: Sequence[float]) -> float:
    """Mean over periods of ``|predicted - actual| / |actual|``, from a backtest.

    Raises
    ------
    NotEstimable
        Without a period, or where an actual value is 0.
    """
    if len(predicted) != len(actual):
        raise ValueError("as many predictions as actual values")
    if not len(actual) or any(a == 0 for a in actual):
        raise NotEstimable("a percentage error needs actual values other than 0")
    return math.fsum(abs(p - a) / abs(a) for p, a in zip(predicted, actual, strict=True)) / len(actual)


def with_backtest_error(found: Replicates, error: float) -> float:
    """Standard error with the error of the models added: ``sqrt(se^2 + (error * estimate)^2)``.

    ``error`` is the percentage error of a backtest, as a fraction, read as a standard deviation of the
    projected difference relative to its size.
    """
    if not error >= 0:
        raise ValueError("a backtest error is not negative")
    return math.hypot(found.std_error, error * found.estimate)


Models = tuple[BgNbd, GammaGamma]


def _fitted(arm: Buyers, count: Vector | None, start: Models | None) -> Models:
    buying, spend = start or (None, None)
    data = arm.history
    return (
        model_of(fit_bg_nbd(data, count, buying, start is None)),
        spend_model_of(fit_gamma_gamma(data.frequency, arm.value, count, spend, start is None)),
    )


def _mean(arm: Buyers, models: Models, over: Projection, count: Vector | None) -> float:
    return float(np.average(projected_values(arm, *models, over), weights=count))
