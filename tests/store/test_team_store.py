"""A team's own database: the same story on PostgreSQL as on SQLite, and words for what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from loyalty_exp.cli.main import run_cli
from loyalty_exp.store.place import place_of
from loyalty_exp.store.trouble import in_words
from store.killed import AMEND, ANALYZE, ARCHIVE, DECIDE, LOCK, amended, left, make
from store.samples import rows_of


def tell(folder: Path) -> None:
    """Go from lock to archive, every command twice."""
    for number, command in enumerate([LOCK, ANALYZE, AMEND, ANALYZE, DECIDE, ARCHIVE]):
        if number == 2:
            amended(folder)
        for _ in range(2):
            assert run_cli([*command, "--quiet"]) == 0


def test_the_same_story_gives_the_same_rows_on_both(
    database: str, tmp_path: Path, monkeypatch, capfd
) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    monkeypatch.chdir(one)
    tell(one)
    wanted = left(one)["rows"]
    monkeypatch.chdir(other)
    monkeypatch.setenv("LOYALTY_EXP_STORE", database)
    tell(other)
    assert not (other / ".loyalty-exp").exists()
    assert place_of(other).file is None
    assert left(other)["rows"] == wanted
    name = Path("results") / "short" / "readout.json"
    assert (one / name).read_bytes() == (other / name).read_bytes()
    capfd.readouterr()
    assert run_cli(["list", "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)["experiments"]
    assert (row["state"], row["version"], row["looks"]) == ("archived", 2, 2)
    for command in (["db", "check"], ["db", "current"], ["portfolio"]):
        assert run_cli(command) == 0


def test_analyzing_beside_an_empty_database_makes_no_tables(
    database: str, tmp_path: Path, monkeypatch
) -> None:
    folder = make(tmp_path / "one")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LOYALTY_EXP_STORE", database)
    assert run_cli([*ANALYZE, "--quiet"]) == 0
    assert rows_of(place_of(folder)) == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('password authentication failed for user "ann"', "refuses the user or the password"),
        ("fe_sendauth: no password supplied", "wants a password"),
        ("could not translate host name", "host name that is not known"),
        ('database "x" does not exist', "no such database"),
        ("no schema has been selected to create in", "no schema to work in"),
        ("permission denied for schema public", "does not let this user"),
        ("canceling statement due to lock timeout", "held by another program"),
        ("connection timeout expired", "does not answer in time"),
    ],
)
def test_each_trouble_of_a_server_has_its_own_words(tmp_path: Path, said: str, words: str) -> None:
    place = place_of(tmp_path, "postgresql://ann:geheim@db.example/loyalty")
    error = in_words(place, OperationalError("SELECT 1", {}, Exception(said)))
    assert words in str(error)
    assert "ann:***@db.example" in str(error)
    assert "geheim" not in str(error)
    assert error.exit_code == 3


def test_a_missing_driver_is_named_with_its_remedy(tmp_path: Path) -> None:
    place = place_of(tmp_path, "postgresql://ann@db.example/loyalty")
    error = in_words(place, ModuleNotFoundError("No module named 'psycopg'", name="psycopg"))
    assert "pip install 'loyalty-exp[postgresql]'" in str(error)
    assert error.exit_code == 2
