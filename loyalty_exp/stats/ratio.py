"""Ratios of sums, with the unit of randomization as the unit of inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import effect, known
from loyalty_exp.stats.effect import Difference, Effect
from loyalty_exp.stats.means import ArmMeans, enough_units, plain
from loyalty_exp.stats.moments import Moments, Vector, checked


def linearized(moments: Moments, ratios: Mapping[str, tuple[str, str]]) -> Moments:
    """Moments of ``ratio + (numerator - ratio * denominator) / mean denominator`` of each unit.

    The mean of such a column is the ratio of the sums, and its variance the delta-method variance.

    Parameters
    ----------
    moments : Moments
    ratios : mapping of new column to (numerator, denominator)

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, on cluster randomization.
    """
    weights: dict[str, dict[str, float]] = {}
    constants: dict[str, float] = {}
    for name, (numerator, denominator) in ratios.items():
        top, bottom = moments.mean_of(numerator), moments.mean_of(denominator)
        terms = {numerator: 1 / bottom}
        terms[denominator] = terms.get(denominator, 0.0) - top / bottom / bottom
        weights[name], constants[name] = terms, top / bottom
    return _settled(moments, weights, constants)


def _settled(
    moments: Moments, weights: Mapping[str, Mapping[str, float]], constants: Mapping[str, float]
) -> Moments:
    """Combine columns, and set variances that are rounding error of their terms to exactly 0."""
    made = moments.combine(weights, constants)
    sizes = {name: {c: abs(w) for c, w in terms.items()} for name, terms in weights.items()}
    magnitude = Moments(moments.n, moments.columns, moments.mean, np.abs(moments.comoment)).combine(sizes)
    gone = np.diag(made.comoment) <= 1e-14 * np.diag(magnitude.comoment)
    comoment = made.comoment.copy()
    comoment[gone, :] = 0.0
    comoment[:, gone] = 0.0
    return Moments(made.n, made.columns, made.mean, comoment)


def ratio_means(
    treated: Moments, control: Moments, numerator: str, denominator: str, covariates: Sequence[str] = ()
) -> tuple[ArmMeans, ArmMeans]:
    """Ratio of each arm by the delta method, adjusted with CUPED when a pre-period ratio is given.

    Parameters
    ----------
    treated, control : Moments
    numerator, denominator : str
    covariates : sequence of str
        Nothing, or the numerator and the denominator of the pre-period ratio. A pre-period ratio that does
        not exist or does not vary leaves the ratios as they are.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, or a denominator whose mean is 0.

    References
    ----------
    Deng, Knoblich, Lu (2018), KDD, on cluster randomization; Deng, Xu, Kohavi, Walker (2013), WSDM, section
    4.
    """
    columns = tuple(dict.fromkeys((numerator, denominator, *covariates)))
    treated, control = checked(treated.select(columns)), checked(control.select(columns))
    if len(covariates) not in (0, 2):
        raise ValueError("a ratio is adjusted by a pre-period numerator and denominator, or not at all")
    enough_units(treated, control)
    for arm, word in ((treated, "the treatment arm"), (control, "the control arm")):
        if arm.mean_of(denominator) == 0:
            raise NotEstimable(f"the mean of the denominator is 0 in {word}")
    merged = treated + control
    ratios = {"ratio": (numerator, denominator)}
    if not covariates or any(arm.mean_of(covariates[1]) == 0 for arm in (treated, control, merged)):
        return plain(linearized(treated, ratios), ("ratio",)), plain(linearized(control, ratios), ("ratio",))
    ratios["before"] = (covariates[0], covariates[1])
    whole = linearized(merged, ratios)
    varies = plain(whole, ("before",)).covariance[0, 0] > 0
    theta = float(whole.comoment[0, 1] / whole.comoment[1, 1]) if varies else 0.0
    weights = {"ratio": {"ratio": 1.0, "before": -theta}}
    shift = {"ratio": theta * whole.mean_of("before")}
    t, c = (_settled(linearized(arm, ratios), weights, shift) for arm in (treated, control))
    return plain(t, ("ratio",)), plain(c, ("ratio",))


def ratio_effect(
    treated: Moments,
    control: Moments,
    numerator: str,
    denominator: str,
    alpha: float,
    covariates: Sequence[str] = (),
) -> Effect:
    """Difference of two ratios of sums, absolute and relative.

    See :func:`ratio_means` for the parameters and the references.
    """
    found = ratio_means(treated, control, numerator, denominator, covariates)
    if not covariates:
        return effect("ratio_delta", *found, alpha)
    return effect("ratio_cuped", *found, alpha, ratio_means(treated, control, numerator, denominator))


def jackknife_ratio(
    numerator_treated: npt.ArrayLike,
    denominator_treated: npt.ArrayLike,
    numerator_control: npt.ArrayLike,
    denominator_control: npt.ArrayLike,
    alpha: float,
) -> Difference:
    """Difference of two ratios of sums, every unit left out once: a check of the delta method.

    Parameters
    ----------
    numerator_treated, denominator_treated, numerator_control, denominator_control : array
        One value a unit of randomization.
    alpha : float
        Two-sided, with the normal distribution.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, or a denominator that is 0 without one of the units.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall, equation 11.5, by arm.
    """
    found = [
        _left_out(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), word)
        for a, b, word in (
            (numerator_treated, denominator_treated, "the treatment arm"),
            (numerator_control, denominator_control, "the control arm"),
        )
    ]
    (ratio_t, v_t), (ratio_c, v_c) = found
    return known(ratio_t - ratio_c, math.sqrt(v_t + v_c), alpha)


def _left_out(numerator: Vector, denominator: Vector, word: str) -> tuple[float, float]:
    """Ratio of one arm and its jackknife variance."""
    n = len(numerator)
    if n < 2:
        raise NotEstimable(f"{'one unit' if n else 'no units'} in {word}")
    top, bottom = float(numerator.sum()), float(denominator.sum())
    rest = bottom - denominator
    if bottom == 0 or (rest == 0).any():
        raise NotEstimable(f"the denominator rests on one unit in {word}")
    values = (top - numerator) / rest
    return top / bottom, float(((values - values.mean()) ** 2).sum() * (n - 1) / n)
