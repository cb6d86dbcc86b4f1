"""Does the treatment arm tend to larger values: ranks, and the shift that they say."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows

NOT_A_MEAN = "ranks say nothing of the relative lift of the mean"


def estimate(
    treated: UnitRows, control: UnitRows, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Mann & Whitney (1947), Annals of Mathematical Statistics 18, 50-60; Hodges & Lehmann (1963).

    Raises
    ------
    NotEstimable
        If all values are equal, an arm is empty, or units are too few for alpha.
    """
    from loyalty_exp.errors import NotEstimable
    from loyalty_exp.stats.hodges_lehmann import hodges_lehmann
    from loyalty_exp.stats.ranks import mann_whitney

    (column,) = outcome
    x, y = treated.values[column], control.values[column]
    test = mann_whitney(x, y)
    if test.p_value is None:
        raise NotEstimable(test.not_tested)
    shift = hodges_lehmann(x, y, alpha)
    absolute = Difference(
        shift.estimate, None, shift.ci_lower, shift.ci_upper, test.p_value, test.log_p_value
    )
    return Effect(
        "mann_whitney",
        treated.n,
        control.n,
        float(x.mean()),
        float(y.mean()),
        absolute,
        RelativeLift(None, None, None, None, NOT_A_MEAN),
        facts={"probability_larger": test.superiority},
    )


MANN_WHITNEY = Estimator(
    "mann_whitney",
    {
        "en": "Mann-Whitney test of ranks with the shift of Hodges and Lehmann: whether units of the "
        "treatment group "
        "tend to larger values, whatever the mean does.",
        "zh-CN": "Mann-Whitney 秩检验与 Hodges-Lehmann 位移：考察干预组的值是否整体偏大，与均值无关。",
    },
    estimate,
    "rows",
    ("mean",),
)
