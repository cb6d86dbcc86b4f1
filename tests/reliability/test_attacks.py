"""Hostile names, ids, addresses and files: words stay words, ids and secrets stay where they belong.

Tests are named by the row of the list of faults that they stand for.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import os
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from made import experiment, outcomes, spend
from report.words import Page
from store.killed import SPEC, make

from loyalty_exp.cli.main import run_cli
from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.masking import masked, visible
from loyalty_exp.pipeline import conclude
from loyalty_exp.report.render import render
from loyalty_exp.spec.read import check
from loyalty_exp.warehouse import files
from loyalty_exp.workspace import write_text
from reliability.extent import LONG

HOSTILE = {
    "S41": "<script>alert(1)</script>",
    "S42": "{{7*7}}${7*7}{% raw %}",
    "S43": '=HYPERLINK("http://evil.example","x")',
    "S44": "a|b`c*d_e[f](javascript:alert(1))",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make(tmp_path / "w")
    monkeypatch.chdir(folder)
    return folder


def told(capfd: Any, *line: str) -> tuple[int, str, str]:
    capfd.readouterr()
    number = run_cli(line)
    out, err = capfd.readouterr()
    return number, out, err


@pytest.fixture
def hostile(folder: Path, capfd: Any) -> Path:
    """A workspace whose arms, names and segments attack, taken through every command."""
    arms, rows, draw = list(HOSTILE.values()), [], random.Random(2)
    for i in range(2000):
        rows.append((f"m{i}", arms[i % 4], f"{draw.lognormvariate(2, 1):.2f}", arms[i // 4 % 4]))
    with (folder / "units.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("id", "arm", "spend", "tier"), *rows])
    quoted = [json.dumps(a) for a in arms]
    text = SPEC.replace(
        "control: a, treatments: [b]", f"control: {quoted[0]}, treatments: [{', '.join(quoted[1:])}]"
    )
    text = text.replace("Does it pay?", '"<img src=x onerror=alert(1)> {{7*7}} =1+1"')
    text = text.replace("role: primary", f"role: primary, name: {quoted[0]}") + "segments: [{id: tier}]\n"
    (folder / "spec.yaml").write_text(text + f"name: {quoted[1]}\n", encoding="utf-8")
    for line in (
        "lock spec.yaml",
        "run spec.yaml",
        "export spec.yaml",
        "export spec.yaml --what tables",
        "portfolio",
    ):
        number, _, err = told(capfd, *line.split())
        assert number == 0, err
    return folder


def inert(rows: Iterable[list[str]]) -> None:
    """See that no cell is a formula; numbers, also negative ones, stay numbers."""
    for row in rows:
        for cell in row:
            number = cell.lstrip("-").replace(".", "").replace("e-", "").replace("e+", "").isdigit()
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell


def test_s41_to_s44_x31_x32_names_are_words_on_every_page(hostile: Path) -> None:
    pages = list(hostile.rglob("*.html"))
    assert len(pages) >= 4
    for path in pages:
        source = path.read_text("utf-8")
        page = Page(source)
        assert page.all("script") == [] and not [a for t, a in page.tags if t == "img" and "onerror" in a]
        assert not [k for _, a in page.tags for k in a if k.startswith("on")]
        links = [str(a.get("href", "")) for _, a in page.tags if "href" in a]
        schemes = {link.partition(":")[0] for link in links if ":" in link.partition("/")[0]}
        assert schemes <= {"data"} and not [
            link for link in links if link.startswith(("/", "data:text/html"))
        ]
        for link in links:
            if link.startswith("data:text/csv"):
                inert(csv.reader(io.StringIO(unquote(link.partition(",")[2]).lstrip("\ufeff"), newline="")))
        assert HOSTILE["S42"] in page.words or "portfolio" in path.name or "index" in path.name
    report = Page((hostile / "results/short/report.en.html").read_text("utf-8")).words
    assert all(name in report for name in HOSTILE.values())


def test_s41_s44_names_are_words_in_the_preregistration(hostile: Path) -> None:
    """Markdown shows what stands in code as it is; nothing hostile stands outside of it."""
    text = (hostile / "results/short/preregistration.md").read_text("utf-8")
    outside, fenced = [], False
    for line in text.splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            outside.append("".join(line.split("`")[::2]))
    assert not [line for line in outside if "<script" in line or "](javascript" in line or "<img" in line]


def test_s43_x34_cells_are_no_formulas_and_file_names_stay_in_the_folder(hostile: Path) -> None:
    tables = list((hostile / "results/short/export").glob("*.csv"))
    assert len(tables) > 5
    for path in tables:
        assert path.resolve().parent == (hostile / "results/short/export").resolve()
        assert all(c.isalnum() or c in "-_." for c in path.name)
        with path.open(encoding="utf-8", newline="") as stream:
            inert(csv.reader(stream))


def test_s50_a_thousand_arms_are_read_out_and_the_page_is_bounded() -> None:
    """A third of them in the short version."""
    arms = 1000 if LONG else 300
    spec = experiment(
        arms={"from_column": "arm", "control": "c", "treatments": [f"t{i}" for i in range(arms - 1)]}
    )
    rows = {a.id: {"spend": spend(20, 20 + 0.001 * i)} for i, a in enumerate(spec.planned_arms)}
    begins = time.process_time()
    readout = conclude(spec, outcomes(spec, rows))
    assert time.process_time() - begins < 30
    assert len(readout.estimates) == arms - 1
    assert len(render(readout.to_dict(), "en")) < 10_000_000


def test_x33_outputs_cannot_leave_their_folder(folder: Path, capfd: Any) -> None:
    for odd in ("../evil", "/tmp/evil", "a/b", "..", "nul", "a\\0b"):
        text = SPEC.replace("experiment: short", f"experiment: {json.dumps(odd)}")
        (folder / "odd.yaml").write_text(text, encoding="utf-8")
        assert told(capfd, "run", "odd.yaml")[0] == 2
    elsewhere = folder.parent / "elsewhere"
    elsewhere.write_text("mine", encoding="utf-8")
    (folder / "link").symlink_to(elsewhere)
    with pytest.raises(Refused, match="symbolic link"):
        write_text(folder / "link", "x")
    assert sorted(p.name for p in folder.parent.iterdir()) == ["elsewhere", "w"]
    assert elsewhere.read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["http://127.0.0.1:9/u.csv", "s3://b/u.parquet", "u'; DROP TABLE x; --.csv"])
def test_x30_x33_a_name_of_a_table_is_a_file_and_nothing_else(folder: Path, capfd: Any, name: str) -> None:
    text = SPEC.replace("units: units.csv", f"units: {json.dumps(name)}")
    (folder / "odd.yaml").write_text(text, encoding="utf-8")
    number, _, err = told(capfd, "analyze", "odd.yaml")
    assert number == 3 and "there is no such file" in err


ADDRESSES = [
    "postgresql://ann:geheim@127.0.0.1:1/db",
    "postgresql://ann:geheim x@127.0.0.1:1/db",
    "postgresql://ann:geheim@x%20y@127.0.0.1:1/db",
    "postgresql://ann@127.0.0.1:1/db?password=geheim",
    "postgresql://ann@127.0.0.1:1/db?password='geheim'",
    "mysql+pymysql://ann:geheim x@127.0.0.1/db",
    "postgresql://ann:geheim@h:notaport/db",
    "host=127.0.0.1 user=ann password='geheim x'",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "line", ["--debug analyze spec.yaml", "lock spec.yaml --json", "--debug db current --json", "list --json"]
)
def test_x36_a_password_is_never_told(folder: Path, capfd: Any, address: str, line: str) -> None:
    number, out, err = told(capfd, *line.split(), "--store", address)
    assert number in {2, 3}, err
    assert "geheim" not in out + err
    number, out, err = told(capfd, *line.split(), address)
    assert number == 2 and "geheim" not in out + err
    assert not [p for p in folder.rglob("*") if "geheim" in p.name]


@pytest.mark.parametrize(
    "form", ["--format=text", "--format=json", "--format=github", "--json", "--resolved"]
)
@pytest.mark.parametrize("place", ["engine: {}", "engin: {}", "currency: {}"])
def test_x36_a_password_in_a_spec_is_refused_and_not_told(
    folder: Path, capfd: Any, form: str, place: str
) -> None:
    key = place.format('"postgresql://ann:geheim@h/db"')
    (folder / "odd.yaml").write_text(
        SPEC.replace("units: units.csv", f"units: units.csv, {key}"), encoding="utf-8"
    )
    number, out, err = told(capfd, "validate", "odd.yaml", form)
    assert "geheim" not in out + err
    assert number == 2
    assert told(capfd, "lock", "odd.yaml")[0] == 2 and not (folder / ".loyalty-exp").exists()


def test_x36_what_is_masked_and_what_is_not() -> None:
    assert masked("see http://h:8080/x or mail a@b.c") == "see http://h:8080/x or mail a@b.c"
    assert masked("postgresql://u:a b@h/d") == "postgresql://u:***@h/d"
    assert masked("data/key.csv, 3 rows") == "data/key.csv, 3 rows"


@pytest.fixture
def named(folder: Path) -> Path:
    """Members whose ids are addresses, in a table of units and in tables of a program."""
    rows = "".join(f"anna{i}@mail.de,{'ab'[i % 2]},{i % 7},{i % 40}\n" for i in range(900))
    (folder / "units.csv").write_text("id,arm,spend,shop\n" + rows, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        ("", "segments: [{id: id}]"),
        ("from_column: arm", "from_column: id"),
        ("column: spend", "column: id"),
        ("unit: id", "unit: arm"),
        ("", "cluster: id"),
        ("", "population: {include: [{field: id, op: '>', value: 5}]}"),
        ("", "segments: [{id: shop}]"),
        ("column: spend,", "column: spend, covariates: [id],"),
    ],
    ids=lambda c: c[1],
)
def test_x37_no_id_is_told_anywhere(named: Path, capfd: Any, change: tuple[str, str]) -> None:
    """Not by mistakes in the spec either, such as a column of ids taken for segments or arms."""
    old, new = change
    (named / "spec.yaml").write_text(SPEC.replace(old, new) if old else SPEC + new + "\n", encoding="utf-8")
    said = ""
    for line in (
        "validate spec.yaml",
        "lock spec.yaml",
        "--debug run spec.yaml",
        "run spec.yaml --json",
        "export spec.yaml --what tables",
        "show short --json",
        "portfolio",
    ):
        number, out, err = told(capfd, *line.split())
        assert number in {0, 2, 3, 4}, err
        said += out + err
    assert "anna" not in said
    assert not [
        p for p in named.rglob("*") if p.is_file() and p.name != "units.csv" and b"anna" in p.read_bytes()
    ]


def test_x37_cells_of_too_few_units_are_in_no_output(named: Path, capfd: Any) -> None:
    """Shop 39 has 22 units, the others 22 or 23: all are below min_cell, and none shows a figure."""
    (named / "spec.yaml").write_text(SPEC + "segments: [{id: shop}]\n", encoding="utf-8")
    assert told(capfd, "run", "spec.yaml")[0] == 0
    assert told(capfd, "export", "spec.yaml", "--what", "tables")[0] == 0
    readout = json.loads((named / "results/short/readout.json").read_text("utf-8"))
    cells = [e for e in readout["estimates"] if e["segment"]]
    assert len(cells) == 40
    for e in cells:
        assert e["suppressed"] and "fewer than 50" in e["not_estimable"]
        figures = (
            "units_treatment",
            "units_control",
            "mean_treatment",
            "mean_control",
            "absolute",
            "relative",
        )
        assert [e[k] for k in figures] == [None] * 6
    with (named / "results/short/export/estimates.csv").open(encoding="utf-8") as stream:
        rows = [r for r in csv.DictReader(stream) if r["segment.value"]]
    assert len(rows) == 40
    assert {r[k] for r in rows for k in r if k.startswith(("units", "mean", "absolute", "relative"))} == {""}


def cells_of(sizes: dict[str, int]) -> dict[str, Any]:
    spec = experiment(segments=[{"id": "city"}])
    cells = {
        ("city", v): {"c": {"spend": spend(n, 20)}, "t": {"spend": spend(n, 22)}} for v, n in sizes.items()
    }
    total = sum(sizes.values())
    rows = {"c": {"spend": spend(total, 20)}, "t": {"spend": spend(total, 22)}}
    readout = conclude(spec, outcomes(spec, rows, segments=cells)).to_dict()
    return {e["segment"]["value"]: e for e in readout["estimates"] if e["segment"]}


def test_x37_a_value_that_few_units_share_is_not_named_and_does_not_follow_from_the_rest() -> None:
    found = cells_of({"Rome": 400, "Oslo": 300, "Anna's street": 2, "Bert's street": 2})
    assert set(found) == {"Rome", "Oslo", "(fewer than 10 units)"}
    assert not found["Rome"]["suppressed"]
    assert found["Oslo"]["suppressed"] and found["Oslo"]["units_control"] is None
    assert "give away" in found["Oslo"]["not_estimable"]
    enough = cells_of({"Rome": 400, "Oslo": 300, "Pisa": 20})
    assert set(enough) == {"Rome", "Oslo", "Pisa"} and not enough["Oslo"]["suppressed"]
    assert np.isfinite(enough["Oslo"]["absolute"]["estimate"])


def test_x38_the_salt_is_in_no_page_table_or_message(folder: Path, capfd: Any) -> None:
    """readout.json keeps it among the origins, as the contract says; it is a file for the team."""
    sales = "".join(f"m{i},o{i},2026-04-{i % 20 + 1:02d},{i % 9}\n" for i in range(5000))
    (folder / "sales.csv").write_text("id,o,t,a\n" + sales, encoding="utf-8")
    said = ""
    for line in (
        "lock draw.yaml",
        "assign draw.yaml --as-of 2026-04-20 --json",
        "run draw.yaml",
        "export draw.yaml",
        "export draw.yaml --what tables",
        "list",
        "portfolio",
    ):
        number, out, err = told(capfd, *line.split())
        assert number == 0, err
        said += out + err
    assert "drawn-once" not in said
    public = [p for p in folder.rglob("*") if p.suffix in {".html", ".csv", ".md"}]
    assert len(public) > 5 and not [p for p in public if b"drawn-once" in p.read_bytes()]


def test_x39_a_file_that_expands_without_end_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "MOST_EXPANDED", 1 << 20)
    path = tmp_path / "u.csv.gz"
    path.write_bytes(gzip.compress(b"id,arm\n" + b"0" * (8 << 20) + b",a\n"))
    with pytest.raises(EngineError, match=r"u\.csv\.gz: expands to more than 500 times its size"):
        files.header_of(path, "u.csv.gz")
    plain = "".join(f"{random.Random(i).random()},a\n" for i in range(60_000))
    path.write_bytes(gzip.compress(b"id,arm\n" + plain.encode()))
    assert files.header_of(path, "u.csv.gz") == ["id", "arm"]


def test_x35_nothing_is_unpickled_or_evaluated() -> None:
    root = Path(__file__).parents[2] / "loyalty_exp"
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {n.name.split(".")[0] for n in node.names} | {str(getattr(node, "module", ""))}
                assert not names & {"pickle", "joblib", "dill", "marshal", "shelve"}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile"}, path


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_x41_files_with_ids_are_for_their_owner_alone(folder: Path, capfd: Any) -> None:
    for line in ("lock draw.yaml", "assign draw.yaml --as-of 2026-04-20", "export draw.yaml"):
        assert told(capfd, *line.split())[0] == 0
    kept = [*folder.glob("results/drawn/assignment.*"), *folder.glob("results/drawn/export/*")]
    kept.append(folder / ".loyalty-exp" / "store.db")
    assert len(kept) >= 5
    assert {p.stat().st_mode & 0o077 for p in kept} == {0}


def test_x43_arms_that_look_alike_are_refused(folder: Path) -> None:
    text = SPEC.replace(
        "control: a, treatments: [b]", "control: pays, treatments: [\u0440\u0430\u0443\u0455]"
    )
    (folder / "odd.yaml").write_text(text, encoding="utf-8")
    _, problems = check(folder / "odd.yaml")
    assert "look alike" in problems[0].message


def test_x44_words_of_data_forge_no_line(folder: Path, capfd: Any) -> None:
    odd = "x\x1b[31m\nloyalty-exp: all is well\u202e"
    with (folder / "units.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(
            [("id", odd, "arm"), ("1", "2", "a"), ("2", "2", odd)]
        )
    number, _, err = told(capfd, "analyze", "spec.yaml")
    assert number == 3
    assert "\x1b" not in err and "\u202e" not in err
    assert not [line for line in err.splitlines() if line.startswith("loyalty-exp: all")]
    assert visible("a\nb\tc", lines=True) == "a\nb\tc"
