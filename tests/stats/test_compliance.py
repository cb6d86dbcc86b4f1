"""The complier effect: two-stage least squares, Anderson-Rubin, and weak first stages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.compliance import complier_effect, complier_std_error
from loyalty_exp.stats.moments import from_rows


def drawn(seed, n=300, comply=0.5, effect=4.0, always=0.1):
    rng = np.random.default_rng(seed)
    kind = rng.random((2, n))
    out = []
    for z in (1, 0):
        u = kind[1 - z]
        d = ((u < always) | ((u < always + comply) & (z == 1))).astype(float)
        out.append(from_rows({"y": 10 + effect * d - 3 * u + rng.normal(size=n), "d": d}))
    return out


def test_errors_equal_those_of_two_stage_least_squares() -> None:
    rng = np.random.default_rng(1)
    n = (120, 90)
    z = np.repeat([1.0, 0.0], n)
    d = ((rng.random(210) < 0.2) | ((rng.random(210) < 0.6) & (z == 1))).astype(float)
    y = 3 * d + rng.normal(size=210) * (1 + z)
    arms = [from_rows({"y": y[z == a], "d": d[z == a]}) for a in (1, 0)]
    zx, x = np.column_stack([np.ones(210), z]), np.column_stack([np.ones(210), d])
    inverse = np.linalg.inv(zx.T @ x)
    beta = inverse @ zx.T @ y
    u = y - x @ beta
    hc0 = inverse @ (zx.T * u**2) @ zx @ inverse.T
    found = complier_effect(*arms, "y", "d", 0.05)
    assert found.delta.estimate == pytest.approx(beta[1])
    assert complier_std_error(*arms, "y", "d", "hc0") == pytest.approx(math.sqrt(hc0[1, 1]))
    assert complier_std_error(*arms, "y", "d", "hc1") == pytest.approx(math.sqrt(hc0[1, 1] * 210 / 208))
    fitted = np.column_stack([np.ones(210), zx @ np.linalg.lstsq(zx, d, rcond=None)[0]])
    iid = (u @ u) / 208 * np.linalg.inv(fitted.T @ fitted)
    assert complier_std_error(*arms, "y", "d", "iid") == pytest.approx(math.sqrt(iid[1, 1]))


def test_the_planted_effect_on_compliers_is_found() -> None:
    found = complier_effect(*drawn(2, n=20_000), "y", "d", 0.05)
    assert found.first_stage.estimate == pytest.approx(0.5, abs=0.02)
    assert found.delta.estimate == pytest.approx(4.0, abs=0.15)
    assert found.anderson_rubin.lower < 4 < found.anderson_rubin.upper
    assert not found.weak and not found.not_bounded


def test_a_weak_first_stage_says_that_the_set_is_not_bounded() -> None:
    found = complier_effect(*drawn(3, n=100, comply=0.02), "y", "d", 0.05)
    assert found.weak and found.first_stage_f < 10
    assert found.anderson_rubin.shape in ("complement", "whole_line")
    assert "not bounded" in found.not_bounded


def test_full_compliance_is_the_effect_of_assignment() -> None:
    rng = np.random.default_rng(4)
    t, c = (from_rows({"y": rng.normal(z, 1, 40), "d": np.full(40, float(z))}) for z in (1, 0))
    found = complier_effect(t, c, "y", "d", 0.05)
    assert found.first_stage_f == math.inf
    assert (found.delta.estimate, found.delta.std_error) == pytest.approx(
        (found.itt.estimate, found.itt.std_error)
    )
    assert found.anderson_rubin.lower == pytest.approx(found.itt.ci_lower)


def test_edges() -> None:
    same = from_rows({"y": [1.0, 2.0, 3.0], "d": [1.0, 0.0, 1.0]})
    with pytest.raises(NotEstimable, match="no difference to taking"):
        complier_effect(same, same, "y", "d", 0.05)
    with pytest.raises(NotEstimable, match="no difference to taking"):
        complier_std_error(same, same, "y", "d")
    with pytest.raises(NotEstimable, match="one unit in the control arm"):
        complier_effect(same, from_rows({"y": [1.0], "d": [0.0]}), "y", "d", 0.05)
    flat_t, flat_c = (from_rows({"y": [2.0 * z + 1] * 3, "d": [float(z)] * 3}) for z in (1, 0))
    found = complier_effect(flat_t, flat_c, "y", "d", 0.05)
    assert (found.delta.estimate, found.delta.std_error, found.delta.p_value) == (2.0, 0.0, None)


def test_an_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(5)
    y, d = rng.normal(size=(2, 50)), (rng.random((2, 50)) < [[0.8], [0.1]]).astype(float)
    base, far = (
        complier_effect(*(from_rows({"y": y[i] + s, "d": d[i]}) for i in (0, 1)), "y", "d", 0.05).delta
        for s in (0, 1e9)
    )
    assert far.std_error == pytest.approx(base.std_error, rel=1e-6)
    assert far.estimate == pytest.approx(base.estimate, rel=1e-5)
