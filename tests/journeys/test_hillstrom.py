"""The bundled e-mail test: 64,000 customers, randomized in thirds (K. Hillstrom, MineThatData, 2008)."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty_exp.pipeline import compute
from loyalty_exp.readout.result import Readout

SPEC = Path(__file__).parents[2] / "experiments" / "hillstrom_email.yaml"


@pytest.fixture(scope="module")
def readout() -> Readout:
    return compute(SPEC)


def _estimate(readout: Readout, metric: str, treatment: str):
    return next(
        e for e in readout.estimates if (e.metric, e.treatment, e.segment) == (metric, treatment, None)
    )


def test_raw_visit_rates_are_the_published_ones(readout: Readout) -> None:
    mens, womens = (_estimate(readout, "visit", a) for a in ("Mens E-Mail", "Womens E-Mail"))
    assert [round(100 * x, 2) for x in (mens.mean_control, womens.mean_treatment, mens.mean_treatment)] == [
        10.62,
        15.14,
        18.28,
    ]


def test_raw_spend_is_the_published_one(tmp_path: Path) -> None:
    text = SPEC.read_text(encoding="utf-8")
    plain = text.replace("    covariates: [history, recency]\n", "")
    assert plain != text
    plain = plain.replace("units: data/", f"units: {SPEC.parent}/data/")
    plain = plain.replace("program: program.yaml", f"program: {SPEC.parent}/program.yaml")
    spec = tmp_path / "plain.yaml"
    spec.write_text(plain, encoding="utf-8")
    raw = compute(spec)
    mens, womens = (_estimate(raw, "spend", a) for a in ("Mens E-Mail", "Womens E-Mail"))
    assert [round(x, 4) for x in (mens.mean_control, womens.mean_treatment, mens.mean_treatment)] == [
        0.6528,
        1.0772,
        1.4226,
    ]


def test_the_split_is_as_planned_and_the_readout_mature(readout: Readout) -> None:
    assert readout.status == "mature"
    assert sum(a.units for a in readout.arms) == 64_000
    assert next(h for h in readout.health if h.check == "sample_ratio").status == "pass"


def test_the_verdict_ships_the_better_mail_and_agrees_with_its_interval(readout: Readout) -> None:
    assert (readout.decision.action, readout.decision.arm) == ("ship", "Mens E-Mail")
    money = next(e for e in readout.economics if e.treatment == "Mens E-Mail")
    assert money.net_benefit.ci_lower > 0
    assert money.roi.quadrant == "invest"
    assert money.roi.ci_lower > 0


def test_net_benefit_is_margin_on_the_effect_less_the_mail(readout: Readout) -> None:
    for money in readout.economics:
        spend = _estimate(readout, "spend", money.treatment)
        assert money.net_benefit.estimate == pytest.approx(0.40 * spend.absolute.estimate - 0.05, rel=1e-9)
        assert money.benefit.estimate == pytest.approx(0.40 * spend.absolute.estimate, rel=1e-9)


def test_segment_cells_add_up_to_all_units(readout: Readout) -> None:
    for metric in ("spend", "visit"):
        whole = _estimate(readout, metric, "Mens E-Mail").units_treatment
        for dimension in ("channel", "newbie"):
            cells = [
                e.units_treatment
                for e in readout.estimates
                if e.segment
                and e.segment["dimension"] == dimension
                and (e.metric, e.treatment) == (metric, "Mens E-Mail")
            ]
            assert sum(cells) == whole


def test_every_dimension_has_an_interaction_test(readout: Readout) -> None:
    assert {i.dimension for i in readout.interactions} == {"channel", "newbie"}
    assert all(i.p_value is not None and 0 <= i.p_value <= 1 for i in readout.interactions)
