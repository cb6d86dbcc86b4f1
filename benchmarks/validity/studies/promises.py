"""V22 and V25: the power a plan promises is the share of rejections of the test that is run."""

from __future__ import annotations

from collections.abc import Callable

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.cluster_moments import from_members
from loyalty_exp.stats.clusters import clustered
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power import clusters as cluster_power
from loyalty_exp.stats.power import means, noninferiority, proportions
from loyalty_exp.stats.power.design import Level
from loyalty_exp.stats.proportions import miettinen_nurminen
from validity.bands import Check, nominal, number, share, within, wrong
from validity.processes import ClusterNormal, Rng
from validity.study import Records, Study, each

WELCH = ESTIMATORS["welch"].estimate
RUNS = 10_000


def promise(
    id_: str,
    scenario: str,
    one: Callable[[Rng], dict[str, float]],
    promised: float,
    expected: float,
    mistaken: tuple[str, float] | None = None,
) -> Study:
    """A promised power against the simulated one; ``expected`` is the promise by an independent formula."""

    def judge(r: Records) -> list[Check]:
        hits, n = r["rejected"], len(r["rejected"])
        checks = [
            number("promised power", promised, within(expected - 5e-4, expected + 5e-4), n),
            share("simulated power", hits, nominal(promised)),
        ]
        if mistaken:
            checks.append(share(f"WRONG {mistaken[0]}", hits, wrong(nominal(mistaken[1]))))
        return checks

    return Study(id_, scenario, RUNS, each(one), judge)


def two_means(rng: Rng) -> dict[str, float]:
    """Difference of 2 with a standard deviation of 10, 394 units an arm."""
    t, c = (from_rows({"y": mean + 10 * rng.standard_normal(394)}) for mean in (2.0, 0.0))
    p = WELCH(t, c, ("y",), (), 0.05).absolute.p_value
    return {"rejected": p is not None and p < 0.05}


def two_proportions(rng: Rng) -> dict[str, float]:
    """11 % against 10 %, 14,751 units an arm."""
    p = miettinen_nurminen(
        int(rng.binomial(14_751, 0.11)), 14_751, int(rng.binomial(14_751, 0.10)), 14_751, 0.05
    )
    return {"rejected": p.p_value is not None and p.p_value < 0.05}


def not_worse(difference: float) -> Callable[[Rng], dict[str, float]]:
    """A guardrail with a margin of 2, 525 units an arm."""

    def one(rng: Rng) -> dict[str, float]:
        t, c = (from_rows({"y": mean + 10 * rng.standard_normal(525)}) for mean in (difference, 0.0))
        found = WELCH(t, c, ("y",), (), 0.05).absolute
        return {"rejected": margin_status(found.ci_lower, found.ci_upper, 2.0, "increase") == "pass"}

    return one


def two_groups_of_stores(rng: Rng) -> dict[str, float]:
    """Difference of 8, standard deviation 30, intraclass correlation .05; 12 clusters of 25 an arm."""
    arms = ClusterNormal(icc=0.05, mean_size=25, cv=0, sd=30.0, effect=8.0).draw(rng, 24)
    t, c = (from_members({"y": value}, cluster) for cluster, value in arms)
    p = clustered(t, c, "y", (), 0.05).absolute.p_value
    return {"rejected": p is not None and p < 0.05}


STUDIES = (
    promise(
        "V22",
        "two means, n=394 an arm",
        two_means,
        means.power(2.0, (10.0, 10.0), (394, 394)),
        0.8006,
        ("promise of a one-sided test", means.power(2.0, (10.0, 10.0), (394, 394), Level(0.05, 1))),
    ),
    promise(
        "V22",
        "10 % v 11 %, n=14,751 an arm",
        two_proportions,
        proportions.power(0.11, 0.10, (14_751, 14_751)),
        0.8000,
    ),
    promise(
        "V25",
        "non-inferiority, equal arms, n=525 an arm",
        not_worse(0.0),
        noninferiority.means_power(0.0, 2.0, (10.0, 10.0), (525, 525), Level(0.025, 1)),
        0.8993,
    ),
    promise(
        "V25",
        "non-inferiority, at the margin, n=525 an arm",
        not_worse(-2.0),
        noninferiority.means_power(-2.0, 2.0, (10.0, 10.0), (525, 525), Level(0.025, 1)),
        0.0250,
    ),
    promise(
        "V25",
        "12 clusters of 25 an arm",
        two_groups_of_stores,
        cluster_power.power(8.0, 30.0, (12, 12), cluster_power.Clusters(25, 0.05)),
        0.5578,
        ("promise for independent members", means.power(8.0, (30.0, 30.0), (300, 300))),
    ),
)
