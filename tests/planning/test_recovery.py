"""What was planted is found: made programs through the real pipeline, from files to verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import rehearse

from loyalty_exp.planning.settings import ProgramSettings
from loyalty_exp.planning.synthetic import program

SEEDS = 40
STRONG = ProgramSettings(
    never_buyers=0.05,
    frailty=2.0,
    orders_per_day=1 / 15,
    basket_spread=0.3,
    more_orders=0.5,
    larger_basket=0.2,
    points_multiplier=6.0,
    coupon=15.0,
    coupon_chance=0.5,
    fixed_cost=1_000.0,
)
"""A loud campaign among members of like habits: what it brings and costs is far from nothing."""


def least(rate, times):
    """Fewest successes that a true rate gives, 3.3 Monte-Carlo standard errors below."""
    return np.ceil(times * rate - 3.3 * np.sqrt(times * rate * (1 - rate)))


@pytest.fixture(scope="module")
def recovered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recovered")
    out = []
    for seed in range(SEEDS):
        made = program(STRONG, 1_000 + seed)
        out.append((made, rehearse(made, folder)))
    return out


def covers(interval, value):
    return interval.ci_lower <= value <= interval.ci_upper


def test_analysis_reads_exactly_what_members_did(recovered):
    for made, readout in recovered[:5]:
        seen, on = made.observed, made.draw.treated
        (facts,) = readout.economics
        gap = {name: values[on].mean() - values[~on].mean() for name, values in seen.items()}

        assert readout.status == "mature" and readout.warnings == ()
        assert facts.benefit.estimate == pytest.approx(gap["margin"], abs=1e-8)
        # Referrals are in no column of the transactions, and no more of them were planted.
        paid = gap["cost"] - gap["referrals"] * STRONG.referral_reward
        assert facts.cost.estimate == pytest.approx(paid + STRONG.fixed_cost / on.sum(), abs=1e-8)
        effects = {e.metric: e.absolute.estimate for e in readout.estimates}
        assert effects["spend"] == pytest.approx(gap["revenue"], abs=1e-8)
        assert effects["orders"] == pytest.approx(gap["orders"], abs=1e-8)


def test_event_tables_cost_what_members_did(tmp_path):
    for seed, draw in ((1, "member"), (2, "household")):
        made = program(replace(STRONG, draw=draw, more_referrals=0.5), seed)
        readout = rehearse(made, tmp_path, events=True)
        seen, on = made.observed, made.draw.treated
        (facts,) = readout.economics
        gap = {name: values[on].mean() - values[~on].mean() for name, values in seen.items()}

        assert readout.status == "mature" and readout.warnings == ()
        assert facts.benefit.estimate == pytest.approx(gap["margin"], abs=1e-8)
        assert facts.cost.estimate == pytest.approx(gap["cost"] + STRONG.fixed_cost / on.sum(), abs=1e-8)
        lines = {line.id: line.per_unit for line in facts.cost_lines}
        assert lines["bonus"] == pytest.approx(gap["bonus_points"] * STRONG.bonus_point_cost, abs=1e-8)
        assert lines["referrals"] == pytest.approx(gap["referrals"] * STRONG.referral_reward, abs=1e-8)


def test_planted_net_benefit_and_return_lie_inside_their_intervals(recovered):
    found = {"benefit": 0, "cost": 0, "net_benefit": 0, "roi": 0}
    for made, readout in recovered:
        truth, (facts,) = made.as_drawn, readout.economics
        found["benefit"] += covers(facts.benefit, truth.benefit)
        found["cost"] += covers(facts.cost, truth.variable_cost + truth.fixed_cost)
        found["net_benefit"] += covers(facts.net_benefit, truth.net_benefit)
        assert facts.roi.status == "interval"
        found["roi"] += covers(facts.roi, truth.roi)

    assert {name: n for name, n in found.items() if n < least(0.95, SEEDS)} == {}


def test_wrong_truths_lie_outside(recovered):
    """Benefit without its cost, and a return that forgets the coupons, are not what is found."""
    without_cost = sum(covers(r.economics[0].net_benefit, m.as_drawn.benefit) for m, r in recovered)
    forgets = [m.as_drawn for m, _ in recovered]
    wrong = [t.benefit / (t.variable_cost - t.difference["subsidy"]) - 1 for t in forgets]
    forgotten = sum(covers(r.economics[0].roi, w) for w, (_, r) in zip(wrong, recovered, strict=True))

    assert without_cost < least(0.95, SEEDS)
    assert forgotten < least(0.95, SEEDS)


def test_estimates_are_right_on_average(recovered):
    errors = np.array(
        [
            (
                r.economics[0].benefit.estimate - m.as_drawn.benefit,
                r.economics[0].net_benefit.estimate - m.as_drawn.net_benefit,
            )
            for m, r in recovered
        ]
    )

    assert (abs(errors.mean(axis=0)) < 3.3 * errors.std(axis=0) / np.sqrt(SEEDS)).all()


def test_household_draw_with_spill_over_finds_what_a_roll_out_brings(tmp_path):
    settings = replace(STRONG, draw="household", spill_over=0.6, members=3_000)
    runs = 20
    found = 0
    for seed in range(runs):
        made = program(settings, seed)
        (facts,) = rehearse(made, tmp_path).economics
        found += covers(facts.net_benefit, made.all_or_nobody.net_benefit)

    assert found >= least(0.95, runs)


def test_campaign_that_does_nothing_rarely_ships(tmp_path):
    settings = replace(STRONG.without_effect(), members=1_500)
    shipped = positive = 0
    for seed in range(SEEDS):
        made = program(settings, 2_000 + seed)
        readout = rehearse(made, tmp_path)
        assert made.all_or_nobody.net_benefit == 0
        shipped += readout.decision.action == "ship"
        positive += readout.economics[0].net_benefit.ci_lower > 0

    # The rule ships at 95% confidence, so 5% of them are expected to.
    assert SEEDS - shipped >= least(0.95, SEEDS)
    assert SEEDS - positive >= least(0.975, SEEDS)


def test_before_and_after_of_a_selected_group_sees_an_effect_where_there_is_none():
    """Regression to the mean: those who bought nothing lately buy again, with or without a campaign."""
    s = replace(STRONG.without_effect(), members=8_000, pre_days=70)
    for seed in range(5):
        made = program(s, 3_000 + seed)
        orders = made.orders
        early = orders.time < 0
        before = np.bincount(orders.member[early], orders.amount[early] / 100, s.members)
        after = made.observed["revenue"]
        quiet = (before < np.median(before)) & (made.members.joined < s.first)
        on = made.draw.treated
        change = (after - before)[quiet & on]
        naive = change.mean() / (change.std() / np.sqrt(len(change)))
        one, other = after[quiet & on], after[quiet & ~on]
        causal = (one.mean() - other.mean()) / np.sqrt(one.var() / len(one) + other.var() / len(other))

        assert made.truth(quiet).benefit == 0
        assert naive > 6
        assert abs(causal) < 3.3
