"""Rows for a store: an experiment that was locked twice, looked at, and decided."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from loyalty_exp.store.connect import Store, engine_of
from loyalty_exp.store.freeze import Frozen, canonical_text, sha256
from loyalty_exp.store.place import Place
from loyalty_exp.store.repository import add_archive, add_assignment_run, add_decision, add_lock, add_look


def frozen(experiment: str = "x", **keys: Any) -> Frozen:
    text = canonical_text({"experiment": experiment, "schedule": {"start": None, "end": None}, **keys})
    return Frozen(experiment, text, sha256(text), sha256("{}"))


def readout(
    experiment: str = "x", *, lock: str | None = None, units: int = 10, **keys: Any
) -> dict[str, Any]:
    return {
        "experiment": {"id": experiment, "lock": lock, "spec_hash": "0" * 64},
        "status": "mature",
        "data_to": "2026-06-30",
        "arms": [{"units": units}],
        "decision": {"action": "ship", "arm": "b"},
        "provenance": {"data_digest": "d"},
        **keys,
    }


def add_example(place: Place, experiment: str = "x", *, decided: bool = True) -> None:
    """Add the rows in one transaction; without the decision they fit the first state of the tables."""

    def work(session: Any) -> None:
        lock, _ = add_lock(session, frozen(experiment), "x.yaml", None, "0.1.0")
        second, _ = add_lock(session, frozen(experiment, unit="b"), "x.yaml", "a reason", "0.1.0")
        add_assignment_run(
            session,
            experiment,
            "x.yaml",
            spec_sha256=lock.sha256,
            salt="s",
            digest="d",
            counts={"a": 5, "b": 5},
        )
        seen = readout(experiment, lock=second.sha256)
        look, _ = add_look(session, seen, json.dumps(seen), "x.yaml")
        if decided:
            add_decision(session, look, by="Ann", because="it pays", action="ship", arm="b")
            add_archive(session, experiment, "it pays for itself in two weeks", ["y"])

    Store(place, engine_of(place)).write(work)


def rows_of(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of every table; numbers that the database gave are told by their order.

    PostgreSQL does not give a number back when a transaction fails, so that a gap means nothing.
    """
    engine = engine_of(place)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        found = {t: connection.execute(sa.select(t)).all() for t in metadata.sorted_tables}
    order = {
        t.c.key: {key: i for i, key in enumerate(sorted(row.key for row in rows))}
        for t, rows in found.items()
        if "key" in t.c
    }
    numbers = {c: order.get(next((f.column for f in c.foreign_keys), c), {}) for t in found for c in t.c}
    return {
        t.name: sorted(
            (
                tuple(numbers[c][v] if numbers[c] else v for c, v in zip(t.c, row, strict=True))
                for row in rows
            ),
            key=repr,
        )
        for t, rows in found.items()
    }
