"""Rows are added once, in an order that does not hang on the clock, and read back as they were."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import pytest
import sqlalchemy as sa

from loyalty_exp.errors import Refused
from loyalty_exp.store import repository
from loyalty_exp.store.migrate import open_or_make
from loyalty_exp.store.place import Place
from loyalty_exp.store.repository import add_lock, add_look, facts_of, histories, history
from store.samples import add_example, frozen, readout, rows_of


def test_everything_is_read_back(place: Place) -> None:
    store = open_or_make(place)
    add_example(place)
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert [(lock.version, lock.reason, lock.looks_before) for lock in found.locks] == [
        (1, None, 0),
        (2, "a reason", 0),
    ]
    assert found.lock is not None
    assert found.lock.spec == frozen(unit="b").spec
    assert found.look is not None
    assert (found.look.sequence, found.look.units, found.look.lock_sha256) == (1, 10, found.lock.sha256)
    assert found.runs[0].counts == {"a": 5, "b": 5}
    assert (found.decisions[0].by, found.decisions[0].recommended) == ("Ann", "ship")
    assert found.archive is not None
    assert found.archive.next_ids == ["y"]
    assert found.lock.locked_at.tzinfo is dt.UTC
    assert abs((found.lock.locked_at - dt.datetime.now(dt.UTC)).total_seconds()) < 60
    assert store.read(lambda s: history(s, "nobody")) is None


def test_the_same_again_adds_nothing(place: Place) -> None:
    open_or_make(place)
    add_example(place)
    once = rows_of(place)
    store = open_or_make(place)

    def again(session: Any) -> list[bool]:
        lock, new = add_lock(session, frozen(unit="b"), "x.yaml", "another reason", "0.1.0")
        seen = readout(lock=lock.sha256)
        return [new, add_look(session, seen, json.dumps(seen), "x.yaml")[1]]

    assert store.write(again) == [False, False]
    assert rows_of(place) == once


def test_going_back_to_an_earlier_spec_is_a_new_version(place: Place) -> None:
    store = open_or_make(place)
    for keys, version in (({}, 1), ({"unit": "b"}, 2), ({}, 3)):
        row, new = store.write(lambda s, keys=keys: add_lock(s, frozen(**keys), "x.yaml", "why", "0"))
        assert (row.version, new) == (version, True)


def test_a_look_under_an_earlier_lock_is_not_the_look_in_force(place: Place) -> None:
    store = open_or_make(place)
    store.write(lambda s: add_lock(s, frozen(), "x.yaml", None, "0"))
    seen = readout(lock=frozen().sha256)
    store.write(lambda s: add_look(s, seen, json.dumps(seen), "x.yaml"))
    store.write(lambda s: add_lock(s, frozen(unit="b"), "x.yaml", "why", "0"))
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert found.look is None
    assert facts_of(found, "x").status is None
    assert found.locks[-1].looks_before == 1


def test_an_older_look_again_is_neither_new_nor_in_force(place: Place) -> None:
    store = open_or_make(place)
    store.write(lambda s: add_lock(s, frozen(), "x.yaml", None, "0"))
    late, early = (readout(lock=frozen().sha256, data_to=day) for day in ("2026-06-30", "2026-06-01"))
    for seen, new in ((late, True), (early, True), (late, False), (early, False)):
        assert store.write(lambda s, seen=seen: add_look(s, seen, json.dumps(seen), "x.yaml"))[1] is new
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert found.look is not None
    assert (len(found.looks), found.look.data_to) == (2, "2026-06-30")


def test_order_does_not_hang_on_the_clock(place: Place, monkeypatch) -> None:
    store = open_or_make(place)
    for day, keys in ((20, {}), (10, {"unit": "b"}), (15, {"unit": "c"})):
        moment = dt.datetime(2026, 1, day, tzinfo=dt.UTC)
        monkeypatch.setattr(repository, "now", lambda moment=moment: moment)
        store.write(lambda s, keys=keys: add_lock(s, frozen(**keys), "x.yaml", "why", "0"))
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert [lock.locked_at.day for lock in found.locks] == [20, 10, 15]


def test_hostile_words_are_data(place: Place) -> None:
    open_or_make(place)
    hostile = "x'; DROP TABLE locks; -- \" OR 1=1 {{7*7}} 积分\n\\"
    store = open_or_make(place)
    store.write(lambda s: add_lock(s, frozen(unit=hostile), hostile, hostile, "0"))
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert (found.spec_file, found.locks[0].reason) == (hostile, hostile)
    assert json.loads(found.locks[0].spec)["unit"] == hostile


def test_work_that_fails_leaves_nothing(place: Place) -> None:
    store = open_or_make(place)

    def fails(session: Any) -> None:
        add_lock(session, frozen(), "x.yaml", None, "0")
        raise Refused("no")

    with pytest.raises(Refused):
        store.write(fails)
    assert store.read(lambda s: history(s, "x")) is None


def test_ten_thousand_experiments_are_listed_in_two_seconds(tmp_path) -> None:
    from loyalty_exp.store.models import ExperimentRow, LockRow, LookRow
    from loyalty_exp.store.place import place_of

    store = open_or_make(place_of(tmp_path))
    moment = dt.datetime.now(dt.UTC)

    def work(session: Any) -> None:
        names = [f"e{i}" for i in range(10_000)]
        session.execute(
            sa.insert(ExperimentRow), [{"id": n, "spec_file": "x", "since": moment} for n in names]
        )
        one = frozen(text="w" * 8000)
        common = {"sha256": one.sha256, "spec": one.spec, "program_sha256": "", "locked_at": moment}
        session.execute(
            sa.insert(LockRow),
            [
                {"experiment_id": n, "version": 1, "package_version": "0", "looks_before": 0, **common}
                for n in names
            ],
        )
        look = {"looked_at": moment, "units": 1, "status": "mature", "action": "ship", "spec_sha256": ""}
        session.execute(sa.insert(LookRow), [{"experiment_id": n, "sequence": 1, **look} for n in names])

    store.write(work)
    start = time.process_time()
    found = store.read(histories)
    facts = [facts_of(h, h.id) for h in found]
    assert len(facts) == 10_000
    assert time.process_time() - start < 2
