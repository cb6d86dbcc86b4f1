"""Adjustments of families, and the sample ratio within segments."""

from __future__ import annotations

import numpy as np
import pytest
from made import experiment, outcomes, spend
from scipy import stats

from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.effects import estimate_all
from loyalty_exp.readout.result import Estimate
from loyalty_exp.stats.multiplicity import holm

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


def two_families(gain: float, primary: str = "holm", secondary: str = "gatekeeping") -> list[Estimate]:
    roles = {"spend": "primary", "orders": "primary", "visits": "secondary", "points": "secondary"}
    spec = experiment(
        economics=None,
        decision={},
        metrics=[{"id": n, "type": "amount", "column": n, "role": role} for n, role in roles.items()],
        analysis={"multiplicity": {"primary": primary, "secondary": secondary}},
    )
    gains = {"spend": 1.0, "orders": gain, "visits": 0.8, "points": 0.55}
    rows = {arm: {n: spend(4000, 20 + (gains[n] if arm == "t" else 0)) for n in roles} for arm in ("c", "t")}
    return list(estimate_all(spec, outcomes(spec, rows)))


def p_values(found: list[Estimate]) -> tuple[list[float], list[float]]:
    return [e.absolute.p_value for e in found], [e.absolute.p_value_adjusted for e in found]


def test_secondary_metrics_open_when_all_primary_ones_have_passed() -> None:
    raw, adjusted = p_values(two_families(0.9))
    assert adjusted[:2] == list(holm(raw[:2]))
    assert adjusted[2:] == [max(p, max(adjusted[:2])) for p in holm(raw[2:])]
    raw, adjusted = p_values(two_families(0.1))
    assert adjusted[1] > 0.05 and raw[2] < 0.001
    assert min(adjusted[2:]) == adjusted[1]


def test_a_fixed_sequence_keeps_the_order_of_the_spec() -> None:
    raw, adjusted = p_values(two_families(0.1, "fixed_sequence", "none"))
    assert adjusted[:2] == [raw[0], max(raw[:2])]
    assert p_values(two_families(0.9, "fixed_sequence", "none"))[1][1] == pytest.approx(
        p_values(two_families(0.9, "fixed_sequence", "none"))[0][1]
    )


def test_a_gate_that_cannot_be_tested_stays_shut() -> None:
    spec = experiment(
        economics=None,
        decision={},
        metrics=[
            {"id": "spend", "type": "amount", "column": "spend", "role": "primary"},
            {"id": "visits", "type": "amount", "column": "visits"},
        ],
        analysis={"multiplicity": {"secondary": "gatekeeping"}},
    )
    rows = {a: {"spend": np.full(500, 3.0), "visits": spend(500, m)} for a, m in (("c", 20.0), ("t", 25.0))}
    found = list(estimate_all(spec, outcomes(spec, rows)))
    assert found[0].absolute.p_value is None
    assert found[1].absolute.p_value < 1e-6 and found[1].absolute.p_value_adjusted == 1


def test_gatekeeping_goes_with_holm() -> None:
    with pytest.raises(ValueError, match="goes with primary: holm"):
        experiment(analysis={"multiplicity": {"primary": "bonferroni", "secondary": "gatekeeping"}})
