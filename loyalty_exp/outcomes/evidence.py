"""What estimators read beyond moments: asked for only where a metric needs it, a grouped query each.

Rows leave the engine for methods that need rows, and for no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach, NotEstimable
from loyalty_exp.metrics import Quantile, Repurchase
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.outcomes.outcomes import Evidence
from loyalty_exp.outcomes.plan import Plan, wants
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr
from loyalty_exp.warehouse.engine import Engine

if TYPE_CHECKING:
    from loyalty_exp.stats.event_counts import EventCounts
    from loyalty_exp.stats.quantiles import OrderStatistics
    from loyalty_exp.stats.unit_rows import UnitRows

Timed = Mapping[str, tuple[Expr, Expr | None]]
"""By metric: days until the first event (null when there was none), and days observed (None: all of them)."""


def collect_evidence(
    engine: Engine,
    experiment: Experiment,
    asked: Plan,
    table: UnitTable,
    timed: Timed,
    tell: Callable[[str], None],
) -> Evidence:
    """Ask for everything that the estimators of an experiment read beyond moments.

    Parameters
    ----------
    timed : mapping
        Expressions over ``table.rows`` for the repurchase metrics.

    Raises
    ------
    ContractBreach
        If a unit has no cluster.
    """
    arms = tuple(arm.id for arm in experiment.planned_arms)
    blocks = {block.name: block for block in asked.blocks}
    counts: dict[str, Mapping[str, EventCounts]] = {}
    ordered: dict[str, Mapping[str, OrderStatistics | NotEstimable]] = {}
    for metric in experiment.metrics:
        if isinstance(metric, Repurchase) and metric.id in timed:
            from loyalty_exp.outcomes.repurchase_days import count_events

            tell("counting repurchases by day")
            counts[metric.id] = count_events(engine, table, *timed[metric.id], metric.within_days, arms)
        if isinstance(metric, Quantile):
            from loyalty_exp.outcomes.ordered_values import read_quantiles

            tell("reading quantiles")
            alpha, column = experiment.analysis.alpha, blocks[metric.id].outcome[0]
            ordered[metric.id] = read_quantiles(engine, table, column, metric.quantile, alpha, arms)
    rows: dict[str, Mapping[str, UnitRows]] = {}
    for name in wants(experiment, "rows"):
        from loyalty_exp.outcomes.rows_of_units import fetch_rows

        tell("reading rows")
        rows[name] = fetch_rows(engine, table, blocks[name], arms, experiment)
    follow_up: dict[str, Mapping[str, UnitRows]] = {}
    for metric in experiment.metrics:
        if isinstance(metric, Repurchase) and metric.id in wants(experiment, "follow_up"):
            from loyalty_exp.outcomes.repurchase_days import fetch_follow_up

            tell("reading rows")
            covariates, within = blocks[metric.id].covariates, metric.within_days
            found = fetch_follow_up(engine, table, timed[metric.id], within, covariates, arms)
            follow_up[metric.id] = found
    if experiment.cluster is None:
        return Evidence(counts, ordered, rows, follow_up=follow_up)
    from loyalty_exp.outcomes.cluster_rows import cluster_arms, split_clusters

    tell("summing clusters")
    _every_unit_has_a_cluster(engine, experiment, table)
    by_cluster = cluster_arms(engine, table, asked, arms)
    return Evidence(counts, ordered, rows, by_cluster, split_clusters(engine, table), follow_up)


def _every_unit_has_a_cluster(engine: Engine, experiment: Experiment, table: UnitTable) -> None:
    assert table.cluster is not None and experiment.cluster is not None
    count, examples = located(engine, table.rows, sa.or_(table.cluster.is_(None), table.cluster == ""))
    if count:
        message = "units have no cluster; every unit belongs to the household or store that was randomized"
        name = experiment.data.units or experiment.data.members or ""
        breach = Breach(name, experiment.cluster, "cluster_not_null", message, count, examples)
        raise ContractBreach((breach,))
