"""How many significant results are false, when many of the ideas tried do nothing."""

from __future__ import annotations


def false_positive_risk(alpha: float, power: float, null_rate: float) -> float:
    """Share of significant results, in the direction aimed at, whose true effect is 0.

    Parameters
    ----------
    alpha : float
        Chance that an idea that does nothing is called a gain: half the level of a two-sided test.
    power : float
        Chance that an idea that works is called a gain.
    null_rate : float
        Share of ideas that do nothing.

    References
    ----------
    Kohavi, Deng, Vermeer (2022), A/B testing intuition busters, KDD; Wacholder et al. (2004),
    Journal of the National Cancer Institute 96, 434-442.
    """
    for value, name in ((alpha, "alpha"), (power, "power")):
        if not 0 < value <= 1:
            raise ValueError(f"{name} is in (0, 1], not {value}")
    if not 0 <= null_rate <= 1:
        raise ValueError(f"a rate is in [0, 1], not {null_rate}")
    false = alpha * null_rate
    return false / (false + power * (1 - null_rate))
