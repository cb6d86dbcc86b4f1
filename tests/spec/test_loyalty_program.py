"""The rules of a loyalty program: every key is optional; what contradicts itself is refused at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty_exp.spec.program import Program
from loyalty_exp.spec.read import check, check_file, read

MAIN = (Path(__file__).parents[2] / "experiments" / "program_main.yaml").read_text("utf-8")
SOLD = (Path(__file__).parent / "data" / "double_points.yaml").read_text("utf-8")


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_a_program_is_a_name_and_defaults(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text("program: shop\ntimezone: UTC\n", "utf-8")
    program, problems = check_file(tmp_path / "program.yaml")
    assert isinstance(program, Program)
    assert problems == ()
    assert (program.points, program.tiers, program.lifecycle, program.vat) == (None, (), (), None)


def test_every_key_of_a_whole_program_is_read() -> None:
    program, problems = check_file(Path(__file__).parents[2] / "experiments" / "program_main.yaml")
    assert isinstance(program, Program)
    assert problems == ()
    assert program.points is not None
    assert program.points.redemption_rate.bonus is not None
    assert program.points.redemption_rate.bonus.mean == 0.85
    assert [s.id for s in program.lifecycle] == ["new", "active", "at_risk", "lapsed", "lost"]
    assert program.holdout is not None
    assert (str(program.holdout.from_), program.holdout.by) == ("2026-01-01", "household")
    assert program.cost_prices["sms"].unit == "message"
    assert set(Program.model_fields) - program.model_fields_set == set()


MISTAKES = [
    ("rounding: floor_per_order", "rounding: none", "points.earn.rounding", "is not one of floor_per_order"),
    ("pending_days: 7", "pending_days: 7.5", "points.earn.pending_days", "not a whole number"),
    ("mean: 0.75", "mean: 75", "points.redemption_rate.base.mean", "did you mean 0.75?"),
    ("expiry_days: 365", "expiry_days: 7", "points", "expire before they may be used"),
    ("face_value: 0.01", "face_value: 0", "points.face_value", "above 0"),
    ("rate: 0.13", "rate: 13", "vat.rate", "did you mean 0.13?"),
    ("HKD: 0.92", "hkd: 0.92", "fx.rates.hkd", "currency code"),
    ("HKD: 0.92", "HKD: 0", "fx.rates.HKD", "above 0"),
    ("id: svip,", "id: vip,", "", "tier 'vip' is defined twice"),
    ("qualifying_spend: 8000", "qualifying_spend: 1000", "tiers", "must rise"),
    (
        "joined_within_days: 30",
        "joined_within_days: 30, last_order_within_days: 9",
        "lifecycle[0]",
        "exactly one",
    ),
    ("salt: layer-perks-2026", "salt: layer-earn-2026", "", "used twice"),
    ("salt: ho-2026-7f3a", "salt: layer-earn-2026", "", "used twice"),
    ("  to: 2026-12-31", "  to: 2025-12-31", "holdout", "to lies before from"),
    ("  from: 2026-01-01", "  form: 2026-01-01", "holdout.form", "did you mean 'from'?"),
    ('id: "618"', "id: 618", "calendar[1].id", "quote it: '618'"),
    ("by: household", "by: yes", "holdout.by", "quote it"),
    ("id: earn,", "id: true,", "layers[0].id", "quote it: 'true'"),
    ("unit: message", "unti: message", "cost_prices.sms.unti", "did you mean 'unit'?"),
]


@pytest.mark.parametrize(("old", "new", "path", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, old: str, new: str, path: str, words: str) -> None:
    (tmp_path / "program.yaml").write_text(changed(MAIN, (old, new)), "utf-8")
    program, problems = check_file(tmp_path / "program.yaml")
    assert program is None
    (problem,) = problems
    assert words in f"{problem.message} | {problem.hint}"
    assert problem.path == (path or "program")
    assert problem.line > 0


def written(folder: Path, spec: str, program: str = MAIN) -> Path:
    (folder / "program.yaml").write_text(program, "utf-8")
    path = folder / "spec.yaml"
    path.write_text(changed(spec, ("unit: member_id\n", "program: program.yaml\nunit: member_id\n")), "utf-8")
    return path


def errors(path: Path) -> list[tuple[str, str]]:
    return [(p.path, f"{p.message} | {p.hint}") for p in check(path)[1] if p.severity == "error"]


def test_a_condition_names_tiers_of_the_program(tmp_path: Path) -> None:
    path = written(tmp_path, changed(SOLD, ("[silver, gold]", "[vip, svpi]")))
    assert errors(path) == [
        (
            "population.include[0].value[1]",
            "'svpi' is not a tier of the program | did you mean 'svip'?",
        )
    ]


def test_a_condition_on_lifecycle_names_a_state_and_needs_the_day_of_joining(tmp_path: Path) -> None:
    state = ("{field: tier, op: in, value: [silver, gold]}", "{field: lifecycle, op: ==, value: lapst}")
    path = written(tmp_path, changed(SOLD, state))
    assert [e[0] for e in errors(path)] == ["population.include[0].field", "population.include[0].value"]
    assert "did you mean 'lapsed'?" in errors(path)[1][1]
    whole = changed(SOLD, state, ("lapst", "lapsed"), ("  members:", "  joined: joined_on\n  members:"))
    assert errors(written(tmp_path, whole)) == []


def test_days_for_refunds_come_from_the_program_unless_the_spec_says_so(tmp_path: Path) -> None:
    known = changed(SOLD, ("[silver, gold]", "[vip, svip]"))
    assert read(written(tmp_path, known)).schedule.refund_days == 15
    own = changed(known, ("outcome_days: 28", "outcome_days: 28, refund_days: 3"))
    assert read(written(tmp_path, own)).schedule.refund_days == 3


def test_an_unusual_day_in_the_window_is_a_notice(tmp_path: Path) -> None:
    near = changed(SOLD, ("[silver, gold]", "[vip, svip]"), ("outcome_days: 28", "outcome_days: 60"))
    found = [p for p in check(written(tmp_path, near))[1] if p.path == "schedule"]
    assert [p.severity for p in found] == ["notice"]
    assert "(2026-04-01 to 2026-05-30) meets 618 (2026-05-28 to 2026-06-20)" in found[0].message
