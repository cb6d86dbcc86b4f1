"""Both contract specs as they stand: they validate, run, and write what the schema promises."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from loyalty_exp.pipeline import compute
from loyalty_exp.readout.schema import readout_schema

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
CONTRACT = Path(__file__).parents[1] / "spec" / "data"


@pytest.mark.parametrize("name", ["hillstrom_email", "double_points"])
def test_contract_specs_run_as_they_stand(name: str, tmp_path: Path) -> None:
    spec = CONTRACT / f"{name}.yaml"
    shutil.copytree(EXPERIMENTS / "data", tmp_path / "data")
    copy = shutil.copy(spec, tmp_path / spec.name)
    readout = compute(Path(copy))
    jsonschema.validate(json.loads(readout.to_json()), readout_schema())
    assert readout.status == "mature"
    assert all(e.absolute is not None for e in readout.estimates if e.segment is None)
    assert readout.economics


@pytest.mark.parametrize("name", ["hillstrom_email", "double_points"])
def test_examples_run_and_fit_the_schema(name: str) -> None:
    spec = EXPERIMENTS / f"{name}.yaml"
    first, second = compute(spec).to_json(), compute(spec).to_json()
    assert first == second
    jsonschema.validate(json.loads(first), readout_schema())
