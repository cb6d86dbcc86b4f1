"""Projected customer value from the repeat-buying models, and its difference between arms.

A projection is a surrogate: it says what the later outcome would be if the models hold, and stands in for
that outcome only as far as past experiments with the long outcome have shown. The models are fitted to each
arm on its own, so nothing an arm does is shrunk towards the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    count : array, shape (n,), optional
        Customers in each row, where equal histories share one; one each when left out.
    margin : array, shape (n,), optional
        Mean contribution margin of a customer of the row. Where it is given, the margin of money spent is
        that of the arm: the sum of these over the sum of what was spent.
    """

    history: PurchaseHistory
    value: Vector
    count: Vector | None = None
    margin: Vector | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.value, self.count, self.margin) if v is not None]
        if any(v.shape != self.history.frequency.shape for v in given):
            raise ValueError("one value for each customer")

    @property
    def customers(self) -> Vector:
        """Customers in each row.

        Shape (n,).
        """
        return np.ones(self.history.n) if self.count is None else self.count


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

    Shape (n,), in money.

    References
    ----------
    Fader, Hardie, Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
    Marketing Research 42, 415-430: transactions and spend are projected apart and multiplied.
    """
    value = np.where(buyers.history.frequency > 0, buyers.value, 0)
    each = expected_spend(spend, buyers.history.frequency, value)
    return np.asarray(over.margin * each * _discounted_purchases(model, buyers.history, over))


def _discounted_purchases(model: BgNbd, known: PurchaseHistory, over: Projection) -> Vector:
    """Purchases expected of each customer, those of each period discounted."""
    total, before = np.zeros(known.n), np.zeros(known.n)
    for k in range(1, over.periods + 1):
        by_then = expected_later_purchases(model, known, k * over.period)
        total, before = total + (by_then - before) / (1 + over.discount) ** k, by_then
    return total


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
    arms = [_Arm.of(treated), _Arm.of(control)]
    whole = [arm.fitted(arm.buyers.customers, None) for arm in arms]
    means = [arm.mean(arm.buyers.customers, m, over) for arm, m in zip(arms, whole, strict=True)]
    values, failed = np.empty(replicates), 0
    for i in range(replicates):
        found = []
        for arm, start in zip(arms, whole, strict=True):
            n = arm.buyers.customers
            count = rng.multinomial(round(n.sum()), n / n.sum()).astype(np.float64)
            try:
                found.append(arm.mean(count, arm.fitted(count, start), over))
            except NotEstimable:
                found.append(math.nan)
        values[i] = found[0] - found[1]
        failed += math.isnan(values[i])
    if failed:
        raise NotEstimable(f"the models could not be fitted in {failed:,} of {replicates:,} resamples")
    return Replicates(means[0] - means[1], values)


Models = tuple[BgNbd, GammaGamma]


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """Customers of an arm, with the rows that either model tells apart.

    Attributes
    ----------
    buying : PurchaseHistory
        Each history once.
    at_buying, at_spend : array of int, shape (n,)
        Row of each customer among them.
    frequency, value : array
        Each pair once.
    """

    buyers: Buyers
    buying: PurchaseHistory
    at_buying: npt.NDArray[np.int64]
    frequency: Vector
    value: Vector
    at_spend: npt.NDArray[np.int64]

    @classmethod
    def of(cls, buyers: Buyers) -> _Arm:
        h = buyers.history
        rows, at = np.unique(np.stack([h.frequency, h.recency, h.age]), axis=1, return_inverse=True)
        spent = np.where(h.frequency > 0, buyers.value, 0.0)
        pairs, where = np.unique(np.stack([h.frequency, spent]), axis=1, return_inverse=True)
        return cls(buyers, PurchaseHistory(*rows), at.ravel(), pairs[0], pairs[1], where.ravel())

    def fitted(self, count: Vector, start: Models | None) -> Models:
        """Fit both models to so many customers of each row, from the fit of all for a resample."""
        buying, spend = start or (None, None)
        of_histories = np.bincount(self.at_buying, count, self.buying.n).astype(np.float64)
        of_pairs = np.bincount(self.at_spend, count, len(self.frequency)).astype(np.float64)
        first = start is None
        return (
            model_of(fit_bg_nbd(self.buying, of_histories, buying, first)),
            spend_model_of(fit_gamma_gamma(self.frequency, self.value, of_pairs, spend, first)),
        )

    def mean(self, count: Vector, models: Models, over: Projection) -> float:
        """Mean projected value, of so many customers of each row."""
        buying, spend = models
        purchases = _discounted_purchases(buying, self.buying, over)[self.at_buying]
        each = expected_spend(spend, self.frequency, self.value)[self.at_spend]
        projected = float(np.average(each * purchases, weights=count))
        return over.margin * margin_share(self.buyers, count) * projected


def fitted_models(buyers: Buyers) -> Models:
    """Fit both models to an arm.

    Raises
    ------
    NotEstimable
        When one cannot be fitted.
    """
    return _Arm.of(buyers).fitted(buyers.customers, None)


def mean_value(buyers: Buyers, models: Models, over: Projection) -> float:
    """Mean projected value over the customers of an arm."""
    return _Arm.of(buyers).mean(buyers.customers, models, over)


def margin_share(buyers: Buyers, count: Vector) -> float:
    """Contribution margin of the arm for money spent; 1 where the projection holds it already.

    Parameters
    ----------
    count : array, shape (n,)
        Customers in each row.

    Raises
    ------
    NotEstimable
        If nothing was spent.
    """
    if buyers.margin is None:
        return 1.0
    bought = buyers.history.frequency > 0
    spent = float(count[bought] @ (buyers.history.frequency * buyers.value)[bought])
    if not spent > 0:
        raise NotEstimable("nothing was spent")
    return float(count @ buyers.margin) / spent
