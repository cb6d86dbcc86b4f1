"""Probability that a treated unit has the larger value, without equal variances."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.mann_whitney import NOT_A_MEAN
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows


def estimate(
    treated: UnitRows, control: UnitRows, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Brunner & Munzel (2000), Biometrical Journal 42, 17-25: the probability less one half."""
    from loyalty_exp.stats.ranks import brunner_munzel

    (column,) = outcome
    x, y = treated.values[column], control.values[column]
    found = brunner_munzel(x, y, alpha)
    low, high = max(found.ci_lower, 0.0) - 0.5, min(found.ci_upper, 1.0) - 0.5
    absolute = Difference(
        found.superiority - 0.5, found.std_error, low, high, found.p_value, found.log_p_value, found.df
    )
    means = float(x.mean()), float(y.mean())
    relative = RelativeLift(None, None, None, None, NOT_A_MEAN)
    facts = {"probability_larger": found.superiority}
    return Effect("brunner_munzel", treated.n, control.n, *means, absolute, relative, facts=facts)


BRUNNER_MUNZEL = Estimator(
    "brunner_munzel",
    {
        "en": "Probability that a unit of the treatment group has the larger value, less one half, with the "
        "test of "
        "Brunner and Munzel (2000).",
        "zh-CN": "干预组单位取值更大的概率减去二分之一，采用 Brunner 与 Munzel（2000）检验。",
    },
    estimate,
    "rows",
    ("mean",),
)
