"""Net promoter score: the difference, its error, and whether as many answered."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import z_difference
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.net_promoter import Answers, net_promoter


def test_scores_are_means_of_plus_and_minus_a_hundred() -> None:
    t, c = Answers(42, 31, 17, 300), Answers(38, 33, 21, 300)
    rows = [
        plain(from_rows({"y": np.repeat([100, 0, -100], [a.promoters, a.passives, a.detractors])}), ("y",))
        for a in (t, c)
    ]
    found, direct = net_promoter(t, c, 0.05), z_difference(*rows, 0.05)
    assert found.difference.estimate == pytest.approx(direct.estimate)
    assert found.difference.std_error == pytest.approx(direct.std_error)
    assert found.difference.p_value == pytest.approx(direct.p_value)


def test_all_promoters_against_all_detractors_have_no_spread() -> None:
    found = net_promoter(Answers(50, 0, 0, 50), Answers(0, 0, 50, 50), 0.05)
    assert (found.treated, found.control, found.difference.estimate) == (100, -100, 200)
    assert (found.difference.std_error, found.difference.p_value) == (0, None)


def test_an_arm_that_answers_less_is_seen() -> None:
    found = net_promoter(Answers(50, 30, 20, 1_000), Answers(100, 60, 40, 1_000), 0.05)
    assert found.difference.estimate == 0
    assert found.response.p_value < 1e-9


def test_swapped_arms_change_the_sign_only() -> None:
    t, c = Answers(42, 31, 17, 300), Answers(38, 33, 21, 300)
    there, back = net_promoter(t, c, 0.05), net_promoter(c, t, 0.05)
    assert there.difference.estimate == -back.difference.estimate
    assert there.difference.p_value == back.difference.p_value


def test_too_few_answers_have_a_reason() -> None:
    with pytest.raises(NotEstimable, match="fewer than two answers in the control arm"):
        net_promoter(Answers(5, 5, 5, 20), Answers(1, 0, 0, 20), 0.05)
    with pytest.raises(ValueError, match="no more answer"):
        Answers(5, 5, 5, 14)


def test_huge_samples_keep_their_digits() -> None:
    k = 10**9
    found = net_promoter(Answers(4 * k, 3 * k, 2 * k, 30 * k), Answers(4 * k, 3 * k, 2 * k, 30 * k), 0.05)
    assert found.difference.estimate == 0
    assert math.isfinite(found.difference.std_error)
    assert found.difference.std_error > 0
