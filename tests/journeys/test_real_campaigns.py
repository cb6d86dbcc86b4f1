"""Real randomized campaigns, rebuilt from their published counts."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from loyalty_exp.pipeline import compute
from loyalty_exp.report.render import render

# Starbucks take-home exercise, training sample: promotion by purchase.
# A promotion costs 0.15, a purchase earns 10.00.
STARBUCKS = {("No", 0): 41_851, ("No", 1): 319, ("Yes", 0): 41_643, ("Yes", 1): 721}

# Cookie Cats gate test: version by retention after 1 and 7 days.
COOKIE_CATS = {
    ("gate_30", 0, 0): 22_840,
    ("gate_30", 0, 1): 1_826,
    ("gate_30", 1, 0): 13_358,
    ("gate_30", 1, 1): 6_676,
    ("gate_40", 0, 0): 23_597,
    ("gate_40", 0, 1): 1_773,
    ("gate_40", 1, 0): 13_613,
    ("gate_40", 1, 1): 6_506,
}


def _write(path: Path, columns: list[str], counts: dict[tuple, int]) -> None:
    rows = ", ".join(
        "(" + ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in key) + f", {n})"
        for key, n in counts.items()
    )
    con = duckdb.connect()
    con.execute(
        f"copy (select row_number() over () as id, {', '.join(columns)} from (values {rows}) "
        f"t({', '.join(columns)}, n), range(n)) to '{path}' (format parquet)"
    )


@pytest.fixture
def starbucks(tmp_path: Path) -> Path:
    _write(tmp_path / "promo.parquet", ["promotion", "purchase"], STARBUCKS)
    spec = tmp_path / "promo.yaml"
    spec.write_text(
        """
experiment: starbucks_promotion
question: Does the promotion earn more than it costs?
unit: id
data: {units: promo.parquet}
arms: {from_column: promotion, control: "No", treatments: ["Yes"]}
metrics:
  - {id: purchase, type: proportion, column: purchase, role: primary}
economics:
  benefit: {metric: purchase, value: 10.0}
  costs: [{id: promotion, per_unit: 0.15}]
decision:
  ship_if: {probability_net_benefit_positive: 0.95}
""",
        encoding="utf-8",
    )
    return spec


def test_the_promotion_that_sells_more_and_loses_money(starbucks: Path) -> None:
    readout = compute(starbucks)
    estimate = readout.estimates[0]
    assert round(estimate.absolute.estimate, 4) == 0.0095  # the published incremental response rate
    assert estimate.absolute.ci_lower > 0
    money = readout.economics[0]
    assert money.net_benefit.estimate == pytest.approx(10 * (721 / 42_364 - 319 / 42_170) - 0.15, rel=1e-9)
    assert money.net_benefit.ci_upper < 0
    assert readout.decision.action == "stop"
    assert any(r["code"] == "sells_more_loses_money" for r in readout.decision.reasons)


@pytest.mark.parametrize(("language", "words"), [("en", "loses money"), ("zh-CN", "亏")])
def test_the_page_says_so_in_words(starbucks: Path, language: str, words: str) -> None:
    assert words in render(compute(starbucks).to_dict(), language)


def test_a_borderline_sample_ratio_warns_and_does_not_invalidate(tmp_path: Path) -> None:
    _write(tmp_path / "gate.parquet", ["version", "retention_1", "retention_7"], COOKIE_CATS)
    spec = tmp_path / "gate.yaml"
    spec.write_text(
        """
experiment: cookie_cats_gate
question: Do players stay longer when the first gate comes at level 40?
unit: id
data: {units: gate.parquet}
arms: {from_column: version, control: gate_30, treatments: [gate_40]}
metrics:
  - {id: retention_7, type: proportion, role: primary}
  - {id: retention_1, type: proportion}
""",
        encoding="utf-8",
    )
    readout = compute(spec)
    ratio = next(h for h in readout.health if h.check == "sample_ratio")
    assert ratio.status == "warn"
    assert ratio.p_value == pytest.approx(0.0086, abs=5e-5)
    assert readout.status == "mature"
    seven = next(e for e in readout.estimates if e.metric == "retention_7")
    assert seven.absolute.estimate == pytest.approx(-0.0082, abs=1e-4)
    assert seven.absolute.p_value == pytest.approx(0.0016, abs=1e-4)
    assert readout.decision.action == "stop"
