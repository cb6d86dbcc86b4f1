"""The example specs of the workspace: they validate, resolve, fit the schema, and are not half run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from loyalty_exp.errors import DataError, Refused
from loyalty_exp.pipeline import compute
from loyalty_exp.spec.observational import Observational
from loyalty_exp.spec.program import Program
from loyalty_exp.spec.read import check_file, json_schema, resolved_yaml

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
WITHOUT_DATA = [
    "beauty_points",
    "free_shipping",
    "points_and_perk_factorial",
    "referral_nps",
    "tier_benefits_observational",
    "win_back_ladder",
]
ALL = [*WITHOUT_DATA, "program_main"]


def plain(text: str) -> Any:
    return json.loads(json.dumps(YAML(typ="safe").load(text), default=str))


def kind(found: object) -> Any:
    if isinstance(found, Program):
        return "program"
    return "observational" if isinstance(found, Observational) else "experiment"


@pytest.mark.parametrize("name", ALL)
def test_an_example_is_valid_with_notices_only(name: str) -> None:
    found, problems = check_file(EXPERIMENTS / f"{name}.yaml")
    assert found is not None, problems
    assert {p.severity for p in problems} <= {"notice"}
    assert all(p.line > 0 and p.column > 0 for p in problems)


@pytest.mark.parametrize("name", ALL)
def test_an_example_is_resolved_to_itself_and_fits_the_schema(name: str, tmp_path: Path) -> None:
    path = EXPERIMENTS / f"{name}.yaml"
    found, _ = check_file(path)
    assert found is not None
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(found), "utf-8")
    assert check_file(again)[0] == found
    schema = json_schema(kind(found))
    jsonschema.Draft7Validator.check_schema(schema)
    for text in (path.read_text("utf-8"), again.read_text("utf-8")):
        assert [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(plain(text))] == []


@pytest.mark.parametrize("name", ALL)
def test_an_example_says_first_that_it_has_no_data_and_is_written_in_both_languages(name: str) -> None:
    text = (EXPERIMENTS / f"{name}.yaml").read_text("utf-8")
    assert re.match(r"# .*no data", text)
    assert max(map(len, text.splitlines())) <= 130
    names = re.findall(r"name: (\{.*?\})", text)
    assert names
    assert all("en:" in n and "zh-CN:" in n for n in names)
    assert not re.search(r"\bP\d+[DMY]\b", text)


@pytest.mark.parametrize("name", WITHOUT_DATA)
def test_a_run_is_refused_in_words_where_a_notice_says_so(name: str) -> None:
    _, problems = check_file(EXPERIMENTS / f"{name}.yaml")
    refusals = [p.path for p in problems if "`run` is refused" in p.message]
    with pytest.raises(Refused if refusals else DataError) as refused:
        compute(EXPERIMENTS / f"{name}.yaml")
    told = ["nothing was randomized"] if "design" in refusals else refusals
    assert all(words in str(refused.value) for words in told)
