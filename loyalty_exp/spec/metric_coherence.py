"""Checks of metrics against the shape of the data, the schedule and one another."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.metrics import Margin, Metric, Ratio, Repurchase
from loyalty_exp.metrics.metric import PRE
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.metrics.ratio import RatioCovariate
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.place import Finding, Path

_PRE_DAYS = "length of the pre-period, such as schedule: {pre_days: 56}"


def kinds_fit_shape(spec: Draft) -> Iterator[Finding]:
    """Keys that belong to the other shape of data are refused, never left unread."""
    if spec.data is None:
        return
    for i, metric in spec.metrics.items():
        path: Path = ("metrics", i)
        if isinstance(metric, Margin):
            yield from _margin_has_parts(path, metric, spec)
        if spec.units_shape:
            yield from _on_units(path, metric)
        else:
            yield from _on_transactions(path, metric, spec)


def _margin_has_parts(path: Path, metric: Margin, spec: Draft) -> Iterator[Finding]:
    sold = spec.data.transactions if spec.data is not None else None
    if sold is None:
        message = "is made of orders and refunds; a per-unit table has none"
        yield Finding((*path, "type"), message, "write type: amount, and the column of the margin")
    elif metric.basis == "contribution_margin" and sold.cogs is None:
        message = "needs data.transactions.cogs: the column of the cost of the goods"
        yield Finding((*path, "type"), message, "add cogs:, or write basis: net_revenue")
    elif metric.discount_is_tender and sold.discount is None:
        message = "needs data.transactions.discount: the column that is added to the amount"
        hint = "add discount: to data.transactions"
        yield Finding((*path, "discount_is_tender"), message, hint, on_key=True)


def _on_units(path: Path, metric: Metric) -> Iterator[Finding]:
    if getattr(metric, "where", ()):
        hint = "put the condition under population: or into the column"
        yield Finding((*path, "where"), "filters transactions; a per-unit table has none", hint, on_key=True)
    if getattr(metric, "within_days", None) is not None and not isinstance(metric, Repurchase):
        yield Finding(
            (*path, "within_days"),
            "is a window over transactions; the column of a per-unit table is counted already",
            "remove it",
            on_key=True,
        )
    cap = getattr(metric, "cap", None)
    if cap is not None and cap.quantile is not None and cap.pre_column is None:
        yield Finding(
            (*path, "cap", "quantile"),
            "needs cap.pre_column on a per-unit table: the quantile is taken before assignment",
            "add pre_column: the column of the pre-period, or give upper:",
            on_key=True,
        )


def _on_transactions(path: Path, metric: Metric, spec: Draft) -> Iterator[Finding]:
    if isinstance(metric, Repurchase) or metric.shown_as == "percent":
        for key in ("column", "follow_up"):
            if getattr(metric, key, None) is not None:
                message = "is for per-unit tables; with transactions any order in the window counts"
                yield Finding((*path, key), message, "remove it, or filter with where:", on_key=True)
    cap = getattr(metric, "cap", None)
    if cap is None:
        return
    if cap.pre_column is not None:
        message = "is for per-unit tables; with transactions the pre-period is read itself"
        yield Finding((*path, "cap", "pre_column"), message, "remove it", on_key=True)
    if cap.quantile is not None and spec.schedule is not None and spec.schedule.pre_days == 0:
        yield Finding((*path, "cap", "quantile"), "needs schedule.pre_days above 0", _PRE_DAYS, on_key=True)


def covariates(spec: Draft) -> Iterator[Finding]:
    """`pre` is read from transactions before assignment; on a per-unit table a covariate is a column."""
    for i, metric in spec.metrics.items():
        path: Path = ("metrics", i, "covariates")
        given = getattr(metric, "covariates", ())
        if isinstance(given, RatioCovariate):
            if spec.transactions_shape:
                message = "names columns of a per-unit table, and there is none"
                yield Finding(path, message, "write covariates: [pre]")
            continue
        yield from _one_name_one_column(path, given, metric, spec)
        if PRE not in given:
            continue
        if spec.units_shape:
            hint = (
                "write covariates: {numerator: <pre-period column>, denominator: <pre-period column>}"
                if isinstance(metric, Ratio)
                else "name the column that holds the pre-period, such as covariates: [pre_spend]"
            )
            yield Finding(path, "'pre' needs transactions, and this spec has a per-unit table", hint)
        elif spec.transactions_shape and spec.schedule is not None and spec.schedule.pre_days == 0:
            yield Finding(path, "'pre' needs schedule.pre_days above 0", _PRE_DAYS)


def _one_name_one_column(
    path: Path, given: tuple[str, ...], metric: Metric, spec: Draft
) -> Iterator[Finding]:
    """A column that adjusts a metric, and a metric of its name with other values, could not be told apart."""
    if metric.missing_covariates == "indicator":
        return
    for name in given:
        other = spec.by_id.get(name)
        if other is None or (name == PRE and spec.transactions_shape):
            continue
        if isinstance(other, Ratio):  # of two columns, neither of which bears its id
            continue
        found = other.needs("units" if spec.units_shape else "transactions", spec.by_id).columns
        if any(c.id == name and c != UnitColumn(name, "column", source=name) for c in found):
            message = f"'{name}' is a column here and the id of another metric with other values"
            yield Finding(path, message, f"give the metric '{name}' another id")


def ratio_parts(spec: Draft) -> Iterator[Finding]:
    """A ratio divides two sums, neither of which is a ratio."""
    for i, metric in spec.metrics.items():
        if not isinstance(metric, Ratio):
            continue
        for key in ("numerator", "denominator"):
            name = getattr(metric, key)
            other = spec.by_id.get(name)
            if name == metric.id:
                message = f"names the ratio '{name}' itself"
                yield Finding(("metrics", i, key), message, "name an amount, a count or a column")
            elif isinstance(other, (Ratio, Repurchase)):
                message = f"'{name}' is a {other.type} metric; a ratio divides sums"
                yield Finding(("metrics", i, key), message, "name an amount, a count or a column")


def estimators_fit(spec: Draft) -> Iterator[Finding]:
    """An estimator reads one kind of metric, and some need covariates, strata or clusters."""
    for i, metric in spec.metrics.items():
        readings = ((("readings", j), choice) for j, choice in enumerate(metric.readings))
        for key, choice in [(("estimator",), metric.estimator), *readings]:
            if choice is None:
                continue
            estimator = ESTIMATORS[choice.type]
            fault = _misfit(metric, estimator, beside=key[0] == "readings")
            fault = fault or _against_the_draw(estimator, spec)
            if fault is not None:
                yield Finding(("metrics", i, *key), *fault)
        if spec.raw.get("cluster") and metric.measure == "quantile":
            message = "a quantile is not read where whole clusters were drawn"
            yield Finding(("metrics", i), message, "remove it, or read an amount")


def _reads(estimator: Estimator, metric: Metric, *, beside: bool) -> bool:
    """Tell whether an estimator reads this kind of metric; the time of a repurchase, only beside it."""
    if estimator.beside and not beside:
        return False
    if "time" in estimator.fits:
        return isinstance(metric, Repurchase)
    counted = estimator.evidence == "event_counts" and not isinstance(metric, Repurchase)
    return metric.measure in estimator.fits and not counted


def _misfit(metric: Metric, estimator: Estimator, *, beside: bool) -> tuple[str, str] | None:
    """Say what is wrong with an estimator of a metric, and what to do."""
    covariates = getattr(metric, "covariates", ()) or ()
    if not _reads(estimator, metric, beside=beside):
        fitting = [e.name for e in ESTIMATORS.values() if _reads(e, metric, beside=beside)]
        message = f"'{estimator.name}' does not read a metric of type {getattr(metric, 'type', '')}"
        return message, f"one of {', '.join(fitting)}"
    if not isinstance(covariates, RatioCovariate) and len(covariates) < estimator.covariates[0]:
        return f"'{estimator.name}' needs covariates", "add covariates: [...] to the metric"
    return None


def _against_the_draw(estimator: Estimator, spec: Draft) -> tuple[str, str] | None:
    """Say how an estimator does not go with the way in which arms were drawn."""
    cluster, assignment = spec.raw.get("cluster"), spec.raw.get("assignment")
    strata = assignment.get("strata") if isinstance(assignment, dict) else None
    if estimator.evidence == "strata" and not strata:
        return f"'{estimator.name}' needs assignment.strata", "add assignment: {strata: [...]}"
    if estimator.evidence == "clusters" and not cluster:
        return f"'{estimator.name}' needs cluster:", "name the column of the household or store"
    if cluster and not estimator.clustered:
        fitting = ", ".join(e.name for e in ESTIMATORS.values() if e.clustered)
        message = f"'{estimator.name}' takes units as independent, and whole clusters were drawn"
        return message, f"one of {fitting}"
    return None
