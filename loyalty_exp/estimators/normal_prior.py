"""The Bayesian reading: a normal prior on the effect, declared in the spec, joined with the estimate."""

from __future__ import annotations

import math
from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.moments import Moments

ABSOLUTE = "the prior is on the absolute effect"


def estimate(
    treated: Moments,
    control: Moments,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
) -> Effect:
    """Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., equations 2.11 and 2.12.

    Parameters
    ----------
    prior_mean, prior_sd : float
        Of the absolute effect, in the unit of the metric; an infinite ``prior_sd`` is a flat prior.
    """
    from loyalty_exp.stats.bayes.normal import Prior, expected_loss, interval, posterior, probability_above
    from loyalty_exp.stats.difference import effect
    from loyalty_exp.stats.means import adjusted

    found = effect("normal_prior", *adjusted(treated, control, outcome, covariates), alpha)
    error = found.absolute.std_error or 0.0
    belief = posterior(found.absolute.estimate, error, Prior(prior_mean, prior_sd))
    low, high = interval(belief, alpha)
    loss = expected_loss(belief)
    facts = {
        "probability_positive": probability_above(belief, 0.0)[0],
        "expected_loss_ship": loss.ship,
        "expected_loss_keep": loss.keep,
        "shrinkage": belief.shrinkage,
        "prior_mean": prior_mean,
    } | ({"prior_sd": prior_sd} if math.isfinite(prior_sd) else {})
    absolute = Difference(belief.mean, belief.sd, low, high, None)
    return replace(
        found, absolute=absolute, relative=RelativeLift(None, None, None, None, ABSOLUTE), facts=facts
    )


NORMAL_PRIOR = Estimator(
    "normal_prior",
    {
        "en": "Posterior of the effect under the declared normal prior (Gelman et al. 2013); the interval is "
        "a credible "
        "one, and the prior stands beside it.",
        "zh-CN": "在所声明的正态先验下效应的后验分布（Gelman 等 2013）；区间为可信区间，先验列于其旁。",
    },
    estimate,
    fits=("mean", "proportion"),
    parameters={"prior_mean": 0.0, "prior_sd": math.inf},
    covariates=(0, 99),
)
