"""Are the arms alike before anything happened? Standardized differences, and one test for all covariates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.assignment.arms import ARM
from loyalty_exp.assignment.members import Members
from loyalty_exp.stats.distributions import chi2_sf
from loyalty_exp.stats.moments import Moments, merge
from loyalty_exp.stats.slopes import pseudo_inverse
from loyalty_exp.stats.standardized import Balance, standardized_difference
from loyalty_exp.warehouse.atoms import Expr, as_text, double
from loyalty_exp.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Difference:
    """One covariate in one arm against control.

    Attributes
    ----------
    covariate, arm : str
    mean, control_mean : float
    standardized : float or None
        Difference over the root of the mean variance; None when it does not vary but differs.
    """

    covariate: str
    arm: str
    mean: float
    control_mean: float
    standardized: float | None


def differences(arms: Mapping[str, Moments], control: str) -> tuple[Difference, ...]:
    """Compare each arm with control, covariate by covariate; arms of one unit or none are left out."""
    base, out = arms[control], []
    for name in base.columns:
        for arm, moments in arms.items():
            if arm != control and min(moments.n, base.n) > 1:
                value = standardized_difference(moments, base, name)
                out.append(Difference(name, arm, moments.mean_of(name), base.mean_of(name), value))
    return tuple(out)


def mahalanobis(arms: Mapping[str, Moments]) -> tuple[float, int]:
    """Distance of the arm means from the common mean, and its degrees of freedom.

    ``sum_k n_k (m_k - m)' S^-1 (m_k - m)`` with S the covariance of all units together, which does not depend
    on the draw; for two arms it is ``n_1 n_0 / n`` times the squared Mahalanobis distance of their means.

    References
    ----------
    Morgan, Rubin (2012), Rerandomization to improve covariate balance in experiments, Annals of Statistics
    40(2), 1263-1282, equation 2.1, here for any number of arms.
    Hansen, Bowers (2008), Covariate balance in simple, stratified and clustered comparative studies,
    Statistical Science 23(2), 219-236, section 3: d-squared, chi-square in the limit.
    """
    filled = [m for m in arms.values() if m.n]
    whole = merge(filled, filled[0].columns)
    if whole.n < 2:
        return 0.0, 0
    inverse, rank = pseudo_inverse(whole.comoment / (whole.n - 1))
    gaps = [(m.n, m.mean - whole.mean) for m in filled]
    return math.fsum(n * float(g @ inverse @ g) for n, g in gaps), rank * (len(filled) - 1)


def omnibus(arms: Mapping[str, Moments]) -> Balance:
    """Test that no covariate tells the arms apart: chi-square of :func:`mahalanobis`."""
    statistic, df = mahalanobis(arms)
    return Balance(statistic, df, chi2_sf(statistic, df)[0] if df else None)


def moments_by_arm(
    engine: Engine, members: Members, written: sa.FromClause, arms: Sequence[str], covariates: Sequence[str]
) -> dict[str, Moments]:
    """Moments of the covariates in each arm, centered before squaring; an unknown value counts as the mean.

    Where clusters are drawn, a cluster is one row: the mean of its members.
    """
    unit = members.experiment.unit
    arm: Expr = sa.column(ARM, _selectable=written)
    found = members.table.join(written, members.unit == as_text(sa.column(unit, _selectable=written)))
    xs = [double(members.column(name)) for name in covariates]
    rows: sa.Select[Any] = sa.select(arm.label("arm"), *(x.label(f"balance:{i}") for i, x in enumerate(xs)))
    if members.experiment.cluster:
        rows = sa.select(
            sa.func.min(arm).label("arm"), *(sa.func.avg(x).label(f"balance:{i}") for i, x in enumerate(xs))
        )
        rows = rows.group_by(members.key)
    return moments_of_rows(engine, rows.select_from(found).subquery("covariates"), arms, covariates)


def moments_of_rows(
    engine: Engine, table: sa.FromClause, arms: Sequence[str], covariates: Sequence[str]
) -> dict[str, Moments]:
    """Moments of a table of ``arm``, ``balance:0``, ``balance:1``..., one row a unit of the draw."""
    columns = [table.c[f"balance:{i}"] for i in range(len(covariates))]
    centers = [float(v or 0.0) for v in engine.fetch(sa.select(*map(sa.func.avg, columns)))[0]]
    centered = [
        sa.func.coalesce(c - sa.literal(m, sa.Double), sa.literal(0.0, sa.Double))
        for c, m in zip(columns, centers, strict=True)
    ]
    pairs = [(i, j) for i in range(len(covariates)) for j in range(i, len(covariates))]
    sums = [sa.func.sum(c) for c in centered] + [sa.func.sum(centered[i] * centered[j]) for i, j in pairs]
    got = {
        row[0]: row[1:]
        for row in engine.fetch(sa.select(table.c.arm, sa.func.count(), *sums).group_by(table.c.arm))
    }
    return {a: _moments(got.get(a), tuple(covariates), centers, pairs) for a in arms}


def _moments(
    row: Sequence[Any] | None,
    columns: tuple[str, ...],
    centers: Sequence[float],
    pairs: Sequence[tuple[int, int]],
) -> Moments:
    k = len(columns)
    if row is None:
        return Moments(0, columns, np.zeros(k), np.zeros((k, k)))
    n = int(row[0])
    mean = np.array(row[1 : k + 1], dtype=float) / n
    products = np.zeros((k, k))
    for (i, j), value in zip(pairs, row[k + 1 :], strict=True):
        products[i, j] = products[j, i] = float(value) - n * mean[i] * mean[j]
    return Moments(n, columns, np.array(centers) + mean, products)
