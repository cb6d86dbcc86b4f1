"""The tables go forward whole or not at all, on SQLite and on PostgreSQL, and other versions are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.store import migrate
from loyalty_exp.store.connect import engine_of, open_store
from loyalty_exp.store.migrate import open_or_make
from loyalty_exp.store.models import REVISIONS, Base
from loyalty_exp.store.place import Place, place_of
from store.samples import add_example, rows_of


def tables(place: Place) -> set[str]:
    return set(sa.inspect(engine_of(place)).get_table_names())


def shape(place: Place) -> dict[str, Any]:
    """Columns, keys and constraints, as the database tells them."""
    found = sa.inspect(engine_of(place))
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
            found.get_pk_constraint(name),
            found.get_foreign_keys(name),
            found.get_unique_constraints(name),
        )
        for name in sorted(found.get_table_names())
    }


def test_the_known_states_are_those_of_the_migrations() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [REVISIONS[-1]]
    assert tuple(r.revision for r in script.walk_revisions())[::-1] == REVISIONS


def test_an_empty_database_is_brought_to_the_models(place: Place) -> None:
    assert migrate.current(place) is None
    assert migrate.upgrade(place) == (None, REVISIONS[-1])
    assert tables(place) == {*Base.metadata.tables, "alembic_version"}
    assert migrate.faults(place) == ()
    before = shape(place)
    assert migrate.upgrade(place) == (REVISIONS[-1], REVISIONS[-1])
    assert shape(place) == before


def test_forward_back_and_forward_again_keeps_schema_and_rows(place: Place) -> None:
    migrate.upgrade(place, "0001")
    add_example(place, decided=False)
    rows = rows_of(place)
    migrate.upgrade(place)
    schema = shape(place)
    kept = rows_of(place)
    assert {t: kept[t] for t in rows if t != "alembic_version"} == {
        t: rows[t] for t in rows if t != "alembic_version"
    }
    migrate.upgrade(place, "0001")
    assert rows_of(place) == rows
    migrate.upgrade(place)
    assert shape(place) == schema
    assert rows_of(place) == kept
    assert migrate.faults(place) == ()


def test_an_old_store_is_refused_with_the_command(place: Place) -> None:
    migrate.upgrade(place, "0001")
    with pytest.raises(Refused, match=r"older version.*loyalty-exp db upgrade"):
        open_store(place)
    migrate.upgrade(place)
    assert open_store(place) is not None


def test_a_newer_store_is_neither_read_nor_written(place: Place) -> None:
    migrate.upgrade(place)
    with engine_of(place).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    before = rows_of(place)
    for work in (open_store, open_or_make, migrate.upgrade):
        with pytest.raises(Refused, match="newer version"):
            work(place)
    assert rows_of(place) == before


def test_a_migration_that_fails_midway_leaves_the_state_before(place: Place, monkeypatch) -> None:
    migrate.upgrade(place, "0001")
    add_example(place, decided=False)
    schema, rows = shape(place), rows_of(place)

    def fails(*_: object) -> None:
        raise EngineError("after the last statement")

    monkeypatch.setattr(migrate, "_refuse_broken_links", fails)
    with pytest.raises(EngineError, match="after the last"):
        migrate.upgrade(place)
    monkeypatch.undo()
    assert (shape(place), rows_of(place)) == (schema, rows)
    assert migrate.upgrade(place) == ("0001", REVISIONS[-1])


def test_reading_makes_no_file(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    assert open_store(place) is None
    assert migrate.current(place) is None
    assert migrate.faults(place) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_changed_table_and_a_changed_text_are_found(place: Place) -> None:
    migrate.upgrade(place)
    add_example(place)
    with engine_of(place).begin() as connection:
        connection.execute(sa.text("UPDATE locks SET spec = '{}' WHERE version = 1"))
        connection.execute(sa.text("ALTER TABLE looks ADD COLUMN odd INTEGER"))
    found = " ".join(migrate.faults(place))
    assert "version 1 of x is not what was locked" in found
    assert "not as declared" in found


def test_the_sqlite_file_is_private_and_has_a_write_ahead_log(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    open_or_make(place)
    assert place.file is not None
    assert place.file.stat().st_mode & 0o077 == 0
    with engine_of(place).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


def test_links_between_tables_are_enforced(place: Place) -> None:
    store = open_or_make(place)
    statement = sa.text(
        "INSERT INTO archive (experiment_id, archived_at, learning, next_ids) "
        "VALUES ('nobody', '2026-01-01', 'x', '[]')"
    )
    with pytest.raises(Refused):
        store.write(lambda s: s.execute(statement))
