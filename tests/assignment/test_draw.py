"""The hash: frozen vectors, even spread, independence, and arms that never move."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.assignment.draw import (
    AFTER_ALL,
    SPACE,
    arm_at,
    arm_of,
    digest,
    point,
    points,
    threshold,
    thresholds,
)
from loyalty_exp.assignment.layers import slot_of

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
IDS = [f"M{i:08d}" for i in range(200_000)]
HALVES = [Fraction(1, 2), Fraction(1, 2)]
LEAST = 1e-4


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    return {salt: points(salt, IDS) for salt in ("exp-A", "exp-B")}


def test_a_thousand_frozen_triples() -> None:
    shares = [Fraction(s) for s in VECTORS["shares"]]
    assert len(VECTORS["vectors"]) == 1000
    wrong = [v for v in VECTORS["vectors"] if arm_of(v[0], v[1], VECTORS["arms"], shares) != v[2]]
    assert wrong == []
    assert {v[2] for v in VECTORS["vectors"]} == set(VECTORS["arms"])


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_other_processes_and_hash_seeds_give_the_same_arms(seed: str) -> None:
    program = (
        "from fractions import Fraction as F; from loyalty_exp.assignment.draw import arm_of;"
        "print(''.join(arm_of('s', f'M{i}', ['0', '1'], [F(1, 2), F(1, 2)]) for i in range(64)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": seed, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "".join(arm_of("s", f"M{i}", ["0", "1"], HALVES) for i in range(64))


def test_many_points_at_once_are_the_points_one_by_one() -> None:
    units = [v[1] for v in VECTORS["vectors"][:250]]
    assert points("盐", units).tolist() == [point(digest("盐", u)) for u in units]


def test_thresholds_cut_exactly() -> None:
    thirds = [Fraction(1, 3)] * 3
    first, second = thresholds(thirds)
    assert int(first, 16) == math.ceil(Fraction(SPACE, 3)) and int(second, 16) == math.ceil(
        Fraction(2 * SPACE, 3)
    )
    assert threshold(Fraction(0)) == "0" * 13 and threshold(Fraction(1)) == AFTER_ALL
    below = f"{int(first, 16) - 1:013x}"
    assert below + "f" * 51 < first and not first + "0" * 51 < first
    assert arm_at(Fraction(int(first, 16) - 1, SPACE), thirds) == 0
    assert arm_at(Fraction(int(first, 16), SPACE), thirds) == 1
    assert arm_at(1 - 2**-53, [Fraction("0.1")] * 10) == 9


def test_a_new_last_arm_and_new_members_move_nobody() -> None:
    two = [arm_of("s", u, ["c", "t"], [Fraction(1, 4), Fraction(3, 4)]) for u in IDS[:2000]]
    three = [
        arm_of("s", u, ["c", "t", "n"], [Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)]) for u in IDS[:2000]
    ]
    moved = Counter((a, b) for a, b in zip(two, three, strict=True) if a != b)
    assert set(moved) == {("t", "n")}


def test_a_larger_share_keeps_the_first_in_place(drawn: dict[str, np.ndarray]) -> None:
    x = drawn["exp-A"]
    small, large = (
        np.array([digest("exp-A", u) < threshold(Fraction(s)) for u in IDS[:5000]]) for s in ("1/10", "1/5")
    )
    assert (small <= large).all() and 400 < small.sum() < large.sum()
    assert (small == (x[:5000] < 0.1)).all()


@pytest.mark.parametrize("buckets", [2, 10, 100, 1000])
def test_buckets_are_even(drawn: dict[str, np.ndarray], buckets: int) -> None:
    counts = np.bincount([slot_of(float(p), buckets) for p in drawn["exp-A"]], minlength=buckets)
    assert len(counts) == buckets
    assert stats.chisquare(counts).pvalue > LEAST


def test_points_are_uniform_and_do_not_follow_the_ids(drawn: dict[str, np.ndarray]) -> None:
    x = drawn["exp-A"]
    n = len(x)
    assert stats.kstest(x, "uniform").pvalue > LEAST
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 3.9 / math.sqrt(n)
    side = x < 0.5
    runs, ones = 1 + int((side[1:] != side[:-1]).sum()), int(side.sum())
    mean = 1 + 2 * ones * (n - ones) / n
    assert abs(runs - mean) / math.sqrt((mean - 1) * (mean - 2) / (n - 1)) < 3.9
    odd = np.arange(n) % 2 == 1
    table = [[int((a & b).sum()) for b in (odd, ~odd)] for a in (side, ~side)]
    assert stats.chi2_contingency(table).pvalue > LEAST


def test_experiments_with_other_salts_are_independent(drawn: dict[str, np.ndarray]) -> None:
    a, b = drawn["exp-A"], drawn["exp-B"]
    table = np.histogram2d(a, b, bins=4, range=[[0, 1], [0, 1]])[0]
    assert stats.chi2_contingency(table).pvalue > LEAST
    assert abs(np.corrcoef(a, b)[0, 1]) < 3.9 / math.sqrt(len(a))


def test_one_letter_of_the_salt_flips_half_of_the_bits() -> None:
    flips = [
        (int(digest("exp-A", u)[:16], 16) ^ int(digest("exp-B", u)[:16], 16)).bit_count()
        for u in IDS[:20_000]
    ]
    assert abs(float(np.mean(flips)) - 32) < 0.2


def test_no_salt_is_special() -> None:
    few = 0
    for k in range(300):
        n = int((points(f"salt-{k}", IDS[:1000]) < 0.5).sum())
        few += stats.binomtest(n, 1000).pvalue < 0.05
    assert 0.01 < few / 300 < 0.09


def test_slots_are_cut_exactly() -> None:
    assert [slot_of(p, 1000) for p in (0.0, 0.001, 0.9999999)] == [0, 1, 999]
