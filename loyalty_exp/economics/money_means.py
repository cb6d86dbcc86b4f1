"""Mean money of two arms with its covariance, by the way the arms were drawn: units, strata, or clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loyalty_exp.economics.ledger import Ledger, open_ledger
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.outcomes.returns_columns import RETURNS
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.means import ArmMeans, adjusted
from loyalty_exp.stats.moments import Moments

Means = tuple[ArmMeans, ArmMeans]


@dataclass(frozen=True, slots=True)
class Book:
    """A block of the outcomes, and how to price the columns of one arm of it."""

    block: str
    open: Callable[[Experiment, str, Moments, tuple[str, ...]], Ledger]


ECONOMICS_BOOK = Book(ECONOMICS, open_ledger)
"""Benefit and cost over the whole window."""

RETURNS_BOOK = Book(RETURNS, open_ledger)
"""The same, with revenue and orders."""


def money_means(
    experiment: Experiment,
    outcomes: Outcomes,
    treatment: str,
    columns: tuple[str, ...],
    covariates: tuple[str, ...],
    book: Book = ECONOMICS_BOOK,
) -> Means:
    """Give the means of a treatment and of control.

    Each column is adjusted with its own slopes, and the covariance between the columns is kept. Clusters give
    a variance robust to them, strata are weighed by their share of all units, as for the metrics.

    Parameters
    ----------
    columns : tuple of str
        Of :func:`~loyalty_exp.economics.ledger.open_ledger`.
    covariates : tuple of str
        Of the benefit metric.
    book : Book
        Which block is read, and how its columns become money.

    Raises
    ------
    NotEstimable
        With fewer than two units or clusters in an arm.
    """
    pair = (treatment, experiment.control)
    if experiment.cluster is not None:
        means, ledgers = _over_clusters(experiment, outcomes, pair, columns, covariates, book)
    elif outcomes.strata:
        means, ledgers = _over_strata(experiment, outcomes, pair, columns, covariates, book)
    else:
        block = outcomes.overall[book.block]
        ledgers = [book.open(experiment, a, block[a], covariates) for a in pair]
        means = adjusted(ledgers[0].moments, ledgers[1].moments, columns, covariates)
    treated, control = (_with_constants(m, ledger) for m, ledger in zip(means, ledgers, strict=True))
    return treated, control


def _with_constants(means: ArmMeans, ledger: Ledger) -> ArmMeans:
    """Add what every unit of the arm costs, which no covariate can explain."""
    constants = np.array([ledger.constants.get(c, 0.0) for c in means.columns])
    return ArmMeans(means.n, means.columns, means.mean + constants, means.covariance, means.df)


def _over_clusters(
    experiment: Experiment,
    outcomes: Outcomes,
    pair: tuple[str, str],
    columns: tuple[str, ...],
    covariates: tuple[str, ...],
    book: Book,
) -> tuple[Means, list[Ledger]]:
    from loyalty_exp.stats.cluster_moments import ClusterArm
    from loyalty_exp.stats.clusters import adjusted_clusters, cluster_means

    found = outcomes.evidence.clusters[None][book.block]
    block = outcomes.overall[book.block]
    treated, control = (
        ClusterArm(
            found[a].sizes, tuple(book.open(experiment, a, c, covariates).moments for c in found[a].cells)
        )
        for a in pair
    )
    if covariates and treated.n_clusters and control.n_clusters:
        treated, control = adjusted_clusters(treated, control, columns, covariates)
    means = cluster_means(treated, columns), cluster_means(control, columns)
    return means, [book.open(experiment, a, block[a], covariates) for a in pair]


def _over_strata(
    experiment: Experiment,
    outcomes: Outcomes,
    pair: tuple[str, str],
    columns: tuple[str, ...],
    covariates: tuple[str, ...],
    book: Book,
) -> tuple[Means, list[Ledger]]:
    from loyalty_exp.stats.strata import collapse, least_units, stratified_means

    names = tuple(sorted(outcomes.strata))
    ledgers = [
        [book.open(experiment, a, outcomes.strata[name][book.block][a], covariates) for name in names]
        for a in pair
    ]
    cells = [[ledger.moments for ledger in arm] for arm in ledgers]
    treated, control, kept = collapse(cells[0], cells[1], names, least_units(len(covariates)))
    found = stratified_means(treated, control, columns, covariates, kept)
    return (found.treated, found.control), [arm[0] for arm in ledgers]
