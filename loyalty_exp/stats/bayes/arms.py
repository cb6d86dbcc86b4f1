"""Several arms with independent normal posteriors: which is best, and what another choice costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.quadrature import even
from loyalty_exp.stats.moments import Vector


def probability_best(means: Sequence[float], sds: Sequence[float]) -> tuple[float, ...]:
    """Probability of each arm that its mean is the highest.

    Parameters
    ----------
    means, sds : sequence of float, length k
        Of independent normal posteriors of the arms' own means, not of their differences from one control.

    Raises
    ------
    NotEstimable
        If an arm does not vary.

    References
    ----------
    ``P(best) = integral f_i prod F_j``, one dimension for any number of arms.
    """
    z, sd, step = _grids(means, sds)
    from scipy import special

    out = []
    for i in range(len(sd)):
        log_term = -0.5 * z[i] ** 2 - 0.5 * math.log(2 * math.pi) - math.log(sd[i])
        log_term = log_term + sum(special.log_ndtr(z[j]) for j in range(len(sd)) if j != i)
        out.append(float(np.exp(log_term).sum()) * step)
    return tuple(out)


def expected_losses(means: Sequence[float], sds: Sequence[float]) -> tuple[float, ...]:
    """What choosing each arm loses on average against the best of the others, in the unit of the means.

    ``E max(max_j m_j - m_i, 0) = integral F_i (1 - prod F_j)``, all terms positive.

    Parameters
    ----------
    means, sds : sequence of float, length k
        Posterior means and standard deviations of the arms.
    """
    z, sd, step = _grids(means, sds)
    from scipy import special

    out = []
    for i in range(len(sd)):
        log_below = sum(special.log_ndtr(z[j]) for j in range(len(sd)) if j != i)
        out.append(float((special.ndtr(z[i]) * -np.expm1(log_below)).sum()) * step)
    return tuple(out)


def _grids(means: Sequence[float], sds: Sequence[float]) -> tuple[list[Vector], list[float], float]:
    """Standardized points of every arm on one line."""
    if len(means) != len(sds) or len(means) < 2:
        raise ValueError("at least two arms, each with one mean and one standard deviation")
    if not all(math.isfinite(m) for m in means) or not all(s >= 0 and math.isfinite(s) for s in sds):
        raise ValueError("means and standard deviations are finite, and these not negative")
    if min(sds) == 0:
        raise NotEstimable("an arm does not vary")
    # Distances from the first arm keep their digits when all means are large.
    gaps = [m - means[0] for m in means]
    low = min(g - 39 * s for g, s in zip(gaps, sds, strict=True))
    high = max(g + 39 * s for g, s in zip(gaps, sds, strict=True))
    points, step = even(low, high, min(sds))
    return [(points - g) / s for g, s in zip(gaps, sds, strict=True)], list(sds), step
