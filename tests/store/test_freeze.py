"""A lock is a hash of content: comments and order do not count, everything else is named when it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loyalty_exp.spec.read import read, read_text
from loyalty_exp.store.freeze import ABSENT, changes_since, differences, freeze, sha256

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NOT_RANDOMIZED = {"program_main", "tier_benefits_observational"}
SHORT = """
experiment: short
question: Does it pay?
unit: id
data: {units: data/x.parquet}
arms: {from_column: arm, control: a, treatments: [b]}
metrics:
  - {id: spend, type: amount, column: spend, role: primary}
  - {id: visits, type: count, column: visits}
"""


def frozen(text: str):
    return freeze(read_text(text, folder=EXPERIMENTS))


@pytest.mark.parametrize(
    "name", sorted(p.name for p in EXPERIMENTS.glob("*_*.yaml") if p.stem not in NOT_RANDOMIZED)
)
def test_the_hash_of_a_lock_is_that_of_the_spec(name: str) -> None:
    experiment = read(EXPERIMENTS / name)
    own = freeze(experiment)
    assert own.sha256 == sha256(own.spec) == experiment.spec_hash
    assert changes_since(own.spec, own.spec) == ()


def test_comments_line_ends_and_the_order_of_keys_change_nothing() -> None:
    lines = SHORT.strip().splitlines()
    shuffled = "\n".join([*lines[5:], "# a comment", *reversed(lines[:5])])
    for other in (shuffled, SHORT.replace("\n", "\r\n"), "\ufeff" + SHORT, "# words\n" + SHORT):
        assert frozen(other).sha256 == frozen(SHORT).sha256


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("column: spend,", "column: margin,", 'metrics[spend].column: "spend" -> "margin"'),
        ("treatments: [b]", "treatments: [b, c]", 'arms.treatments: ["b"] -> ["b","c"]'),
        ("unit: id", "unit: member", 'unit: "id" -> "member"'),
        ("unit: id", "unit: id\nanalysis: {alpha: 0.1}", "analysis.alpha: 0.05 -> 0.1"),
    ],
)
def test_a_change_is_named_by_its_path(old: str, new: str, named: str) -> None:
    changes = changes_since(frozen(SHORT).spec, frozen(SHORT.replace(old, new)).spec)
    assert [str(c) for c in changes] == [named]


def test_a_metric_that_comes_or_goes_is_one_change() -> None:
    fewer = "\n".join(SHORT.splitlines()[:-1])
    gone = changes_since(frozen(SHORT).spec, frozen(fewer).spec)
    assert [(c.path, c.new) for c in gone] == [("metrics[visits]", ABSENT)]
    come = changes_since(frozen(fewer).spec, frozen(SHORT).spec)
    assert [(c.path, c.old) for c in come] == [("metrics[visits]", ABSENT)]


def test_prices_of_the_program_file_are_frozen_with_it(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text("program: p\ncurrency: {code: EUR}\n", encoding="utf-8")
    text = SHORT + "program: program.yaml\n"
    before = freeze(read_text(text, folder=tmp_path))
    (tmp_path / "program.yaml").write_text("program: p\ncurrency: {code: CHF}\n", encoding="utf-8")
    after = freeze(read_text(text, folder=tmp_path))
    assert before.program_sha256 != after.program_sha256
    assert "program.currency.code" in {c.path for c in changes_since(before.spec, after.spec)}


def test_a_key_that_a_later_version_adds_with_its_default_is_no_change() -> None:
    now = frozen(SHORT).spec
    older = json.loads(now)
    del older["analysis"]["min_cell"]
    assert changes_since(json.dumps(older), now) == ()


def test_a_lock_that_the_grammar_no_longer_reads_is_compared_as_it_stands() -> None:
    now = frozen(SHORT).spec
    older = json.loads(now) | {"key_of_old": 1}
    assert [str(c) for c in changes_since(json.dumps(older), now)] == [f"key_of_old: 1 -> {ABSENT}"]


def test_values_are_compared_as_json_writes_them() -> None:
    assert [str(c) for c in differences({"a": 1}, {"a": True})] == ["a: 1 -> true"]
    assert differences({"a": None}, {}) != ()
    assert [c.path for c in differences([{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "a"}])] == [
        " (order)"
    ]
    assert [str(c) for c in differences({"m": []}, {"m": [{"id": "a"}]})] == ['m: [] -> [{"id":"a"}]']
