"""The rows of each file of a made program, in the order of time: members by number, money in cents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from loyalty_exp.planning.members import NEVER, Floats, Ints
from loyalty_exp.planning.settings import ProgramSettings
from loyalty_exp.planning.synthetic import SyntheticProgram

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("earn", "pending", "clawback", "redeem", "expire")
LOTS = ("base", "bonus")
CATEGORIES = ("other", "promoted")
EARN, PENDING, CLAWBACK, REDEEM, EXPIRE = range(5)


def table(program: SyntheticProgram, name: str) -> pd.DataFrame:
    """Arrange the arrays in rows; times are seconds from 1970, words with few values are codes."""
    frame = _TABLES[name](program)
    for column in {"ts", "joined"} & set(frame.columns):
        frame[column] += _midnight(program.settings.start)
    return frame


def _members(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    members = program.members
    return pd.DataFrame(
        {
            "member": np.arange(len(members.joined)),
            "household": members.household,
            "household_size": members.household_size,
            "tier": members.tier,
            "region": members.region,
            "segment": members.segment,
            "joined": members.joined,
        }
    )


def _assignments(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    arm = np.where(program.draw.treated, program.settings.treatment, "control")
    return pd.DataFrame({"member": np.arange(len(arm)), "arm": arm, "ts": 0})


def _transactions(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    settings, orders, burned = program.settings, program.orders, program.ledger.redeemed
    used = np.bincount(burned.order, weights=burned.points, minlength=len(orders.time)).astype(np.int64)
    perks = orders.perk.astype(np.int64)
    sales = {
        "n": np.arange(len(orders.time)),
        "member": orders.member,
        "ts": orders.time,
        "amount": orders.amount,
        "margin": orders.margin,
        "discount": orders.subsidy,
        "cogs": orders.cogs,
        "fulfillment": orders.fulfillment,
        "fee": orders.fee,
        "category": orders.promoted.astype(np.int64),
        "base_points": orders.base,
        "bonus_points": orders.bonus,
        "points_used": used,
        "perk_uses": perks,
        "reward_cost": _reward(settings, orders.base, orders.bonus, orders.subsidy, perks),
    }
    number = np.flatnonzero(orders.refund_time < NEVER)
    back = orders.only(number)
    none = np.zeros(len(number), dtype=np.int64)
    refunds = {
        "n": number,
        "member": back.member,
        "ts": back.refund_time,
        "amount": -back.refunded,
        "margin": back.refund_margin,
        "discount": -back.subsidy_back,
        "cogs": none,
        "fulfillment": none,
        "fee": none,
        "category": back.promoted.astype(np.int64),
        "base_points": -back.base_back,
        "bonus_points": -back.bonus_back,
        "points_used": none,
        "perk_uses": none,
        "reward_cost": _reward(settings, -back.base_back, -back.bonus_back, -back.subsidy_back, none),
    }
    sent = np.zeros(len(orders.time), dtype=np.int64)
    rows = {name: np.concatenate([sales[name], refunds[name]]) for name in sales}
    rows["back"] = np.arange(len(rows["n"])) >= len(sent)
    rows["refund_cogs"] = np.concatenate([sent, back.cogs_back])
    rows["handling"] = np.concatenate([sent, back.handling])
    rows["restockable"] = np.concatenate([sent > 0, back.restockable])
    sequence = np.argsort(rows["ts"], kind="stable")
    return pd.DataFrame({name: values[sequence] for name, values in rows.items()})


def _points(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    orders, ledger = program.orders, program.ledger
    number = np.arange(len(orders.time))
    earned = np.where(ledger.is_pending, PENDING, EARN)
    taken = np.full(len(number), CLAWBACK)
    parts: list[tuple[Ints, ...]] = []
    for lot, won, back in ((0, orders.base, orders.base_back), (1, orders.bonus, orders.bonus_back)):
        lots = np.full(len(number), lot)
        # Points that were never usable are not taken back: fewer of them are pending.
        won = won - np.where(ledger.is_pending, back, 0)
        back = np.where(ledger.is_pending, 0, back)
        parts.append((orders.member, orders.time, won, earned, lots, number))
        parts.append((orders.member, orders.refund_time, back, taken, lots, number))
    for kind, gone in ((REDEEM, ledger.redeemed), (EXPIRE, ledger.expired)):
        kinds = np.full(len(gone.member), kind)
        parts.append((gone.member, gone.time, gone.points, kinds, gone.bonus.astype(np.int64), gone.order))
    parts = [tuple(column[part[2] > 0] for column in part) for part in parts]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    sequence = np.argsort(columns[1], kind="stable")
    names = ("member", "ts", "points", "kind", "lot", "n")
    return pd.DataFrame({name: column[sequence] for name, column in zip(names, columns, strict=True)})


def _coupons(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    number = np.flatnonzero(program.orders.subsidy > 0)
    number = number[np.argsort(program.orders.time[number], kind="stable")]
    used = program.orders.only(number)
    net = used.subsidy - used.subsidy_back
    return pd.DataFrame(
        {
            "n": number,
            "member": used.member,
            "ts": used.time,
            "subsidy": net,
            "code": program.settings.treatment,
        }
    )


def _perks(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    number = np.flatnonzero(program.orders.perk)
    used = program.orders.only(number[np.argsort(program.orders.time[number], kind="stable")])
    return pd.DataFrame({"member": used.member, "ts": used.time, "perk": "free_shipping", "quantity": 1})


def _contacts(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    sent = program.messages
    return pd.DataFrame({"member": sent.member, "ts": sent.time, "channel": "sms", "failed": sent.failed})


def _referrals(program: SyntheticProgram) -> pd.DataFrame:
    import pandas as pd

    made, reward = program.referrals, program.settings.referral_reward
    return pd.DataFrame({"member": made.member, "ts": made.time, "reward": reward})


_TABLES: dict[str, Callable[[SyntheticProgram], pd.DataFrame]] = {
    "members": _members,
    "assignments": _assignments,
    "transactions": _transactions,
    "points": _points,
    "coupons": _coupons,
    "perks": _perks,
    "contacts": _contacts,
    "referrals": _referrals,
}


def _reward(settings: ProgramSettings, base: Ints, bonus: Ints, subsidy: Ints, perks: Ints) -> Floats:
    """Money that points at issue, a coupon and perks cost."""
    points: Floats = base * settings.base_point_cost + bonus * settings.bonus_point_cost
    return points + subsidy / 100 + perks * settings.perk_cost


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp())
