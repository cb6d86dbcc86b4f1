"""From lock to archive on the command line: what is kept, what is refused, and that twice is once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.processes import start

from loyalty_exp.stats.group_sequential import boundaries
from loyalty_exp.stats.spending import obrien_fleming
from loyalty_exp.store.place import place_of
from loyalty_exp.store.turn import turn

WHY = "the level was agreed with finance before the data came"
LEARNING = "E-mails to past customers pay for themselves within two weeks"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A spec with a small table of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    rows = [f"{i},{'ab'[i % 2]},{(i * 37 % 101) / 10 + (i % 2)}" for i in range(400)]
    (folder / "units.csv").write_text("id,arm,spend\n" + "\n".join(rows) + "\n", encoding="utf-8")
    spec = folder / "small.yaml"
    spec.write_text(
        "experiment: small\nquestion: Does it pay?\nunit: id\ndata: {units: units.csv}\n"
        "arms: {from_column: arm, control: a, treatments: [b]}\n"
        "metrics: [{id: spend, type: amount, column: spend, role: primary}]\n",
        encoding="utf-8",
    )
    return spec


def change(spec: Path, text: str = "analysis: {alpha: 0.1}\n") -> None:
    spec.write_text(spec.read_text(encoding="utf-8") + text, encoding="utf-8")


def readout(spec: Path) -> dict:
    path = spec.parent / "results" / "small" / "readout.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_without_a_store_nothing_is_locked_and_no_file_is_made(call, small: Path) -> None:
    for command in (["validate", small], ["analyze", small], ["run", small], ["report", small]):
        assert call(*command).code == 0
    assert {p.name for p in small.parent.iterdir()} == {"units.csv", "small.yaml", "results"}
    found = readout(small)
    assert found["experiment"]["lock"] is None
    assert found["plan"]["deviations"] == []
    for command in (["list", "--workspace", small.parent], ["show", small], ["decide", small, "--by", "A",
                    "--because", WHY], ["archive", small, "--learning", LEARNING]):  # fmt: skip
        done = call(*command)
        assert (done.code, done.out) == (4, "")
        assert "Run: loyalty-exp lock SPEC" in done.err
    assert not (small.parent / ".loyalty-exp").exists()


def test_a_lock_freezes_and_twice_is_once(call, small: Path) -> None:
    first = json.loads(call("lock", small, "--json").out)
    assert first["new"]
    assert first["version"] == 1
    document = Path(first["preregistration"])
    text = document.read_text(encoding="utf-8")
    assert first["lock"] in text
    again = json.loads(call("lock", small, "--json").out)
    assert again == {**first, "new": False}
    assert document.read_text(encoding="utf-8") == text
    document.unlink()
    call("lock", small)
    assert document.read_text(encoding="utf-8") == text


def test_comments_and_the_order_of_keys_are_no_change(call, small: Path) -> None:
    lock = json.loads(call("lock", small, "--json").out)["lock"]
    lines = small.read_text(encoding="utf-8").splitlines()
    small.write_text("# words\r\n" + "\r\n".join(reversed(lines)) + "\r\n", encoding="utf-8")
    assert json.loads(call("lock", small, "--json").out)["lock"] == lock
    assert call("analyze", small).code == 0
    assert readout(small)["experiment"]["lock"] == lock == readout(small)["experiment"]["spec_hash"]


def test_a_changed_spec_is_refused_by_name_and_nothing_is_written(call, small: Path) -> None:
    call("lock", small)
    call("run", small)
    folder = small.parent / "results" / "small"
    before = {p: p.read_bytes() for p in folder.iterdir()}
    change(small)
    for command in ("lock", "analyze", "run"):
        done = call(command, small)
        assert (done.code, done.out) == (4, "")
        assert "analysis.alpha: 0.05 -> 0.1" in done.err
        assert "--amend" in done.err
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    assert len(json.loads(call("show", small, "--json").out)["look_history"]) == 1


def test_an_amendment_keeps_both_versions_and_the_readout_says_so(call, small: Path) -> None:
    first = json.loads(call("lock", small, "--json").out)
    call("analyze", small)
    change(small)
    assert call("lock", small, "--amend", "oops").code == 4
    second = json.loads(call("lock", small, "--amend", WHY, "--json").out)
    assert second["version"] == 2
    assert call("analyze", small).code == 0
    found = readout(small)
    assert found["experiment"]["lock"] == second["lock"]
    (told,) = found["plan"]["deviations"]
    assert (told["code"], told["version"], told["reason"], told["looks_before"]) == ("amended", 2, WHY, 1)
    assert told["changes"] == [{"path": "analysis.alpha", "old": "0.05", "new": "0.1"}]
    shown = json.loads(call("show", small, "--json").out)
    assert [lock["sha256"] for lock in shown["locks"]] == [first["lock"], second["lock"]]
    text = Path(second["preregistration"]).read_text(encoding="utf-8")
    assert WHY in text
    assert first["lock"] in text
    diff = call("diff", "small@1", "small@locked", "--workspace", small.parent)
    assert diff.out == "analysis.alpha: 0.05 -> 0.1\n"
    assert call("diff", f"{small}@2", small).out == ""
    assert call("report", small).code == 0


@pytest.mark.parametrize(("looks", "warned"), [(0, []), (1, ["horizon_changed", "post_hoc_metric"])])
def test_what_changes_after_a_look_is_warned_of(call, small: Path, looks: int, warned: list[str]) -> None:
    change(small, "schedule: {end: 2026-03-01}\n")
    call("lock", small)
    for _ in range(looks):
        call("analyze", small)
    text = small.read_text(encoding="utf-8").replace("2026-03-01", "2026-03-08")
    more = ", {id: again, type: amount, column: spend}]"
    small.write_text(text.replace("role: primary}]", "role: primary}" + more), encoding="utf-8")
    assert call("lock", small, "--amend", WHY).code == 0
    call("run", small)
    found = readout(small)
    assert [w for w in found["warnings"] if w in {"horizon_changed", "post_hoc_metric"}] == warned
    assert found["plan"]["deviations"][-1]["after_look"] == warned
    absolute = [e["absolute"] for e in found["estimates"]]
    assert all((a["p_value"] is None) == bool(looks) and a["ci_lower"] is not None for a in absolute)
    page = (small.parent / "results" / "small" / "report.en.html").read_text(encoding="utf-8")
    assert ("p-values that hold for a fixed period" in page) == bool(looks)


def test_a_lock_after_a_look_is_a_deviation(call, small: Path) -> None:
    place = place_of(small.parent)
    assert call("db", "upgrade", "--workspace", small.parent).code == 0
    assert place.is_there()
    call("analyze", small)
    call("lock", small)
    call("analyze", small)
    (told,) = readout(small)["plan"]["deviations"]
    assert (told["code"], told["looks"]) == ("locked_after_look", 1)


def test_a_lock_after_the_start_is_a_deviation(call, small: Path) -> None:
    change(small, "schedule: {start: 2020-01-01, end: 2020-01-31}\n")
    call("lock", small)
    call("analyze", small)
    assert [d["code"] for d in readout(small)["plan"]["deviations"]] == ["locked_after_start"]


def test_every_look_is_kept_and_the_same_one_once(call, small: Path) -> None:
    call("lock", small)
    for _ in range(2):
        call("analyze", small)
    table = small.parent / "units.csv"
    table.write_text(table.read_text(encoding="utf-8") + "401,a,3\n", encoding="utf-8")
    call("run", small)
    looks = json.loads(call("show", small, "--json").out)["look_history"]
    assert [(k["sequence"], k["units"]) for k in looks] == [(1, 400), (2, 401)]
    assert looks[0]["digest"] != looks[1]["digest"]


def test_the_page_of_an_earlier_look_is_made_again(call, small: Path) -> None:
    """X19: late rows make a new look; the page of the old one comes back as it was."""
    call("lock", small)
    call("run", small)
    folder = small.parent / "results" / "small"
    old = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in {".json", ".html"}}
    table = small.parent / "units.csv"
    table.write_text(table.read_text(encoding="utf-8") + "401,a,300\n", encoding="utf-8")
    call("run", small)
    assert (folder / "readout.json").read_bytes() != old["readout.json"]
    now = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    done = call("report", small, "--look", "1")
    assert done.code == 0, done.err
    assert {p.name: p.read_bytes() for p in (folder / "looks" / "1").iterdir()} == old
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == now
    missing = call("report", small, "--look", "3")
    assert (missing.code, "has no look 3 at 'small'" in missing.err) == (4, True)
    assert {p.name for p in (folder / "looks").iterdir()} == {"1"}


def test_from_lock_to_archive(call, small: Path) -> None:
    decide = ["decide", small, "--by", "Ann Lee", "--because"]
    learn = ["archive", small, "--learning", LEARNING, "--next", "small_2"]
    call("lock", small)
    assert "nothing to decide on" in call(*decide, WHY).err
    call("analyze", small)
    assert "not decided" in call(*learn).err
    recommended = readout(small)["decision"]["action"]
    other = "stop" if recommended != "stop" else "ship"
    refused = call(*decide, "because", "--action", other)
    assert (refused.code, f"recommends {recommended}, not {other}" in refused.err) == (4, True)
    assert "no arm 'z'" in call(*decide, WHY, "--arm", "z").err
    done = call(*decide, WHY, "--action", other, "--json")
    assert done.code == 0
    assert "differs from the rule" in done.err
    told = json.loads(done.out)
    assert (told["action"], told["recommended"], told["differs"], told["by"]) == (
        other, recommended, True, "Ann Lee",
    )  # fmt: skip
    assert json.loads(call(*decide, WHY, "--action", other, "--json").out) == {**told, "new": False}
    assert call(*decide, WHY, "--action", "iterate").code == 4
    change(small)
    assert "can no longer be amended" in call("lock", small, "--amend", WHY).err
    assert call("archive", small, "--learning", "n/a").code == 4
    assert call(*learn).code == 0
    assert call(*learn).code == 0
    shown = json.loads(call("show", "small", "--workspace", small.parent, "--json").out)
    assert (shown["state"], shown["archive"]["next_ids"]) == ("archived", ["small_2"])
    for_people = call("show", small)
    assert for_people.out == ""
    assert f"(the rule recommended {recommended})" in for_people.err
    listed = call("list", "--workspace", small.parent)
    assert listed.out == ""
    assert "archived" in listed.err
    (row,) = json.loads(call("list", "--workspace", small.parent, "--json").out)["experiments"]
    assert (row["experiment"], row["state"], row["decision"]) == ("small", "archived", other)
    assert call("db", "check", "--workspace", small.parent).code == 0


def test_a_shared_salt_is_warned_of(call, workspace: Path) -> None:
    spec = workspace / "double_points.yaml"
    call("lock", spec)
    twin = workspace / "twin.yaml"
    text = spec.read_text(encoding="utf-8").replace("experiment: double_points", "experiment: twin")
    twin.write_text(text, encoding="utf-8")
    done = call("lock", twin, "--json")
    assert json.loads(done.out)["warnings"] == [{"code": "shared_salt", "experiment": "double_points"}]
    document = Path(json.loads(done.out)["preregistration"]).read_text(encoding="utf-8")
    assert "double-points-2026-04" not in document


def test_a_draw_is_recorded_once_and_only_where_there_is_a_store(call, workspace: Path) -> None:
    from loyalty_exp.spec.read import read
    from loyalty_exp.store.registration import record_draw

    spec = workspace / "double_points.yaml"
    draw = {"digest": "f" * 64, "counts": {"control": 770, "double": 770}}
    assert record_draw(read(spec), spec, None, **draw) is None
    assert not (workspace / ".loyalty-exp").exists()
    call("lock", spec)
    assert record_draw(read(spec), spec, None, **draw) == "draw 1 recorded"
    assert record_draw(read(spec), spec, None, **draw) == "same draw as draw 1"
    shown = json.loads(call("show", spec, "--json").out)
    assert [run["counts"] for run in shown["assignment_runs"]] == [draw["counts"]]
    assert "double-points-2026-04" not in json.dumps(shown)


def test_hostile_names_stay_words_in_the_preregistration(call, small: Path) -> None:
    text = small.read_text(encoding="utf-8").replace(
        "Does it pay?", "'<script>alert(1)</script> | {{7*7}} `x` # [a](javascript:b)?'"
    )
    small.write_text(text, encoding="utf-8")
    document = Path(json.loads(call("lock", small, "--json").out)["preregistration"])
    head = document.read_text(encoding="utf-8").split("~~~~json")[0]
    assert "<script" not in head
    assert "{{7" not in head
    assert "[a](" not in head


def test_the_store_may_be_elsewhere_and_its_password_is_never_told(call, small: Path, monkeypatch) -> None:
    elsewhere = small.parent / "shared" / "team.db"
    assert call("lock", small, "--store", elsewhere).code == 0
    assert elsewhere.is_file()
    monkeypatch.setenv("LOYALTY_EXP_STORE", str(elsewhere))
    assert call("analyze", small).code == 0
    assert readout(small)["experiment"]["lock"]
    assert not (small.parent / ".loyalty-exp").exists()
    url = "postgresql://ann:geheim@127.0.0.1:1/db"
    for command in (["analyze", small], ["lock", small], ["list"], ["db", "current"], ["portfolio"]):
        for extra in ((), ("--debug",)):
            done = call(*command, "--store", url, *extra)
            assert done.code == 3
            assert "no server listens" in done.err
            assert "geheim" not in done.err + done.out


def test_an_old_store_is_refused_everywhere_until_it_is_upgraded(call, small: Path) -> None:
    from loyalty_exp.store import migrate

    migrate.upgrade(place_of(small.parent), "0001")
    where = ["--workspace", small.parent]
    for command in (["lock", small], ["analyze", small], ["list", *where], ["db", "check", *where]):
        done = call(*command)
        assert (done.code, "loyalty-exp db upgrade" in done.err) == (4, True)
    current = json.loads(call("db", "current", *where, "--json").out)
    assert (current["schema"], current["wanted"]) == ("0001", "0002")
    assert json.loads(call("db", "upgrade", *where, "--json").out)["before"] == "0001"
    assert call("analyze", small).code == 0


def test_two_processes_on_one_experiment_exclude_each_other(call, small: Path, monkeypatch) -> None:
    from loyalty_exp.store import connect

    call("lock", small)
    monkeypatch.setattr(connect, "PATIENCE", 0.2)
    with turn(place_of(small.parent), "small"):
        done = call("lock", small)
        assert (done.code, "is at work on the experiment 'small'" in done.err) == (4, True)
    monkeypatch.undo()
    running = [start("analyze", small, "--json") for _ in range(3)]
    found = [p.communicate(timeout=120) for p in running]
    assert [p.returncode for p in running] == [0, 0, 0]
    assert len({out for out, _ in found}) == 1
    assert len(json.loads(call("show", small, "--json").out)["look_history"]) == 1


def test_an_amendment_while_it_is_analyzed_refuses_the_look(call, small: Path, monkeypatch) -> None:
    from loyalty_exp.store import turn as turns

    call("lock", small)
    call("analyze", small)
    path = small.parent / "results" / "small" / "readout.json"
    before = path.read_bytes()
    table = small.parent / "units.csv"
    table.write_text(table.read_text(encoding="utf-8") + "401,a,3\n", encoding="utf-8")
    hold = turns.turn

    def amended(place, experiment: str):  # type: ignore[no-untyped-def]
        monkeypatch.undo()
        change(small)
        command = [sys.executable, "-m", "loyalty_exp", "lock", str(small), "--amend", WHY]
        subprocess.run(command, check=True, capture_output=True)
        return hold(place, experiment)

    monkeypatch.setattr(turns, "turn", amended)
    done = call("analyze", small)
    assert (done.code, "locked anew while it was analyzed" in done.err) == (4, True)
    assert path.read_bytes() == before
    assert len(json.loads(call("show", small, "--json").out)["look_history"]) == 1
    assert call("analyze", small).code == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_words(call, small: Path) -> None:
    small.parent.chmod(0o500)
    try:
        done = call("lock", small)
    finally:
        small.parent.chmod(0o700)
    assert (done.code, "cannot be written" in done.err) == (3, True)


def test_alpha_is_spent_at_the_looks_that_were_taken(call, small: Path) -> None:
    """Declared were a quarter and a half of 800 units; taken are 240 of them, and then 400."""
    plan = "{method: group_sequential, planned_units: 800, looks: [0.25, 0.5, 1.0]}"
    change(small, f"analysis: {{sequential: {plan}}}\n")
    data = small.parent / "units.csv"
    whole = data.read_text(encoding="utf-8").splitlines()
    assert call("lock", small).code == 0
    seen = []
    for units in (240, 400, 400):
        data.write_text("\n".join(whole[: units + 1]) + "\n", encoding="utf-8")
        assert call("analyze", small).code == 0
        found = readout(small)
        reason = next(r for r in found["decision"]["reasons"] if r["code"] == "sequential")
        e = found["estimates"][0]
        half = (e["sequential"]["ci_upper"] - e["sequential"]["ci_lower"]) / 2
        seen.append((reason["look"], reason["units"], half / e["absolute"]["std_error"]))
    for (look, units, critical), shares in zip(seen, ((0.3,), (0.3, 0.5), (0.3, 0.5)), strict=True):
        assert (look, units) == (len(shares), round(800 * shares[-1]))
        assert critical == pytest.approx(boundaries(shares, 0.05, obrien_fleming).critical_values[-1])


PROGRAM = "program: club\ncost_prices: {mail: {price: 0.1}}\n"
MONEY = "economics: {benefit: {metric: spend, margin: 0.5}, costs: [{id: mail, per_unit: mail}]}\n"


def test_a_locked_experiment_keeps_the_program_of_its_lock(call, small: Path) -> None:
    """A price that changes for all later experiments moves no number of one that is locked."""
    program = small.parent / "program.yaml"
    program.write_text(PROGRAM, encoding="utf-8")
    change(small, "program: program.yaml\n" + MONEY)
    lock = json.loads(call("lock", small, "--json").out)["lock"]
    assert call("run", small).code == 0
    folder = small.parent / "results" / "small"
    before = (folder / "readout.json").read_bytes()
    program.write_text(PROGRAM.replace("0.1", "0.9") + "timezone: Asia/Shanghai\n", encoding="utf-8")
    for command in ("analyze", "run"):
        done = call(command, small)
        assert done.code == 0
        assert 'program.timezone: "UTC" -> "Asia/Shanghai"' in done.err
        assert "economics.costs[mail].per_unit: 0.1 -> 0.9" in done.err
        assert (folder / "readout.json").read_bytes() == before
    again = call("lock", small, "--json")
    assert (json.loads(again.out)["lock"], json.loads(again.out)["new"]) == (lock, False)
    assert "what was locked is used" in again.err
    done = call("decide", small, "--by", "Ann", "--because", WHY, "--action", "extend")
    assert done.code == 0
    new = json.loads(call("lock", small, "--amend", WHY, "--json").out)
    assert (new["version"], new["new"]) == (2, True)
    assert call("analyze", small).code == 0
    found = readout(small)
    assert found["experiment"]["lock"] == new["lock"] != lock
    assert found["economics"][0]["cost"]["estimate"] == pytest.approx(0.9)
    kept = (folder / "readout.json").read_bytes()
    program.write_text("program: club\nprices: [\n", encoding="utf-8")
    for command in ("analyze", "lock", "report"):
        assert call(command, small).code == 0, command
    assert (folder / "readout.json").read_bytes() == kept
    program.unlink()
    done = call("analyze", small)
    assert done.code == 0
    assert "the program file cannot be read" in done.err
    assert (folder / "readout.json").read_bytes() == kept
    assert call("validate", small).code == call("lock", small, "--amend", WHY).code == 2
    change(small)  # its own words are another matter
    program.write_text(PROGRAM, encoding="utf-8")
    done = call("analyze", small)
    assert done.code == 4
    assert "analysis.alpha: 0.05 -> 0.1" in done.err
