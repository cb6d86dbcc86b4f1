"""Factorial arms and contrasts: each combination once, weights that sum to 0, names that are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.spec.read import check_text, read_text, resolved_yaml

PROJECT = Path(__file__).parents[2]
STARTERS = PROJECT / "loyalty_exp" / "cli" / "starters"
TEXT = (STARTERS / "factorial.yaml").read_text("utf-8").replace("program: program.yaml\n", "").replace(
    "price: free_shipping ", "price: 6.0 "
)  # fmt: skip
SOLD = (Path(__file__).parent / "data" / "double_points.yaml").read_text("utf-8")


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def errors(text: str) -> list[tuple[str, str]]:
    return [(p.path, f"{p.message} | {p.hint}") for p in check_text(text)[1] if p.severity == "error"]


def test_a_factorial_spec_is_read_and_run_arm_by_arm() -> None:
    spec = read_text(TEXT)
    assert spec.factors == {"points": ("off", "on"), "shipping": ("off", "on")}
    assert spec.treatments == ("points", "shipping", "both")
    assert read_text(resolved_yaml(spec)).spec_hash == spec.spec_hash
    refuse_what_is_not_run(spec)
    assert check_text(TEXT)[1] == ()


C = "analysis.contrasts"
LEVELS = 'points: ["off", "on"]'
BOTH = '    factors: {points: "on", shipping: "on"}\n'
MISTAKES = [
    (BOTH, '    factors: {points: "on", shipping: "off"}\n', "arms[3].factors", "levels as arm 'points'"),
    (BOTH, '    factors: {points: "on"}\n', "arms[3].factors", "no level of the factor 'shipping'"),
    (BOTH, "", "arms[3].factors", "no level of the factor 'points'"),
    (BOTH, '    factors: {points: "on", shiping: "on"}\n', "arms[3].factors.shiping", "mean 'shipping'?"),
    (BOTH, '    factors: {points: "on", shipping: "x"}\n', "arms[3].factors.shipping", "level of 'shipping'"),
    (BOTH, '    factors: {points: on, shipping: "on"}\n', "arms[3].factors.points", "quote it: 'on'"),
    (LEVELS, 'points: ["off", "on", "double"]', "factors", "{points: double, shipping: off} and 1 more"),
    (LEVELS, 'points: ["off"]', "factors.points", "two levels or more"),
    (LEVELS, 'points: ["off", "off"]', "factors.points", "each once"),
    ("both: 1,", "both: 2,", f"{C}[0].weights", "weights sum to 1, not to 0"),
    ("both: 1,", "bth: 1,", f"{C}[0].weights.bth", "did you mean 'both'?"),
    ("both: 1, points: -1, shipping: -1, neither: 1", "both: 0", f"{C}[0].weights", "at least two arms"),
    (
        "    - id: interaction\n",
        "    - {id: interaction, weights: {both: 1, points: -1}}\n    - id: interaction\n",
        f"{C}[1].id",
        "defined twice",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(old: str, new: str, path: str, words: str) -> None:
    found = errors(changed(TEXT, (old, new)))
    assert any(p == path and words in w for p, w in found), found


def test_levels_without_factors_are_refused() -> None:
    text = changed(SOLD, ("id: control,", 'id: control, factors: {points: "off"},'))
    assert [p for p, _ in errors(text)] == ["arms[0].factors"]


def test_arms_of_a_column_have_no_levels() -> None:
    units = (Path(__file__).parent / "data" / "hillstrom_email.yaml").read_text("utf-8")
    text = changed(units, ("arms:\n", "factors: {mens: ['no', 'yes'], womens: ['no', 'yes']}\narms:\n"))
    assert [p for p, _ in errors(text)] == ["factors"]
