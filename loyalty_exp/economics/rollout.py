"""From the test to everyone eligible: strata in their true shares, the cost of rolling out, and shrinkage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.normal import Posterior, Prior, posterior
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.effect import Difference


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum of the test and of those eligible.

    Attributes
    ----------
    name : str
    net_benefit, std_error : float
        Money a member, without the fixed cost of the test; strata are independent.
    eligible : int
        Members to whom it would be rolled out.
    """

    name: str
    net_benefit: float
    std_error: float
    eligible: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.net_benefit) and self.std_error >= 0 and self.eligible >= 0):
            raise ValueError(f"stratum {self.name}: a finite net benefit, an error and a size not negative")


@dataclass(frozen=True, slots=True)
class WithoutNegative:
    """The total if strata with a negative estimate were left out: exploratory, never a basis to decide on.

    The strata are chosen by the data they are judged with, so the gain is overstated.

    Attributes
    ----------
    dropped : tuple of str
        Names of the strata; empty when none is negative.
    total : float
        Money.
    exploratory : bool
        Always true; to be printed with it.
    """

    dropped: tuple[str, ...]
    total: float
    exploratory: bool = True


@dataclass(frozen=True, slots=True)
class RollOut:
    """Net benefit of rolling out.

    Attributes
    ----------
    eligible : int
        Members.
    reached : float
        Of these, after coverage.
    net_benefit : Difference
        Money a member, by the shares of the eligible; without fixed cost.
    total : Difference
        Money, fixed cost of the roll-out subtracted.
    probability_positive : float or None
        That the total is above 0; None when nothing varies.
    shrunk : Posterior or None
        Of the net benefit a member under the prior; None without one.
    shrunk_total : Difference or None
    probability_shrunk_positive : float or None
    without_negative : WithoutNegative
    """

    eligible: int
    reached: float
    net_benefit: Difference
    total: Difference
    probability_positive: float | None
    shrunk: Posterior | None
    shrunk_total: Difference | None
    probability_shrunk_positive: float | None
    without_negative: WithoutNegative


def roll_out(
    strata: Sequence[Stratum], coverage: float, fixed: float, alpha: float, prior: Prior | None = None
) -> RollOut:
    """Scale the strata of a test to the eligible.

    Parameters
    ----------
    strata : sequence of Stratum
    coverage : float
        Share of the eligible that the roll-out reaches.
    fixed : float
        Fixed cost of the roll-out, money; it takes the place of the fixed cost of the test.
    alpha : float
        Two-sided.
    prior : Prior, optional
        Of the net benefit a member, on the absolute scale, from past programs: the best of several tests
        flatters.

    Raises
    ------
    NotEstimable
        With nobody eligible.

    References
    ----------
    Miratrix, Sekhon, Yu (2013), Adjusting treatment effect estimates by post-stratification in randomized
    experiments, JRSS B 75(2), 369-396; Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., equations 2.11
    and 2.12 (shrinkage).
    """
    if not 0 < coverage <= 1 or not fixed >= 0:
        raise ValueError("coverage lies above 0 and up to 1, and the fixed cost is not negative")
    estimate, std_error = weighted_net_benefit(strata, [s.eligible for s in strata])
    eligible = sum(s.eligible for s in strata)
    reached = eligible * coverage
    total = known(reached * estimate - fixed, reached * std_error, alpha)
    shrunk = posterior(estimate, std_error, prior) if prior is not None else None
    shrunk_total = known(reached * shrunk.mean - fixed, reached * shrunk.sd, alpha) if shrunk else None
    kept = math.fsum(s.eligible * coverage * s.net_benefit for s in strata if s.net_benefit >= 0)
    return RollOut(
        eligible,
        reached,
        known(estimate, std_error, alpha),
        total,
        _positive(total),
        shrunk,
        shrunk_total,
        _positive(shrunk_total) if shrunk_total else None,
        WithoutNegative(tuple(s.name for s in strata if s.net_benefit < 0), kept - fixed),
    )


def weighted_net_benefit(strata: Sequence[Stratum], weights: Sequence[float]) -> tuple[float, float]:
    """Mean net benefit a member and its standard error, strata weighted as given.

    With the mix of the test as weights this is what the test showed, for comparison.

    Parameters
    ----------
    weights : sequence of float, length s
        One for each stratum, summing to 1.

    Raises
    ------
    NotEstimable
        When all weights are 0.
    """
    if len(weights) != len(strata) or any(not w >= 0 for w in weights):
        raise ValueError("one weight for each stratum, not negative")
    whole = math.fsum(weights)
    if not whole > 0:
        raise NotEstimable("nobody is eligible")
    pairs = [(w / whole, s) for w, s in zip(weights, strata, strict=True)]
    mean = math.fsum(w * s.net_benefit for w, s in pairs)
    return mean, math.sqrt(math.fsum((w * s.std_error) ** 2 for w, s in pairs))


def _positive(total: Difference) -> float | None:
    return normal_cdf(total.estimate / total.std_error) if total.std_error else None
