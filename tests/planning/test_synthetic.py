"""A made program is what its settings say, and its truth is what its members would do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import duckdb
import numpy as np
import pytest

from loyalty_exp.assignment.draw import arm_of
from loyalty_exp.planning.campaign import World, draw_arms, household_id, member_id
from loyalty_exp.planning.members import draw_members
from loyalty_exp.planning.settings import DAY, ProgramSettings
from loyalty_exp.planning.synthetic import program
from loyalty_exp.planning.write import write

USUAL = ProgramSettings(members=20_000)


@pytest.fixture(scope="module")
def usual():
    return program(USUAL, 11)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    settings = ProgramSettings(members=600)
    files = [write(program(settings, seed), tmp_path / str(i)) for i, seed in enumerate((5, 5, 6))]

    for one, same, other in zip(*files, strict=True):
        assert one.read_bytes() == same.read_bytes(), one.name
        assert one.name == "members.parquet" or one.read_bytes() != other.read_bytes(), one.name
    assert [f.stem for f in files[0]] == [
        "members",
        "assignments",
        "transactions",
        "points",
        "coupons",
        "perks",
        "contacts",
        "referrals",
    ]


def test_files_add_up_to_what_members_did(usual, tmp_path):
    write(usual, tmp_path)
    start, s = USUAL.start, USUAL
    found = duckdb.sql(
        f"""
        WITH t AS (SELECT * FROM '{tmp_path}/transactions.parquet'),
        o AS (SELECT txn_id, ts FROM t WHERE refund_of IS NULL),
        w AS (
            SELECT t.*, o.ts AS ordered FROM t JOIN o ON o.txn_id = coalesce(t.refund_of, t.txn_id)
            WHERE o.ts >= '{start}'::DATE AND o.ts < '{start}'::DATE + {s.outcome_days}
        )
        SELECT m.member_id, coalesce(sum(amount), 0), coalesce(sum(margin), 0), coalesce(sum(discount), 0),
            coalesce(sum(base_points), 0), coalesce(sum(bonus_points), 0), coalesce(sum(perk_uses), 0),
            coalesce(sum(reward_cost), 0),
            coalesce(sum(amount - discount * 0 - cogs + refund_cogs - fulfillment - fee - handling), 0)
        FROM '{tmp_path}/members.parquet' m LEFT JOIN w USING (member_id) GROUP BY 1 ORDER BY 1
        """
    ).fetchnumpy()
    ids, revenue, margin, subsidy, base, bonus, perks, reward, again = found.values()
    seen = usual.observed

    assert list(ids[:2]) == [member_id(0), member_id(1)]
    for values, name in (
        (revenue, "revenue"),
        (margin, "margin"),
        (again, "margin"),
        (subsidy, "subsidy"),
        (base, "base_points"),
        (bonus, "bonus_points"),
        (perks, "perks"),
    ):
        np.testing.assert_allclose(np.asarray(values, float), seen[name], atol=1e-6, err_msg=name)
    apart = seen["contacts"] * s.contact_cost + seen["referrals"] * s.referral_reward
    np.testing.assert_allclose(np.asarray(reward, float) + apart, seen["cost"], atol=1e-6)


def test_event_tables_say_the_same_as_the_transactions(usual, tmp_path):
    write(usual, tmp_path)

    def one(query):
        return duckdb.sql(query.replace("$", str(tmp_path))).fetchall()[0]

    assert one(
        "SELECT sum(points) FILTER (kind IN ('earn', 'pending')) - sum(points) FILTER (kind = 'clawback') "
        "FROM '$/points.parquet'"
    ) == one("SELECT sum(base_points + bonus_points) FROM '$/transactions.parquet'")
    assert one(
        "SELECT count(*) FROM '$/points.parquet' b WHERE kind = 'clawback' AND NOT EXISTS (SELECT 1 FROM "
        "'$/points.parquet' e WHERE kind = 'earn' AND (e.txn_id, e.lot) = (b.txn_id, b.lot) AND e.ts < b.ts)"
    ) == (0,)
    assert one("SELECT sum(points) FILTER (kind = 'redeem') FROM '$/points.parquet'") == one(
        "SELECT sum(points_used) FROM '$/transactions.parquet'"
    )
    assert one("SELECT round(sum(subsidy), 2) FROM '$/coupons.parquet'") == one(
        "SELECT round(sum(discount), 2) FROM '$/transactions.parquet'"
    )
    assert one("SELECT sum(quantity) FROM '$/perks.parquet'") == one(
        "SELECT sum(perk_uses) FROM '$/transactions.parquet'"
    )
    assert one("SELECT count(*) FROM '$/contacts.parquet'")[0] == USUAL.contacts * usual.draw.treated.sum()
    assert one("SELECT sum(reward) FROM '$/referrals.parquet'")[0] == (
        usual.observed["referrals"].sum() * USUAL.referral_reward
    )
    begin, end = one(
        "SELECT min(ts)::DATE - DATE '2026-04-01', max(ts)::DATE - DATE '2026-04-01' "
        "FROM '$/transactions.parquet'"
    )
    assert (begin, end) == (-USUAL.pre_days, USUAL.data_days - 1)
    late = one(
        "SELECT count(*) FROM '$/transactions.parquet' r JOIN '$/transactions.parquet' o "
        "ON r.refund_of = o.txn_id WHERE o.ts < '2026-04-01' AND r.ts >= '2026-04-01'"
    )
    assert late[0] > 50


def test_each_member_lives_in_the_world_that_was_drawn(usual):
    for world, lives in ((World.TREATED, usual.draw.treated), (World.UNTREATED, ~usual.draw.treated)):
        for name, values in usual.observed.items():
            assert np.array_equal(values[lives], usual.outcomes[world][name][lives]), name


def test_untreated_members_do_the_same_whatever_effect_is_planted(usual):
    for other in (USUAL.without_effect(), replace(USUAL, more_orders=0.9, larger_basket=-0.2, switched=0.5)):
        untreated = program(other, 11).outcomes[World.UNTREATED]
        for name, values in usual.outcomes[World.UNTREATED].items():
            assert np.array_equal(values, untreated[name]), name


def test_without_effect_both_worlds_are_one():
    made = program(ProgramSettings(members=3_000).without_effect(), 2)

    for name, values in made.outcomes[World.TREATED].items():
        assert np.array_equal(values, made.outcomes[World.UNTREATED][name]), name
    truth = made.all_or_nobody
    assert (truth.benefit, truth.net_benefit, truth.roi, truth.incremental_share) == (0, 0, None, None)


def test_truth_is_the_mean_of_members_and_of_segments(usual):
    whole = usual.all_or_nobody
    online = usual.members.segment == "online"
    parts = [usual.truth(online), usual.truth(~online)]

    assert whole == usual.as_drawn
    weights = [p.members / whole.members for p in parts]
    for name in ("net_benefit", "orders", "points_redeemed", "repurchased"):
        mixed = sum(w * getattr(p, name) for w, p in zip(weights, parts, strict=True))
        assert mixed == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-12)
    assert whole.net_benefit == pytest.approx(whole.benefit - whole.variable_cost - whole.fixed_cost)
    assert whole.points_redeemed > 0
    assert 0 < whole.incremental_share < 0.5
    assert whole.deadweight_subsidy == pytest.approx(
        USUAL.coupon * whole.coupons * (1 - whole.incremental_share)
    )


def test_planted_effects_are_found_in_the_truth():
    plain = replace(USUAL.without_effect(), members=30_000, churn_per_day=0.0)
    base = program(plain, 3).all_or_nobody
    more = program(replace(plain, more_orders=0.4, pull_forward=0.5), 3).all_or_nobody
    larger = program(replace(plain, larger_basket=0.2), 3).all_or_nobody
    fewer = program(replace(plain, more_orders=-0.3), 3).all_or_nobody
    switched = program(replace(plain, switched=0.25), 3).all_or_nobody
    stay = program(replace(plain, churn_per_day=0.01, churn_reduction=0.5), 3).all_or_nobody

    campaign = base.untreated["campaign_orders"]
    assert more.difference["campaign_orders"] / campaign == pytest.approx(0.4, abs=0.02)
    assert more.pull_forward == pytest.approx(0.5, abs=0.04)
    assert more.difference["post_orders"] < 0
    assert larger.orders == 0
    assert larger.revenue / base.untreated["revenue"] == pytest.approx(0.2 * 28 / 70, abs=0.005)
    assert fewer.difference["campaign_orders"] / campaign == pytest.approx(-0.3, abs=0.02)
    assert switched.cannibalization == pytest.approx(1.0)
    assert switched.difference["other_revenue"] / switched.difference["promoted_revenue"] == pytest.approx(
        -1.0
    )
    assert stay.orders > 0 and stay.difference["post_orders"] > stay.difference["campaign_orders"]


def test_effect_can_differ_between_segments():
    made = program(
        replace(
            USUAL, effect_of_segment={"store": 0.0}, churn_reduction=0.0, points_multiplier=1.0, switched=0.0
        ),
        4,
    )
    store = made.members.segment == "store"

    assert made.truth(store).orders == 0 and made.truth(store).benefit == 0
    assert made.truth(~store).orders > 0


def test_spill_over_is_felt_by_control_and_only_where_members_are_drawn():
    settings = replace(
        USUAL.without_effect(), members=6_000, more_orders=1.0, pull_forward=0.0, spill_over=0.8
    )
    made = program(settings, 5)
    worlds = [made.outcomes[w]["orders"] for w in World]
    everyone, drawn = made.all_or_nobody.orders, made.as_drawn.orders

    found = []
    for i in range(400):
        draw = draw_arms(replace(settings, salt=f"again {i}"), made.members, 0)
        seen = np.choose(draw.world, worlds)
        found.append(seen[draw.treated].mean() - seen[~draw.treated].mean())
    error = np.std(found) / 20

    assert abs(np.mean(found) - drawn) < 3.3 * error
    assert abs(np.mean(found) - everyone) > 10 * error
    by_household = program(replace(settings, draw="household"), 5)
    assert by_household.as_drawn == by_household.all_or_nobody
    assert not (by_household.draw.world == World.BESIDE_TREATED.value).any()


@pytest.mark.parametrize("draw", ["member", "household"])
def test_arms_are_drawn_as_the_assignment_draws_them(draw):
    settings = ProgramSettings(members=500, draw=draw, share=0.3, salt="a salt")
    made = program(settings, 1)
    names = [member_id(i) for i in range(500)]
    if draw == "household":
        names = [household_id(int(h)) for h in made.members.household]

    arms = [arm_of("a salt", n, ["control", "offer"], [Fraction(7, 10), Fraction(3, 10)]) for n in names]

    assert [a == "offer" for a in arms] == made.draw.treated.tolist()


def test_behavior_is_unequal_rare_and_skewed(usual):
    revenue, orders = usual.observed["revenue"], usual.observed["orders"]
    z = (revenue - revenue.mean()) / revenue.std()
    seen = usual.orders.time < (USUAL.data_days - 60) * DAY

    assert 0.45 < (revenue == 0).mean() < 0.62
    assert 3 < (z**3).mean() < 30
    assert orders.var() > 2 * orders.mean()
    assert (usual.orders.refunded[seen] > 0).mean() == pytest.approx(USUAL.refund_rate, abs=0.005)
    full = usual.orders.refunded == usual.orders.amount
    assert full[usual.orders.refunded > 0].mean() == pytest.approx(USUAL.full_refund_share, abs=0.03)
    gold = usual.members.tier == "gold"
    assert gold.mean() == pytest.approx(0.1, abs=0.001)
    assert revenue[gold].mean() > 3 * revenue[~gold].mean()


def test_counts_are_negative_binomial_and_households_alike():
    settings = replace(
        USUAL.without_effect(), members=40_000, never_buyers=0.0, churn_per_day=0.0, household_share=0.4
    )
    made = program(settings, 8)
    old = made.members.joined < settings.first
    counts = np.bincount(made.orders.member, minlength=settings.members)[old]
    mean = settings.orders_per_day * (settings.pre_days + settings.data_days)

    assert counts.mean() == pytest.approx(mean, rel=0.03)
    assert counts.var() == pytest.approx(mean + mean**2 / settings.frailty, rel=0.08)
    zero = (settings.frailty / (settings.frailty + mean)) ** settings.frailty
    assert (counts == 0).mean() == pytest.approx(zero, abs=0.012)
    pairs = np.flatnonzero(np.diff(made.members.household) == 0)
    alike = np.corrcoef(made.members.rate[pairs], made.members.rate[pairs + 1])[0, 1]
    assert alike == pytest.approx(0.4, abs=0.06)


def test_households_have_one_to_five_members():
    members = draw_members(USUAL, np.random.default_rng(1))
    _, sizes = np.unique(members.household, return_counts=True)

    assert set(sizes) == {1, 2, 3, 4, 5}
    assert (sizes == 1).mean() == pytest.approx(0.45, abs=0.02)
    assert np.array_equal(members.household_size, sizes[members.household])


def test_more_referrals_are_counted_and_paid_for():
    made = program(replace(USUAL, referral_rate=0.05, more_referrals=1.0), 9)
    without = program(replace(USUAL, referral_rate=0.05), 9)
    gap = made.all_or_nobody.difference["referrals"]

    assert gap == pytest.approx(0.05, abs=0.006)
    extra = made.all_or_nobody.variable_cost - without.all_or_nobody.variable_cost
    assert extra == pytest.approx(gap * USUAL.referral_reward)


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": 1},
        {"share": 1.0},
        {"frailty": 0.0},
        {"more_orders": -1.5},
        {"churn_reduction": 1.0},
        {"more_orders": 9.0, "pull_forward": 1.0},
        {"pull_forward": 1.5},
        {"effect_of_segment": {"store": -1.0}},
        {"more_referrals": -0.5},
        {"points_multiplier": 0.5},
        {"pending_days": 60},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        ProgramSettings(**wrong)
