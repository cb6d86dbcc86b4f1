"""What a store remembers is held against the files; covariates carried along give the balance of a join."""

from __future__ import annotations

from pathlib import Path

import pytest

from assignment.made_members import members, spec, write
from loyalty_exp.assignment.assign import assign
from loyalty_exp.assignment.recorded import Recorded, refuse_another
from loyalty_exp.errors import Refused

KNOWN = Recorded("a" * 64, 100, "2026-04-01")


def test_the_same_rows_and_grown_ones_pass() -> None:
    refuse_another(None, "b" * 64, 5, there=False)
    refuse_another(KNOWN, KNOWN.digest, 100, there=True)
    refuse_another(KNOWN, KNOWN.digest, 100, there=False)
    refuse_another(KNOWN, "b" * 64, 101, there=True)


@pytest.mark.parametrize(("units", "there"), [(100, True), (99, True), (100, False), (101, False)])
def test_other_rows_are_refused(units: int, there: bool) -> None:
    with pytest.raises(Refused, match="never drawn a second time"):
        refuse_another(KNOWN, "b" * 64, units, there=there)


def test_a_dry_run_asks_nothing_of_the_store(tmp_path: Path) -> None:
    write(tmp_path, members(300))
    assert assign(spec(), tmp_path, dry_run=True, recorded=KNOWN).status == "dry_run"
    with pytest.raises(Refused, match="the drawn rows are gone"):
        assign(spec(), tmp_path, recorded=KNOWN)
    assert not (tmp_path / "results" / "draw" / "assignment.parquet").exists()


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
@pytest.mark.parametrize("strata", [[], ["tier", "region"]])
def test_balance_does_not_change_the_bytes_and_is_that_of_the_rows(
    tmp_path: Path, engine: str, strata: list[str]
) -> None:
    frame = members(900)
    write(tmp_path, frame)
    plain = assign(spec(engine=engine, assignment__strata=strata), tmp_path)
    path = tmp_path / "results" / "draw" / "assignment.parquet"
    before = path.read_bytes()
    for name in ("assignment.parquet", "assignment.json"):
        (path.parent / name).unlink()
    done = assign(spec(engine=engine, assignment__strata=strata, assignment__balance=["spend"]), tmp_path)
    assert path.read_bytes() == before and done.units == plain.units
    import duckdb

    with duckdb.connect() as connection:
        drawn = connection.execute(f"SELECT member_id, arm FROM '{path}'").df()
    means = frame.merge(drawn, on="member_id").groupby("arm")["spend"].mean()
    for gap in done.differences:
        assert gap.mean == pytest.approx(means[gap.arm], rel=1e-9)
        assert gap.control_mean == pytest.approx(means["control"], rel=1e-9)
