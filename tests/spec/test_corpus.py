"""Every faulty spec of the corpus earns its words at its place; every harmless one is read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from loyalty_exp.spec.read import check, read

CORPUS = Path(__file__).parent / "corpus"

ACCEPTED = [
    "S00_clean",
    "S03_thirds",
    "S41_script",
    "S42_template",
    "S43_formula",
    "S44_pipe",
    "S46_byte_order_mark",
    "S47_crlf",
    "S50_thousand_arms",
]

REJECTED = [
    ("S01_unknown_key", "16:12", "analysis.alhpa", "did you mean 'alpha'?"),
    ("S02_shares_below_one", "10:1", "arms", "shares sum to 0.99, not to 1"),
    ("S03_shares_above_one", "10:1", "arms", "shares sum to 1.0000001, not to 1"),
    ("S04_negative_share", "12:25", "arms[1].share", "above 0"),
    ("S05_share_zero", "12:25", "arms[1].share", "above 0"),
    ("S06_duplicate_arm", "10:1", "arms", "'control' is there twice"),
    ("S07_arms_differ_by_case", "10:1", "arms", "differ only by case"),
    ("S08_arms_equal_after_nfc", "10:1", "arms", "Unicode form"),
    ("S09_one_arm", "10:1", "arms", "at least two arms"),
    ("S10_duplicate_key", "16:25", "analysis.alpha", "there twice"),
    ("S11_tab_indentation", "5:1", "", "a tab"),
    ("S12_alias_bomb", "16:4", "a", "anchor"),
    ("S13_self_reference", "16:11", "analysis", "anchor"),
    ("S14_merge_key", "16:12", "analysis", "merge key"),
    ("S15_python_tag", "16:11", "analysis", "the tag !!python/object/apply:os.system"),
    ("S16_nan_share", "12:25", "arms[1].share", "not a finite number"),
    ("S17_inf_alpha", "16:19", "analysis.alpha", "not a finite number"),
    ("S18_alpha_five", "16:19", "analysis.alpha", "did you mean 0.05?"),
    ("S19_alpha_percent", "16:19", "analysis.alpha", "did you mean 0.05?"),
    ("S20_end_before_start", "13:11", "schedule", "end lies before start"),
    ("S21_no_such_day", "13:36", "schedule.end", "not a day of the calendar"),
    ("S22_slashes", "13:36", "schedule.end", "ISO dates: 2026-04-03"),
    ("S23_unknown_zone", "8:36", "program.timezone", "did you mean Europe/Berlin"),
    ("S24_arm_named_no", "12:10", "arms[1].id", "quote it: 'no'"),
    ("S25_salt_clock", "9:20", "assignment.salt", "quote it: '12:30:45'"),
    ("S26_empty", "1:1", "", "empty"),
    ("S27_comment_only", "1:1", "", "empty"),
    ("S28_two_documents", "17:1", "", "second document"),
    ("S29_list_at_root", "1:1", "", "keys at its first level"),
    ("S30_no_primary", "14:1", "metrics", "no metric has role: primary"),
    ("S31_no_metrics", "14:10", "metrics", "at least 1"),
    ("S32_unknown_type", "15:23", "metrics[0].type", "did you mean 'amount'?"),
    ("S33_arm_without_name", "12:5", "arms[1].id", "is required"),
    ("S34_empty_salt", "9:20", "assignment.salt", "must not be empty"),
    ("S35_path_as_name", "1:13", "experiment", "may hold letters, digits, _ and -"),
    ("S36_absolute_path_as_name", "1:13", "experiment", "may hold letters, digits, _ and -"),
    ("S37_nul_byte", "2:13", "", "NUL"),
    ("S37_nul_escaped", "2:11", "question", "U+0000"),
    ("S38_reserved_name", "1:13", "experiment", "reserved file name"),
    ("S39_long_name", "1:13", "experiment", "5,000 characters; at most 63"),
    ("S40_sql_in_name", "15:10", "metrics[0].id", "may hold letters, digits, _ and -"),
    ("S45_bidi_override", "12:10", "arms[1].id", "U+202E"),
    ("S48_long_integer", "12:25", "arms[1].share", "5,000 digits"),
    ("S49_nested_brackets", "16:51", "", "levels of nesting"),
]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_harmless_spec_is_read(name: str) -> None:
    assert read(CORPUS / f"{name}.yaml").experiment == "double_points"


@pytest.mark.parametrize(("name", "place", "path", "words"), REJECTED)
def test_a_faulty_spec_earns_one_problem_at_its_place(name: str, place: str, path: str, words: str) -> None:
    start = time.process_time()
    experiment, problems = check(CORPUS / f"{name}.yaml")
    assert time.process_time() - start < 2
    assert experiment is None
    assert [(f"{p.line}:{p.column}", p.path, p.severity) for p in problems] == [(place, path, "error")]
    assert words in f"{problems[0].message} {problems[0].hint}"
    assert problems[0].hint


def test_the_table_names_every_file_of_the_corpus() -> None:
    assert sorted(p.stem for p in CORPUS.iterdir()) == sorted([*ACCEPTED, *(name for name, *_ in REJECTED)])


@pytest.mark.parametrize("name", ["S46_byte_order_mark", "S47_crlf"])
def test_byte_order_mark_and_line_ends_do_not_change_the_hash(name: str) -> None:
    assert read(CORPUS / f"{name}.yaml").spec_hash == read(CORPUS / "S00_clean.yaml").spec_hash


def test_a_tag_runs_nothing() -> None:
    check(CORPUS / "S15_python_tag.yaml")
    assert not Path("spec_marker").exists()
