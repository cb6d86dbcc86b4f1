"""X13: the shares of the arms are compared between days of assignment, or weeks."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from loyalty_exp.outcomes.allocation import by_week, homogeneous, joined
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.pipeline import conclude
from loyalty_exp.report.render import render
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.duckdb_engine import DuckDBEngine

from .program_data import spec

FIRST = dt.date(2026, 3, 25)


def experiment(engine: str = "duckdb") -> Experiment:
    suffix = ".csv" if engine == "duckdb" else ""
    columns = {"unit": "member_id", "order": "txn_id", "time": "ts", "amount": "amount"}
    return spec(
        engine,
        data={
            "members": f"members{suffix}",
            "assignments": {"table": f"assignments{suffix}", "arm": "arm", "time": "assigned_at"},
            "transactions": {"table": f"transactions{suffix}", **columns},
        },
        schedule={"start": None, "end": None, "pre_days": 5, "data_to": "2027-06-30"},
        program={"program": "p", "timezone": "Europe/Berlin"},
        segments=(),
    )


def written(folder: Path, table: Sequence[Sequence[int]], moments: bool = True) -> None:
    """Assign ``table[day][arm]`` members on each day; CSV files and an SQLite database."""
    rows = []
    for day, counts in enumerate(table):
        at = (FIRST + dt.timedelta(days=day)).isoformat() + ("T12:30:00+01:00" if moments else "")
        for arm, n in zip(("control", "double"), counts, strict=True):
            rows += [(arm, at)] * n
    tables = {
        "members": ("member_id,tier,segment", [(f"M{i}", "gold", "x") for i in range(len(rows))]),
        "assignments": ("member_id,arm,assigned_at", [(f"M{i}", *row) for i, row in enumerate(rows)]),
        "transactions": (
            "member_id,txn_id,ts,amount,margin,reward_cost",
            [("M0", "T0", f"{FIRST}T12:45:00+01:00", 10.0, 3.0, 0.1)],
        ),
    }
    (folder / "all.db").unlink(missing_ok=True)
    database = sqlite3.connect(folder / "all.db")
    for name, (header, values) in tables.items():
        lines = [",".join(map(str, row)) for row in values]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines, ""]))
        database.execute(f"CREATE TABLE {name} ({header})")
        marks = ", ".join("?" * len(header.split(",")))
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
    database.commit()
    database.close()


def finding(folder: Path, engine: str = "duckdb") -> Finding | None:
    found = collect(experiment(engine), folder).findings
    return next((f for f in found if f.code == "allocation_drift"), None)


STEADY = [(40, 40)] * 20
RAMP = [(80 - 3 * day, 3 + 3 * day) for day in range(20)]


@pytest.mark.parametrize("moments", [True, False], ids=["moments", "dates"])
@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
def test_days_are_counted_alike_on_all_engines(tmp_path: Path, engine: str, moments: bool) -> None:
    written(tmp_path, RAMP, moments)
    found = finding(tmp_path, engine)
    assert found is not None
    expected, df, parts = homogeneous(RAMP)
    assert found.detail["statistic"] == pytest.approx(expected)
    assert (found.detail["df"], found.detail["periods"], found.detail["period"]) == (df, 20, "day")
    worst = FIRST + dt.timedelta(days=parts.index(max(parts)))
    assert found.detail["worst"]["begins"] == worst.isoformat()  # type: ignore[index]
    assert found.rows == sum(map(sum, RAMP))


def test_a_ramp_up_warns_and_steady_shares_pass(tmp_path: Path) -> None:
    for table, status in ((STEADY, "pass"), (RAMP, "warn")):
        written(tmp_path, table)
        readout = conclude(experiment(), collect(experiment(), tmp_path))
        (check,) = (h for h in readout.health if h.check == "allocation_drift")
        assert check.status == status
        assert ("allocation_drift" in readout.warnings) == (status == "warn")
        english, chinese = (render(readout.to_dict(), language) for language in ("en", "zh-CN"))
        assert ("Read the effects by phase of assignment." in english) == (status == "warn")
        assert ("请按分组阶段分别解读效应。" in chinese) == (status == "warn")
        assert ("Group shares drift over time" in english) == (status == "warn")


def test_a_long_assignment_is_compared_by_weeks(tmp_path: Path) -> None:
    table = [(40 - day // 5, 10 + day // 5) for day in range(70)]
    written(tmp_path, table)
    found = finding(tmp_path)
    assert found is not None
    assert (found.detail["period"], found.detail["periods"]) == ("week", 10)
    assert found.detail["statistic"] == pytest.approx(
        homogeneous([[sum(x) for x in zip(*table[i : i + 7], strict=True)] for i in range(0, 70, 7)])[0]
    )


@pytest.mark.parametrize("table", [[(40, 40)], [(1, 1), (1, 1)], [(0, 0)] * 3 + [(9, 9)]])
def test_one_period_is_nothing_to_compare(tmp_path: Path, table: list[tuple[int, int]]) -> None:
    written(tmp_path, table)
    assert finding(tmp_path) is None


def test_local_midnights_around_a_clock_change_are_days_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, [(30, 30), (31, 29), (29, 31), (30, 30), (32, 28), (30, 30), (28, 32)], moments=False)
    found = finding(tmp_path)
    assert found is not None and found.detail["periods"] == 7


def test_periods_that_are_too_small_are_joined() -> None:
    periods = {0: (1, 1), 1: (2, 2), 4: (3, 3), 9: (20, 20), 12: (1, 0)}
    assert joined(periods) == {0: [6, 6], 9: [21, 20]}
    assert joined({0: (2, 2)}) == {}


def test_weeks_begin_with_the_first_day() -> None:
    assert by_week({0: (1, 0), 6: (0, 2), 7: (5, 5)}) == {0: [1, 2], 7: (5, 5)}


def test_the_statistic_is_that_of_a_contingency_table() -> None:
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(3)
    for arms in (2, 3, 5):
        table = rng.poisson(40, (9, arms)).tolist()
        theirs = chi2_contingency(table, correction=False)
        statistic, df, parts = homogeneous(table)
        assert statistic == pytest.approx(theirs.statistic)
        assert df == theirs.dof
        assert sum(parts) == pytest.approx(statistic)


def test_an_arm_without_units_does_not_count() -> None:
    assert homogeneous([(5, 0, 5), (9, 0, 9)])[1] == 1


def test_random_assignment_warns_as_rarely_as_it_should() -> None:
    from loyalty_exp.stats.distributions import chi2_sf

    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(2_000):
        sizes = rng.poisson(30, 14)
        first = rng.binomial(sizes, 0.3)
        periods = joined({i: (int(a), int(n - a)) for i, (a, n) in enumerate(zip(first, sizes, strict=True))})
        statistic, df, _ = homogeneous(list(periods.values()))
        hits += chi2_sf(statistic, df)[0] < 0.05
    assert 0.035 < hits / 2_000 < 0.065


def test_the_roster_is_grouped_once_and_no_file_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, RAMP)
    asked = []
    run = DuckDBEngine.run

    def noted(self: DuckDBEngine, text: str) -> list[tuple[object, ...]]:
        asked.append(text)
        return run(self, text)

    monkeypatch.setattr(DuckDBEngine, "run", noted)
    finding(tmp_path)
    (query,) = (text for text in asked if '"assigned"."day"' in text)
    assert "loyalty_roster" in query
    assert not any(f'"{name}"' in query for name in ("assignments", "members", "transactions"))
