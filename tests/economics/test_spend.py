"""Revenue for each unit of money spent, and money for an extra order, against sums by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import experiment, outcomes, spend
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.economics.appraise import appraise
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.readout.money import SpendFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.relative import fieller

N, OFF, VAT = 300, 6.0, 0.13
MEMBERS = [f"m{i:03d}" for i in range(N)]
TREATED = np.arange(N) % 2 == 1


def tables(seed: int = 4) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """Treatment orders more often, with a coupon on every second order; some orders come back."""
    rng = np.random.default_rng(seed)
    orders, coupons = [], []
    for m, treated in zip(MEMBERS, TREATED, strict=True):
        for k in range(int(rng.poisson(3.0 if treated else 2.0))):
            at, amount = f"2026-03-{rng.integers(1, 30):02d}T10:00:00Z", float(np.round(rng.gamma(3, 30), 2))
            off = OFF if treated and k % 2 else 0.0
            orders.append((m, f"{m}.{k}", at, amount - off, 0.4 * amount, None, off))
            if off:
                coupons.append((m, at, off, "A"))
            if rng.random() < 0.1:
                orders.append((m, f"{m}.{k}r", at, -amount / 2, 0.0, f"{m}.{k}", 0.0))
    return {
        "members": ("m", [(m,) for m in MEMBERS]),
        "assignments": ("m,arm", [(m, "CT"[t]) for m, t in zip(MEMBERS, TREATED.astype(int), strict=True)]),
        "orders": ("m,o,at,amount,cogs,refund_of,discount", orders),
        "coupons": ("m,at,subsidy,code", coupons),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("spend")
    write(made, tables())
    return made


def spec(engine: str = "duckdb", **changes: Any) -> Experiment:
    suffix = ".parquet" if engine == "duckdb" else ""
    sold = {"table": f"orders{suffix}", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    return ledger(
        engine,
        events=("coupons",),
        data={"transactions": {**sold, "refund_of": "refund_of", "discount": "discount"}},
        program={"vat": {"rate": VAT}},
        **{
            "metrics": (
                {"id": "contribution", "type": "margin", "role": "primary", "discount_is_tender": True},
            ),
            "economics": {
                "benefit": {"metric": "contribution"},
                "costs": ({"id": "coupons", "coupons": "all"}, {"id": "set_up", "fixed": 30.0}),
            },
        }
        | changes,
    )


def read(experiment: Experiment, folder: Path) -> SpendFacts:
    found = appraise(experiment, collect(experiment, folder))[0].spend
    assert found is not None
    return found


def by_member() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Revenue before coupons and without tax, orders, and coupons of every member."""
    at = {m: i for i, m in enumerate(MEMBERS)}
    revenue, orders, cost = np.zeros(N), np.zeros(N), np.zeros(N)
    for m, _, _, amount, _, refund_of, off in tables()["orders"][1]:
        revenue[at[m]] += (amount + off) / (1 + VAT)
        orders[at[m]] += refund_of is None
    for m, _, off, _ in tables()["coupons"][1]:
        cost[at[m]] += off
    return revenue, orders, cost


def gap(x: np.ndarray, y: np.ndarray | None = None) -> float:
    """Difference of means, or the covariance of two of them."""
    if y is None:
        return float(x[TREATED].mean() - x[~TREATED].mean())
    return float(sum(np.cov(x[k], y[k])[0, 1] / k.sum() for k in (TREATED, ~TREATED)))


def test_iroas_is_extra_revenue_over_all_that_was_spent(folder: Path) -> None:
    found, (revenue, _, cost) = read(spec(), folder), by_member()
    spent = gap(cost) + 30 / (N / 2)
    assert found.revenue is not None and found.iroas is not None and found.iroas_not_estimable is None
    assert found.revenue.estimate == pytest.approx(gap(revenue), rel=1e-9)
    assert found.iroas.estimate == pytest.approx(gap(revenue) / spent, rel=1e-9)
    z = 1.959963984540054
    wanted = fieller(gap(revenue), spent, gap(revenue, revenue), gap(revenue, cost), gap(cost, cost), z)
    assert (found.iroas.ci_lower, found.iroas.ci_upper) == pytest.approx((wanted.lower, wanted.upper))


def test_an_incremental_order_costs_all_that_was_spent_over_the_orders_more(folder: Path) -> None:
    found, (_, orders, cost) = read(spec(), folder), by_member()
    spent = gap(cost) + 30 / (N / 2)
    assert found.orders is not None and found.cost_per_order is not None
    assert found.orders.estimate == pytest.approx(gap(orders))
    assert found.cost_per_order.estimate == pytest.approx(spent / gap(orders))
    assert found.cost_per_order.ci_lower < found.cost_per_order.estimate < found.cost_per_order.ci_upper


def test_both_engines_say_the_same(folder: Path) -> None:
    first, second = (read(spec(engine), folder) for engine in ENGINES)
    for name in ("revenue", "orders"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one.estimate, one.std_error) == pytest.approx((other.estimate, other.std_error), rel=1e-9)
    assert first.iroas is not None and second.iroas is not None
    assert first.iroas.ci_upper == pytest.approx(second.iroas.ci_upper, rel=1e-9)


def test_a_benefit_that_is_the_amount_paid_is_revenue_itself(folder: Path) -> None:
    metric = {"id": "paid", "type": "amount", "column": "amount", "role": "primary"}
    money = {"benefit": {"metric": "paid", "margin": 0.4}, "costs": ({"id": "mail", "per_unit": 2.0},)}
    found = read(spec(metrics=(metric,), economics=money), folder)
    revenue = by_member()[0] - by_member()[2] / (1 + VAT)
    assert found.revenue is not None and found.iroas is not None
    assert found.revenue.estimate == pytest.approx(gap(revenue))
    assert found.iroas.estimate == pytest.approx(gap(revenue) / 2.0)


def test_a_table_of_units_has_revenue_where_the_spec_names_the_margin_of_it() -> None:
    rows = {"c": {"spend": spend(500, 20.0)}, "t": {"spend": spend(500, 24.0)}}
    costs = [{"id": "mail", "per_unit": 1.0}]
    share = experiment(economics={"benefit": {"metric": "spend", "margin": 0.25}, "costs": costs})
    found = appraise(share, outcomes(share, rows))[0].spend
    assert found is not None and found.iroas is not None and found.orders is None
    assert found.iroas.estimate == pytest.approx(4.0)
    unknown = experiment()
    assert appraise(unknown, outcomes(unknown, rows))[0].spend is None


def test_money_that_is_not_clearly_spent_has_a_reason(folder: Path) -> None:
    money = {"benefit": {"metric": "contribution"}, "costs": ({"id": "c", "coupons": ("B",)},)}
    found = read(spec(economics=money), folder)
    assert found.iroas is None and found.iroas_not_estimable == "the cost is 0"
    assert found.revenue is not None
