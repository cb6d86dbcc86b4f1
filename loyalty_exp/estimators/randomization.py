"""The randomization test: how often another draw of the same assignment gives so large a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows

if TYPE_CHECKING:
    import numpy as np

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
    """Fisher (1935); Phipson & Smyth (2010): drawn again as it was, within strata if there were any."""
    import numpy as np

    from loyalty_exp.errors import NotEstimable
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
    absolute = Difference(means[0] - means[1], 0.0, low, high, found.p_value)
    relative = RelativeLift(None, None, None, None, NOT_READ)
    return Effect("randomization", treated.n, control.n, *means, absolute, relative)


def _draw(treated: UnitRows, control: UnitRows) -> Draw:
    """Give the scheme: fixed numbers of both arms, in each stratum where there are strata."""
    import numpy as np

    from loyalty_exp.stats.draws import Blocked, Complete

    n = treated.n + control.n
    if treated.stratum is None or control.stratum is None:
        return Complete(n, treated.n)
    stratum: np.ndarray[tuple[int], np.dtype[np.str_]] = np.concatenate([treated.stratum, control.stratum])
    blocks = tuple(tuple(np.flatnonzero(stratum == s).tolist()) for s in np.unique(stratum))
    return Blocked(blocks, tuple(Complete(len(b), sum(i < treated.n for i in b)) for b in blocks))


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
)
