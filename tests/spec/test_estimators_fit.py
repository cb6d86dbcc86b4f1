"""Estimators that do not go with the metric or the draw are refused at their place, with those that do."""

from __future__ import annotations

import pytest

from loyalty_exp.spec.read import check_text

SPEC = """\
experiment: e
question: q
unit: id
data: {{units: u.parquet}}
{more}
arms: {{from_column: arm, control: a, treatments: [b]}}
metrics:
  - {{id: spend, type: amount, column: spend, role: primary{spend}}}
  - {{id: again, type: repurchase, within_days: 28, column: days, follow_up: seen{again}}}
  - {{id: bought, type: proportion, column: bought{bought}}}
"""


def faults(more: str = "", spend: str = "", again: str = "", bought: str = "") -> list[tuple[str, str]]:
    found = check_text(SPEC.format(more=more, spend=spend, again=again, bought=bought))[1]
    return [(p.path, f"{p.message} | {p.hint}") for p in found if p.severity == "error"]


@pytest.mark.parametrize(
    "parts",
    [
        {"again": ", readings: [cox, censored_rate]"},
        {"again": ", estimator: censored_rate"},
        {"spend": ", readings: [z, {type: msprt, mixture_sd: 2}]", "bought": ", estimator: z"},
        {"more": "cluster: store", "spend": ", readings: [randomization, poisson_bootstrap]"},
    ],
)
def test_what_fits_is_read(parts: dict[str, str]) -> None:
    assert faults(**parts) == []


@pytest.mark.parametrize(
    ("parts", "path", "told"),
    [
        ({"again": ", estimator: cox"}, "metrics[1].estimator", "'cox' does not read"),
        ({"bought": ", readings: [cox]"}, "metrics[2].readings[0]", "'cox' does not read"),
        ({"bought": ", estimator: censored_rate"}, "metrics[2].estimator", "'censored_rate' does not read"),
        ({"spend": ", estimator: {type: msprt, mixture_sd: 2}"}, "metrics[0].estimator", "'msprt' does not"),
        ({"spend": ", readings: [msprt]"}, "metrics[0].readings[0]", "msprt needs 'mixture_sd'"),
        ({"spend": ", readings: [{type: welch, mixture_sd: 1}]"}, "metrics[0].readings[0]", "no parameter"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(parts: dict[str, str], path: str, told: str) -> None:
    ((where, message),) = faults(**parts)
    assert where == path and told in message
    assert "cox" not in message.split("|")[1]


@pytest.mark.parametrize("name", ["welch", "mann_whitney", "bootstrap", "z"])
def test_units_are_not_independent_where_clusters_were_drawn(name: str) -> None:
    ((where, message),) = faults("cluster: store", f", readings: [{name}]")
    assert where == "metrics[0].readings[0]"
    assert "takes units as independent" in message and "one of clusters" in message


def test_a_quantile_is_not_answered_by_a_mean_over_clusters() -> None:
    text = SPEC.format(more="cluster: store", spend="", again="", bought="")
    text += "  - {id: high, type: quantile, column: spend, quantile: 0.9}\n"
    (problem,) = [p for p in check_text(text)[1] if p.severity == "error"]
    assert problem.path == "metrics[3]" and "a quantile is not read" in problem.message
