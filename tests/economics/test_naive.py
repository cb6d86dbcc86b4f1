"""Figures that are not causal never come without their label; totals scale by the treated."""

from __future__ import annotations

import pytest

from loyalty_exp.economics.campaign_totals import campaign_totals
from loyalty_exp.economics.naive import (
    NOT_CAUSAL,
    before_after,
    before_after_market_adjusted,
    members_vs_nonmembers,
    naive_panel,
    participants_vs_nonparticipants,
)
from loyalty_exp.errors import NotEstimable


def test_every_naive_figure_is_labeled_and_has_the_causal_one_beside_it() -> None:
    panel = naive_panel(
        640,
        612,
        (
            members_vs_nonmembers(1_180, 590),
            before_after(500, 640),
            before_after_market_adjusted(500, 640, 0.18),
            participants_vs_nonparticipants(900, 600),
        ),
    )
    assert {n.label for n in panel.naive} == {NOT_CAUSAL}
    assert [n.value for n in panel.naive] == pytest.approx([2.0, 0.28, 640 / 590 - 1, 1.5])
    assert panel.causal_lift == pytest.approx(640 / 612 - 1)


def test_means_that_are_not_above_zero_have_no_ratio() -> None:
    with pytest.raises(NotEstimable, match="non-member mean"):
        members_vs_nonmembers(10, 0)
    with pytest.raises(NotEstimable, match="control mean"):
        naive_panel(10, -1, ())
    with pytest.raises(ValueError, match="market"):
        before_after_market_adjusted(1, 1, -1)


def test_totals_do_not_depend_on_the_size_of_the_control_arm() -> None:
    found = campaign_totals(48_000, 13.4, 12.55, 0.32, 8_790, 1_500)
    assert found.profit == pytest.approx(2_766)
    assert found.break_even_uplift * 48_000 * 0.32 == pytest.approx(found.total_cost)


def test_ratios_that_do_not_exist_are_none() -> None:
    free = campaign_totals(10, 2, 1, 0.5, 0, 0)
    assert (free.roi, free.incremental_return_on_spend, free.profit) == (None, None, 5)
    assert campaign_totals(10, 1, 1, 0.5, 3, 0).cost_per_incremental_revenue is None
    assert campaign_totals(10, 1, 2, 0.5, 3, 0).cost_per_incremental_revenue is None
    with pytest.raises(NotEstimable, match="nobody"):
        campaign_totals(0, 2, 1, 0.5, 0, 0)
    with pytest.raises(ValueError, match="margin"):
        campaign_totals(10, 2, 1, 0.0, 0, 0)
