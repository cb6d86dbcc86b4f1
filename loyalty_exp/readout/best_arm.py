"""Of several treatments and control: how likely each is the best, beside the Bayesian readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.contrasts import arm_means
from loyalty_exp.readout.result import Estimate
from loyalty_exp.spec.experiment import Experiment


def with_best_arm(
    experiment: Experiment, outcomes: Outcomes, readings: Sequence[Estimate]
) -> tuple[Estimate, ...]:
    """Add the probability of being the best of all arms to the readings that have posteriors of the arms.

    That is with at least two treatments, and a prior that says nothing: a declared prior on the effect is not
    one on the arms.
    """
    if len(experiment.treatments) < 2:
        return tuple(readings)
    metrics = {m.id: m for m in experiment.metrics}
    out = []
    for e in readings:
        flat = e.estimator == "beta_binomial" or (
            e.estimator == "normal_prior" and "prior_sd" not in (e.facts or {})
        )
        if flat and e.absolute is not None:
            chances = _chances(experiment, outcomes, metrics[e.metric], e.estimator)
            names = {"probability_best": e.treatment, "probability_control_best": e.control}
            found = {name: chances[arm] for name, arm in names.items() if arm in chances}
            e = replace(e, facts={**(e.facts or {}), **found})
        out.append(e)
    return tuple(out)


def _chances(experiment: Experiment, outcomes: Outcomes, metric: Metric, estimator: str) -> dict[str, float]:
    """Probability of each arm to be the best, in the direction of the metric; empty where one is unknown."""
    arms = (experiment.control, *experiment.treatments)
    falling = metric.direction == "decrease"
    try:
        if estimator == "normal_prior":
            from loyalty_exp.stats.bayes.arms import probability_best

            found = [arm_means(experiment, metric, outcomes, arm).only() for arm in arms]
            means = [-m if falling else m for m, _ in found]
            return dict(zip(arms, probability_best(means, [v**0.5 for _, v in found]), strict=True))
        from loyalty_exp.estimators.miettinen_nurminen import successes
        from loyalty_exp.stats.bayes import proportions
        from loyalty_exp.stats.bayes.beta import posterior

        (column,) = metric.needs(experiment.shape, experiment.library).outcome
        counts = [successes(outcomes.overall[metric.id][arm], column) for arm in arms]
        beliefs = [posterior(n - x if falling else x, n) for x, n in counts]
        return dict(zip(arms, proportions.probability_best(beliefs), strict=True))
    except NotEstimable:
        return {}
