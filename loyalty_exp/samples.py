"""Made members, orders and assignments with a planted effect, for the example workspace and for `init`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loyalty_exp.warehouse.quoting import literal

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Planted:
    """A further treatment arm of a made experiment, with its true effect.

    Attributes
    ----------
    arm : str
    more_orders, larger_basket, reward_multiple
        As in :class:`Scenario`.
    ships_free : bool
        Orders of the arm have their fee waived while the treatment works.
    """

    arm: str
    more_orders: float = 0.0
    larger_basket: float = 0.0
    reward_multiple: float = 1.0
    ships_free: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One made experiment; the true effect is what is written here.

    Attributes
    ----------
    treatment : str
        Id of the arm beside control; members are split evenly between all arms. Where members choose, the
        column that says who did.
    control : str
        Id of the arm that receives nothing.
    start : date
        Day on which all eligible members are assigned, at midnight UTC.
    members : int
    days_before, days_after : int
        Orders are made in ``[start - days_before, start + days_after)``.
    effect_days : int
        The treatment works in ``[start, start + effect_days)`` and not after.
    tiers : mapping of tier to share
    eligible : tuple of str
        Tiers that take part.
    orders_per_day : float
        Mean over members; members differ (gamma).
    basket : float
        Mean money of an order; members differ (log-normal).
    more_orders, larger_basket : float
        Planted relative effects while the treatment works.
    reward_rate : float
        Points money for each unit of money spent, in both arms.
    reward_multiple : float
        What the treatment multiplies the reward rate by.
    redeemed : float
        Chance that a treated member's first order uses an offer; no column when 0.
    others : tuple of Planted
        Further treatment arms.
    chosen_by : float
        Above 0, nothing is randomized: members choose, and those who do buy this much more at all times.
    seed : int
    """

    treatment: str
    start: dt.date
    control: str = "control"
    members: int = 4000
    days_before: int = 60
    days_after: int = 60
    effect_days: int = 28
    tiers: Mapping[str, float] = field(default_factory=lambda: {"bronze": 0.2, "silver": 0.5, "gold": 0.3})
    eligible: tuple[str, ...] = ("silver", "gold")
    orders_per_day: float = 1 / 28
    basket: float = 60.0
    more_orders: float = 0.0
    larger_basket: float = 0.0
    reward_rate: float = 0.01
    reward_multiple: float = 1.0
    redeemed: float = 0.0
    others: tuple[Planted, ...] = ()
    chosen_by: float = 0.0
    seed: int = 20260401

    @property
    def treatments(self) -> tuple[Planted, ...]:
        """All treatment arms."""
        first = Planted(self.treatment, self.more_orders, self.larger_basket, self.reward_multiple)
        return (first, *self.others)


SCENARIOS: Mapping[str, Scenario] = {
    "points-multiplier": Scenario(
        "double", dt.date(2026, 4, 1), more_orders=0.10, larger_basket=0.05, reward_multiple=2.0
    ),
    "tier-perk": Scenario(
        "free_shipping",
        dt.date(2026, 3, 1),
        tiers={"silver": 0.6, "gold": 0.4},
        eligible=("gold",),
        members=6000,
        days_after=75,
        effect_days=60,
        orders_per_day=1 / 20,
        more_orders=0.20,
        larger_basket=-0.03,
        seed=20260301,
    ),
    "win-back": Scenario(
        "offer",
        dt.date(2026, 1, 5),
        tiers={"lapsed": 0.7, "active": 0.3},
        eligible=("lapsed",),
        members=6000,
        days_after=75,
        effect_days=60,
        orders_per_day=1 / 150,
        basket=80.0,
        more_orders=0.4,
        redeemed=0.5,
        seed=20260107,
    ),
    "factorial": Scenario(
        "points",
        dt.date(2026, 4, 1),
        control="neither",
        members=8000,
        more_orders=0.15,
        reward_multiple=2.0,
        others=(
            Planted("shipping", more_orders=0.20, larger_basket=-0.03, ships_free=True),
            Planted("both", more_orders=0.25, larger_basket=-0.03, reward_multiple=2.0, ships_free=True),
        ),
        seed=20260812,
    ),
    "observational": Scenario(
        "member_day",
        dt.date(2026, 3, 18),
        members=5000,
        effect_days=56,
        more_orders=0.08,
        chosen_by=0.5,
        seed=20260318,
    ),
}
"""What each starter of `init` is filled with; the first also fills `experiments/double_points.yaml`."""


def write_sample(scenario: Scenario, folder: Path) -> tuple[Path, ...]:
    """Write the tables as Parquet; the same scenario gives the same rows."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect() as connection:
        for name, frame in tables(scenario).items():
            path = folder / f"{name}.parquet"
            connection.register("rows", frame)
            columns = ", ".join(
                {"ts": "to_timestamp(ts) AS ts", "assigned_at": "assigned_at::DATE AS assigned_at"}.get(c, c)
                for c in frame.columns
            )
            form = "(FORMAT parquet, COMPRESSION zstd)"
            connection.execute(f"COPY (SELECT {columns} FROM rows) TO {literal(path)} {form}")
            connection.unregister("rows")
            written.append(path)
    return tuple(written)


def tables(scenario: Scenario) -> dict[str, pd.DataFrame]:
    """Make the tables, without assignments where members choose; times are seconds since 1970 UTC."""
    import pandas as pd

    rng = np.random.default_rng(scenario.seed)
    ids = np.arange(1, scenario.members + 1)
    tier = rng.choice(list(scenario.tiers), size=len(ids), p=list(scenario.tiers.values()))
    takes_part = np.isin(tier, scenario.eligible)
    arms = scenario.treatments
    drawn = len(arms) - np.floor(rng.random(len(ids)) * (len(arms) + 1)).astype(np.int64)
    arm = np.where(takes_part, drawn, 0)
    segment = rng.choice(["online", "store"], size=len(ids), p=[0.55, 0.45])
    members = pd.DataFrame({"member_id": ids, "tier": tier, "segment": segment})
    orders = _orders(scenario, rng, ids, arm)
    if scenario.chosen_by:
        members[scenario.treatment] = arm > 0
        return {"members": members, "transactions": orders}
    names = np.array([scenario.control, *(planted.arm for planted in arms)], dtype=object)
    assignments = pd.DataFrame(
        {
            "member_id": ids[takes_part],
            "arm": names[arm[takes_part]],
            "assigned_at": scenario.start.isoformat(),
        }
    )
    return {"members": members, "assignments": assignments, "transactions": orders}


def _orders(
    scenario: Scenario, rng: np.random.Generator, ids: npt.NDArray[np.int64], arm: npt.NDArray[np.int64]
) -> pd.DataFrame:
    import pandas as pd

    treated = arm > 0
    more, larger, multiple, free = (
        np.array([usual, *(getattr(planted, name) for planted in scenario.treatments)])[arm]
        for name, usual in (
            ("more_orders", 0.0),
            ("larger_basket", 0.0),
            ("reward_multiple", 1.0),
            ("ships_free", False),
        )
    )
    rate = scenario.orders_per_day * rng.gamma(1.5, 1 / 1.5, size=len(ids))
    rate = rate * np.where(treated, 1 + scenario.chosen_by, 1.0)
    basket = scenario.basket * rng.lognormal(-0.08, 0.4, size=len(ids))
    parts = []
    for first, last, works in (
        (-scenario.days_before, 0, False),
        (0, scenario.effect_days, True),
        (scenario.effect_days, scenario.days_after, False),
    ):
        acts = treated & works
        count = rng.poisson(rate * (last - first) * np.where(acts, 1 + more, 1.0))
        who = np.repeat(np.arange(len(ids)), count)
        amount = basket[who] * rng.lognormal(-0.08, 0.4, size=len(who))
        amount = np.round(amount * np.where(acts[who], 1 + larger[who], 1.0), 2)
        when = np.floor(rng.uniform(first * DAY, last * DAY, size=len(who)))
        reward = scenario.reward_rate * np.where(acts[who], multiple[who], 1.0)
        parts.append(
            pd.DataFrame(
                {
                    "member_id": ids[who],
                    "ts": when.astype(np.int64) + _midnight(scenario.start),
                    "amount": amount,
                    "margin": np.round(amount * rng.uniform(0.35, 0.45, size=len(who)), 2),
                    "reward_cost": np.round(amount * reward, 2),
                    "fee_waived": (acts & free)[who].astype(int),
                    "treated": acts[who],
                }
            )
        )
    orders = pd.concat(parts).sort_values(["ts", "member_id"], kind="stable", ignore_index=True)
    orders.insert(0, "txn_id", np.arange(1, len(orders) + 1))
    if scenario.redeemed:
        first_order = ~orders.loc[orders["treated"], "member_id"].duplicated()
        uses = first_order & (rng.random(len(first_order)) < scenario.redeemed)
        orders["offer_redeemed"] = uses.reindex(orders.index, fill_value=False).astype(int)
    unused = [] if any(planted.ships_free for planted in scenario.treatments) else ["fee_waived"]
    return orders.drop(columns=["treated", *unused])


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp())
