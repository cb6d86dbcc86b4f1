"""Odd and damaged data, by the row of the list of faults: refused in words, told, or counted right."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outcomes import test_corpus as units
from outcomes import test_windows as windows

from loyalty_exp.errors import DataError
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.pipeline import conclude
from loyalty_exp.warehouse.sqlite_engine import microseconds


def readout(folder: Path, rows: Iterator[str]) -> dict[str, Any]:
    text = units.HEADER + "".join(f"{row}\n" for row in rows)
    found = conclude(units.spec(), units.outcomes_of(folder, text))
    return dict(json.loads(found.to_json(), parse_constant=pytest.fail))


def test_d10_negative_amounts_are_counted_with_their_total(tmp_path: Path) -> None:
    rows = ["A,T1,2026-04-05T12:00:00Z,-5,0,0", "A,T2,2026-04-05T12:00:00Z,7,0,0"]
    outcomes = windows.outcomes_of(tmp_path, rows)
    (found,) = (f for f in outcomes.findings if f.code == "negative_amount")
    assert (found.rows, found.total, found.severity) == (1, -5.0, "warn")
    assert windows.spent(outcomes) == 2


def test_d11_x18_a_file_that_is_delivered_twice_changes_nothing(tmp_path: Path) -> None:
    rows = [f"{m},T{i},2026-04-0{i % 9 + 1}T12:00:00Z,{i},0,0" for i, m in enumerate("ABCDABCDABCD")]
    once, twice = windows.outcomes_of(tmp_path, rows), windows.outcomes_of(tmp_path, rows + rows)
    assert twice.overall["spend"]["control"].mean_of("spend") == once.overall["spend"]["control"].mean_of(
        "spend"
    )
    assert [(f.code, f.rows) for f in twice.findings] == [("duplicate_orders", 12)]


def test_d17_one_member_in_an_arm_is_a_reason_and_not_a_number(tmp_path: Path) -> None:
    """Its mean would be the value of one member, so that not even the difference is told."""
    found = readout(tmp_path, iter(["m1,a,1,1", *(f"n{i},b,{i},{i % 2}" for i in range(50))]))
    spend = found["estimates"][0]
    assert spend["absolute"] is None and spend["mean_control"] is None
    assert "one unit" in spend["not_estimable"]
    assert found["status"] == "invalid"


def test_d18_nothing_varies(tmp_path: Path) -> None:
    found = readout(tmp_path, (f"n{i},{'ab'[i % 2]},5,1" for i in range(50)))
    spend = found["estimates"][0]["absolute"]
    assert (spend["estimate"], spend["std_error"], spend["p_value"]) == (0, 0, None)
    assert "no_variance" in found["warnings"]


@pytest.mark.parametrize("treated", [0, 1])
def test_d19_d20_a_control_of_zeros_has_no_relative_change(tmp_path: Path, treated: int) -> None:
    found = readout(tmp_path, (f"n{i},{'ab'[i % 2]},{i % 2 * i * treated},0" for i in range(50)))
    relative = found["estimates"][0]["relative"]
    assert (relative["estimate"], relative["ci_lower"]) == (None, None)
    assert relative["not_bounded"] == "the control mean is 0"
    assert found["estimates"][0]["absolute"]["estimate"] == pytest.approx(25 * treated)
    assert "zero_control_mean" in found["warnings"]


def test_d23_offsets_may_be_mixed(tmp_path: Path) -> None:
    rows = ["A,T1,2026-04-01T03:00:00+09:00,1,0,0", "A,T2,2026-03-31T18:00:00-04:00,2,0,0"]
    assert windows.spent(windows.outcomes_of(tmp_path, rows)) == 2


@pytest.mark.parametrize(
    ("wall", "utc"),
    [("2026-03-29 02:30:00", "01:30"), ("2026-10-25 02:30:00", "01:30")],
    ids=["gap", "twice"],
)
def test_d24_d25_wall_times_around_a_clock_change_are_read_alike(wall: str, utc: str) -> None:
    """The later of two moments on every engine: the clock before a gap, the second coming of an hour."""
    with duckdb.connect() as connection:
        asked = f"SELECT epoch_us(TIMESTAMP '{wall}' AT TIME ZONE 'Europe/Berlin')"
        (found,) = connection.execute(asked).fetchone() or (None,)
        (wanted,) = connection.execute(f"SELECT epoch_us(TIMESTAMP '{wall[:10]} {utc}')").fetchone() or (
            None,
        )
    assert microseconds(wall, "Europe/Berlin") == wanted
    assert found == wanted


def test_d43_shares_that_are_not_those_planned_make_it_invalid(tmp_path: Path) -> None:
    found = readout(tmp_path, (f"n{i},{'aaabb'[i % 5]},{i % 7},{i % 2}" for i in range(1000)))
    assert found["status"] == "invalid" and "sample_ratio" in found["warnings"]
    assert found["economics"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a crash is seen in a process of its own")
@pytest.mark.parametrize("codec", ["snappy", "zstd", "uncompressed"])
def test_b04_b07_b08_damaged_parquet_never_crashes_and_never_passes_for_the_same_data(
    tmp_path: Path, codec: str
) -> None:
    """Bits are flipped one at a time, and the file is cut off at many places.

    Parquet as DuckDB writes it has no checksums of pages: a flip inside the numbers themselves is not seen by
    reading the file. What is seen: damage to the structure, which is refused; values that break the contract;
    and, through `data_digest` of the readout and of every recorded look, that the data are no longer those of
    before. Drawn rows are held against their SHA-256.
    """
    whole = units.parquet(tmp_path, units.MADE.replace("i::DOUBLE", "round(sin(i) * 100, 2)::DOUBLE"))
    with duckdb.connect() as connection:
        connection.execute(f"COPY '{tmp_path}/made.parquet' TO '{tmp_path}/c.parquet' (COMPRESSION {codec})")
    whole = (tmp_path / "c.parquet").read_bytes()
    number = os.fork()
    if not number:
        try:
            os._exit(0 if _damaged(tmp_path, whole) else 1)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0


def estimates(found: Outcomes) -> Any:
    return conclude(units.spec(), found).to_dict()["estimates"]


def _damaged(folder: Path, whole: bytes) -> bool:
    good = units.outcomes_of(folder, whole, "units.parquet")
    draw, tally = random.Random(8), Counter[str]()
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        try:
            found = units.outcomes_of(folder, bytes(flipped), "units.parquet")
        except DataError:
            tally["refused"] += 1
        else:
            tally["other digest" if found.data_digest != good.data_digest else "same numbers"] += 1
            if found.data_digest == good.data_digest and estimates(found) != estimates(good):
                return False
    for _ in range(30):
        try:
            units.outcomes_of(folder, whole[: draw.randrange(len(whole) - 1)], "units.parquet")
        except DataError:
            continue
        return False
    return tally["refused"] > 5 and tally["other digest"] > 5


def test_b09_text_for_numbers_and_missing_ids_in_parquet(tmp_path: Path) -> None:
    wrong = units.MADE.replace("i::DOUBLE", "'x' || i").replace("'m' || i AS", "nullif('m' || i, 'm7') AS")
    with pytest.raises(DataError, match=r"must hold numbers"):
        units.outcomes_of(tmp_path, units.parquet(tmp_path, wrong), "units.parquet")
