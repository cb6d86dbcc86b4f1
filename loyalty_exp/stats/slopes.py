"""Slopes of outcomes on covariates, over both arms merged or within the arms, collinear ones dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from loyalty_exp.stats.moments import Matrix, Moments, without_noise

Slope = Literal["merged", "within"]


def slopes(
    treated: Moments,
    control: Moments,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    slope: Slope = "merged",
) -> Matrix:
    """Slopes common to both arms.

    Parameters
    ----------
    treated, control : Moments
    outcomes : sequence of str, length k
    covariates : sequence of str, length q
        A constant one has slope 0; collinear ones share theirs.
    slope : str
        ``merged`` ignores the arms, as CUPED does; ``within`` pools what varies within the arms, which is the
        coefficient of analysis of covariance.

    Returns
    -------
    array, shape (q, k)

    References
    ----------
    Deng, Xu, Kohavi, Walker (2013), WSDM, equation 5 (merged); Cochran (1957), Analysis of covariance: its
    nature and uses, Biometrics 13, 261-281, section 3 (within).
    """
    columns = (*outcomes, *covariates)
    t, c = treated.select(columns), control.select(columns)
    k = len(outcomes)
    both = without_noise(t + c)
    within = without_noise(Moments(both.n, columns, both.mean, t.comoment + c.comoment))
    total = (both if slope == "merged" else within).comoment
    inverse, _ = pseudo_inverse(total[k:, k:])
    found: Matrix = inverse @ total[k:, :k]
    return found


def correlation(treated: Moments, control: Moments, outcome: str, covariate: str) -> float | None:
    """Correlation over both arms merged; None when one of the columns does not vary."""
    both = (treated.select((outcome, covariate)) + control.select((outcome, covariate))).comoment
    scale = math.sqrt(float(both[0, 0]) * float(both[1, 1]))
    return float(both[0, 1]) / scale if scale > 0 else None


def pseudo_inverse(matrix: Matrix) -> tuple[Matrix, int]:
    """Inverse of a covariance-like matrix on the space it spans, and the dimension of that space.

    Parameters
    ----------
    matrix : array, shape (q, q)
        Symmetric; the inverse has the same shape.

    References
    ----------
    Penrose (1955), A generalized inverse for matrices, Proceedings of the Cambridge Philosophical Society 51,
    406-413; computed on the correlation scale, eigenvalues below 1e-10 of the largest counting as 0.
    """
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    unit = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(unit, unit))
    keep = values > 1e-10 * max(float(values.max(initial=0.0)), 0.0)
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    return inverse / np.outer(unit, unit), int(keep.sum())
