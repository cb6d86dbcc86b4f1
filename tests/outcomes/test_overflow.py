"""D40: values whose squares leave the range of numbers are told of, and only their own effects are lost."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from report.words import Page

from loyalty_exp.errors import ContractBreach, NotEstimable
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.overflow import TooLarge, readable
from loyalty_exp.pipeline import conclude
from loyalty_exp.report.render import render
from loyalty_exp.stats.moments import Moments, from_rows, merge

from .test_corpus import HEADER, spec
from .test_windows import outcomes_of as windowed

ROWS = "".join(f"m{i},{'ab'[i % 2]},{i % 7 + 0.5},{i * 7 // 3 % 2}\n" for i in range(400))
METRICS = (
    {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ("visit",)},
    {"id": "visit", "type": "proportion", "column": "visit"},
)


def outcomes_of(folder: Path, *rows: str, header: str = HEADER, **changes: object) -> Outcomes:
    (folder / "units.csv").write_text(header + ROWS + "".join(f"{row}\n" for row in rows))
    return collect(spec(**changes), folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "odd", ["1e300", "-1e300", "1.7e308", "1e200", "1e150", "1e115", "1e105", "1e80", "1e30"]
)
def test_one_vast_value_leaves_a_finite_readout_and_the_other_metrics(tmp_path: Path, odd: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = outcomes_of(tmp_path, f"x1,a,{odd},1", f"x2,b,{odd},1")
        without = outcomes_of(tmp_path, "x1,a,1,1", "x2,b,1,1")
        readout = conclude(spec(), outcomes)
    text = readout.to_json()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in the readout"))
    spend, visit = readout.estimates
    assert visit.absolute == conclude(spec(), without).estimates[1].absolute
    assert (spend.absolute is None) == (abs(float(odd)) > 1e60)
    assert spend.absolute is not None or "so large" in str(spend.not_estimable)
    (check,) = (h for h in readout.health if h.check == "outlier")
    assert (check.status, check.detail["column"], check.detail["rows"]) == ("warn", "spend", 2)
    assert "outlier" in readout.warnings
    english, chinese = (Page(render(readout.to_dict(), language)).words for language in ("en", "zh-CN"))
    assert "with a value beyond 1,000,000,000,000,000 in Spend" in english
    assert "的 Spend 数值超过 1,000,000,000,000,000" in chinese
    if spend.absolute is None:
        assert "a value is too large for a variance" in english
        assert "有数值过大，无法计算方差" in chinese


def test_a_cap_makes_a_vast_value_estimable(tmp_path: Path) -> None:
    metrics = ({**METRICS[0], "covariates": (), "cap": {"upper": 100.0}},)
    outcomes = outcomes_of(tmp_path, "x1,a,1e300,1", metrics=metrics)
    assert outcomes.overall["spend"]["a"].mean_of("spend") < 10
    assert [f.code for f in outcomes.findings] == []


def test_a_vast_covariate_costs_the_adjusted_effect_only(tmp_path: Path) -> None:
    metrics = (
        {**METRICS[1], "id": "visit", "role": "primary"},
        {"id": "spend", "type": "amount", "column": "spend"},
        {"id": "adjusted", "type": "amount", "column": "visit", "covariates": ("spend",)},
    )
    outcomes = outcomes_of(tmp_path, "x1,a,1e300,1", metrics=metrics)
    visit, _, adjusted = conclude(spec(metrics=metrics), outcomes).estimates
    assert visit.absolute is not None
    assert "so large" in str(adjusted.not_estimable)


def test_only_the_cell_of_a_segment_that_holds_the_value_is_lost(tmp_path: Path) -> None:
    rows = "".join(f"m{i},{'ab'[i % 2]},{i % 7 + 0.5},1,{'xy'[i // 2 % 2]}\n" for i in range(400))
    (tmp_path / "units.csv").write_text(f"id,arm,spend,visit,tier\n{rows}z,a,1e300,1,x\n")
    changes = {"segments": ({"id": "tier"},), "analysis": {"min_cell": 10}}
    readout = conclude(spec(**changes), collect(spec(**changes), tmp_path))  # type: ignore[arg-type]
    cells = {e.segment["value"]: e for e in readout.estimates if e.segment and e.metric == "spend"}
    assert cells["x"].absolute is None
    assert cells["y"].absolute is not None


def test_values_far_from_zero_that_are_no_outliers_are_not_told_of(tmp_path: Path) -> None:
    """D42: the sum of squares alone shows nothing."""
    rows = "".join(f"m{i},{'ab'[i % 2]},{9e14 + i!r},1\n" for i in range(400))
    (tmp_path / "units.csv").write_text(HEADER + rows)
    assert collect(spec(), tmp_path).findings == ()


def test_a_value_that_is_infinite_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractBreach, match=r"NaN or infinite.*1 row, for example row 402"):
        outcomes_of(tmp_path, "x1,a,1e300,1", "x2,b,inf,1")


def test_a_vast_transaction_leaves_the_other_metrics(tmp_path: Path) -> None:
    rows = [
        f"{m},T{m},2026-04-05T12:00:00Z,{x},{i},0"
        for i, (m, x) in enumerate(zip("ABCD", (1, 2, 1e300, 4), strict=True))
    ]
    outcomes = windowed(tmp_path, [*rows, "A,T9,2026-04-06T12:00:00Z,5,2,0"])
    (found,) = (f for f in outcomes.findings if f.code == "outlier")
    assert (found.rows, found.detail["table"], found.detail["column"]) == (1, "transactions.csv", "amount")
    assert isinstance(outcomes.overall["spend"]["double"], TooLarge)
    assert outcomes.overall["spend"]["control"].mean_of("spend") == 4
    assert outcomes.overall["orders"]["double"].mean_of("orders") == 1
    assert outcomes.overall["margin"]["double"].mean_of("margin") == 2.5


def large() -> Moments:
    return readable(Moments(3, ("x", "y"), np.array([1.0, 1e200]), np.array([[2.0, 0.0], [0.0, np.inf]])))


def test_moments_that_are_too_large_refuse_to_be_read() -> None:
    m = large()
    assert isinstance(m, TooLarge)
    for read in (lambda: m.mean, lambda: m.comoment, lambda: m.variance("x"), lambda: m.mean_of("y")):
        with pytest.raises(NotEstimable, match="so large"):
            read()


def test_columns_that_are_not_too_large_can_be_taken_out() -> None:
    m = large()
    assert m.select(("x",)).variance("x") == 1.0
    assert m.combine({"z": {"x": 2.0}}).mean_of("z") == 2.0
    with pytest.raises(NotEstimable, match="so large"):
        m.combine({"z": {"x": 2.0, "y": 1.0}})


def test_moments_joined_with_ones_that_are_too_large_are_so_too() -> None:
    usual = from_rows({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    for whole in (usual + large(), large() + usual, large() + large(), merge([usual, large()], ("x", "y"))):
        assert isinstance(whole, TooLarge)
        assert whole.select(("x",)).mean_of("x") > 0


def test_usual_moments_are_left_as_they_are() -> None:
    usual = from_rows({"x": [1e59, 2.0]})
    assert readable(usual) is usual
