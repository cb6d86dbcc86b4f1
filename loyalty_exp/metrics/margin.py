"""Contribution margin before program cost for each unit, made from the parts of orders and refunds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.metric import Display, Metric, MetricLibrary, with_covariates
from loyalty_exp.metrics.needs import MarginParts, Needs, Shape, UnitColumn


class Margin(Metric):
    """Revenue without tax and refunds, less goods, fulfilment, payment fees and handling of returns.

    Program cost is not in it: points and coupons are a way to pay, and stand among the costs.

    .. code-block:: yaml

        {id: contribution, type: margin, fulfilment_per_order: 8, payment_fee_rate: 0.006, return_handling: 6}
    """

    type: Literal["margin"]
    basis: Literal["contribution_margin", "net_revenue"] = Field(
        default="contribution_margin",
        description="`net_revenue` takes off only refunds and value added tax.",
    )
    fulfilment_per_order: float = Field(
        default=0.0, ge=0, description="Money an order costs to pack and send."
    )
    payment_fee_rate: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Part of the amount that the payment costs; refunds do not bring it back.",
    )
    return_handling: float = Field(default=0.0, ge=0, description="Money a refund costs to handle.")
    discount_is_tender: bool = Field(
        default=False,
        description="Whether the column discount holds points and coupons, which are a way to pay: it is "
        "added to the amount, and the subsidy stands among the costs.",
    )
    covariates: tuple[Column, ...] = Field(
        default=(),
        description="Columns known before assignment; `pre` is the metric itself before assignment.",
    )
    within_days: int | None = Field(
        default=None, ge=1, le=3660, description="Window; the schedule's when left out."
    )
    where: tuple[Predicate, ...] = Field(
        default=(), description="Only transactions that satisfy all of these."
    )

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for one sum a unit, and its covariates."""
        parts = MarginParts(
            self.basis,
            self.fulfilment_per_order,
            self.payment_fee_rate,
            self.return_handling,
            self.discount_is_tender,
        )
        value = UnitColumn(self.id, "margin", days=self.within_days, where=self.where, parts=parts)
        return with_covariates(value, self.covariates, shape, self.missing_covariates)

    @property
    def shown_as(self) -> Display:
        """Money, unless the spec says otherwise."""
        return self.display or "money"
