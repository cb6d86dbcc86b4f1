"""Drawing again until the arms are alike, by a criterion that was written down before.

Try k has the salt ``salt#k``; the accepted k and its distance are recorded, so that the draw can be repeated.
An analysis that allows for it redraws by the same rule (randomization test); the usual intervals are
conservative, since balance on what predicts the outcome takes variance away.

References
----------
Morgan, Rubin (2012), Rerandomization to improve covariate balance in experiments, Annals of Statistics 40(2),
1263-1282, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.assignment.balance import mahalanobis
from loyalty_exp.assignment.draw import cumulated, points
from loyalty_exp.assignment.members import Members
from loyalty_exp.errors import Refused
from loyalty_exp.spec.assignment import Rerandomize
from loyalty_exp.stats.moments import Moments
from loyalty_exp.warehouse.atoms import double
from loyalty_exp.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Accepted:
    """The draw that was taken.

    Attributes
    ----------
    salt : str
        ``salt#k``.
    tries : int
        Draws that were made.
    distance : float
        Mahalanobis distance of the arm means, see :func:`loyalty_exp.assignment.balance.mahalanobis`.
    """

    salt: str
    tries: int
    distance: float


def accepted(
    engine: Engine, members: Members, rule: Rerandomize, salt: str, shares: Sequence[Fraction]
) -> Accepted:
    """Fetch units and covariates once, and draw until the rule is met.

    Raises
    ------
    Refused
        If no draw meets the threshold.
    """
    xs = [double(members.column(n)) for n in rule.covariates]
    values = [sa.func.avg(x) for x in xs] if members.experiment.cluster else xs
    query = sa.select(members.key.label("key"), *(v.label(f"x{i}") for i, v in enumerate(values)))
    query = query.select_from(members.table).where(members.eligible())
    if members.experiment.cluster:
        query = query.group_by(members.key).order_by(members.key)
    rows = engine.fetch(query)
    x = np.array([row[1:] for row in rows], dtype=float).reshape(len(rows), len(xs))
    with np.errstate(invalid="ignore"):
        x = x - np.nan_to_num(np.nanmean(x, axis=0)) if len(rows) else x
    return search([str(row[0]) for row in rows], np.nan_to_num(x), rule, salt, shares)


def search(
    keys: Sequence[str],
    x: npt.NDArray[np.float64],
    rule: Rerandomize,
    salt: str,
    shares: Sequence[Fraction],
) -> Accepted:
    """Draw with salt#0, salt#1... and take the first within the threshold, or the best of a number.

    Parameters
    ----------
    keys : sequence of str, length n
        What is hashed.
    x : array, shape (n, k)
        Centered covariates.
    """
    best: Accepted | None = None
    allowed = rule.best_of or rule.max_tries
    for k in range(allowed):
        tried = f"{salt}#{k}"
        distance = _distance(points(tried, keys), x, shares)
        if best is None or distance < best.distance:
            best = Accepted(tried, k + 1, distance)
        if rule.threshold is not None and distance <= rule.threshold:
            return Accepted(tried, k + 1, distance)
    assert best is not None
    if rule.threshold is not None:
        raise Refused(
            f"none of {allowed:,} draws has a distance of at most {rule.threshold:g}; the best has "
            f"{best.distance:.3g}. Raise assignment.rerandomize.threshold, or use best_of."
        )
    return Accepted(best.salt, allowed, best.distance)


def _distance(
    where: npt.NDArray[np.float64], x: npt.NDArray[np.float64], shares: Sequence[Fraction]
) -> float:
    ends = np.array([float(c) for c in cumulated(shares)[:-1]])
    arm = np.searchsorted(ends, where, side="right")
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    arms = {}
    for a in range(len(shares)):
        mine = x[arm == a]
        mean = mine.mean(axis=0) if len(mine) else np.zeros(x.shape[1])
        gap = mine - mean
        arms[str(a)] = Moments(len(mine), names, mean, gap.T @ gap)
    return mahalanobis(arms)[0]
