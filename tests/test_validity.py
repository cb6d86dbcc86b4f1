"""The simulation studies, short: few replicates, fixed seeds, and bands as wide as few replicates ask for."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from validity.bands import average, nominal, reference, share, wrong
from validity.run import run
from validity.studies import STUDIES
from validity.table import failures, write

REPLICATES = {
    "V02 uplift n=2,000": 3_000,
    "V03 0.1 v 0.11, n=2,000 an arm": 2_000,
    "V06 normal, half the planned effect": 20,
    "V07 checked on 60 days": 500,
    "V09 3 arms v control": 1_000,
    "V10 spend n=2,000, 1,000 resamples": 8,
    "V10 4 orders a member": 60,
    "V11 cost near 0, n=2,000": 500,
    "V16 hazard ratio 1.25": 2_000,
    "V17 prior is true, n=2,000": 1_000,
    "V22 two means, n=394 an arm": 2_000,
    "V25 12 clusters of 25 an arm": 200,
}
"""Enough for the negative control to fail, no more than takes a second; others take ``USUAL``."""
USUAL = {"V06": 40, "V09": 60, "V14": 200, "V16": 200, "V17": 40, "V23": 1_000, "V20": 1_000}
ELSE = 300
FIXED = {"percentile minus BCa coverage", "power, O'Brien-Fleming minus confidence sequence"}
"""Checks whose band has a fixed width, so that few replicates can miss it by chance."""


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.key)
def test_study_keeps_its_bands_with_few_replicates(study):
    wanted = REPLICATES.get(study.key, USUAL.get(study.id, ELSE))
    runs = run([study], 20_260_101, wanted / study.replicates, 1, lambda words: None)

    assert runs[0].replicates == wanted
    assert [f for f in failures(runs) if f.removeprefix(f"{study.key}: ") not in FIXED] == []


def test_results_are_the_same_for_one_and_two_workers():
    studies = [s for s in STUDIES if s.id in ("V01", "V07")][:6]

    one, two = (run(studies, 7, 0.05, workers, lambda words: None) for workers in (1, 2))

    assert [r.checks for r in one] == [r.checks for r in two]
    assert all(
        np.array_equal(a.records[k], b.records[k]) for a, b in zip(one, two, strict=True) for k in a.records
    )


def test_failed_check_is_run_again_with_the_next_seed_and_both_are_kept(tmp_path, monkeypatch):
    from validity.study import Study

    always = Study(
        "V99",
        "never right",
        200,
        lambda rng, n: {"x": np.ones(n)},
        lambda r: [share("T1", r["x"], nominal(0.05))],
    )
    monkeypatch.setattr("validity.run.STUDIES", (always,))

    runs = run([always], 5, 1.0, 1, lambda words: None)
    write(runs, tmp_path)

    assert [r.seed for r in runs] == [5, 6]
    assert failures(runs) == ["V99 never right: T1"]
    assert (tmp_path / "validity.md").read_text().count("**FAIL**") == 2
    assert '"passed": false' in (tmp_path / "validity.json").read_text()


def test_wrong_method_must_miss_its_band():
    always, never = np.ones(1_000), np.zeros(1_000)

    assert share("right", never, nominal(0.001)).passed
    assert share("WRONG", always, wrong(nominal(0.05))).passed
    assert not share("WRONG", np.arange(1_000) < 50, wrong(nominal(0.05))).passed


def test_reference_band_counts_the_error_of_both_simulations():
    wide, narrow = (share("x", np.zeros(1_000), reference(0.05, runs)).band for runs in (100, 10**9))

    assert wide.high - wide.low > narrow.high - narrow.low
    assert narrow.high - 0.05 == pytest.approx(3.3 * (0.05 * 0.95 / 1_000) ** 0.5, rel=1e-4)


def test_every_study_group_has_a_wrong_method_that_fails():
    named = {s.id for s in STUDIES}
    rng = np.random.default_rng(0)
    controlled = set()
    for study in STUDIES:
        if study.id not in controlled:
            checks = study.judge(study.simulate(rng, 4))
            controlled |= {study.id for c in checks if c.band.kind == "negative_control"}

    assert named == controlled


def test_mean_without_spread_has_no_error():
    assert average("x", np.ones(5), nominal(0.5)).mcse == 0
