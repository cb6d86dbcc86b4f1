"""What the repeat-buying models need of each customer: how often, how recently, watched for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseHistory:
    """Repeat purchases of n customers, time counted from each one's first purchase.

    Attributes
    ----------
    frequency : array, shape (n,)
        Days with a repeat purchase; the first purchase is not counted.
    recency : array, shape (n,)
        Time of the last purchase, in any unit of time; 0 where frequency is 0.
    age : array, shape (n,)
        How long the customer has been watched (``T`` in the papers), same unit.

    Raises
    ------
    ValueError
        For histories that no customer can have; the message counts them.
    """

    frequency: Vector
    recency: Vector
    age: Vector

    def __post_init__(self) -> None:
        if not self.frequency.ndim == 1 or not self.frequency.shape == self.recency.shape == self.age.shape:
            raise ValueError("frequency, recency and age are arrays of one length")
        if not len(self.frequency):
            raise ValueError("a history of no customer")
        x, t_x, age = self.frequency, self.recency, self.age
        # Not-a-number fails every comparison, so the rules are written as what must hold.
        rules = {
            "frequency is a whole number of repeat purchases, not negative": (x >= 0) & (x == np.floor(x)),
            "recency is not negative": t_x >= 0,
            "recency cannot exceed the age": t_x <= age,
            "without a repeat purchase the recency is 0": (x > 0) | (t_x == 0),
            "a repeat purchase comes after the first, so its recency is above 0": (x == 0) | (t_x > 0),
            "values are finite": np.isfinite(x) & np.isfinite(age),
        }
        broken = [
            f"{rule} ({int((~kept).sum())} customers)" for rule, kept in rules.items() if not kept.all()
        ]
        if broken:
            raise ValueError("; ".join(broken))

    @property
    def n(self) -> int:
        """Customers."""
        return len(self.frequency)


def history(frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> PurchaseHistory:
    """Make a history of plain columns, one row for each customer.

    Parameters
    ----------
    frequency : array, shape (n,)
        Repeat purchases.
    recency, age : array, shape (n,)
        Time of the last purchase, and of observation, since the first one; in one unit.
    """
    x, t_x, t = (np.asarray(v, dtype=np.float64) for v in (frequency, recency, age))
    return PurchaseHistory(x, t_x, t)


def from_purchases(
    customer: npt.ArrayLike, day: npt.ArrayLike, end: float, days_per_unit: float = 7.0
) -> PurchaseHistory:
    """Build histories from single purchases; several on one day count once.

    Parameters
    ----------
    customer : array, shape (m,)
        Who bought; the result is in the order of the sorted ids.
    day : array, shape (m,)
        When, a number of days; fractions of a day are dropped.
    end : float
        Last day watched; later purchases are an error.
    days_per_unit : float
        7 for time in weeks.

    References
    ----------
    Fader & Hardie (2005), A note on deriving the BG/NBD model, on what x, t_x and T mean.
    """
    who, when = np.asarray(customer), np.floor(np.asarray(day, dtype=np.float64))
    if not len(who) or len(who) != len(when):
        raise ValueError("as many days as customers, and at least one purchase")
    if not (when <= end).all():
        raise ValueError("a purchase after the last day watched, or without a day")
    _, at = np.unique(who, return_inverse=True)
    pairs = np.unique(np.column_stack([at, when]), axis=0)
    buyer = pairs[:, 0].astype(np.int64)
    count = np.bincount(buyer)
    first = pairs[np.concatenate([[0], np.cumsum(count)[:-1]]), 1]
    last = pairs[np.cumsum(count) - 1, 1]
    return history(count - 1, (last - first) / days_per_unit, (end - first) / days_per_unit)


def frequency_value_correlation(
    frequency: npt.ArrayLike, value: npt.ArrayLike, count: Vector | None = None
) -> float:
    """Correlation of repeat purchases and mean spend a purchase, among customers with a repeat purchase.

    The spend model takes the two for independent: print this number beside what rests on it. Each row counts
    once, or as often as ``count`` says.

    Parameters
    ----------
    frequency : array, shape (n,)
        Repeat purchases.
    value : array, shape (n,)
        Mean spend a purchase, in money.
    count : array, shape (n,), optional
        Customers in each row; one each when left out.

    Raises
    ------
    NotEstimable
        With fewer than three repeat customers, or where one of the two does not vary.

    References
    ----------
    Fader, Hardie, Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
    Marketing Research 42, 415-430 (CDNOW: 0.11).
    """
    x, z = np.asarray(frequency, dtype=np.float64), np.asarray(value, dtype=np.float64)
    chosen = x > 0
    x, z = x[chosen], z[chosen]
    w = np.ones(len(x)) if count is None else count[chosen]
    if len(x) < 3:
        raise NotEstimable("fewer than three customers with a repeat purchase")
    if np.ptp(x) == 0 or np.ptp(z) == 0:
        raise NotEstimable("frequency or value does not vary")
    both = np.cov(x, z, aweights=w)
    return float(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))
