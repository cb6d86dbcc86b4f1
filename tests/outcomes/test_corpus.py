"""Bad and odd per-unit files: each is refused in words that name the place, or read right."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from loyalty_exp.errors import ContractBreach, DataError, EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.spec.experiment import Experiment

HEADER = "id,arm,spend,visit\n"
ROWS = "m1,a,1.5,1\nm2,a,2.5,0\nm3,b,3.5,1\nm4,b,4.5,0\n"
GOOD = HEADER + ROWS


def spec(table: str = "units.csv", missing: str = "reject", **changes: object) -> Experiment:
    return Experiment.model_validate(
        {
            "experiment": "e",
            "question": "q",
            "unit": "id",
            "data": {"units": table},
            "arms": {"from_column": "arm", "control": "a", "treatments": ("b",)},
            "metrics": (
                {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "missing": missing},
                {"id": "visit", "type": "proportion", "column": "visit"},
            ),
            **changes,
        }
    )


def outcomes_of(folder: Path, content: str | bytes, table: str = "units.csv", **changes: object) -> Outcomes:
    path = folder / table
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return collect(spec(table, **changes), folder)  # type: ignore[arg-type]


def with_rows(*rows: str) -> str:
    return GOOD + "".join(f"{row}\n" for row in rows)


REFUSED = {
    "D01 column missing": (
        GOOD.replace("spend", "other"),
        r"spend: there is no such column.*found: id, arm, other",
    ),
    "D02 column renamed": (GOOD.replace("spend", "spends"), "did you mean spends"),
    "D03 column twice": (GOOD.replace("visit", "spend"), "names this column twice"),
    "D04 text": (
        with_rows("m5,a,abc,1"),
        r"units.csv.spend: holds text that is not a number.*1 row, for example row 5",
    ),
    "D05 decimal comma": (with_rows('m5,a,"12,5",1'), "not a number"),
    "D06 currency sign": (with_rows("m5,a,$3,1"), "not a number"),
    "D07 NaN": (with_rows("m5,a,NaN,1"), "NaN or infinite.*for example row 5"),
    "D08 infinite": (with_rows("m5,a,inf,1"), "NaN or infinite"),
    "D09 empty": (with_rows("m5,a,,1"), r"values are missing.*1 row, for example row 5"),
    "D12 unit twice": (with_rows("m1,a,9,1"), r"units.csv.id: must be unique: 1 ids"),
    "D13 unit in two arms": (with_rows("m1,b,9,1"), "1 of 4 units are in more than one arm"),
    "D14 unknown arm": (with_rows("m5,c,9,1"), r"does not name: 'c'.*for example row 5"),
    "D15 arm with a space": (with_rows("m5,a ,9,1"), r"does not name: 'a '"),
    "null arm": (with_rows("m5,,9,1"), "the arm is missing"),
    "D16 empty arm": (HEADER + "m1,a,1,1\n", "arm b has 0 members"),
    "D31 empty id": (with_rows(",a,1,1"), "the unit id is missing"),
    "D35 cut off in a number": (GOOD[:-3], "line 5"),
    "D35 cut off before the last cell": (GOOD[:-1], r"line 5.*no line end"),
    "D36 ragged": (HEADER + "m1,a,1,1\nm2,b,2\nm3,b,3,1\n", "line 3: has another number of cells"),
    "D36 one cell too many": (
        HEADER + "m1,a,1,1\nm2,b,2,1,9\nm3,b,3,1\n",
        "line 3: has another number of cells",
    ),
    "D37 semicolons": (GOOD.replace(",", ";"), "something else than commas"),
    "D38 header only": (HEADER, "a header and no rows"),
    "D39 empty file": ("", "the file is empty"),
    "D44 unclosed quote": (with_rows('m5,a,"9,1', "m6,b,9,1"), "line 6: a quote is opened"),
    "not 0 or 1": (with_rows("m5,a,1,2"), r"units.csv.visit: must be 0 or 1.*for example row 5"),
    "B01 latin-1": (with_rows("m5,a,1,1").encode() + "mé,a,1,1\n".encode("latin-1"), "line 7: is not UTF-8"),
    "B02 UTF-16": (GOOD.encode("utf-16"), "UTF-16"),
    "B03 NUL": (with_rows("m\0005,a,1,1"), "line 6: holds NUL"),
    "B05 web page": ("<!DOCTYPE html><html><body>404</body></html>\n", "web page"),
    "B06 gzip": (gzip.compress(GOOD.encode()), "gzip"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=list(REFUSED))
def test_a_bad_file_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as refusal:
        outcomes_of(tmp_path, content)
    assert "m5" not in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


ACCEPTED = {
    "a byte order mark": ("\ufeff" + GOOD, 2, 2.0),
    "line ends of Windows": (GOOD.replace("\n", "\r\n"), 2, 2.0),
    "D27 long id": (
        with_rows("123456789012345678901234567890,a,5,1", "123456789012345678901234567891,a,5,1"),
        4,
        3.5,
    ),
    "D28 leading zeros": (with_rows("00012,a,5,1", "12,a,5,1"), 4, 3.5),
    "D29 an id like a number": (with_rows("1e5,a,5,1", "100000,a,5,1"), 4, 3.5),
    "D30 NULL as id": (with_rows("NULL,a,8,1"), 3, 4.0),
    "D32 a formula as id": (with_rows("=1+2,a,8,1"), 3, 4.0),
    "D33 markup as id": (with_rows("<img onerror=x>,a,8,1"), 3, 4.0),
    "D34 a line end in quotes": (with_rows('"m\n5",a,8,1'), 3, 4.0),
    "numbers in many forms": (HEADER + "m1,a,1e0,1\nm2,a,+.5,0\nm3,b,3,1\n", 2, 0.75),
    "truth values": (HEADER + "m1,a,1,true\nm2,a,3,false\nm3,b,3,true\n", 2, 2.0),
    "a quote in an id": (with_rows("it's,a,8,1"), 3, 4.0),
    "unsorted": (HEADER + "m4,a,1,1\nm2,a,3,0\nm3,b,3,1\n", 2, 2.0),
    "D41 tiny": (HEADER + "m1,a,1e-300,1\nm2,a,3e-300,0\nm3,b,3,1\n", 2, 2e-300),
}


@pytest.mark.parametrize(("content", "n", "mean"), ACCEPTED.values(), ids=list(ACCEPTED))
def test_an_odd_file_is_read_right(tmp_path: Path, content: str, n: int, mean: float) -> None:
    outcomes = outcomes_of(tmp_path, content)
    assert outcomes.units["a"] == n
    assert outcomes.overall["spend"]["a"].mean_of("spend") == pytest.approx(mean, rel=1e-12)


def test_all_breaches_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(ContractBreach) as refusal:
        outcomes_of(tmp_path, with_rows("m5,c,inf,2"))
    assert {b.rule for b in refusal.value.breaches} == {"known_arm", "finite", "binary"}


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    assert outcomes_of(tmp_path, gzip.compress(GOOD.encode()), "units.csv.gz").units == {"a": 2, "b": 2}
    with pytest.raises(EngineError, match=r"cannot be read to its end|damaged"):
        outcomes_of(tmp_path, gzip.compress(GOOD.encode())[:-9], "units.csv.gz")


@pytest.mark.parametrize(("missing", "n", "mean"), [("zero", 3, 4 / 3), ("drop", 2, 2.0)])
def test_an_empty_cell_means_what_the_spec_says(tmp_path: Path, missing: str, n: int, mean: float) -> None:
    outcomes = outcomes_of(tmp_path, with_rows("m5,a,,1"), missing=missing)
    assert outcomes.overall["spend"]["a"].n == n
    assert outcomes.overall["spend"]["a"].mean_of("spend") == pytest.approx(mean)
    assert outcomes.missing == {"spend": {"a": 1, "b": 0}}
    assert outcomes.units["a"] == 3


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9, 1e12])
def test_money_far_from_zero_keeps_its_digits(tmp_path: Path, offset: float) -> None:
    """D42; the far rows come late, so that the provisional center misses them."""
    rows = [f"s{i},a,0,1\n" for i in range(10_500)] if offset == 1e6 else []
    rows += [f"m{i},{'ab'[i % 2]},{offset + (i // 2 % 2)!r},1\n" for i in range(1000)]
    outcomes = outcomes_of(tmp_path, HEADER + "".join(rows))
    moments = outcomes.overall["spend"]["b"]
    assert moments.comoment[0, 0] == pytest.approx(125.0, rel=1e-6)


def test_a_constant_has_no_variance(tmp_path: Path) -> None:
    rows = "".join(f"m{i},{'ab'[i % 2]},0.1,1\n" for i in range(1000))
    assert outcomes_of(tmp_path, HEADER + rows).overall["spend"]["a"].comoment[0, 0] == 0.0


def parquet(folder: Path, select: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(select).write_parquet(str(path))
    return path.read_bytes()


MADE = (
    "SELECT 'm' || i AS id, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END AS arm, "
    "i::DOUBLE AS spend, i % 2 AS visit FROM range(5000) t(i)"
)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path, MADE)
    assert outcomes_of(tmp_path, whole, "units.parquet").units == {"a": 2500, "b": 2500}
    flipped = bytearray(whole)
    flipped[len(whole) - 7] ^= 0xFF
    for damaged in (b"PAR1" + bytes(500), whole[: len(whole) // 2], bytes(100), bytes(flipped)):
        with pytest.raises(EngineError, match=r"Parquet|damaged"):
            outcomes_of(tmp_path, damaged, "units.parquet")


def test_parquet_of_the_wrong_types_is_refused(tmp_path: Path) -> None:
    wrong = MADE.replace("i::DOUBLE", "i::VARCHAR").replace("'m' || i AS", "nullif('m' || i, 'm7') AS")
    with pytest.raises(ContractBreach) as refusal:
        outcomes_of(tmp_path, parquet(tmp_path, wrong), "units.parquet")
    assert {b.rule for b in refusal.value.breaches} == {"number", "unit_not_null"}


def test_sums_of_large_integers_are_right(tmp_path: Path) -> None:
    """X17: squares beyond 64 bits."""
    select = MADE.replace("i::DOUBLE", "(9000000000000000000 + i)::BIGINT")
    moments = outcomes_of(tmp_path, parquet(tmp_path, select), "units.parquet").overall["spend"]["a"]
    assert moments.mean_of("spend") == pytest.approx(9e18)


@pytest.mark.parametrize("kind", ["DECIMAL(12,2)", "BIGINT", "UTINYINT", "FLOAT", "HUGEINT"])
def test_all_types_of_numbers_are_read(tmp_path: Path, kind: str) -> None:
    select = MADE.replace("i::DOUBLE", f"(i % 100)::{kind}").replace("i % 2 AS visit", "(i % 2 = 0) AS visit")
    outcomes = outcomes_of(tmp_path, parquet(tmp_path, select), "units.parquet")
    assert outcomes.overall["spend"]["a"].mean_of("spend") == pytest.approx(49.0)
    assert outcomes.overall["visit"]["a"].mean_of("visit") == 1.0


def test_only_the_population_counts(tmp_path: Path) -> None:
    population = {
        "include": ({"field": "spend", "op": ">", "value": 2},),
        "exclude": ({"field": "id", "op": "==", "value": "m4"},),
    }
    assert outcomes_of(tmp_path, GOOD, population=population).units == {"a": 1, "b": 1}


def test_values_of_conditions_are_never_code(tmp_path: Path) -> None:
    population = {"exclude": ({"field": "id", "op": "==", "value": "x' OR '1'='1"},)}
    assert outcomes_of(tmp_path, GOOD, population=population).units == {"a": 2, "b": 2}


def test_a_missing_file_and_an_unknown_engine_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"gone.csv: there is no such file"):
        collect(spec("gone.csv"), tmp_path)
    with pytest.raises(EngineError, match="unknown kind of file"):
        outcomes_of(tmp_path, GOOD, "units.xlsx")
    with pytest.raises(EngineError, match="is not run by this version"):
        collect(spec(data={"engine": "oracle", "units": "t"}), tmp_path)


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text(GOOD)

    def append(words: str) -> None:
        if "moments" in words:
            path.write_text(with_rows("m5,a,1,1"))

    with pytest.raises(EngineError, match="changed while being read"):
        collect(spec(), tmp_path, progress=append)


def test_a_segment_without_value_is_a_cell(tmp_path: Path) -> None:
    text = "id,arm,spend,visit,tier\nm1,a,1,1,x\nm2,a,1,1,\nm3,b,1,1,x\n"
    outcomes = outcomes_of(tmp_path, text, segments=({"id": "tier"},))
    assert [c.value for c in outcomes.segments] == ["(missing)", "x"]
    assert [b["spend"]["b"].n for b in outcomes.segments.values()] == [0, 1]


def test_few_units_in_two_arms_are_in_none(tmp_path: Path) -> None:
    rows = "".join(f"m{i},{'ab'[i % 2]},{i},1\n" for i in range(1000))
    outcomes = outcomes_of(tmp_path, HEADER + rows + "m0,b,7,1\nm1,a,7,1\n")
    assert outcomes.units == {"a": 499, "b": 499}
    assert [(f.code, f.rows, f.share) for f in outcomes.findings] == [("multi_exposure", 2, 0.002)]
    with pytest.raises(ContractBreach, match="must be unique"):
        outcomes_of(tmp_path, HEADER + rows + "m0,a,7,1\n")


def test_a_two_in_a_column_of_parquet_is_found(tmp_path: Path) -> None:
    select = MADE.replace("i % 2 AS visit", "(CASE WHEN i = 41 THEN 2 ELSE 0 END)::INT AS visit")
    with pytest.raises(ContractBreach, match=r"must be 0 or 1 \(1 row, for example row 42\)"):
        outcomes_of(tmp_path, parquet(tmp_path, select), "units.parquet")


def test_bounds_in_a_file_without_negative_counts_are_trusted_and_others_looked_for(tmp_path: Path) -> None:
    metrics = ({"id": "spend", "type": "count", "column": "spend", "role": "primary"},)
    assert outcomes_of(tmp_path, parquet(tmp_path, MADE), "units.parquet", metrics=metrics).units["a"] == 2500
    with pytest.raises(ContractBreach, match=r"must not be negative \(3 rows"):
        outcomes_of(
            tmp_path, parquet(tmp_path, MADE.replace("i::", "(i - 3)::")), "units.parquet", metrics=metrics
        )
