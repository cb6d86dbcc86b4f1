"""V14: whole stores or households are drawn, their members are analyzed."""

from __future__ import annotations

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.cluster_moments import cluster_totals, from_members
from loyalty_exp.stats.clusters import cluster_difference, clustered, few_clusters
from loyalty_exp.stats.distributions import normal_two_sided
from loyalty_exp.stats.moments import from_rows
from validity.bands import Check, nominal, reference, share, within, wrong
from validity.processes import ClusterNormal, Rng
from validity.study import Records, Study, each

WELCH = ESTIMATORS["welch"].estimate
RUNS = 6_000


def false_positives(clusters: int, expected: dict[str, float]) -> Study:
    """A/A over a number of clusters in both arms together."""

    def one(rng: Rng) -> dict[str, float]:
        arms = ClusterNormal().draw(rng, clusters)
        t, c = (from_members({"value": value}, cluster) for cluster, value in arms)
        stata = cluster_difference(t, c, "value", 0.05, "CR1S")
        means = []
        for cluster, value in arms:
            totals, sizes = cluster_totals({"value": value}, cluster)
            means.append(from_rows({"value": totals["value"] / sizes}))
        members = [from_rows({"value": value}) for _, value in arms]
        return {
            "default": p_of(clustered(t, c, "value", (), 0.05).absolute.p_value),
            "stata": p_of(stata.p_value),
            "stata_normal": normal_two_sided(stata.estimate / stata.std_error)[0],
            "means": p_of(WELCH(*means, ("value",), (), 0.05).absolute.p_value),
            "members": p_of(WELCH(*members, ("value",), (), 0.05).absolute.p_value),
            "warned": few_clusters(t, c),
        }

    def judge(r: Records) -> list[Check]:
        few = clusters < 20
        return [
            share(
                "T1, CR2 with Satterthwaite df",
                r["default"] < 0.05,
                within(0, 0.06) if few else nominal(0.05),
            ),
            share("T1, Welch on cluster means", r["means"] < 0.05, reference(expected["means"], RUNS)),
            share("T1, CR1S with t", r["stata"] < 0.05, reference(expected["stata"], RUNS)),
            share("T1, CR1S with normal", r["stata_normal"] < 0.05, reference(expected["normal"], RUNS)),
            share("T1, members as independent", r["members"] < 0.05, reference(expected["members"], RUNS)),
            share("WRONG members as independent", r["members"] < 0.05, wrong(nominal(0.05))),
            share("warned of few clusters", r["warned"], within(1, 1) if few else within(0, 0)),
        ]

    return Study("V14", f"{clusters} clusters A/A", RUNS, each(one), judge)


def p_of(p_value: float | None) -> float:
    """A p-value that must exist."""
    assert p_value is not None
    return p_value


STUDIES = (
    false_positives(10, {"members": 0.180, "normal": 0.129, "stata": 0.087, "means": 0.044}),
    false_positives(40, {"members": 0.192, "normal": 0.068, "stata": 0.060, "means": 0.049}),
)
