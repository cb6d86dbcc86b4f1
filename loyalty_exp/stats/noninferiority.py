"""Is a guardrail safe? The interval against the margin, not the absence of significance."""

from __future__ import annotations

from typing import Literal

Status = Literal["pass", "breached", "unsettled"]


def margin_status(
    lower: float | None, upper: float | None, margin: float, direction: Literal["increase", "decrease"]
) -> Status:
    """Place an interval against the change for the worse that is still allowed.

    Parameters
    ----------
    lower, upper : float or None
        Interval of treated minus control; None when there is no bounded interval.
    margin : float
        Positive, in the unit of the interval.
    direction : str
        Which way is better: with ``increase`` harm is a fall below ``-margin``, with ``decrease`` a rise
        above ``margin``.

    Returns
    -------
    str
        ``pass`` when the whole interval is on the allowed side, ``breached`` when the whole interval is
        beyond the margin, ``unsettled`` otherwise.

    References
    ----------
    Piaggio et al. (2012), Reporting of noninferiority and equivalence randomized trials (CONSORT), JAMA 308,
    2594-2604, figure 1.
    """
    if margin <= 0:
        raise ValueError(f"a margin is positive, not {margin}")
    if direction not in ("increase", "decrease"):
        raise ValueError(f"direction is increase or decrease, not {direction}")
    if lower is None or upper is None:
        return "unsettled"
    worst, best = (lower, upper) if direction == "increase" else (-upper, -lower)
    if worst > -margin:
        return "pass"
    return "breached" if best < -margin else "unsettled"
