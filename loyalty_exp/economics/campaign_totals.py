"""A campaign in round numbers: totals from means a member, scaled by the treated; no inference."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable


@dataclass(frozen=True, slots=True)
class CampaignTotals:
    """Totals over all treated members.

    Attributes
    ----------
    incremental_revenue, incremental_margin, total_cost, profit : float
        Money.
    roi : float or None
        Profit over cost; None when the campaign cost nothing.
    incremental_return_on_spend : float or None
        Incremental revenue over cost (iROAS); None when the campaign cost nothing.
    break_even_uplift : float
        Extra revenue a member that would pay for it, money.
    cost_per_incremental_revenue : float or None
        None when there is no incremental revenue.
    """

    incremental_revenue: float
    incremental_margin: float
    total_cost: float
    profit: float
    roi: float | None
    incremental_return_on_spend: float | None
    break_even_uplift: float
    cost_per_incremental_revenue: float | None


def campaign_totals(
    n_treated: int,
    revenue_treated: float,
    revenue_control: float,
    margin: float,
    variable_cost: float,
    fixed: float,
) -> CampaignTotals:
    """Scale the difference of means by the treated; raw totals of arms of unequal size do not compare.

    ``gain = n_treated (revenue_treated - revenue_control)``, profit ``margin gain - variable_cost - fixed``.

    Parameters
    ----------
    n_treated : int
    revenue_treated, revenue_control : float
        Means a member, money.
    margin : float
        Share of revenue, above 0.
    variable_cost, fixed : float
        Totals over the treated arm, money.

    Raises
    ------
    NotEstimable
        With nobody treated.
    """
    if n_treated < 1:
        raise NotEstimable("nobody was treated")
    if not margin > 0 or not min(variable_cost, fixed) >= 0:
        raise ValueError("a margin above 0, and costs that are not negative")
    revenue = n_treated * (revenue_treated - revenue_control)
    cost = variable_cost + fixed
    profit = revenue * margin - cost
    return CampaignTotals(
        revenue,
        revenue * margin,
        cost,
        profit,
        profit / cost if cost else None,
        revenue / cost if cost else None,
        cost / (n_treated * margin),
        cost / revenue if revenue > 0 else None,
    )
