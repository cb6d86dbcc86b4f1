"""Ratio of event rates, events per unit of exposure: exact, by Wald, or robust to over-dispersion.

Orders of members are over-dispersed: Poisson errors are then too small, by a factor of two in ordinary data.
The robust ratio is the one to report; the exact one is for rare events that cannot come in bunches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile, normal_two_sided
from loyalty_exp.stats.means import enough_units
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.ratio import linearized


@dataclass(frozen=True, slots=True)
class RateRatio:
    """Rate of the treatment arm over that of control.

    Attributes
    ----------
    estimate : float
        Infinite when only the treatment arm has events, 0 when only the control arm has.
    ci_lower, ci_upper : float
        Two-sided; the upper bound may be infinite.
    p_value, log_p_value : float or None
        Of a ratio of 1; None when nothing varies.
    log_std_error : float or None
        Standard error of the logarithm; None for the exact method.
    """

    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float | None
    log_p_value: float | None
    log_std_error: float | None = None


def exact_rate_ratio(
    events_t: int, exposure_t: float, events_c: int, exposure_c: float, alpha: float
) -> RateRatio:
    """Rate ratio of Poisson counts, conditional on their sum.

    The interval has equal tails. The p-value adds the probabilities of all outcomes no likelier than the one
    seen, as R's ``poisson.test``; being another ordering, it can be below alpha by a little while the
    interval holds 1.

    Parameters
    ----------
    events_t, events_c : int
        Events, treated and control.
    exposure_t, exposure_c : float
        Time at risk or other exposure, treated and control, in one unit.

    Raises
    ------
    NotEstimable
        Without any event, or without exposure in an arm.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413; Lehmann & Romano (2005), Testing Statistical Hypotheses,
    section 4.5.
    """
    _possible(events_t, exposure_t, events_c, exposure_c)
    n = events_t + events_c
    if n == 0:
        raise NotEstimable("no events in either arm")
    from scipy import special

    odds = exposure_c / exposure_t
    low, high = 0.0, math.inf
    if events_t:
        p = float(special.betaincinv(events_t, events_c + 1, alpha / 2))
        low = p / (1 - p) * odds
    if events_c:
        q = float(special.betaincinv(events_c, events_t + 1, alpha / 2))  # 1 - p, without cancellation
        high = (1 - q) / q * odds
    estimate = events_t / events_c * odds if events_c else math.inf
    log_p = _binomial_log_p(events_t, n, exposure_t / (exposure_t + exposure_c))
    return RateRatio(estimate, low, high, math.exp(log_p), log_p)


def wald_rate_ratio(
    events_t: int, exposure_t: float, events_c: int, exposure_c: float, alpha: float
) -> RateRatio:
    """Rate ratio of Poisson counts by the normal approximation of its logarithm.

    Parameters
    ----------
    events_t, events_c : int
        Events, treated and control.
    exposure_t, exposure_c : float
        Time at risk or other exposure, treated and control, in one unit.

    Raises
    ------
    NotEstimable
        When an arm has no events or no exposure.

    References
    ----------
    Rothman, Greenland, Lash (2008), Modern Epidemiology, 3rd ed., chapter 14.
    """
    _possible(events_t, exposure_t, events_c, exposure_c)
    for events, name in ((events_t, "treatment"), (events_c, "control")):
        if events == 0:
            raise NotEstimable(f"no events in the {name} arm")
    log_ratio = math.log(events_t / exposure_t) - math.log(events_c / exposure_c)
    return _from_log(log_ratio, math.sqrt(1 / events_t + 1 / events_c), alpha)


def robust_rate_ratio(
    treated: Moments, control: Moments, events: str, exposure: str | None, alpha: float
) -> RateRatio:
    """Rate ratio with a variance that holds whatever the distribution of the counts.

    Parameters
    ----------
    treated, control : Moments
        Of units.
    events, exposure : str
        Columns; without exposure every unit counts as one.

    Raises
    ------
    NotEstimable
        With fewer than two units, or without events or exposure, in an arm.

    References
    ----------
    White (1982), Maximum likelihood estimation of misspecified models, Econometrica 50, 1-25, theorem 3.2:
    the sandwich (HC0) variance of a Poisson regression on the arm, closed for two arms.
    """
    enough_units(treated, control)
    logs, variance = [], 0.0
    for arm, name in ((treated, "treatment"), (control, "control")):
        rate, squares = _rate(arm, events, exposure, name)
        logs.append(math.log(rate))
        variance += squares / (arm.n * rate) ** 2
    return _from_log(logs[0] - logs[1], math.sqrt(variance), alpha)


def dispersion(treated: Moments, control: Moments, events: str) -> float:
    """Pearson's dispersion of counts with equal exposure: 1 for Poisson, above 1 for bunches.

    Raises
    ------
    NotEstimable
        Without events in an arm, or with no more than two units in all.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., section 6.2.3.
    """
    df = treated.n + control.n - 2
    if df < 1:
        raise NotEstimable("no more than two units")
    total = 0.0
    for arm, name in ((treated, "treatment"), (control, "control")):
        rate, squares = _rate(arm, events, None, name)
        total += squares / rate
    return total / df


def _rate(arm: Moments, events: str, exposure: str | None, name: str) -> tuple[float, float]:
    """Events per exposure, and the squared residuals in units of mean exposure."""
    if arm.mean_of(events) <= 0:
        raise NotEstimable(f"no events in the {name} arm")
    if exposure is None:
        i = arm.columns.index(events)
        return arm.mean_of(events), float(arm.comoment[i, i])
    if arm.mean_of(exposure) <= 0:
        raise NotEstimable(f"no exposure in the {name} arm")
    made = linearized(arm, {"rate": (events, exposure)})
    return made.mean_of("rate"), float(made.comoment[0, 0])


def _from_log(log_ratio: float, std_error: float, alpha: float) -> RateRatio:
    if std_error == 0:
        return RateRatio(math.exp(log_ratio), math.exp(log_ratio), math.exp(log_ratio), None, None, 0.0)
    half = normal_quantile(1 - alpha / 2) * std_error
    p, log_p = normal_two_sided(log_ratio / std_error)
    ends = math.exp(log_ratio - half), math.exp(log_ratio + half)
    return RateRatio(math.exp(log_ratio), *ends, p, log_p, std_error)


def _possible(events_t: int, exposure_t: float, events_c: int, exposure_c: float) -> None:
    if min(events_t, events_c, exposure_t, exposure_c) < 0:
        raise ValueError("events and exposure of at least 0")
    for exposure, events, name in ((exposure_t, events_t, "treatment"), (exposure_c, events_c, "control")):
        if exposure == 0:
            if events:
                raise ValueError("events without exposure")
            raise NotEstimable(f"no exposure in the {name} arm")


def _binomial_log_p(k: int, n: int, p: float) -> float:
    """Log probability of all outcomes of a binomial that are no likelier than k."""

    def log_pmf(i: int) -> float:
        choose = math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        return choose + i * math.log(p) + (n - i) * math.log1p(-p)

    bar = log_pmf(k) + 1e-7  # ties count, as in R
    mode = min(int((n + 1) * p), n)
    if k == mode or log_pmf(mode) <= bar:
        return 0.0
    below = k < mode
    # On the far side of the mode the probabilities fall: find the first outcome no likelier than k.
    inside, outside = mode, (n + 1 if below else -1)
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if log_pmf(middle) > bar else (inside, middle)
    low, high = (k, outside) if below else (outside, k)
    return min(_add_logs(_log_tail(low, n, p), _log_tail(n - high, n, 1 - p)), 0.0)


def _log_tail(k: int, n: int, p: float) -> float:
    """Log probability of at most k of n."""
    if k < 0:
        return -math.inf
    from scipy import special

    tail = float(special.bdtr(k, n, p))
    if tail > 1e-290:
        return math.log(tail)
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    term, total = 1.0, 1.0
    for i in range(k, 0, -1):
        term *= i * (1 - p) / ((n - i + 1) * p)
        total += term
        if term < 1e-17 * total:
            break
    return choose + k * math.log(p) + (n - k) * math.log1p(-p) + math.log(total)


def _add_logs(a: float, b: float) -> float:
    top = max(a, b)
    return top if math.isinf(top) else top + math.log(math.exp(a - top) + math.exp(b - top))
