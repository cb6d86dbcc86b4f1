"""The life of an experiment: states follow from facts, and steps out of order are refused in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.store.life import (
    STATES,
    Facts,
    has_substance,
    may_archive,
    may_decide,
    may_lock,
    state_of,
)

TODAY = dt.date(2026, 5, 1)
LOCKED = Facts("x", locked=True, start=dt.date(2026, 5, 2), end=dt.date(2026, 5, 9))
MATURE = replace(LOCKED, status="mature", recommended="ship")
WHY = "the depot cannot take the volume before autumn"


@pytest.mark.parametrize(
    ("facts", "day", "state"),
    [
        (Facts("x"), TODAY, "draft"),
        (replace(MATURE, locked=False), TODAY, "draft"),
        (LOCKED, TODAY, "locked"),
        (LOCKED, dt.date(2026, 5, 2), "running"),
        (LOCKED, dt.date(2026, 5, 9), "running"),
        (LOCKED, dt.date(2026, 5, 10), "closed"),
        (replace(LOCKED, assigned=True), TODAY, "running"),
        (replace(LOCKED, status="provisional"), dt.date(2026, 5, 10), "closed"),
        (MATURE, TODAY, "mature"),
        (replace(MATURE, decision="ship"), TODAY, "decided"),
        (replace(MATURE, decision="extend"), TODAY, "mature"),
        (replace(MATURE, decision="ship", archived=True), TODAY, "archived"),
    ],
)
def test_the_state_follows_from_the_facts(facts: Facts, day: dt.date, state: str) -> None:
    assert state_of(facts, day) == state


def test_each_recorded_step_moves_forward_only() -> None:
    steps = [Facts("x"), LOCKED, MATURE, replace(MATURE, decision="stop")]
    steps.append(replace(steps[-1], archived=True))
    order = [STATES.index(state_of(f, TODAY)) for f in steps]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


@pytest.mark.parametrize(
    ("facts", "action", "because", "words"),
    [
        (Facts("x"), "ship", "y", "not locked"),
        (LOCKED, "ship", "y", "nothing to decide on"),
        (replace(MATURE, status="invalid", recommended="invalid"), "ship", WHY, "invalid"),
        (replace(MATURE, status="provisional", recommended="extend"), "ship", WHY, "too early"),
        (MATURE, "ship", "  ", "needs its reason"),
        (MATURE, "stop", "because", "recommends ship, not stop"),
        (MATURE, "stop", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "recommends ship, not stop"),
        (replace(MATURE, decision="ship"), "stop", WHY, "decided already"),
        (replace(MATURE, decision="ship", archived=True), "stop", WHY, "archived"),
    ],
)
def test_a_decision_out_of_order_is_refused(facts: Facts, action: str, because: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        may_decide(facts, action, because)


def test_a_decision_in_order_passes() -> None:
    may_decide(MATURE, "ship", "ok")
    may_decide(MATURE, "stop", WHY)
    may_decide(MATURE, "stop", "仓库在秋季之前无法承接新增的订单量")
    may_decide(replace(MATURE, status="provisional", recommended="extend"), "extend", "wait")
    may_decide(replace(MATURE, status="provisional", recommended="ship"), "ship", "a planned look says so")
    may_decide(replace(MATURE, status="invalid", recommended="invalid"), "stop", WHY)
    may_decide(replace(MATURE, decision="extend"), "ship", "now it is settled")


def test_nothing_is_amended_after_the_decision() -> None:
    may_lock(Facts("x"))
    may_lock(replace(MATURE, decision="extend"))
    for facts in (replace(MATURE, decision="ship"), replace(MATURE, decision="ship", archived=True)):
        with pytest.raises(Refused, match="new id"):
            may_lock(facts)


def test_the_archive_wants_a_decision_and_a_learning() -> None:
    decided = replace(MATURE, decision="stop")
    with pytest.raises(Refused, match="not decided"):
        may_archive(MATURE, WHY)
    with pytest.raises(Refused, match="extended"):
        may_archive(replace(MATURE, decision="extend"), WHY)
    with pytest.raises(Refused, match="what was learned"):
        may_archive(decided, "n/a")
    with pytest.raises(Refused, match="already"):
        may_archive(replace(decided, archived=True), WHY)
    may_archive(decided, WHY)


@pytest.mark.parametrize("text", ["", "ok", "-" * 40, "yes " * 20, "可以", "1111111111111111111111111"])
def test_fillers_have_no_substance(text: str) -> None:
    assert not has_substance(text)
