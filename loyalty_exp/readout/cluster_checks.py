"""Checks of a draw of households or stores: how many, each whole in one arm, how alike within."""

from __future__ import annotations

from collections.abc import Mapping

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.result import HealthCheck
from loyalty_exp.spec.experiment import Experiment


def drawn(experiment: Experiment, outcomes: Outcomes) -> Mapping[str, int]:
    """Count what was randomized, by arm: units, or clusters."""
    blocks = outcomes.evidence.clusters.get(None)
    if blocks is None:
        return outcomes.units
    return {arm: max(by_arm[arm].n_clusters for by_arm in blocks.values()) for arm in outcomes.units}


def check_clusters(experiment: Experiment, outcomes: Outcomes) -> list[HealthCheck]:
    """Whole clusters in one arm, and enough of them; nothing to check where units were randomized."""
    if experiment.cluster is None:
        return []
    from loyalty_exp.stats.clusters import FEW_CLUSTERS

    split, whole = outcomes.evidence.split_clusters, sum(drawn(experiment, outcomes).values())
    detail = {"clusters": whole, **_alikeness(experiment, outcomes)}
    return [
        HealthCheck("clusters_in_two_arms", "warn" if split else "pass", None, {"clusters": split}),
        HealthCheck("few_clusters", "warn" if whole < FEW_CLUSTERS else "pass", None, detail),
    ]


def _alikeness(experiment: Experiment, outcomes: Outcomes) -> dict[str, float]:
    """Intraclass correlation and design effect of the first primary mean, where they can be estimated."""
    import numpy as np

    from loyalty_exp.stats.intraclass import design_effect, intraclass_correlation

    chosen = next((m for m in experiment.metrics if m.role == "primary" and m.measure != "ratio"), None)
    if chosen is None or chosen.id not in outcomes.evidence.clusters.get(None, {}):
        return {}
    arms = outcomes.evidence.clusters[None][chosen.id]
    column = chosen.needs(experiment.shape, experiment.library).outcome[0]
    within = 0.0
    sizes: list[int] = []
    for arm, clusters in arms.items():
        members = outcomes.overall[chosen.id][arm]
        at = members.columns.index(column)
        within += float(members.comoment[at, at] + members.n * members.mean[at] ** 2)
        for size, cell in zip(clusters.sizes, clusters.cells, strict=True):
            j = cell.columns.index(column)
            within -= float(cell.comoment[j, j] + cell.n * cell.mean[j] ** 2) / size
            sizes += [size] * cell.n
    try:
        icc = intraclass_correlation(list(arms.values()), column, max(within, 0.0))
        return {"icc": icc, "design_effect": design_effect(np.array(sizes), icc).design_effect}
    except NotEstimable:
        return {}
