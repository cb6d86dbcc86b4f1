"""What deciding today can cost, and so the most that further testing can be worth."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.stats.bayes.normal import FLAT, Posterior, expected_loss


@dataclass(frozen=True, slots=True)
class InformationValue:
    """What deciding now can cost, and so what more data can be worth at most.

    Attributes
    ----------
    loss_if_shipped, loss_if_held : float
        Expected loss of either decision, money a member.
    per_member : float
        The smaller of the two: what knowing the truth would be worth.
    total : float
        Money, over the members.
    """

    loss_if_shipped: float
    loss_if_held: float
    per_member: float
    total: float


def information_value(estimate: float, std_error: float, members: float) -> InformationValue:
    """Expected loss of shipping and of holding, and the most that further testing can be worth.

    Extending a test is worth it when ``total`` clearly exceeds what the extra weeks cost.

    Parameters
    ----------
    estimate, std_error : float
        Net benefit, money a member, all costs in it; a posterior mean and deviation do as well.
    members : float
        Whom the decision concerns.

    References
    ----------
    Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, chapter 5 (unit normal loss integral).
    """
    if not (std_error >= 0 and members >= 0):
        raise ValueError("a standard error and a number of members are not negative")
    if std_error <= 1e-12 * abs(estimate):  # as good as certain, and the ratio might overflow
        shipped, held = max(-estimate, 0.0), max(estimate, 0.0)
    else:
        loss = expected_loss(Posterior(estimate, std_error, 1.0, FLAT))
        shipped, held = loss.ship, loss.keep
    least = min(shipped, held)
    return InformationValue(shipped, held, least, least * members)
