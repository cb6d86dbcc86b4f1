"""`init` and `demo`: what they write validates, runs, and never overwrites anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loyalty_exp.cli.init import OBSERVATIONAL, STARTERS
from loyalty_exp.samples import SCENARIOS, tables

LATER: dict[str, list[str]] = {}


@pytest.mark.parametrize("template", [s for s in STARTERS if s != OBSERVATIONAL])
def test_a_starter_validates_runs_and_finds_the_planted_effect(call, tmp_path: Path, template: str) -> None:
    assert call("init", tmp_path / "new", "--template", template).code == 0
    spec = tmp_path / "new" / f"{template.replace('-', '_')}.yaml"
    checked = call("validate", spec, "--json")
    assert checked.code == 0
    problems = json.loads(checked.out)["problems"]
    assert [(p["severity"], p["path"]) for p in problems] == [("notice", p) for p in LATER.get(template, [])]
    done = call("run", spec)
    assert done.code == 0, done.err
    readout = json.loads((tmp_path / "new" / "results" / spec.stem / "readout.json").read_text("utf-8"))
    assert readout["status"] == "mature"
    orders = next(e for e in readout["estimates"] if e["metric"] == "orders" and not e["segment"])
    planted = SCENARIOS[template].more_orders
    error = orders["relative"]["ci_upper"] - orders["relative"]["estimate"]
    assert abs(orders["relative"]["estimate"] - planted) < 1.6 * error


def test_the_factorial_starter_compares_every_arm_with_control(call, tmp_path: Path) -> None:
    call("init", tmp_path, "--template", "factorial")
    assert call("run", tmp_path / "factorial.yaml").code == 0
    readout = json.loads((tmp_path / "results" / "factorial" / "readout.json").read_text("utf-8"))
    assert [a["id"] for a in readout["arms"]] == ["neither", "points", "shipping", "both"]
    for planted in SCENARIOS["factorial"].treatments:
        (found,) = (
            e["relative"]
            for e in readout["estimates"]
            if (e["metric"], e["treatment"]) == ("orders", planted.arm) and not e["segment"]
        )
        assert abs(found["estimate"] - planted.more_orders) < 1.6 * (found["ci_upper"] - found["estimate"])
    money = readout["economics"]
    lines = {e["treatment"]: [c["id"] for c in e["cost_lines"] if c["per_unit"]] for e in money}
    assert lines == {"points": ["points"], "shipping": ["points", "shipping"], "both": ["points", "shipping"]}


def test_the_observational_starter_validates_and_is_not_estimated(call, tmp_path: Path) -> None:
    made = call("init", tmp_path, "--template", OBSERVATIONAL)
    spec = tmp_path / "observational.yaml"
    assert f"next: loyalty-exp validate {spec}" in made.err
    checked = call("validate", spec)
    assert (checked.code, checked.err.count("notice: ")) == (0, 1)
    for command in ("run", "analyze", "report"):
        refused = call(command, spec)
        assert (refused.code, refused.out) == (4, "")
        assert "nothing was randomized" in refused.err
    assert not (tmp_path / "results").exists()
    schema = json.loads((tmp_path / ".loyalty-exp" / "experiment.schema.json").read_text("utf-8"))
    assert schema["properties"]["design"]
    members = tables(SCENARIOS[OBSERVATIONAL])["members"]
    assert 0.3 < members["member_day"].mean() < 0.5


def test_a_starter_brings_its_schema_for_editors(call, tmp_path: Path) -> None:
    call("init", tmp_path)
    schema = tmp_path / ".loyalty-exp" / "experiment.schema.json"
    first = (tmp_path / "points_multiplier.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=.loyalty-exp/experiment.schema.json"
    assert json.loads(schema.read_text("utf-8"))["properties"]["arms"]


def test_init_refuses_to_overwrite_and_leaves_everything_as_it_was(call, tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text("mine", encoding="utf-8")
    refused = call("init", tmp_path)
    assert refused.code == 4
    assert "program.yaml is there already" in refused.err
    assert [p.name for p in tmp_path.iterdir()] == ["program.yaml"]


def test_demo_runs_twice_and_keeps_what_the_user_changed(call, tmp_path: Path) -> None:
    first = call("demo", tmp_path / "demo")
    assert first.code == 0
    assert first.out.startswith("hillstrom_email: ship Mens E-Mail: ")
    mine = tmp_path / "demo" / "program.yaml"
    mine.write_text(mine.read_text("utf-8").replace("symbol: $", "symbol: US$"), encoding="utf-8")
    second = call("demo", tmp_path / "demo")
    assert second.code == 0
    assert "US$" in second.out


def test_made_data_are_the_same_every_time() -> None:
    for scenario in SCENARIOS.values():
        for one, other in zip(tables(scenario).values(), tables(scenario).values(), strict=True):
            assert one.equals(other)


def test_the_made_data_of_the_workspace_are_those_of_the_first_starter() -> None:
    import duckdb

    data = Path(__file__).parents[2] / "experiments" / "data"
    for name, made in tables(SCENARIOS["points-multiplier"]).items():
        columns = ", ".join(
            {"ts": "epoch(ts)::BIGINT", "assigned_at": "assigned_at::VARCHAR"}.get(c, c) for c in made
        )
        kept = duckdb.sql(f"SELECT {columns} FROM '{data / name}.parquet'").fetchall()
        assert kept == [tuple(row) for row in made.astype(object).to_numpy().tolist()]
