"""Money through the days: the curve ends at the headline, payback is what was observed, reasons are said."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loyalty_exp.economics.over_time import curve
from loyalty_exp.pipeline import compute
from loyalty_exp.readout.over_time import OverTimeFacts
from loyalty_exp.readout.result import Readout
from loyalty_exp.stats.benefit_cost import BenefitCost
from loyalty_exp.stats.distributions import normal_quantile

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
MEMBERS = 400
PROMOTION = {"type": "coupon", "face_value": 5}
SPEND = {"id": "spend", "type": "amount", "column": "amount", "role": "primary"}
SCOPED = {"type": "points_multiplier", "multiplier": 2, "categories": ["beauty"]}


def pairs(net: list[float], error: list[float], fixed: float) -> list[BenefitCost]:
    return [BenefitCost(x + fixed, 0.0, fixed, e * e, 0.0, 0.0) for x, e in zip(net, error, strict=True)]


def test_payback_days_are_ends_of_periods_and_never_beyond_them() -> None:
    net = [-0.5, 0.2, -0.1, 0.3, 0.9, 1.5]
    points, back = curve((7, 14, 21, 28, 35, 40), pairs(net, [0.2] * 6, 1.0), 0.05)
    assert [p.net_benefit.estimate for p in points] == pytest.approx(net)
    assert (back.first_crossing, back.sustained, back.conservative) == (14, 28, 35)
    widest = max(p.net_benefit.estimate - p.band_lower for p in points if p.band_lower is not None)
    assert back.always_valid == next(day for day, x in zip((35, 40), net[4:], strict=True) if x > widest)
    _, never = curve((7, 14), pairs([0.4, -0.1], [0.1] * 2, 1.0), 0.05)
    assert (never.first_crossing, never.sustained, never.conservative, never.always_valid) == (
        7,
        None,
        None,
        None,
    )


def test_where_nothing_varies_the_band_is_the_curve() -> None:
    points, back = curve((1, 2), pairs([0.0, 1.0], [0.0, 0.0], 2.0), 0.05)
    assert [p.band_lower for p in points] == [None, None]
    assert (back.sustained, back.conservative, back.always_valid) == (1, 1, 1)


def test_conservative_days_come_no_earlier_and_the_band_later_still() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        net = (rng.normal(0.2, 1.0, 12).cumsum()).tolist()
        _, back = curve(tuple(range(1, 13)), pairs(net, np.linspace(0.1, 1.5, 12).tolist(), 0.5), 0.05)
        order = [back.first_crossing, back.sustained, back.conservative, back.always_valid]
        known = [day for day in order if day is not None]
        assert known == sorted(known) and order == known + [None] * (4 - len(known))


def write(folder: Path, seed: int = 3) -> None:
    """Members in two tiers; the treated buy more for ten days, less for the next ten, and more of beauty."""
    rng = np.random.default_rng(seed)
    ids = np.arange(MEMBERS)
    on = ids % 2 == 1
    who, day, goods = [], [], []
    for low, high, rate in (
        (-14, 0, 0.2),
        (0, 10, np.where(on, 0.3, 0.2)),
        (10, 20, np.where(on, 0.15, 0.2)),
    ):
        count = rng.poisson(np.broadcast_to(rate, MEMBERS) * (high - low))
        who.append(np.repeat(ids, count))
        day.append(rng.uniform(low, high, count.sum()))
        goods.append(rng.random(count.sum()) < np.where(on[who[-1]] & (low == 0), 0.7, 0.3))
    member, when, beauty = (np.concatenate(x) for x in (who, day, goods))
    n = len(member)
    tables: dict[str, dict[str, Any]] = {
        "members": {
            "m": ids,
            "tier": np.where(ids % 4 < 2, "gold", "silver"),
            "home": ids // 4 * 2 + ids % 2,
        },
        "assignments": {"m": ids, "arm": np.where(on, "T", "C")},
        "orders": {
            "m": member,
            "o": np.arange(n),
            "at": [(START + dt.timedelta(days=float(d))).isoformat() for d in when],
            "amount": np.round(rng.lognormal(3.0, 0.4, n), 2),
            "goods": np.where(beauty, "beauty", "food"),
        },
    }
    for name, columns in tables.items():
        values = {k: pa.array(v.tolist() if isinstance(v, np.ndarray) else v) for k, v in columns.items()}
        pq.write_table(pa.table(values), folder / f"{name}.parquet")


def read(folder: Path, offer: dict[str, Any] | None = None, **changes: Any) -> Readout:
    spec: dict[str, Any] = {
        "experiment": "e",
        "question": "q",
        "unit": "m",
        "data": {
            "members": "members.parquet",
            "assignments": {"table": "assignments.parquet"},
            "transactions": {
                "table": "orders.parquet",
                "order": "o",
                "time": "at",
                "amount": "amount",
                "category": "goods",
            },
        },
        "arms": [
            {"id": "C", "share": 0.5, "control": True},
            {"id": "T", "share": 0.5, "intervention": offer or PROMOTION},
        ],
        "schedule": {"start": "2026-03-01", "outcome_days": 20, "pre_days": 14, "data_to": "2026-03-31"},
        "metrics": [SPEND],
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.4},
            "costs": [{"id": "card", "per_unit": 0.5}, {"id": "fixed", "fixed": 120.0, "funded_share": 0.25}],
        },
    }
    for key, value in changes.items():
        known = spec.get(key)
        spec[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return compute(path)


def followed(readout: Readout) -> OverTimeFacts:
    (facts,) = readout.over_time
    return facts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("money")
    write(here)
    return here


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"assignment": {"salt": "s", "strata": ["tier"]}},
        {"cluster": "home"},
        {"metrics": [{**SPEND, "covariates": ["pre"]}]},
        {
            "metrics": [{"id": "spend", "type": "count", "role": "primary"}],
            "economics": {"benefit": {"metric": "spend", "value": 9.0}},
        },
        {"analysis": {"sequential": {"method": "asymptotic_cs", "horizon": 4_000}}},
    ],
    ids=["units", "strata", "clusters", "covariate", "events", "before the planned end"],
)
def test_the_curve_ends_at_the_net_benefit_of_the_readout(folder: Path, changes: dict[str, Any]) -> None:
    readout = read(folder, **changes)
    last, (money,) = followed(readout).points[-1], readout.economics
    for name in ("estimate", "std_error", "ci_lower", "ci_upper"):
        assert getattr(last.net_benefit, name) == pytest.approx(getattr(money.net_benefit, name), rel=1e-9)
    assert (last.benefit, last.cost) == pytest.approx((money.benefit.estimate, money.cost.estimate), rel=1e-9)
    assert last.band_lower < money.net_benefit.ci_lower and last.band_upper > money.net_benefit.ci_upper
    assert followed(readout).units_treatment == money.units


def test_costs_that_no_event_causes_are_spent_at_the_start_and_fixed_ones_net_of_partners(
    folder: Path,
) -> None:
    first = followed(read(folder)).points[0]
    assert first.cost == pytest.approx(0.5 + 0.75 * 120 / (MEMBERS / 2))


def test_what_the_days_after_the_offer_took_back(folder: Path) -> None:
    found = followed(read(folder, economics={"post_days": 10})).pulled_forward
    assert found is not None and (found.offer_days, found.post_days, found.not_estimable) == (10, 10, None)
    # Planted: 10 days of 0.1 orders more, then 10 days of 0.05 less.
    assert found.share is not None and found.share.estimate == pytest.approx(0.5, abs=0.25)
    assert found.share.ci_lower < 0.5 < found.share.ci_upper
    points = {p.day: p for p in followed(read(folder)).points}
    assert found.during is not None and found.after is not None
    assert found.during.estimate == pytest.approx(points[10].benefit)
    assert found.during.estimate + found.after.estimate == pytest.approx(points[20].benefit)
    assert found.after.ci_upper - found.after.estimate == pytest.approx(
        normal_quantile(0.975) * found.after.std_error
    )


def test_a_price_promotion_without_days_after_it_has_a_reason(folder: Path) -> None:
    found = followed(read(folder)).pulled_forward
    assert found is not None and found.share is None
    assert found.not_estimable == "the outcome window holds no days after the offer"
    perk = {"type": "tier_perk", "perk": "free_shipping"}
    assert followed(read(folder, perk)).pulled_forward is None


def test_what_other_goods_lost_and_why_it_may_be_unknown(folder: Path) -> None:
    found = followed(read(folder, SCOPED)).cannibalization
    assert found is not None and found.categories == ("beauty",) and found.not_estimable is None
    assert found.within is not None and found.outside is not None
    assert found.within.estimate > 0 > found.outside.estimate
    assert found.share is not None
    assert found.share.estimate == pytest.approx(-found.outside.estimate / found.within.estimate)
    assert found.share.ci_lower < found.share.estimate < found.share.ci_upper
    last = followed(read(folder, SCOPED)).points[-1]
    assert found.within.estimate + found.outside.estimate == pytest.approx(last.benefit)

    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount"}
    blind = followed(read(folder, SCOPED, data={"transactions": sold})).cannibalization
    assert blind is not None and blind.not_estimable == "no column of the transactions holds the category"
    assert followed(read(folder)).cannibalization is None


def test_a_share_of_nothing_clear_has_a_reason(folder: Path) -> None:
    swapped = [{"id": "T", "share": 0.5, "control": True}, {"id": "C", "share": 0.5, "intervention": SCOPED}]
    found = followed(read(folder, arms=swapped, economics={"post_days": 10}))
    assert found.pulled_forward is not None and found.pulled_forward.share is None
    assert found.pulled_forward.not_estimable == "the effect of the campaign window is negative"
    assert found.pulled_forward.during is not None and found.pulled_forward.during.estimate < 0


def test_a_window_past_the_data_has_a_reason(folder: Path) -> None:
    read(folder)
    found = followed(compute(folder / "spec.yaml", as_of=dt.date(2026, 3, 15)))
    assert found.points == () and found.payback is None
    assert found.not_estimable is not None and "unit" in found.not_estimable


def test_an_invalid_readout_follows_no_money(folder: Path) -> None:
    arms = [{"id": "C", "share": 0.9, "control": True}, {"id": "T", "share": 0.1, "intervention": PROMOTION}]
    readout = read(folder, arms=arms)
    assert readout.status == "invalid" and readout.over_time == ()


def test_without_economics_nothing_is_followed(folder: Path) -> None:
    assert read(folder, economics=None).over_time == ()
