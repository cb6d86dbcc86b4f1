"""V16: days to the next purchase, when not everyone has been followed long enough."""

from __future__ import annotations

from loyalty_exp.stats.event_counts import event_counts
from loyalty_exp.stats.horizon_rate import rate_at_horizon
from loyalty_exp.stats.log_rank import log_rank
from loyalty_exp.stats.restricted_mean import restricted_mean_difference
from validity.bands import Check, average, mean_of, nominal, reference, reference_mean, share, wrong
from validity.processes import Repurchase, Rng
from validity.study import Records, Study, covers, each

RUNS = 6_000


def follow_up(scenario: str, process: Repurchase, expected: dict[str, float]) -> Study:
    """Rates by day tau and restricted means, with the log-rank test."""
    rate_truth, mean_truth = process.rate_difference, process.restricted_mean_difference

    def one(rng: Rng) -> dict[str, float]:
        (time_t, event_t), (time_c, event_c) = process.draw(rng, 800)
        t, c = event_counts(time_t, event_t), event_counts(time_c, event_c)
        rate = rate_at_horizon(t, c, process.tau, 0.05).difference
        days = restricted_mean_difference(t, c, 0.05, process.tau).difference
        # Those who were not followed to the end count as if they had not bought.
        naive = (event_t & (time_t <= process.tau)).mean() - (event_c & (time_c <= process.tau)).mean()
        return {
            "rate": rate.estimate,
            "rate_covered": covers(rate.ci_lower, rate.ci_upper, rate_truth),
            "days": days.estimate,
            "days_covered": covers(days.ci_lower, days.ci_upper, mean_truth),
            "p": log_rank(t, c).p_value,
            "naive": float(naive),
        }

    def judge(r: Records) -> list[Check]:
        checks = [
            average("bias of the rate", r["rate"] - rate_truth, mean_of(0.0)),
            share("coverage of the rate", r["rate_covered"], nominal(0.95)),
            average("bias of the restricted mean, days", r["days"] - mean_truth, mean_of(0.0)),
            share("coverage of the restricted mean", r["days_covered"], nominal(0.95)),
        ]
        if process == Repurchase():
            checks.append(share("T1, log-rank", r["p"] < 0.05, nominal(0.05)))
        if "power" in expected:
            naive = r["naive"] - rate_truth
            checks += [
                share("power, log-rank", r["p"] < 0.05, reference(expected["power"], RUNS)),
                average("bias of the naive share", naive, reference_mean(expected["naive"], RUNS)),
                average("WRONG share that ignores censoring", naive, wrong(mean_of(0.0))),
            ]
        return checks

    return Study("V16", scenario, RUNS, each(one), judge)


STUDIES = (
    follow_up("no effect", Repurchase(), {}),
    follow_up("hazard ratio 1.25", Repurchase(hr=1.25), {"power": 0.827, "naive": 0.0050}),
    follow_up("30 % v 20 % never buy", Repurchase(cure_control=0.3, cure_treatment=0.2), {}),
)
