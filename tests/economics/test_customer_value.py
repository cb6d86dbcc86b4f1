"""Projected customer value from tables to the readout: planted truth, both engines, and what is refused."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.economics.customer_value import LEAST_BUYERS, customer_value, projection
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.customers import PER_TEN, Span
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.outlook import CustomerValueFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.projected_value import Buyers, mean_value
from loyalty_exp.stats.purchase_history import history
from loyalty_exp.stats.repeat_buying import BgNbd
from loyalty_exp.stats.spend_per_purchase import GammaGamma

ENGINES_AGREE = 1e-8
"""Relative, after a search for the top of a likelihood; sums are taken in another order."""

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
UNITS, WINDOW, LATER, LIFT = 4_000, 90, 60, 1.3
Orders = list[tuple[int, float, float]]


@cache
def orders(seed: int = 5, units: int = UNITS) -> Orders:
    """Member, day and amount: gamma rates, beta stopping, gamma spend; odd members buy more often."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.0, 1 / 12, units) * np.where(np.arange(units) % 2, LIFT, 1.0)
    stop, level = rng.beta(0.8, 2.5, units), rng.gamma(4.0, 1 / 15, units)
    found = []
    for i in range(units):
        day = rng.exponential(1 / rate[i])
        while day < WINDOW + LATER:
            found.append((i, day, max(round(rng.gamma(6.0, 1 / level[i]), 2), 0.01)))
            if rng.random() < stop[i]:
                break
            day += rng.exponential(1 / rate[i])
    return found


def tables(folder: Path, bought: Orders, units: int = UNITS) -> None:
    """Write a few rows as every ledger is written, and the many orders at once."""
    write(
        folder,
        {
            "members": ("m", [(f"m{i}",) for i in range(units)]),
            "assignments": ("m,arm", [(f"m{i}", "CT"[i % 2]) for i in range(units)]),
            "orders": ("m,o,at,amount,cogs,refund_of", []),
        },
    )
    rows = [
        (f"m{i}", f"o{k}", (START + dt.timedelta(days=day)).isoformat(), amount, 0.0, None)
        for k, (i, day, amount) in enumerate(bought)
    ]
    with closing(sqlite3.connect(folder / "all.db")) as database:
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    names = ("m", "o", "at", "amount", "cogs", "refund_of")
    kinds = [pa.string(), pa.string(), pa.string(), pa.float64(), pa.float64(), pa.string()]
    columns = [pa.array(c, k) for c, k in zip(zip(*rows, strict=True), kinds, strict=True)]
    table = pa.table(dict(zip(names, columns, strict=True)))
    kept = 'SELECT * REPLACE (CAST("at" AS TIMESTAMPTZ) AS "at") FROM t'
    duckdb.from_arrow(table).query("t", f"COPY ({kept}) TO '{folder}/orders.parquet' (FORMAT parquet)")


def spec(engine: str = "duckdb", **asked: Any) -> Experiment:
    value = {"washout_days": 0, "replicates": 50, "backtest_limit": 0.5} | asked
    days = WINDOW + LATER
    return ledger(
        engine,
        schedule={"outcome_days": WINDOW, "refund_days": 0, "data_to": "2026-05-29"},
        metrics=({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},),
        economics={
            "benefit": {"metric": "spend", "margin": 0.4},
            "costs": (),
            "horizon": {
                "days": days,
                "persistence": ({"rho_monthly": 0.5, "weight": 1.0},),
                "customer_value": value,
            },
        },
    )


def told(asked: Experiment, outcomes: Outcomes) -> CustomerValueFacts:
    assert asked.economics is not None and asked.economics.horizon is not None
    found = customer_value(asked, asked.economics.horizon, outcomes, "T")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("customers")
    tables(made, orders())
    return made


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> Outcomes:
    return collect(spec(), folder)


def test_the_difference_that_came_lies_in_the_interval(outcomes: Outcomes) -> None:
    found = told(spec(), outcomes)
    came = np.zeros(2)
    for i, day, amount in orders():
        came[i % 2] += 0.4 * amount * (day >= WINDOW)
    truth = (came[1] - came[0]) / (UNITS / 2)
    d = found.difference
    assert d is not None and found.not_estimable is None
    assert d.ci_lower < truth < d.ci_upper and d.ci_lower < d.estimate < d.ci_upper
    assert [a.arm for a in found.arms] == ["T", "C"]
    assert d.estimate == pytest.approx(found.arms[0].value - found.arms[1].value)
    for arm, real in zip(found.arms, came[::-1] / (UNITS / 2), strict=True):
        assert arm.value == pytest.approx(real, rel=0.25)
        assert abs(arm.frequency_value_correlation or 0) < 0.15
    assert found.sampling_std_error is not None and found.backtest_error is not None
    assert d.std_error == pytest.approx(np.hypot(found.sampling_std_error, found.backtest_error * d.estimate))


def test_histories_are_counted_together_and_lose_nobody(outcomes: Outcomes) -> None:
    for arm, odd in (("C", 0), ("T", 1)):
        mine = [(i, int(day), amount) for i, day, amount in orders() if i % 2 == odd and day < WINDOW]
        days = {(i, day) for i, day, _ in mine}
        b = outcomes.customers[arm].buyers
        assert b.customers.sum() == UNITS / 2
        assert b.customers @ b.history.frequency == len(days)
        assert b.customers @ (b.history.frequency * b.value) == pytest.approx(sum(x for *_, x in mine))
        assert b.margin is not None
        assert b.customers @ b.margin == pytest.approx(sum(x for *_, x in mine))
        assert b.history.recency.max() <= WINDOW and set(b.history.age) == {float(WINDOW)}
        assert outcomes.customers[arm].later == sum(day >= WINDOW // 2 for _, day in days)
        assert b.history.n == len(by_hand(mine)) + 1  # one row for those who bought nothing


def by_hand(mine: list[tuple[int, int, float]]) -> set[tuple[int, int, int, int]]:
    """Days with a purchase, the last of them, and the step of spend a day, of each who bought."""
    days: dict[int, set[int]] = defaultdict(set)
    paid: dict[int, float] = defaultdict(float)
    for i, day, amount in mine:
        days[i].add(day)
        paid[i] += amount
    found = set()
    for i, bought in days.items():
        each = paid[i] / len(bought)
        ten = next(k for k in range(-2, 10) if each < 10.0**k)
        found.add((len(bought), max(bought), ten, int(each * PER_TEN / 10.0**ten + 1e-6)))
    return found


def test_shared_rows_project_what_single_customers_do() -> None:
    """Within a step of spend the projection is linear in spend, so sharing a row costs nothing."""
    times = np.array([1.0, 1.0, 2.0, 0.0])
    last, age = np.array([10.0, 10.0, 40.0, 0.0]), np.full(4, 60.0)
    models, over = (BgNbd(0.8, 20.0, 0.8, 2.5), GammaGamma(6.0, 4.0, 15.0)), projection_of(60)
    single = Buyers(history(times, last, age), np.array([10.0, 12.0, 20.0, 0.0]))
    shared = Buyers(
        history(times[1:], last[1:], age[1:]), np.array([11.0, 20.0, 0.0]), np.array([2.0, 1.0, 1.0])
    )
    assert mean_value(shared, models, over) == pytest.approx(mean_value(single, models, over), rel=1e-12)
    priced = Buyers(shared.history, shared.value, shared.count, np.array([2.2, 8.0, 0.0]))
    assert mean_value(priced, models, over) == pytest.approx(
        mean_value(shared, models, over) * (2 * 2.2 + 8) / (2 * 11 + 40)
    )


def projection_of(days: int) -> Any:
    asked = spec()
    assert asked.economics is not None and asked.economics.horizon is not None
    return projection(asked.economics.horizon.model_copy(update={"days": WINDOW + days}), Span(0, 45, WINDOW))


def test_days_are_cut_into_periods_of_about_a_month() -> None:
    assert (projection_of(60).periods, projection_of(60).period) == (2, 30.0)
    assert (projection_of(10).periods, projection_of(10).period) == (1, 10.0)
    assert (projection_of(70).periods, projection_of(70).period) == (2, 35.0)


def test_engines_agree_and_the_seed_fixes_the_resamples(folder: Path, outcomes: Outcomes) -> None:
    first, other = told(spec(), outcomes), told(spec(ENGINES[1]), collect(spec(ENGINES[1]), folder))
    assert first == told(spec(), outcomes)
    for a, b in zip(first.arms, other.arms, strict=True):
        assert a.value == pytest.approx(b.value, rel=ENGINES_AGREE)
        assert list(a.parameters.values()) == pytest.approx(list(b.parameters.values()), rel=1e-6)
    assert first.difference is not None and other.difference is not None
    assert first.difference.std_error == pytest.approx(other.difference.std_error, rel=1e-6)
    readout = conclude(spec(), outcomes)
    assert readout.provenance["seed"] == spec().analysis.seed
    assert readout.outlook[0].horizon is not None
    assert readout.outlook[0].horizon.customer_value == first


def test_the_washout_leaves_the_first_days_out(folder: Path) -> None:
    found = collect(spec(washout_days=30), folder).customers["C"].buyers
    days = {(i, int(day)) for i, day, _ in orders() if i % 2 == 0 and 30 <= day < WINDOW}
    assert found.customers @ found.history.frequency == len(days)
    assert found.history.recency.max() <= 60 and set(found.history.age) == {60.0}


def test_a_backtest_beyond_its_limit_gives_no_difference(outcomes: Outcomes) -> None:
    found = told(spec(backtest_limit=0.001), outcomes)
    assert found.difference is None and len(found.arms) == 2
    assert found.not_estimable is not None and "more than the limit of 0%" in found.not_estimable


def test_small_arms_and_data_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tables(tmp_path, [o for o in orders() if o[0] < 2 * LEAST_BUYERS], 2 * LEAST_BUYERS)
    found = told(spec(), collect(spec(), tmp_path))
    assert found.arms == () and found.difference is None
    assert found.not_estimable is not None and f"fewer than {LEAST_BUYERS} customers" in found.not_estimable
    every = [(i, float(day), 20.0) for i in range(600) for day in (3, 17, 40, 61, 80)]
    tables(tmp_path, every, 600)
    found = told(spec(), collect(spec(), tmp_path))
    assert found.difference is None
    assert found.not_estimable is not None and "in arm T" in found.not_estimable
