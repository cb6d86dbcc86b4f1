"""The Bayesian reading of two proportions: uniform priors, and what shipping would lose on average."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import successes
from loyalty_exp.stats.arm_means import enough_units
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.moments import Moments

NO_MEAN = "nothing happened in the control arm: the lift has no mean under a uniform prior"


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.4, uniform priors."""
    from loyalty_exp.stats.bayes.beta import posterior
    from loyalty_exp.stats.bayes.proportions import (
        difference_interval,
        expected_lift,
        expected_losses,
        lift_interval,
        probability_better,
    )

    enough_units(treated, control)
    (column,) = outcome
    counts = [successes(arm, column) for arm in (treated, control)]
    t, c = (posterior(x, n) for x, n in counts)
    low, high = difference_interval(t, c, alpha)
    spread = (t.variance + c.variance) ** 0.5
    ship, keep = expected_losses((t, c))
    lift = RelativeLift(None, None, None, None, NO_MEAN)
    if counts[1][0]:
        lift = RelativeLift(expected_lift(t, c), None, *lift_interval(t, c, alpha))
    return Effect(
        "beta_binomial",
        treated.n,
        control.n,
        counts[0][0] / counts[0][1],
        counts[1][0] / counts[1][1],
        Difference(t.mean - c.mean, spread, low, high, None),
        lift,
        facts={
            "probability_positive": probability_better(t, c),
            "expected_loss_ship": ship,
            "expected_loss_keep": keep,
            "prior_mean": 0.5,
        },
    )


BETA_BINOMIAL = Estimator(
    "beta_binomial",
    {
        "en": "Posterior of both proportions under uniform priors (Gelman et al. 2013); the intervals are "
        "credible ones.",
        "zh-CN": "在均匀先验下两个比例的后验分布（Gelman 等 2013）；区间为可信区间。",
    },
    estimate,
    fits=("proportion",),
)
