"""Payback: for good, with dependent periods, never beyond what was seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.economics.payback import payback
from loyalty_exp.errors import NotEstimable


def test_crossing_once_is_not_payback() -> None:
    found = payback([2.0, -1.5, 1.0], np.zeros((3, 3)), 1.0, 0.05)
    assert (found.first_crossing, found.sustained, found.conservative) == (1, 3, 3)


def test_payback_that_is_lost_at_the_end_is_not_reached() -> None:
    found = payback([2.0, -1.5], np.zeros((2, 2)), 1.0, 0.05)
    assert (found.first_crossing, found.sustained) == (1, None)


def test_payback_is_never_extrapolated() -> None:
    found = payback([1.0] * 10, np.eye(10) * 0.01, 10.5, 0.05)
    assert (found.first_crossing, found.sustained, found.conservative) == (None, None, None)
    assert found.cumulative[-1] == -0.5


def test_exactly_paid_back_counts_in_spite_of_rounding() -> None:
    found = payback([0.1] * 3, np.zeros((3, 3)), 0.3, 0.05)
    assert found.sustained == 3


def test_without_fixed_cost_and_loss_it_is_paid_back_at_once() -> None:
    found = payback([0.5, 0.0], np.zeros((2, 2)), 0.0, 0.05)
    assert found.sustained == 1


def test_dependent_periods_change_the_error_of_the_sum() -> None:
    same = payback([1.0, 1.0], [[0.04, 0.04], [0.04, 0.04]], 0.0, 0.05)
    opposite = payback([1.0, 1.0], [[0.04, -0.04], [-0.04, 0.04]], 0.0, 0.05)
    assert same.std_error[1] == pytest.approx(0.4)
    assert opposite.std_error[1] == pytest.approx(0.0, abs=1e-9)
    assert same.lower[1] == pytest.approx(2 - 0.4 * 1.959963984540054)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(NotEstimable, match="no period"):
        payback([], np.zeros((0, 0)), 1.0, 0.05)
    with pytest.raises(ValueError, match="one finite covariance"):
        payback([1.0, 2.0], [[1.0]], 1.0, 0.05)
    with pytest.raises(ValueError, match="one finite covariance"):
        payback([1.0, math.nan], np.eye(2), 1.0, 0.05)
    with pytest.raises(ValueError, match="no negative variance"):
        payback([1.0, 2.0], [[1.0, 3.0], [3.0, 1.0]], 1.0, 0.05)
    with pytest.raises(ValueError, match="symmetric"):
        payback([1.0, 2.0], [[1.0, 0.5], [0.0, 1.0]], 1.0, 0.05)
