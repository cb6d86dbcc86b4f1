"""Do the two arms repurchase at the same pace? Log-rank tests, plain, weighted and within strata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf
from loyalty_exp.stats.event_counts import EventCounts, RiskTable, risk_table
from loyalty_exp.stats.moments import Vector

Weights = Literal["log_rank", "peto_peto"]


@dataclass(frozen=True, slots=True)
class LogRank:
    """Events of the treatment arm against what they would be at the pace of both arms together.

    Attributes
    ----------
    observed, expected : float
        Events of the treatment arm, weighted where the test is.
    variance : float
        Of the difference between the two, under equal hazards.
    statistic : float
        Chi-square with 1 degree of freedom.
    p_value, log_p_value : float
        Two-sided; the natural logarithm stays finite where the p-value underflows to 0.
    """

    observed: float
    expected: float
    variance: float
    statistic: float
    p_value: float
    log_p_value: float

    @property
    def z(self) -> float:
        """Signed root of the statistic; positive when the treatment arm is faster."""
        return (self.observed - self.expected) / math.sqrt(self.variance)


def log_rank(treated: EventCounts, control: EventCounts, weights: Weights = "log_rank") -> LogRank:
    """Test equal hazards.

    Parameters
    ----------
    treated, control : EventCounts
    weights : str
        ``log_rank`` weighs all times alike; ``peto_peto`` by the pooled survival just before each time, so
        that early days count more.

    Raises
    ------
    NotEstimable
        With no units in an arm, or when no event came while both arms were at risk.

    References
    ----------
    Mantel (1966), Evaluation of survival data and two new rank order statistics, Cancer Chemotherapy Reports
    50, 163-170; Peto & Peto (1972), Asymptotically efficient rank invariant test procedures, JRSS A 135,
    185-207; Harrington & Fleming (1982), A class of rank test procedures, Biometrika 69, 553-566, rho of 0
    and 1.
    """
    return stratified_log_rank([(treated, control)], weights)


def stratified_log_rank(
    strata: Sequence[tuple[EventCounts, EventCounts]], weights: Weights = "log_rank"
) -> LogRank:
    """Test equal hazards within strata whose own hazards may differ.

    Parameters
    ----------
    strata : sequence of pairs of EventCounts
        Treated and control of each stratum; one that lacks an arm tells nothing and is passed over.
    weights : str
        As in :func:`log_rank`; the pooled survival is that of the stratum.

    Raises
    ------
    NotEstimable
        When no stratum has units in both arms, or no event came while both arms were at risk.

    References
    ----------
    Mantel & Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies, JNCI 22,
    719-748; Kalbfleisch & Prentice (2002), 2nd ed., section 1.5.
    """
    if len(strata) == 1:
        tables = [risk_table(*strata[0])]
    else:
        tables = [risk_table(t, c) for t, c in strata if t.n > 0 and c.n > 0]
    if not tables:
        raise NotEstimable("no stratum has units in both arms")
    sums = np.sum([_sums(table, weights) for table in tables], axis=0)
    observed, expected, variance = (float(v) for v in sums)
    if variance <= 0:
        raise NotEstimable("no event came while both arms were at risk")
    statistic = (observed - expected) ** 2 / variance
    return LogRank(observed, expected, variance, statistic, *chi2_sf(statistic, 1))


def pooled_survival_before(table: RiskTable) -> Vector:
    """Kaplan-Meier curve of both arms together just before each event time, shape (m,)."""
    after = np.cumprod(1 - table.events / table.at_risk)
    return np.concatenate([[1.0], after[:-1]])[: len(after)]


def _sums(table: RiskTable, weights: Weights) -> tuple[float, float, float]:
    """Observed, expected and hypergeometric variance of one stratum."""
    if weights == "log_rank":
        w = np.ones(len(table.time))
    elif weights == "peto_peto":
        w = pooled_survival_before(table)
    else:
        raise ValueError(f"no such weights: {weights!r}")
    n, d = table.at_risk, table.events
    share = table.at_risk_treated / n
    # One unit at risk has no variance, and the divisor n - 1 would be 0.
    spread = share * (table.at_risk_control / n) * d * (n - d) / np.maximum(n - 1, 1)
    return float(w @ table.events_treated), float(w @ (d * share)), float((w * w) @ spread)
