"""BG/NBD: how often a customer buys and when she stops unseen, from frequency, recency and age.

While alive a customer buys at her own rate, gamma over customers; after each purchase she stops with her own
probability, beta over customers. Fit on histories that a campaign has not moved: a burst of purchases raises
the rate for good in this model, which takes rates for constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.maximum_likelihood import LikelihoodFit, maximize, rescaled
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.purchase_history import PurchaseHistory

NAMES = ("r", "alpha", "a", "b")


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Parameters of the model.

    Attributes
    ----------
    r, alpha : float
        Purchase rates are gamma with shape ``r`` and rate ``alpha``; ``alpha`` in the unit of time.
    a, b : float
        Probabilities of stopping after a purchase are beta.
    """

    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        if not all(np.isfinite(v) and v > 0 for v in (self.r, self.alpha, self.a, self.b)):
            raise ValueError("r, alpha, a and b are positive")


def log_likelihood(model: BgNbd, data: PurchaseHistory, count: Vector | None = None) -> tuple[float, Vector]:
    """Log-likelihood and its gradient in ``(r, alpha, a, b)``, in logarithms throughout.

    Parameters
    ----------
    count : array, shape (n,), optional
        How many times each customer counts; once when left out.

    References
    ----------
    Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284,
    equation 6.
    """
    from scipy import special

    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, t_x, age = data.frequency, data.recency, data.age
    lg, psi = special.gammaln, special.digamma
    again = x > 0
    died = np.full(len(x), -np.inf)
    died[again] = np.log(a) - np.log(b + x[again] - 1) - (r + x[again]) * np.log(alpha + t_x[again])
    alive = -(r + x) * np.log(alpha + age)
    either = np.logaddexp(alive, died)
    value = lg(r + x) - lg(r) + r * np.log(alpha) + either
    value = value + lg(a + b) + lg(b + x) - lg(b) - lg(a + b + x)
    dead, live = np.exp(died - either), np.exp(alive - either)
    since = np.where(again, alpha + t_x, 1.0)
    both = psi(a + b) - psi(a + b + x)
    rows = (
        psi(r + x) - psi(r) + np.log(alpha) - live * np.log(alpha + age) - dead * np.log(since),
        r / alpha - (r + x) * (live / (alpha + age) + dead / since),
        both + dead / a,
        both + psi(b + x) - psi(b) - dead / np.where(again, b + x - 1, 1.0),
    )
    w = np.ones(len(x)) if count is None else count
    return float(w @ value), np.array([float(w @ g) for g in rows])


def fit_bg_nbd(
    data: PurchaseHistory,
    count: Vector | None = None,
    start: BgNbd | None = None,
    determined: bool = True,
) -> LikelihoodFit:
    """Fit the four parameters, in the order ``r, alpha, a, b``; see :func:`model_of`.

    Parameters
    ----------
    data : PurchaseHistory
    count : array, shape (n,), optional
        Times each customer counts, as drawn by a bootstrap.
    start : BgNbd, optional
        Where to begin, as the fit of all customers for a resample of them.
    determined : bool
        As in :func:`~loyalty_exp.stats.maximum_likelihood.maximize`.

    Raises
    ------
    NotEstimable
        When nobody bought again, or the data do not determine the parameters.

    References
    ----------
    Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284, equation 6.
    """
    w = np.ones(data.n) if count is None else np.asarray(count, dtype=np.float64)
    purchases = float(w @ data.frequency)
    if not purchases:
        raise NotEstimable("no customer bought again")
    if not (w[data.frequency > 0] @ (data.age - data.recency)[data.frequency > 0]) > 0:
        raise NotEstimable("no customer was watched after her last purchase")
    unit = float(w @ data.age) / float(w.sum())
    scaled = PurchaseHistory(data.frequency, data.recency / unit, data.age / unit)
    first = (1.0, 1.0, 1.0, 2.0) if start is None else (start.r, start.alpha / unit, start.a, start.b)
    found = maximize(lambda p: log_likelihood(BgNbd(*p), scaled, w), first, float(w.sum()), NAMES, determined)
    return rescaled(found, (1.0, unit, 1.0, 1.0), -purchases * float(np.log(unit)))


def model_of(fit: LikelihoodFit) -> BgNbd:
    """Name the parameters of a fit."""
    return BgNbd(*(float(p) for p in fit.parameters))


def probability_alive(model: BgNbd, data: PurchaseHistory) -> Vector:
    """Probability that each customer has not stopped by the end; 1 without a repeat purchase.

    Shape (n,).

    References
    ----------
    Fader & Hardie (2008), Computing P(alive) using the BG/NBD model, the closed form.
    """
    from scipy import special

    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, again = data.frequency, data.frequency > 0
    out = np.ones(data.n)
    odds = (
        np.log(a)
        - np.log(b + x[again] - 1)
        + (r + x[again]) * (np.log(alpha + data.age[again]) - np.log(alpha + data.recency[again]))
    )
    out[again] = special.expit(-odds)
    return out


def expected_purchases(model: BgNbd, t: npt.ArrayLike) -> Vector:
    """Repeat purchases a new customer is expected to make in a time ``t``.

    Parameters
    ----------
    t : array, any shape
        In the unit of time of the model; what is returned has the same shape.

    References
    ----------
    Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284, equation 9.
    """
    return _expected(model.r, model.alpha, model.a, model.b, np.asarray(t, dtype=np.float64))


def expected_later_purchases(model: BgNbd, data: PurchaseHistory, t: float) -> Vector:
    """Purchases each known customer is expected to make in a further time ``t``.

    Given that she is alive, her rate and her probability of stopping have the same families with updated
    parameters; so this is :func:`expected_purchases` with those, times the probability that she is alive.

    References
    ----------
    Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284, equation 10.
    """
    x = data.frequency
    later = _expected(model.r + x, model.alpha + data.age, model.a, model.b + x, np.full(data.n, float(t)))
    return later * probability_alive(model, data)


def _expected(r: float | Vector, alpha: float | Vector, a: float, b: float | Vector, t: Vector) -> Vector:
    """Equation 9; at ``a = 1`` and ``a + b = 1``, where it reads 0/0, the mean of both sides."""
    from scipy import special

    if not (np.isfinite(t) & (t >= 0)).all():
        raise ValueError("a time is finite and not negative")
    if abs(a - 1) < 1e-5 or np.min(np.abs(a + b - 1)) < 1e-9:
        return (_expected(r, alpha, a + 1e-4, b, t) + _expected(r, alpha, a - 1e-4, b, t)) / 2
    c = a + b - 1
    z = t / (alpha + t)
    stay = np.exp(r * np.log1p(-z)) * special.hyp2f1(r, b, c, z)
    return np.asarray(c / (a - 1) * (1 - stay))


def purchase_probabilities(model: BgNbd, most: int, t: float) -> Vector:
    """Probabilities that a new customer makes 0, 1, ..., ``most`` repeat purchases in a time ``t``.

    Parameters
    ----------
    most : int
        Purchases up to which to tell; what is returned has shape (most + 1,).
    t : float
        In the unit of time of the model.

    References
    ----------
    Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284, equation 8.
    """
    from scipy import special

    if most < 0 or not t > 0:
        raise ValueError("a time above 0, and a number of purchases not negative")
    r, a, b = model.r, model.a, model.b
    x = np.arange(most + 1, dtype=np.float64)
    z = t / (model.alpha + t)
    log_base = special.betaln(a, b)
    counts = special.gammaln(r + x) - special.gammaln(r) - special.gammaln(x + 1)
    out = np.exp(special.betaln(a, b + x) - log_base + counts + r * np.log1p(-z) + x * np.log(z))
    k = x[1:]  # stopped with the k-th purchase, having made it before t
    out[1:] += np.exp(special.betaln(a + 1, b + k - 1) - log_base) * special.betainc(k, r, z)
    return np.asarray(out)
