"""A sum over a sum, such as average order value or the share of value returned."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from loyalty_exp.estimators.estimator import Measure
from loyalty_exp.grammar import Column, Section
from loyalty_exp.metrics.metric import PRE, Metric, MetricLibrary
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class RatioCovariate(Section):
    """The pre-period columns of a ratio on a per-unit table."""

    numerator: Column = Field(description="Column of the per-unit table.")
    denominator: Column = Field(description="Column of the per-unit table.")


class Ratio(Metric):
    """Sum over sum, with the member as the unit of inference: average order value, return rate by value.

    .. code-block:: yaml

        {id: aov, type: ratio, numerator: spend, denominator: orders, covariates: [pre]}
    """

    type: Literal["ratio"]
    numerator: Column = Field(
        description="Id of an amount or count metric of this spec, or a per-unit column."
    )
    denominator: Column = Field(
        description="Id of an amount or count metric of this spec, or a per-unit column."
    )
    covariates: tuple[Literal["pre"]] | tuple[()] | RatioCovariate = Field(
        default=(),
        description="`[pre]` on transactions, `{numerator: ..., denominator: ...}` on per-unit tables.",
    )

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for both sums a unit, and for both of the pre-period."""
        parts = tuple(self._part(name, shape, library) for name in (self.numerator, self.denominator))
        if isinstance(self.covariates, RatioCovariate):
            extra = tuple(
                UnitColumn(name, "column", source=name)
                for name in (self.covariates.numerator, self.covariates.denominator)
            )
        elif self.covariates == (PRE,):
            extra = tuple(
                replace(c, id=f"{c.id}__pre", window="pre", missing="zero", check="") for c in parts
            )
        else:
            extra = ()
        return Needs((*parts, *extra), tuple(c.id for c in parts), tuple(c.id for c in extra))

    @staticmethod
    def _part(name: str, shape: Shape, library: MetricLibrary) -> UnitColumn:
        if name in library:
            part = library[name].needs(shape, library).columns[0]
            return replace(part, cap=None, id=f"{part.id}__uncapped") if part.cap else part
        return (
            UnitColumn(name, "column", source=name)
            if shape == "units"
            else UnitColumn(name, "sum", source=name)
        )

    def default_estimator(self, needs: Needs) -> str:
        """Delta method at the unit of randomization."""
        return "ratio_cuped" if needs.covariates else "ratio_delta"

    @property
    def measure(self) -> Measure:
        """A ratio of sums."""
        return "ratio"
