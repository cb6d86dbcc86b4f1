"""Adjustments of families, and the sample ratio within segments."""

from __future__ import annotations

import numpy as np
import pytest
from made import experiment, outcomes, spend
from scipy import stats

from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.effects import estimate_all

ARMS = {"from_column": "arm", "control": "c", "treatments": ["a", "b"]}


def adjusted(method: str, metrics: int = 1) -> list[float]:
    names = ["spend", "visits"][:metrics]
    spec = experiment(
        arms=ARMS,
        economics=None,
        decision={},
        metrics=[{"id": n, "type": "amount", "column": n, "role": "primary"} for n in names],
        analysis={"multiplicity": {"primary": method}},
    )
    rows = {
        arm: {n: spend(4000, 20 + gain) for n in names} for arm, gain in (("c", 0), ("a", 0.5), ("b", 0.3))
    }
    found = estimate_all(spec, outcomes(spec, rows))
    return [
        e.absolute.p_value_adjusted for e in found if e.absolute and e.absolute.p_value_adjusted is not None
    ]


def test_dunnett_agrees_with_scipy_and_lies_between_none_and_bonferroni() -> None:
    arms = [spend(4000, m) for m in (20.5, 20.3)]
    want = stats.dunnett(*arms, control=spend(4000, 20.0), rng=np.random.default_rng(1)).pvalue
    got = adjusted("dunnett")
    assert got == pytest.approx(want, abs=2e-3)
    for none, dunnett, bonferroni in zip(adjusted("none"), got, adjusted("bonferroni"), strict=True):
        assert none < dunnett < bonferroni
    assert adjusted("dunnett", metrics=2) == pytest.approx([2 * p for p in (got[0], got[1]) for _ in "1"] * 2)


@pytest.mark.parametrize(
    ("stronger", "weaker"), [("hommel", "hochberg"), ("hochberg", "holm"), ("holm", "bonferroni")]
)
def test_methods_keep_their_order(stronger: str, weaker: str) -> None:
    pairs = zip(adjusted(stronger, 2), adjusted(weaker, 2), strict=True)
    assert all(a <= b * (1 + 1e-12) for a, b in pairs)


def test_a_segment_that_arms_share_unalike_is_named() -> None:
    spec = experiment(segments=[{"id": "app"}, {"id": "tier"}])
    rows = {"c": {"spend": spend(4000, 20)}, "t": {"spend": spend(4000, 20)}}

    def cell(
        dimension: str, value: str, c: int, t: int
    ) -> tuple[tuple[str, str], dict[str, dict[str, np.ndarray]]]:
        return (dimension, value), {"c": {"spend": spend(c, 20)}, "t": {"spend": spend(t, 20)}}

    even = dict([cell("tier", "x", 2000, 2010), cell("tier", "y", 2000, 1990)])
    for odd, status in ((2250, "warn"), (2010, "pass")):
        cells = even | dict([cell("app", "yes", 2000, odd), cell("app", "no", 2000, 4000 - odd)])
        readout = conclude(spec, outcomes(spec, rows, segments=cells))
        check = next(h for h in readout.health if h.check == "sample_ratio_by_segment")
        assert (check.status, check.detail["dimension"]) == (status, "app") or status == "pass"
        assert check.status == status
