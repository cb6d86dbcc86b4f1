"""`export --format xlsx`: one workbook that says what the readout says."""

from __future__ import annotations

import builtins
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loyalty_exp.cli.workbook import sheet_names, workbook
from loyalty_exp.errors import UsageError
from loyalty_exp.readout.tables import Table

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
SPEC = Path(__file__).parents[2] / "experiments" / "hillstrom_email.yaml"


def cells(book: Path, sheet: int) -> list[list[tuple[str, str]]]:
    """Kind and text of every cell of a sheet: ``s`` text, ``n`` number, ``b`` truth value."""
    with zipfile.ZipFile(book) as parts:
        strings = [
            "".join(t.text or "" for t in item.iterfind(".//m:t", NAMES))
            for item in ElementTree.fromstring(parts.read("xl/sharedStrings.xml")).iterfind("m:si", NAMES)
        ]
        page = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{sheet}.xml"))
    found = []
    for row in page.iterfind(".//m:row", NAMES):
        line = []
        for cell in row.iterfind("m:c", NAMES):
            assert cell.find("m:f", NAMES) is None, "a formula"
            kind, text = cell.get("t", "n"), cell.findtext("m:v", "", NAMES)
            line.append((kind, strings[int(text)] if kind == "s" else text))
        found.append(line)
    return found


def test_workbook_holds_the_readout(call: Callable[..., object], tmp_path: Path) -> None:
    spec = tmp_path / "experiments" / SPEC.name
    spec.parent.mkdir()
    (spec.parent / "data").symlink_to(SPEC.parent / "data")
    spec.write_text(SPEC.read_text("utf-8"), "utf-8")
    (spec.parent / "program.yaml").write_bytes((SPEC.parent / "program.yaml").read_bytes())
    assert call("analyze", spec).code == 0  # type: ignore[attr-defined]
    done = call("export", spec, "--what", "tables", "--format", "xlsx", "--json")
    told = json.loads(done.out)  # type: ignore[attr-defined]
    book = Path(told["files"]["tables"])
    results = spec.parent / "results" / "hillstrom_email"
    readout = json.loads((results / "readout.json").read_text("utf-8"))
    position = list(told["rows"]).index("estimates") + 1
    header, first, *rest = cells(book, position)
    assert len(rest) + 1 == told["rows"]["estimates"] == len(readout["estimates"])
    assert "absolute.estimate" in [text for _, text in header]
    assert first[0] == ("s", readout["estimates"][0]["metric"])
    effect = pytest.approx(readout["estimates"][0]["absolute"]["estimate"], rel=1e-15)
    assert any(kind == "n" and float(text) == effect for kind, text in first)
    again = call("export", spec, "--what", "tables", "--format", "xlsx", "--out", tmp_path / "again")
    assert again.code == 0  # type: ignore[attr-defined]
    assert (tmp_path / "again" / "tables.xlsx").read_bytes() == book.read_bytes()
    refused = call("export", spec, "--format", "xlsx", "--out", tmp_path / "no")
    assert refused.code == 2 and "--what tables" in refused.err  # type: ignore[attr-defined]
    assert not (tmp_path / "no").exists()


def test_text_is_never_a_formula_and_kinds_are_kept(tmp_path: Path) -> None:
    book = tmp_path / "b.xlsx"
    hostile = ("=1+1", "@SUM(A1)", "-2", "https://example.org", "7", "<b>")
    values = (-1.5, 3, True, None, "x", None)
    shown = ([("n", "-1.5")], [("n", "3")], [("b", "1")], [], [("s", "x")], [])
    book.write_bytes(workbook({"t": Table(("a", "b"), tuple(zip(hostile, values, strict=True)))}))
    lines = [[("s", text), *cell] for text, cell in zip(hostile, shown, strict=True)]
    assert cells(book, 1) == [[("s", "a"), ("s", "b")], *lines]


def test_sheet_names_fit_and_differ() -> None:
    long = "economics_outlook_assumptions_of_everything"
    found = sheet_names(["a/b", long, long + "_more", long.upper()])
    assert found[0] == "a_b"
    assert len({n.lower() for n in found}) == 4
    assert all(len(n) <= 31 for n in found)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "xlsxwriter":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"install loyalty-exp\[excel\]"):
        workbook({})
