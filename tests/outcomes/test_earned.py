"""Points computed from orders equal a plain recomputation on kept amounts, in order time and under caps."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loyalty_exp.errors import EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.cost_columns import BASE, BONUS, POINTS
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.stats.moments import from_rows

from .ledger_data import ENGINES, ledger, write
from .test_engines_agree import same

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MEMBERS = [f"m{i}" for i in range(40)]
ARM = {m: "CT"[i % 2] for i, m in enumerate(MEMBERS)}
ROUNDING = {
    "floor_per_order": Decimal(0),
    "round_per_order": Decimal("0.5"),
    "ceil_per_order": Decimal("0.999999"),
}

Order = tuple[str, str, str, float, str, str | None]


def made_orders(seed: int = 3, n: int = 400) -> list[Order]:
    """Orders in two categories, a third of them refunded in part or whole, some late, some of before."""
    rng = np.random.default_rng(seed)
    rows: list[Order] = []
    for i in range(n):
        m, at = (
            str(rng.choice(MEMBERS)),
            START + dt.timedelta(seconds=int(rng.integers(-10 * 86400, 40 * 86400))),
        )
        cents, category = int(rng.integers(1, 60_000)), str(rng.choice(["beauty", "other"]))
        rows.append((m, f"o{i}", at.isoformat(), cents / 100, category, None))
        for k in range(int(rng.choice([0, 0, 1, 2]))):
            part = cents if rng.random() < 0.4 and k == 0 else int(cents * rng.random() / 3)
            later = at + dt.timedelta(seconds=int(rng.integers(0, 40 * 86400)))
            rows.append((m, f"r{i}.{k}", later.isoformat(), -part / 100, category, f"o{i}"))
    return rows


def written(folder: Path, orders: list[Order]) -> None:
    write(
        folder,
        {
            "members": ("m", [(m,) for m in MEMBERS]),
            "assignments": ("m,arm", [(m, ARM[m]) for m in MEMBERS]),
            "orders": ("m,o,at,amount,category,refund_of,cogs", [(*o, 1.0) for o in orders]),
        },
    )


def spec(engine: str, earn: dict[str, Any], rule: dict[str, Any], **points: Any) -> Any:
    suffix = ".parquet" if engine == "duckdb" else ""
    sold = {"table": f"orders{suffix}", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    sold |= {"refund_of": "refund_of", "category": "category"}
    valued = {"face_value": 0.01, "redemption_rate": {"base": {"mean": 0.7}}, "earn": earn, **points}
    offer = {"type": "points_multiplier", **rule}
    return ledger(
        engine,
        program={"points": valued},
        data={"transactions": sold},
        arms=({"id": "C", "share": 0.5}, {"id": "T", "share": 0.5, "intervention": offer}),
    )


def by_hand(
    orders: list[Order], earn: dict[str, Any], rule: dict[str, Any], clawback: bool
) -> dict[str, Any]:
    """Order after order in time: points of the kept amount, bonus points under what the cap leaves."""
    times = {o: dt.datetime.fromisoformat(at) for _, o, at, _, _, back in orders if back is None}
    kept: dict[str, list[Decimal]] = {}
    owner: dict[str, str] = {}
    for m, o, at, amount, category, back in orders:
        key = back or o
        if not START <= times[key] < START + 31 * DAY:
            continue
        if back and (not clawback or dt.datetime.fromisoformat(at) >= START + 46 * DAY):
            continue
        pair = kept.setdefault(key, [Decimal(0), Decimal(0)])
        money = Decimal(str(amount))
        pair[0] += money
        pair[1] += money if not rule.get("categories") or category in rule["categories"] else 0
        owner[key] = m

    def points(money: Decimal) -> int:
        raw = money * Decimal(str(earn["per_money"])) + ROUNDING[earn["rounding"]]
        return int(raw // 1) if money > 0 else 0

    caps = rule.get("caps", {})
    base, bonus = dict.fromkeys(MEMBERS, 0), dict.fromkeys(MEMBERS, 0)
    for key in sorted(kept, key=times.__getitem__):
        m = owner[key]
        base[m] += points(kept[key][0])
        if ARM[m] == "T":
            extra = int((Decimal(str(rule["multiplier"])) - 1) * points(kept[key][1]))
            extra = min(extra, caps.get("points_per_order", extra))
            bonus[m] += min(extra, caps.get("points_per_member", 10**9) - bonus[m])
    return {
        a: {
            BASE: [base[m] for m in MEMBERS if ARM[m] == a],
            BONUS: [bonus[m] for m in MEMBERS if ARM[m] == a],
        }
        for a in "CT"
    }


RULES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"per_money": 1.0, "rounding": "floor_per_order"}, {"multiplier": 3.0}, "recompute_on_kept_amount"),
    (
        {"per_money": 1.0, "rounding": "floor_per_order"},
        {"multiplier": 2.5, "categories": ("beauty",), "caps": {"points_per_member": 900}},
        "recompute_on_kept_amount",
    ),
    (
        {"per_money": 0.3, "rounding": "round_per_order"},
        {"multiplier": 2.0, "caps": {"points_per_order": 40, "points_per_member": 150}},
        "recompute_on_kept_amount",
    ),
    ({"per_money": 10.0, "rounding": "ceil_per_order"}, {"multiplier": 2.0}, "none"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Order]]:
    folder, orders = tmp_path_factory.mktemp("earned"), made_orders()
    written(folder, orders)
    return folder, orders


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("earn", "rule", "clawback"), RULES)
def test_points_equal_a_plain_recomputation(
    data: tuple[Path, list[Order]], engine: str, earn: dict[str, Any], rule: dict[str, Any], clawback: str
) -> None:
    outcomes = collect(spec(engine, earn, rule, clawback=clawback), data[0])
    wanted = by_hand(data[1], earn, rule, clawback != "none")
    for arm in "CT":
        same(outcomes.overall[ECONOMICS][arm].select([BASE, BONUS]), from_rows(wanted[arm]))
        assert outcomes.overall[POINTS][arm].mean_of(BASE) == pytest.approx(np.mean(wanted[arm][BASE]))
    assert sum(wanted["T"][BONUS]) > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_refunding_everything_leaves_no_points(tmp_path: Path, engine: str) -> None:
    orders = [o for o in made_orders() if o[5] is None]
    refunds = [
        (m, f"r{o}", (dt.datetime.fromisoformat(at) + DAY).isoformat(), -amount, category, o)
        for m, o, at, amount, category, _ in orders
    ]
    written(tmp_path, [*orders, *refunds])
    earn, rule, _ = RULES[0]
    outcomes = collect(spec(engine, earn, rule), tmp_path)
    for arm in "CT":
        block = outcomes.overall[ECONOMICS][arm]
        assert block.mean_of(BASE) == block.mean_of(BONUS) == 0
        assert outcomes.overall["revenue"][arm].mean_of("revenue") == pytest.approx(0, abs=1e-9)


def test_rules_that_orders_do_not_tell_are_refused(data: tuple[Path, list[Order]]) -> None:
    earn, rule, _ = RULES[0]
    with pytest.raises(EngineError, match=r"clawback: proportional.*data.points"):
        collect(spec("duckdb", earn, rule, clawback="proportional"), data[0])
    with pytest.raises(EngineError, match=r"points of arm 'T' are not computed from orders"):
        collect(spec("duckdb", earn, {"type": "points_bonus", "points": 500}), data[0])
    with pytest.raises(EngineError, match=r"points_in_campaign"):
        collect(spec("duckdb", earn, {**rule, "caps": {"points_in_campaign": 10}}), data[0])


def test_bonus_points_are_earned_only_while_the_offer_runs(tmp_path: Path) -> None:
    orders: list[Order] = [
        ("m1", "o1", "2026-03-02T10:00:00Z", 100.0, "beauty", None),
        ("m1", "o2", "2026-03-25T10:00:00Z", 100.0, "beauty", None),
    ]
    written(tmp_path, orders)
    earn, rule, _ = RULES[0]
    experiment = spec("duckdb", earn, rule)
    money = experiment.economics.model_copy(update={"post_days": 10})
    block = collect(experiment.model_copy(update={"economics": money}), tmp_path).overall[ECONOMICS]["T"]
    assert block.mean_of(BASE) * block.n == pytest.approx(200)
    assert block.mean_of(BONUS) * block.n == pytest.approx(200)
