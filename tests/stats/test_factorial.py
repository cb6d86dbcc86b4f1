"""Contrasts of arms, main effects and interactions."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.benefit_cost import BenefitCost, benefit_cost
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.factorial import contrast, factorial_effect, simple_effect
from loyalty_exp.stats.means import ArmMeans, plain
from loyalty_exp.stats.moments import from_rows


def cells(seed=1, factors=2, sizes=(20, 30, 25, 40, 15, 22, 18, 33), columns=("benefit", "cost")):
    rng = np.random.default_rng(seed)
    keys = list(itertools.product((0, 1), repeat=factors))
    return {
        k: plain(from_rows({c: rng.normal(10 + sum(k), 3, n) for c in columns}), columns)
        for k, n in zip(keys, sizes, strict=False)
    }


def test_a_simple_effect_is_welch() -> None:
    found = cells()
    d = simple_effect(found, (1, 0), (0, 0)).test("cost", 0.05)
    welch = difference(found[(1, 0)].select("cost"), found[(0, 0)].select("cost"), 0.05)
    assert dataclasses.astuple(d) == pytest.approx(dataclasses.astuple(welch), rel=1e-12)


def test_a_contrast_keeps_the_covariance_of_benefit_and_cost() -> None:
    found = cells(2)
    pair = benefit_cost(found[(1, 1)], found[(0, 1)])
    made = contrast((1, -1), (found[(1, 1)], found[(0, 1)]))
    v = made.covariance
    assert BenefitCost(*made.estimate, 0.0, v[0, 0], v[0, 1], v[1, 1]) == pair


def test_saturated_regression_gives_the_same_interaction_and_errors() -> None:
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(3)
    keys = list(itertools.product((0, 1), repeat=2))
    data = {k: rng.normal(sum(k), 1 + k[0], 20 + 5 * k[1]) for k in keys}
    y = np.concatenate([data[k] for k in keys])
    a, b = (np.concatenate([np.full(len(data[k]), k[i], dtype=float) for k in keys]) for i in (0, 1))
    fit = OLS(y, np.column_stack([np.ones(len(y)), a, b, a * b])).fit(cov_type="HC2")
    means = {k: plain(from_rows({"y": v}), ("y",)) for k, v in data.items()}
    d = factorial_effect(means, (0, 1)).test("y", 0.05)
    assert (d.estimate, d.std_error) == pytest.approx((fit.params[3], fit.bse[3]))


def test_main_effects_weigh_levels_equally_whatever_the_sizes() -> None:
    found = cells(4)
    m = {k: v.mean[0] for k, v in found.items()}
    want = (m[1, 0] + m[1, 1] - m[0, 0] - m[0, 1]) / 2
    assert factorial_effect(found, (0,)).estimate[0] == pytest.approx(want)


def test_three_factors_average_over_the_one_left_out() -> None:
    found = cells(5, factors=3)
    m = {k: v.mean[0] for k, v in found.items()}
    each = [m[1, 1, z] - m[1, 0, z] - m[0, 1, z] + m[0, 0, z] for z in (0, 1)]
    assert factorial_effect(found, (0, 1)).estimate[0] == pytest.approx(sum(each) / 2)
    assert factorial_effect(found, (0, 1, 2)).estimate[0] == pytest.approx(each[1] - each[0])


def test_a_missing_cell_is_a_reason_and_nonsense_an_error() -> None:
    found = cells(6)
    del found[(1, 0)]
    with pytest.raises(NotEstimable, match=r"\(1, 0\)"):
        factorial_effect(found, (0,))
    with pytest.raises(NotEstimable, match=r"\(1, 0\)"):
        simple_effect(found, (1, 0), (0, 0))
    for bad in ({(0,): found[(0, 0)], (2,): found[(0, 1)]}, {(0,): found[(0, 0)], (0, 1): found[(0, 1)]}):
        with pytest.raises(ValueError):
            factorial_effect(bad, (0,))
    for chosen in ((), (2,)):
        with pytest.raises(ValueError):
            factorial_effect(cells(6), chosen)
    with pytest.raises(ValueError):
        contrast((1,), (found[(0, 0)], found[(1, 1)]))
    with pytest.raises(ValueError):
        contrast((1, 1), (found[(0, 0)], found[(1, 1)].select("cost")))


def test_nothing_varies_so_there_is_no_test() -> None:
    same = plain(from_rows({"y": [3.0, 3.0]}), ("y",))
    d = contrast((1, -1), (same, same)).test("y", 0.05)
    assert (d.estimate, d.std_error, d.p_value) == (0.0, 0.0, None)


def test_a_huge_effect_keeps_its_logarithm() -> None:
    arms = [ArmMeans(10**9, ("y",), np.array([m]), np.array([[1e-9]]), 1e9 - 1) for m in (1e9 + 1, 1e9)]
    d = contrast((1, -1), arms).test("y", 0.05)
    assert d.p_value == 0 and math.isfinite(d.log_p_value) and d.log_p_value < -700
