"""Net promoter score of two arms, and whether as many answered in one as in the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.risk_difference import wald


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one arm to "how likely are you to recommend us", 0 to 10.

    Attributes
    ----------
    promoters, passives, detractors : int
        Who answered 9 or 10; 7 or 8; 0 to 6.
    invited : int
        Who was asked, those who did not answer included.
    """

    promoters: int
    passives: int
    detractors: int
    invited: int

    def __post_init__(self) -> None:
        if min(self.promoters, self.passives, self.detractors) < 0 or self.answered > self.invited:
            raise ValueError("counts are not negative, and no more answer than are asked")

    @property
    def answered(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """Two scores and their difference, in points from -100 to 100.

    Attributes
    ----------
    treated, control : float
    difference : Difference
        Normal interval.
    response_treated, response_control : float
        Shares that answered.
    response : Difference
        Of these shares. When it is clearly not 0, the two scores are of people who are not comparable.
    """

    treated: float
    control: float
    difference: Difference
    response_treated: float
    response_control: float
    response: Difference


def net_promoter(treated: Answers, control: Answers, alpha: float) -> NetPromoter:
    """Compare the scores of two arms.

    Each answer counts 100, 0 or -100; the variance is that of these values, divisor ``n - 1``.

    Raises
    ------
    NotEstimable
        With fewer than two answers in an arm.

    References
    ----------
    Rocks (2016), Interval estimation for the "net promoter score", American Statistician 70(4), 365-372,
    section 2; the response rates by the pooled z test (Fleiss, Levin, Paik 2003, chapter 3).
    """
    (m_t, v_t), (m_c, v_c) = _score(treated, "treatment"), _score(control, "control")
    return NetPromoter(
        m_t,
        m_c,
        known(m_t - m_c, math.sqrt(v_t + v_c), alpha),
        treated.answered / treated.invited,
        control.answered / control.invited,
        wald(treated.answered, treated.invited, control.answered, control.invited, alpha, pooled=True),
    )


def _score(arm: Answers, name: str) -> tuple[float, float]:
    """Score and the variance of it."""
    n = arm.answered
    if n < 2:
        raise NotEstimable(f"fewer than two answers in the {name} arm")
    extreme, net = (arm.promoters + arm.detractors) / n, (arm.promoters - arm.detractors) / n
    # extreme - net^2 cancels when all answer alike; this form is exactly 0 there.
    spread = extreme * (1 - extreme) + 4 * arm.promoters * arm.detractors / n**2
    return 100 * net, 1e4 * spread / (n - 1)
