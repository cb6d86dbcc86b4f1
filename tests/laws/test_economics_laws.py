"""Laws of loyalty money that hold for all inputs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.economics.acceptability import acceptability
from loyalty_exp.economics.assumptions import Assumption, total_uncertainty
from loyalty_exp.economics.break_even import break_even_redemption_rate
from loyalty_exp.economics.contract_liability import defer, release
from loyalty_exp.economics.coupons import CouponCampaign, read_coupons
from loyalty_exp.economics.horizon import Persistence, horizon_value
from loyalty_exp.economics.information import information_value
from loyalty_exp.economics.payback import payback
from loyalty_exp.economics.points import PointsFlow, PointsPrice, position, true_up
from loyalty_exp.economics.pull_forward import TwoDifferences, pull_forward
from loyalty_exp.economics.rollout import Stratum, roll_out
from loyalty_exp.economics.triggered import diluted
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.benefit_cost import BenefitCost, benefit_cost, net_benefit, roi_of
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.repeat_buying import BgNbd, expected_purchases, purchase_probabilities

LAW = settings(max_examples=60, deadline=None, derandomize=True)
SHARE = st.floats(0, 1)
MONEY = st.floats(-1e6, 1e6, allow_subnormal=False)
FACTOR = st.sampled_from([0.01, 0.14, 7.2, 1e4])
SEED = st.integers(0, 2**32 - 1)


@st.composite
def flows(draw: st.DrawFn) -> PointsFlow:
    issued = draw(st.integers(0, 10**9))
    back = draw(st.integers(0, issued))
    redeemed = draw(st.integers(0, issued - back))
    return PointsFlow(issued, back, redeemed, draw(st.integers(0, issued - back - redeemed)))


@st.composite
def pairs(draw: st.DrawFn) -> BenefitCost:
    s_b, s_c = draw(st.floats(0.01, 100)), draw(st.floats(0.01, 100))
    r = draw(st.floats(-0.99, 0.99))
    b, c = draw(st.floats(-1e3, 1e3)), draw(st.floats(-1e3, 1e3))
    return BenefitCost(b, c, draw(st.floats(0, 100)), s_b**2, r * s_b * s_c, s_c**2)


@st.composite
def periods(draw: st.DrawFn) -> tuple[list[float], np.ndarray]:
    rng = np.random.default_rng(draw(SEED))
    t = draw(st.integers(1, 12))
    root = rng.normal(0, 0.3, (t, t))
    return rng.normal(0.2, 1.0, t).round(3).tolist(), root @ root.T


@st.composite
def strata(draw: st.DrawFn) -> list[Stratum]:
    rng = np.random.default_rng(draw(SEED))
    k = draw(st.integers(1, 6))
    rows = zip(rng.normal(0.3, 1, k), rng.uniform(0.05, 1, k), rng.integers(1, 10**6, k), strict=True)
    return [Stratum(f"s{i}", float(nb), float(se), int(n)) for i, (nb, se, n) in enumerate(rows)]


@LAW
@given(flow=flows(), rate=SHARE, face=st.floats(1e-4, 100), cost=st.floats(0, 2))
def test_accrual_is_burn_and_closing_liability(
    flow: PointsFlow, rate: float, face: float, cost: float
) -> None:
    at = position(flow, rate, PointsPrice(face, cost))
    assert at.identity_gap == pytest.approx(0, abs=1e-12 * max(at.accrual_cost, 1.0))
    assert min(at.accrual_cost, at.burn_cost, at.closing_liability) >= 0
    assert -1e-6 <= at.expected_future <= at.outstanding
    assert 0 <= at.redemption_rate <= 1 + 1e-12
    assert at.accrual_cost == pytest.approx(at.net_issued * at.cost_per_point_issued, rel=1e-6, abs=1e-9)


@LAW
@given(flow=flows(), low=SHARE, high=SHARE)
def test_a_higher_redemption_rate_never_costs_less(flow: PointsFlow, low: float, high: float) -> None:
    low, high = sorted((low, high))
    up, down = (true_up(flow, a, b, PointsPrice(0.01)) for a, b in ((low, high), (high, low)))
    assert up >= 0
    assert up == -down


@LAW
@given(benefit=st.floats(-50, 50), other=st.floats(0, 20), fixed=st.floats(0, 5), points=st.floats(-2e3, 2e3))
def test_the_words_at_break_even_are_those_of_the_net_benefit(
    benefit: float, other: float, fixed: float, points: float
) -> None:
    price = PointsPrice(0.01, 0.9)
    found = break_even_redemption_rate(benefit, other, fixed, points, price)

    def net(rate: float) -> float:
        return benefit - other - fixed - points * price.cost * rate

    if found.status == "inside":
        assert net(found.value) == pytest.approx(0, abs=1e-9)
    else:
        signs = {math.copysign(1, net(u)) for u in (0.0, 0.5, 1.0)}
        words = {"profitable_at_any_rate": {1.0}, "loss_at_any_rate": {-1.0}}
        assert signs == words.get(found.status, {1.0})


@LAW
@given(
    price=st.floats(1, 1e6),
    goods=st.floats(1, 1e6),
    points=st.floats(1, 1e6),
    rates=st.lists(st.floats(0.01, 1), min_size=1, max_size=6),
    seed=SEED,
)
def test_deferred_revenue_is_released_or_still_owed(
    price: float, goods: float, points: float, rates: list[float], seed: int
) -> None:
    split = defer(price, goods, points, 0.01, rates[0])
    assert split.deferred + split.goods_revenue == pytest.approx(price)
    used = np.random.default_rng(seed).dirichlet(np.ones(len(rates) + 1))[:-1] * points * 0.999
    found = release(split.deferred, points, used.tolist(), rates)
    assert math.fsum(found.revenue) + found.closing == pytest.approx(split.deferred)
    assert -1e-9 * price <= found.closing <= split.deferred * (1 + 1e-9)


@LAW
@given(
    redemptions=st.floats(0.001, 1),
    extra=st.floats(-0.5, 1.5),
    subsidy=st.floats(0, 100),
    margins=st.tuples(st.floats(0.1, 400), st.floats(0.1, 400)),
    other=st.floats(0, 5),
)
def test_coupons_pay_exactly_when_their_incremental_share_beats_break_even(
    redemptions: float, extra: float, subsidy: float, margins: tuple[float, float], other: float
) -> None:
    campaign = CouponCampaign(redemptions, extra * redemptions, subsidy, *margins, other)
    found = read_coupons(campaign)
    assert found.incremental_share + found.deadweight_share == pytest.approx(1)
    assert 0 <= found.deadweight_subsidy <= redemptions * subsidy * (1 + 1e-12)
    assume(0 <= extra <= 1 and abs(found.net_benefit) > 1e-9 * (found.total_cost + sum(margins)))
    if found.break_even.status == "inside":
        assert (found.net_benefit > 0) == (extra > found.break_even.value)
    else:
        assert (found.net_benefit > 0) == (found.break_even.status == "profitable_at_any_share")


@LAW
@given(seed=SEED, coupon=st.floats(0.1, 30))
def test_a_coupon_booked_as_cost_or_off_the_revenue_leaves_net_benefit(seed: int, coupon: float) -> None:
    rng = np.random.default_rng(seed)
    arms: dict[str, list] = {"cost": [], "off": []}
    for treated in (True, False):
        margin, used = rng.gamma(2, 30, 80), coupon * treated * (rng.random(80) < 0.3)
        arms["cost"].append({"benefit": margin, "cost": used + 0.05 * treated})
        arms["off"].append({"benefit": margin - used, "cost": np.full(80, 0.05 * treated)})
    as_cost, as_off = (
        net_benefit(benefit_cost(*(plain(from_rows(r), ("benefit", "cost")) for r in rows), 0.2), 0.05)
        for rows in arms.values()
    )
    for key in ("estimate", "std_error", "ci_lower", "ci_upper", "probability_positive"):
        assert getattr(as_cost, key) == pytest.approx(getattr(as_off, key), rel=1e-9, abs=1e-9)


@LAW
@given(pair=pairs(), k=FACTOR)
def test_another_currency_scales_money_and_leaves_returns(pair: BenefitCost, k: float) -> None:
    sq = k * k
    other = BenefitCost(
        k * pair.delta_benefit,
        k * pair.delta_cost,
        k * pair.fixed,
        sq * pair.v_bb,
        sq * pair.v_bc,
        sq * pair.v_cc,
    )
    a, b = net_benefit(pair, 0.05), net_benefit(other, 0.05)
    assert (b.estimate, b.std_error) == pytest.approx((k * a.estimate, k * a.std_error), rel=1e-9, abs=1e-9)
    assert b.probability_positive == pytest.approx(a.probability_positive, abs=1e-12)
    r, s = roi_of(pair, 0.05), roi_of(other, 0.05)
    assert (r.status, r.quadrant) == (s.status, s.quadrant)
    if r.estimate is not None:
        assert s.estimate == pytest.approx(r.estimate, rel=1e-9, abs=1e-9)
    curve, again = acceptability(pair), acceptability(other)
    assert again.hurdles == curve.hurdles
    assert again.probabilities == pytest.approx(curve.probabilities, abs=1e-9)


@LAW
@given(pair=pairs(), share=st.floats(0.01, 1))
def test_members_who_cannot_be_affected_change_neither_total_nor_return(
    pair: BenefitCost, share: float
) -> None:
    whole = diluted(pair, share)
    a, b = net_benefit(pair, 0.05), net_benefit(whole, 0.05)
    assert (b.estimate / share, b.std_error / share) == pytest.approx((a.estimate, a.std_error), abs=1e-9)
    r, s = roi_of(pair, 0.05), roi_of(whole, 0.05)
    assert (r.status, r.quadrant) == (s.status, s.quadrant)
    if r.status == "interval":
        assert (s.estimate, s.ci_lower, s.ci_upper) == pytest.approx((r.estimate, r.ci_lower, r.ci_upper))
    with pytest.raises(ValueError, match="above 0"):
        diluted(pair, 0.0)


@LAW
@given(rows=strata(), k=FACTOR, fixed=st.floats(0, 1e5), coverage=st.floats(0.1, 1))
def test_the_order_of_strata_and_the_currency_do_not_matter(
    rows: list[Stratum], k: float, fixed: float, coverage: float
) -> None:
    first = roll_out(rows, coverage, fixed, 0.05, Prior(0.0, 0.6))
    turned = roll_out(rows[::-1], coverage, fixed, 0.05, Prior(0.0, 0.6))
    assert turned.total.estimate == pytest.approx(first.total.estimate, rel=1e-9, abs=1e-6)
    assert turned.shrunk.mean == pytest.approx(first.shrunk.mean, rel=1e-9, abs=1e-12)
    assert set(turned.without_negative.dropped) == set(first.without_negative.dropped)
    other = [replace(s, net_benefit=k * s.net_benefit, std_error=k * s.std_error) for s in rows]
    scaled = roll_out(other, coverage, k * fixed, 0.05, Prior(0.0, 0.6 * k))
    assert scaled.total.estimate == pytest.approx(k * first.total.estimate, rel=1e-9, abs=1e-6 * k)
    assert scaled.shrunk_total.estimate == pytest.approx(
        k * first.shrunk_total.estimate, rel=1e-9, abs=1e-6 * k
    )
    assert scaled.probability_positive == pytest.approx(first.probability_positive, abs=1e-9)


@LAW
@given(rows=strata())
def test_a_stratum_split_in_two_independent_halves_keeps_the_total(rows: list[Stratum]) -> None:
    first, *rest = rows
    assume(first.eligible % 2 == 0)
    half = replace(first, eligible=first.eligible // 2, std_error=first.std_error * math.sqrt(2))
    split = roll_out([half, half, *rest], 0.9, 10.0, 0.05).total
    whole = roll_out(rows, 0.9, 10.0, 0.05).total
    assert split.estimate == pytest.approx(whole.estimate, rel=1e-9, abs=1e-6)
    assert split.std_error == pytest.approx(whole.std_error)


@LAW
@given(rows=strata())
def test_dropping_negative_strata_never_lowers_the_total(rows: list[Stratum]) -> None:
    found = roll_out(rows, 0.9, 10.0, 0.05)
    assert found.without_negative.total >= found.total.estimate - 1e-6
    assert bool(found.without_negative.dropped) == any(s.net_benefit < 0 for s in rows)


@LAW
@given(estimate=MONEY, std_error=st.floats(0, 1e6), members=st.floats(0, 1e7))
def test_information_is_never_worth_less_than_nothing(
    estimate: float, std_error: float, members: float
) -> None:
    found = information_value(estimate, std_error, members)
    assert found.total >= 0
    assert found.per_member == min(found.loss_if_shipped, found.loss_if_held)
    assert found.loss_if_held - found.loss_if_shipped == pytest.approx(
        estimate, rel=1e-6, abs=1e-9 * (1 + std_error)
    )
    mirrored = information_value(-estimate, std_error, members)
    assert mirrored.loss_if_shipped == pytest.approx(found.loss_if_held)


@LAW
@given(series=periods(), fixed=st.floats(0, 3), more=st.floats(0, 3))
def test_a_higher_fixed_cost_never_brings_payback_forward(
    series: tuple[list[float], np.ndarray], fixed: float, more: float
) -> None:
    cheap, dear = payback(*series, fixed, 0.05), payback(*series, fixed + more, 0.05)
    for key in ("first_crossing", "sustained", "conservative"):
        assert (getattr(cheap, key) or math.inf) <= (getattr(dear, key) or math.inf)
    first, sustained, conservative = (
        getattr(cheap, k) or math.inf for k in ("first_crossing", "sustained", "conservative")
    )
    assert first <= sustained <= conservative
    bolder = payback(*series, fixed, 0.2)
    assert (bolder.conservative or math.inf) <= conservative


@LAW
@given(series=periods(), k=FACTOR)
def test_payback_does_not_depend_on_the_currency(series: tuple[list[float], np.ndarray], k: float) -> None:
    e, v = series
    a, b = payback(e, v, 1.0003, 0.05), payback([k * x for x in e], k * k * v, k * 1.0003, 0.05)
    assert (a.first_crossing, a.sustained, a.conservative) == (b.first_crossing, b.sustained, b.conservative)


@LAW
@given(series=periods(), discount=st.floats(0, 0.2), extra=st.integers(0, 24))
def test_without_persistence_the_horizon_is_what_was_observed(
    series: tuple[list[float], np.ndarray], discount: float, extra: int
) -> None:
    found = horizon_value(*series, discount, extra, [Persistence(0.0, 1.0)], 0.05)
    assert found.scenarios[0].value == found.observed
    assert found.mixture.estimate == pytest.approx(found.observed.estimate)
    assert found.mixture.std_error == pytest.approx(found.observed.std_error)


@LAW
@given(series=periods(), rho=st.floats(0, 1), weight=SHARE)
def test_doubt_about_persistence_only_adds_error(
    series: tuple[list[float], np.ndarray], rho: float, weight: float
) -> None:
    both = [Persistence(0.0, weight), Persistence(rho, 1 - weight)]
    found = horizon_value(*series, 0.01, 6, both, 0.05)
    assert found.mixture.std_error >= found.sampling_std_error * (1 - 1e-12)
    values = [s.value.estimate for s in found.scenarios]
    assert min(values) - 1e-9 <= found.mixture.estimate <= max(values) + 1e-9


@LAW
@given(
    d=st.tuples(st.floats(-10, 10), st.floats(-10, 10)),
    s=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)),
    r=st.floats(-0.9, 0.9),
    k=FACTOR,
)
def test_windows_in_another_currency_keep_their_share(
    d: tuple[float, float], s: tuple[float, float], r: float, k: float
) -> None:
    def read(c: float):
        v = c * c * s[0] ** 2, c * c * r * s[0] * s[1], c * c * s[1] ** 2
        return pull_forward(TwoDifferences(c * d[0], c * d[1], *v), 0.05)

    one, other = read(1.0), read(k)
    assert other.net.estimate == pytest.approx(k * one.net.estimate, rel=1e-9, abs=1e-9 * k)
    if abs(one.share.found.g - 1) > 1e-6:
        assert (one.share.estimate is None) == (other.share.estimate is None)
    if one.share.estimate is not None and other.share.estimate is not None:
        assert other.share.estimate == pytest.approx(one.share.estimate)
        assert one.share.found.lower <= one.share.estimate <= one.share.found.upper


@LAW
@given(nb=MONEY, std_error=st.floats(0.01, 100), sds=st.lists(st.floats(0, 10), max_size=5))
def test_assumptions_only_add_doubt(nb: float, std_error: float, sds: list[float]) -> None:
    rows = [Assumption(str(i), 0, 1, 2, sd, (-1) ** i * 2.0) for i, sd in enumerate(sds)]
    found = total_uncertainty(nb, std_error, rows, 0.05)
    assert found.net_benefit.std_error >= std_error * (1 - 1e-12)
    assert abs(found.probability_positive - 0.5) <= abs(found.probability_positive_sampling - 0.5) + 1e-12
    turned = total_uncertainty(nb, std_error, rows[::-1], 0.05)
    assert turned.net_benefit.std_error == pytest.approx(found.net_benefit.std_error)


@LAW
@given(
    model=st.builds(BgNbd, st.floats(0.1, 5), st.floats(0.5, 20), st.floats(0.2, 6), st.floats(0.2, 6)),
    t=st.floats(0.5, 80),
)
def test_purchases_grow_with_time_and_less_than_in_proportion(model: BgNbd, t: float) -> None:
    one, two = expected_purchases(model, [t, 2 * t])
    assert 0 < one < two <= 2 * one * (1 + 1e-7)
    assert one <= model.r / model.alpha * t * (1 + 1e-7)
    chances = purchase_probabilities(model, 5, t)
    assert (chances >= 0).all()
    assert chances.sum() <= 1 + 1e-9
