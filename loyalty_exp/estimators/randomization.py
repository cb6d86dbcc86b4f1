"""The randomization test: how often another draw of the same assignment gives so large a difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.unit_rows import Balanced, UnitRows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from loyalty_exp.stats.draws import Draw

NOT_READ = "the relative lift is read by the estimator of the metric"

MOST_UNITS = 200_000
"""Above this many units a drawn reference distribution costs more than it tells."""


def estimate(
    treated: UnitRows,
    control: UnitRows,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    draws: int = 2_000,
    seed: int = 0,
) -> Effect:
    """Fisher (1935); Phipson & Smyth (2010): drawn again as it was, within strata if there were any.

    Raises
    ------
    NotEstimable
        With more than :data:`MOST_UNITS` units, an empty arm, or equal outcomes.
    """
    import numpy as np

    from loyalty_exp.stats.randomization import randomization_interval, randomization_test

    (column,) = outcome
    if treated.n + control.n > MOST_UNITS:
        raise NotEstimable(
            f"more than {MOST_UNITS:,} units; the intervals of the estimates hold at this size"
        )
    y = np.concatenate([treated.values[column], control.values[column]])
    z = np.arange(len(y)) < treated.n
    draw = _draw(treated, control)
    found = randomization_test(y, z, draw, rng=np.random.default_rng(int(seed)), draws=int(draws))
    low, high = randomization_interval(
        y, z, draw, alpha, rng=np.random.default_rng(int(seed)), draws=int(draws)
    )
    means = float(y[z].mean()), float(y[~z].mean())
    absolute = Difference(means[0] - means[1], None, low, high, found.p_value)
    relative = RelativeLift(None, None, None, None, NOT_READ)
    return Effect("randomization", treated.n, control.n, *means, absolute, relative)


def _draw(treated: UnitRows, control: UnitRows) -> Draw:
    """Give the scheme as it was: fixed numbers of both arms, in strata, of clusters, until balanced."""
    import numpy as np

    from loyalty_exp.stats.draws import Clustered

    assigned = np.arange(treated.n + control.n) < treated.n
    if treated.cluster is None or control.cluster is None:
        return _of_units(treated, control, np.arange(len(assigned)), assigned)
    names, first, of = np.unique(
        np.concatenate([treated.cluster, control.cluster]), return_index=True, return_inverse=True
    )
    if (np.bincount(of, assigned, len(names)) % np.bincount(of) != 0).any():
        raise NotEstimable("clusters in both arms were not drawn whole")
    return Clustered(tuple(of.tolist()), _of_units(treated, control, first, assigned))


def _of_units(
    treated: UnitRows, control: UnitRows, at: npt.NDArray[np.intp], assigned: npt.NDArray[np.bool_]
) -> Draw:
    """Give the scheme over units, or over clusters by one of their units each."""
    import numpy as np

    from loyalty_exp.stats.draws import Blocked, Complete

    mine, n = assigned[at], len(at)
    if treated.balanced is not None and control.balanced is not None:
        return _until_balanced(treated.balanced, control.balanced, at, mine)
    if treated.stratum is None or control.stratum is None:
        return Complete(n, int(mine.sum()))
    stratum: npt.NDArray[np.str_] = np.concatenate([treated.stratum, control.stratum])[at]
    blocks = tuple(tuple(np.flatnonzero(stratum == s).tolist()) for s in np.unique(stratum))
    return Blocked(blocks, tuple(Complete(len(b), int(mine[list(b)].sum())) for b in blocks))


def _until_balanced(
    treated: Balanced, control: Balanced, at: npt.NDArray[np.intp], mine: npt.NDArray[np.bool_]
) -> Draw:
    """Give the scheme that draws again until balanced; arms that are not compared stay as they are.

    Given the numbers in both arms, all assignments that meet a threshold are alike likely. The best of a
    number of draws is not, so that there the numbers are drawn, too.
    """
    import numpy as np

    from loyalty_exp.stats.draws import Bernoulli, Complete
    from loyalty_exp.stats.redraws import SLACK, Rerandomized

    if not (treated.complete and control.complete):
        raise NotEstimable("units of the draw have no outcome, so the balance cannot be taken again")
    where = np.concatenate([treated.where, control.where])[at]
    if treated.best_of is not None:
        if treated.arms > 2:
            raise NotEstimable("the best of a number of draws is redrawn for two arms only")
        share = treated.share / (treated.share + control.share)
        return Rerandomized(Bernoulli((share,) * len(at)), where, best_of=treated.best_of)
    draw = Rerandomized(Complete(len(at), int(mine.sum())), where, threshold=treated.threshold)
    seen = float(draw.distance(mine[None])[0])
    assert treated.threshold is not None
    if treated.distance > treated.threshold * (1 + SLACK):
        raise NotEstimable("the covariates are not those that were balanced by the draw")
    return replace(draw, rest=treated.distance - seen)


RANDOMIZATION = Estimator(
    "randomization",
    {
        "en": "Randomization test: the assignment is drawn again as it was drawn, within strata where there "
        "were "
        "some, and the difference compared with those of the draws (Fisher 1935; Phipson and Smyth 2010).",
        "zh-CN": "随机化检验：按原方案（有分层时在层内）重新抽取分组，并与所得差异比较"
        "（Fisher 1935；Phipson 与 Smyth 2010）。",
    },
    estimate,
    "rows",
    ("mean", "proportion"),
    {"draws": 2_000, "seed": 0},
    clustered=True,
)
