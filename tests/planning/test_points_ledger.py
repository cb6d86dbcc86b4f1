"""The points of a made program follow the rules to the point, told member by member in plain Python."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from loyalty_exp.planning.points import run_ledger
from loyalty_exp.planning.purchases import base_points, bonus_points
from loyalty_exp.planning.rows import KINDS, table
from loyalty_exp.planning.settings import DAY, ProgramSettings
from loyalty_exp.planning.synthetic import program

BUSY = ProgramSettings(
    members=250,
    orders_per_day=1 / 6,
    refund_rate=0.4,
    refund_delay=12.0,
    pending_days=5,
    base_expiry_days=60,
    bonus_expiry_days=25,
    expiry_grid=10,
    redeem_chance=0.6,
    redeem_most=0.9,
    redeem_step=5,
    points_multiplier=3.5,
)


def told(orders, s):
    """Follow each member alone: lots in a list, the next to expire first."""
    redeemed, expired, balance = Counter(), Counter(), np.zeros(s.members, dtype=int)
    for who in range(s.members):
        events = []
        for i in np.flatnonzero(orders.member == who):
            usable, back = orders.time[i] + s.pending_days * DAY, orders.refund_time[i]
            won = {False: int(orders.base[i]), True: int(orders.bonus[i])}
            lost = {False: int(orders.base_back[i]), True: int(orders.bonus_back[i])}
            if back <= usable:
                won = {b: won[b] - lost[b] for b in won}
            else:
                events.append((back, 0, i, lost))
            events += [(usable, 1, i, won), (orders.time[i], 2, i, None)]
        lots, debt = [], 0  # (expiry, is bonus, points)

        def expiry(i, bonus):
            life = s.bonus_expiry_days if bonus else s.base_expiry_days
            days = (int(orders.time[i]) - s.first + life * DAY) / (s.expiry_grid * DAY)
            return s.first + int(np.ceil(days)) * s.expiry_grid * DAY

        def burn(points, lots):
            lots.sort()
            burned = Counter()
            for j, (until, bonus, held) in enumerate(lots):
                take = min(held, points)
                lots[j], points = (until, bonus, held - take), points - take
                burned[bonus] += take
            return burned, points

        for time, kind, i, points in [*sorted(events, key=lambda e: e[:3]), (s.data_end - 1, 3, 0, None)]:
            if time >= s.data_end:
                continue
            for until, bonus, held in lots:
                if until <= time and held:
                    expired[who, until, bonus] += held
            lots = [lot for lot in lots if lot[0] > time]
            for bonus in (False, True) if kind < 2 else ():
                if kind == 1:
                    paid = min(debt, points[bonus])
                    debt -= paid
                    lots.append((expiry(i, bonus), bonus, points[bonus] - paid))
                else:
                    rest = points[bonus]
                    for j, (until, kind_of, held) in enumerate(lots):
                        if (until, kind_of) == (expiry(i, bonus), bonus):
                            take = min(held, rest)
                            lots[j], rest = (until, kind_of, held - take), rest - take
                    debt += burn(rest, lots)[1]
            if kind == 2 and orders.redeem_luck[i] < s.redeem_chance:
                paid = int(orders.amount[i] - orders.subsidy[i])
                most = int(paid * s.redeem_most / 100 / s.point_value + 1e-9)
                points = min(most, sum(lot[2] for lot in lots)) // s.redeem_step * s.redeem_step
                for bonus, some in burn(points, lots)[0].items():
                    redeemed[who, int(time), bonus] += some
        balance[who] = sum(lot[2] for lot in lots) - debt
    return redeemed, expired, balance


def counted(burned):
    out = Counter()
    for member, time, points, bonus in zip(
        burned.member, burned.time, burned.points, burned.bonus, strict=True
    ):
        out[int(member), int(time), bool(bonus)] += int(points)
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_earliest_expiry_is_burned_first_and_all_else_follows_the_rules(seed):
    made = program(BUSY, seed)

    redeemed, expired, balance = told(made.orders, BUSY)

    assert +redeemed == counted(made.ledger.redeemed)
    assert +expired == counted(made.ledger.expired)
    assert np.array_equal(balance, made.ledger.balance)
    assert sum(redeemed.values()) > 0 and sum(expired.values()) > 0 and (balance < 0).any()
    assert any(bonus for *_, bonus in +redeemed) and any(bonus for *_, bonus in +expired)


def test_points_as_seen_are_those_of_the_orders_as_seen():
    made = program(replace(BUSY, spill_over=0.5), 3)

    again = run_ledger(made.orders, made.settings)

    assert np.array_equal(again.balance, made.ledger.balance)
    assert np.array_equal(again.pending, made.ledger.pending)
    assert np.array_equal(again.is_pending, made.ledger.is_pending)
    assert counted(again.redeemed) == counted(made.ledger.redeemed)
    assert sorted(zip(again.redeemed.order, again.redeemed.points, strict=True)) == sorted(
        zip(made.ledger.redeemed.order, made.ledger.redeemed.points, strict=True)
    )


def test_events_add_up_to_the_balance_of_every_member():
    made = program(BUSY, 4)
    points = table(made, "points")

    sign = np.array([1, 1, -1, -1, -1])[points["kind"]]
    total = np.bincount(points["member"], weights=sign * points["points"], minlength=BUSY.members)

    assert KINDS == ("earn", "pending", "clawback", "redeem", "expire")
    assert set(points["kind"]) == {0, 1, 2, 3, 4}
    assert (points["points"] > 0).all()
    assert np.array_equal(total, made.ledger.balance + made.ledger.pending)


def test_points_taken_back_are_those_that_kept_money_would_not_have_earned():
    orders = program(BUSY, 5).orders

    kept = orders.amount - orders.subsidy - (orders.refunded - orders.subsidy_back)
    again = base_points(BUSY, kept)

    assert (orders.refunded > 0).sum() > 100
    assert np.array_equal(orders.base - orders.base_back, again)
    with_bonus = orders.bonus > 0
    assert np.array_equal(
        (orders.bonus - orders.bonus_back)[with_bonus], bonus_points(BUSY, again)[with_bonus]
    )
    assert not orders.bonus_back[~with_bonus].any()


def test_refund_of_everything_leaves_no_points_no_money_and_no_cost():
    everything = replace(
        BUSY,
        refund_rate=1.0,
        full_refund_share=1.0,
        refund_delay=0.0,
        refund_days=1,
        restockable_share=1.0,
        fulfillment=0.0,
        payment_fee=0.0,
        return_handling=0.0,
        redeem_chance=0.0,
        perk_chance=0.0,
        contacts=0,
        referral_rate=0.0,
    )
    made = program(everything, 6)

    assert made.truth().coupons > 0
    for name in ("margin", "revenue", "cost", "base_points", "bonus_points", "subsidy"):
        assert not made.observed[name].any(), name
    # What was bought in the last hour comes back after the data end.
    late = np.isin(np.arange(BUSY.members), made.orders.member[made.orders.refunded == 0])
    assert late.sum() < 10
    assert not made.ledger.balance.any() and not made.ledger.pending[~late].any()


def test_points_pay_no_more_than_their_part_of_an_order():
    made = program(BUSY, 7)
    sales = table(made, "transactions").query("not back")

    used = sales["points_used"]

    assert (used % BUSY.redeem_step == 0).all() and (used > 0).sum() > 100
    assert (
        used * BUSY.point_value * 100 <= BUSY.redeem_most * (sales["amount"] - sales["discount"]) + 1e-6
    ).all()
