"""Several treatment arms against one control: the level of one comparison, and how to share the units."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.power.design import Level

Adjustment = Literal["bonferroni", "sidak", "dunnett"]


def adjusted_level(
    level: Level,
    comparisons: int,
    adjustment: Adjustment = "bonferroni",
    share: float | Sequence[float] = 0.5,
) -> Level:
    """Level of one comparison that keeps the chance of any false positive at ``level.alpha``.

    Holm's first step is Bonferroni's, so a plan for Bonferroni holds for Holm.

    Parameters
    ----------
    level : Level
        For the family.
    comparisons : int
        Treatment arms, or tests in the family.
    adjustment : str
        ``dunnett``: many arms against one control, large samples.
    share : float or sequence of float, shape (comparisons,)
        Dunnett only: of each treatment among the units of that treatment and control.

    References
    ----------
    Dunnett (1955), A multiple comparison procedure for comparing several treatments with a control, JASA 50,
    1096-1121, with infinite degrees of freedom; Dunnett & Sobel (1955), Biometrika 42, 258-260, for unequal
    sizes.
    """
    if comparisons < 1:
        raise ValueError(f"at least one comparison, not {comparisons}")
    if adjustment == "bonferroni":
        return replace(level, alpha=level.alpha / comparisons)
    if adjustment == "sidak":
        return replace(level, alpha=-math.expm1(math.log1p(-level.alpha) / comparisons))
    shares = [share] * comparisons if isinstance(share, (int, float)) else list(share)
    if len(shares) != comparisons or not all(0 < s < 1 for s in shares):
        raise ValueError(f"the treatment share of each comparison is between 0 and 1, not {share}")
    loadings = [math.sqrt(s) for s in shares]
    low, high = level.alpha / comparisons, level.alpha
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _family_error(replace(level, alpha=middle), loadings) < level.alpha:
            low = middle
        else:
            high = middle
    return replace(level, alpha=0.5 * (low + high))


def _family_error(level: Level, loadings: Sequence[float]) -> float:
    """Chance that any of several statistics, tied by the control they share, leaves its bounds."""
    limit, step, inside, alike = level.quantile, 1 / 16, 0.0, Counter(loadings)
    for i in range(-10 * 16, 10 * 16 + 1):
        z = i * step
        held = math.exp(-0.5 * z * z)
        for loading, times in alike.items():
            rest = math.sqrt(1 - loading * loading)
            one = normal_cdf((limit - loading * z) / rest)
            if level.sides == 2:
                one -= normal_cdf((-limit - loading * z) / rest)
            held *= one**times
        inside += held
    return 1 - inside * step / math.sqrt(2 * math.pi)


def cheapest_shares(costs: Sequence[float], sds: Sequence[float] | None = None) -> tuple[float, ...]:
    """Shares that give every treatment-control comparison the same precision for the least money.

    With ``k`` equal treatments the control gets ``sqrt(k)`` times the units of one of them (Dunnett), and
    ``sqrt(k c_t / c_0)`` times when they cost ``c_t`` each.

    Parameters
    ----------
    costs : sequence of float
        Money a unit, control first; positive.
    sds : sequence of float, optional
        Standard deviations, control first; all equal when left out.

    Returns
    -------
    tuple of float
        Shares, control first; they sum to 1.

    References
    ----------
    Dunnett (1955), JASA 50, 1096-1121, for the square root of k; otherwise from minimizing ``sum c_i n_i``
    with ``s_0^2 / n_0 + s_i^2 / n_i`` the same for every i.
    """
    spread = [1.0] * len(costs) if sds is None else list(sds)
    if len(costs) < 2 or len(spread) != len(costs):
        raise ValueError(
            "a control and at least one treatment, each with one cost and one standard deviation"
        )
    if not all(v > 0 and math.isfinite(v) for v in (*costs, *spread)):
        raise ValueError("costs and standard deviations are positive")
    # All treatments get v_i / (V - v_0 / n_0): one equation in n_0, here with V = 1.
    variances = [s * s for s in spread]
    treatments = math.fsum(c * v for c, v in zip(costs[1:], variances[1:], strict=True))
    ratio = math.sqrt(treatments / (costs[0] * variances[0]))
    n = [variances[0] * (1 + ratio)] + [v * (1 + ratio) / ratio for v in variances[1:]]
    total = math.fsum(n)
    return tuple(units / total for units in n)
