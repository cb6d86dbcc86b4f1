"""Value added tax in the amounts: taken out of the money, kept in the metric, refused where unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run

from .ledger_data import ENGINES, ledger, write

ORDERS = [
    ("a", "o1", "2026-03-02T10:00:00Z", 125.0, 0.0, None),
    ("a", "r1", "2026-03-09T10:00:00Z", -25.0, 0.0, "o1"),
    ("b", "o2", "2026-03-03T10:00:00Z", 50.0, 0.0, None),
    ("c", "o3", "2026-03-04T10:00:00Z", 25.0, 0.0, None),
    ("d", "o4", "2026-03-05T10:00:00Z", 75.0, 0.0, None),
]
"""T: a kept 100 of 125, b 50. C: c 25, d 75."""


def spec(engine: str, vat: Any, column: str = "amount") -> Experiment:
    return ledger(
        engine,
        program={"vat": vat},
        metrics=(
            {"id": "spend", "type": "amount", "column": column, "role": "primary", "cap": {"upper": 60.0}},
        ),
        economics={
            "benefit": {"metric": "spend", "margin": 0.5},
            "costs": ({"id": "fee", "per_event": "spend", "price": 0.01},),
        },
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_the_benefit_is_without_tax_and_the_metric_and_its_costs_are_not(tmp_path: Path, engine: str) -> None:
    write(
        tmp_path,
        {
            "members": ("m", [(m,) for m in "abcd"]),
            "assignments": ("m,arm", [(m, "T" if m in "ab" else "C") for m in "abcd"]),
            "orders": ("m,o,at,amount,cogs,refund_of", ORDERS),
        },
    )
    asked = spec(engine, {"rate": 0.25})
    refuse_what_is_not_run(asked)
    readout = conclude(asked, collect(asked, tmp_path))
    (money,), gap = readout.economics, 150 / 2 - 100 / 2
    assert money.benefit.estimate == pytest.approx(0.5 * gap / 1.25)
    assert money.cost_lines[0].per_unit == pytest.approx(0.01 * gap)
    spend = next(e for e in readout.estimates if e.metric == "spend")
    assert spend.absolute is not None
    assert spend.absolute.estimate == pytest.approx((60 + 50) / 2 - (25 + 60) / 2)
    for free in ({"rate": 0.25, "included": False}, {"rate": 0.0}):
        plain = spec(engine, free)
        (money,) = conclude(plain, collect(plain, tmp_path)).economics
        assert money.benefit.estimate == pytest.approx(0.5 * gap)


def test_a_column_that_may_hold_tax_or_not_is_refused() -> None:
    with pytest.raises(Refused, match="nothing says whether value added tax is in 'net_sales'"):
        refuse_what_is_not_run(spec("duckdb", {"rate": 0.25}, "net_sales"))
    mapped = spec("duckdb", {"rate": 0.25}, "contribution")
    sold = mapped.data.transactions.model_copy(update={"margin": "contribution"})  # type: ignore[union-attr]
    data = mapped.data.model_copy(update={"transactions": sold})
    refuse_what_is_not_run(mapped.model_copy(update={"data": data}))
