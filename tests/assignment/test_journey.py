"""Members of a program are drawn, and the readout is made of what was drawn: on each engine the same."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from outcomes import program_data

from assignment.made_members import written
from loyalty_exp.assignment.assign import assign
from loyalty_exp.errors import Refused
from loyalty_exp.grammar import canonical
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.spec.experiment import Experiment

ENGINES = ["duckdb", "sqlite:///all.db", "duckdb:///all.duckdb"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import duckdb

    folder = tmp_path_factory.mktemp("program")
    program_data.made(folder, members=600, rows=9000)
    with duckdb.connect(str(folder / "all.duckdb")) as connection:
        for name in ("members", "transactions"):
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{folder}/{name}.parquet'")
    yield folder


def drawing(engine: str, **assignment: Any) -> Experiment:
    base = program_data.spec("duckdb" if engine == "duckdb" else "sqlite:///all.db")
    document = canonical(base)
    document["data"]["engine"] = engine
    document["data"]["assignments"] = None
    document["experiment"] = "e" + "".join(c for c in engine if c.isalpha())
    document["assignment"] = {"salt": f"salt-{document['experiment']}", "strata": ["tier"], **assignment}
    return Experiment.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_drawn_is_what_is_read(made: Path, engine: str) -> None:
    experiment = drawing(engine)
    with pytest.raises(Refused, match="nobody is assigned yet"):
        collect(experiment, made)
    done = assign(experiment, made)
    outcomes = collect(experiment, made)
    assert dict(outcomes.units) == dict(done.units)
    frame = written(made, experiment.experiment)
    assert set(frame["assigned_at"].dt.date) == {experiment.schedule.start}


def test_the_engines_agree_on_the_readout_of_one_draw(made: Path) -> None:

    found = []
    for engine in ENGINES[1:]:
        experiment = drawing(engine, salt="one")
        place = made / experiment.experiment
        place.mkdir()
        for path in made.glob("*.*"):
            copy(path, place)
        assign(experiment, place)
        found.append(collect(experiment, place))
    first, second = found
    assert first.units == second.units
    for arm, blocks in first.overall.items():
        for name, moments in blocks.items():
            assert moments.mean == pytest.approx(second.overall[arm][name].mean, rel=1e-9)


def test_a_state_of_life_is_a_condition_and_a_stratum(tmp_path: Path) -> None:
    from assignment.made_members import members, spec, write

    write(tmp_path, members(900))
    program = {
        "program": "p",
        "lifecycle": [{"id": "new", "joined_within_days": 10}, {"id": "old", "joined_within_days": 300}],
    }
    plan = spec(
        program=program,
        data__joined="joined",
        assignment__strata=["lifecycle"],
        population={
            "as_of": "2026-05-15",
            "include": [{"field": "lifecycle", "op": "in", "value": ["new", "old"]}],
            "default_exclusions": False,
        },
    )
    done = assign(plan, tmp_path)
    frame = written(tmp_path).merge(members(900)[["member_id", "joined"]], on="member_id")
    wanted = ["new" if d >= "2026-05-05" else "old" for d in frame["joined"]]
    assert frame["lifecycle"].tolist() == wanted and set(wanted) == {"new", "old"}
    assert frame["joined"].max() <= dt.date(2026, 5, 15).isoformat()
    assert sum(done.units.values()) == len(frame) and done.left_out["outside_population"] == 900 - len(frame)
