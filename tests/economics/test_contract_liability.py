"""Points in the books: deferral at selling price, released with redemptions."""

from __future__ import annotations

import pytest

from loyalty_exp.economics.contract_liability import defer, release
from loyalty_exp.errors import NotEstimable


def test_a_sale_is_split_and_nothing_is_lost() -> None:
    # IFRS 15 illustrative example 52: 100,000 of goods, 10,000 points of 1, 9,500 expected.
    split = defer(100_000, 100_000, 10_000, 1.0, 0.95)
    assert split.deferred == pytest.approx(8_676, abs=0.5)
    assert split.goods_revenue == pytest.approx(91_324, abs=0.5)


def test_releases_of_the_standard_s_own_example() -> None:
    # The same example: 4,500 redeemed of 9,500 expected, then 8,500 of 9,700.
    found = release(8_676, 10_000, [4_500, 4_000], [0.95, 0.97])
    assert found.revenue[0] == pytest.approx(4_110, abs=0.5)
    assert found.revenue[1] == pytest.approx(3_493, abs=0.5)
    assert found.closing == pytest.approx(1_073, abs=0.5)


def test_everything_is_released_when_redemptions_reach_what_was_expected() -> None:
    assert release(90, 100, [40, 30], [0.9, 0.6]).closing == 0
    assert release(90, 100, [0, 0], [0.9, 0.0]).revenue == (0, 90)


def test_raising_the_expected_rate_takes_revenue_back() -> None:
    found = release(100, 100, [50, 0], [0.5, 1.0])
    assert found.revenue == (100, -50)
    assert found.closing == 50


def test_impossible_inputs_are_refused() -> None:
    with pytest.raises(NotEstimable, match="stand-alone"):
        defer(10, 0, 0, 1.0, 0.5)
    with pytest.raises(ValueError, match="more points"):
        release(10, 100, [60, 60], [0.9, 0.9])
    with pytest.raises(ValueError, match="each period"):
        release(10, 100, [60], [0.9, 0.9])
    with pytest.raises(ValueError, match="not negative"):
        release(-10, 100, [60], [0.9])
    with pytest.raises(ValueError, match="not negative"):
        defer(-1, 1, 1, 1, 0.5)
