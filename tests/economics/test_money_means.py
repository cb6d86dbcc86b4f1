"""Money is read the way the arms were drawn: within strata, over clusters, adjusted for covariates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import experiment, outcomes

from loyalty_exp.economics.appraise import appraise
from loyalty_exp.outcomes.outcomes import Evidence
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.stats.cluster_moments import from_members

MONEY = {
    "benefit": {"metric": "spend", "margin": 0.5},
    "costs": [{"id": "points", "per_event": "points", "price": 0.1}, {"id": "mail", "per_unit": 0.2}],
}
METRICS = [{"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["pre"]}]


def arm(rng: np.random.Generator, n: int, level: float, gain: float) -> dict[str, np.ndarray]:
    pre = rng.gamma(2, 10, n) + level
    spend = pre * 0.8 + rng.normal(0, 5, n) + gain
    return {"spend": spend, "pre": pre, "points": spend * 0.3 + rng.normal(0, 1, n)}


def test_unequal_allocation_does_not_mix_up_strata() -> None:
    """Case R20 in kind: the rich are treated more often, and a plain difference calls that an effect."""
    rng = np.random.default_rng(4)
    spec = experiment(metrics=METRICS, economics=MONEY, assignment={"salt": "s", "strata": ["tier"]})
    parts = {
        "gold": {"c": arm(rng, 300, 100, 0), "t": arm(rng, 1500, 100, 2)},
        "base": {"c": arm(rng, 1500, 0, 0), "t": arm(rng, 300, 0, 2)},
    }
    both = {a: {k: np.concatenate([parts[s][a][k] for s in parts]) for k in parts["gold"]["c"]} for a in "ct"}
    whole = outcomes(spec, both)
    strata = {name: outcomes(spec, rows).overall for name, rows in parts.items()}
    stratified = appraise(spec, replace(whole, strata=strata))[0]
    truth = 0.5 * 2 - 0.1 * 0.3 * 2 - 0.2
    assert abs(stratified.net_benefit.estimate - truth) < 4 * stratified.net_benefit.std_error
    assert stratified.net_benefit.std_error < 0.2
    by_hand = 0.0
    for rows in parts.values():
        one = appraise(spec, outcomes(spec, rows))[0].net_benefit.estimate
        by_hand += one * (len(rows["c"]["pre"]) + len(rows["t"]["pre"])) / 3600
    assert stratified.net_benefit.estimate == pytest.approx(by_hand)


def test_one_stratum_is_the_plain_reading() -> None:
    rng = np.random.default_rng(5)
    spec = experiment(metrics=METRICS, economics=MONEY)
    rows = {"c": arm(rng, 400, 0, 0), "t": arm(rng, 400, 0, 2)}
    plain = outcomes(spec, rows)
    a = appraise(spec, plain)[0]
    b = appraise(spec, replace(plain, strata={"all": plain.overall}))[0]
    assert a.net_benefit.estimate == pytest.approx(b.net_benefit.estimate)
    assert a.net_benefit.std_error == pytest.approx(b.net_benefit.std_error)


def test_households_widen_the_interval_and_history_narrows_it() -> None:
    rng = np.random.default_rng(6)
    spec = experiment(metrics=METRICS, economics=MONEY, cluster="home")
    rows, homes = {}, {}
    for name, gain in (("c", 0.0), ("t", 2.0)):
        home = np.repeat(np.arange(150), rng.integers(1, 6, 150))
        shared = rng.normal(0, 15, 150)[home]
        one = arm(rng, len(home), 0, gain)
        rows[name] = one | {"spend": one["spend"] + shared, "pre": one["pre"] + shared}
        homes[name] = home
    plain = experiment(metrics=METRICS, economics=MONEY)
    apart = appraise(plain, outcomes(plain, rows))[0].net_benefit
    without = experiment(metrics=[METRICS[0] | {"covariates": []}], economics=MONEY, cluster="home")

    def read(asked):
        columns = outcomes(asked, rows).overall[ECONOMICS]["c"].columns
        clusters = {a: from_members({c: rows[a][c] for c in columns}, homes[a]) for a in "ct"}
        evidence = Evidence(clusters={None: {ECONOMICS: clusters, "spend": clusters}})
        return appraise(asked, replace(outcomes(asked, rows), evidence=evidence))[0].net_benefit

    adjusted, raw = read(spec), read(without)
    assert raw.std_error > 2 * adjusted.std_error
    assert adjusted.std_error > 0.8 * apart.std_error
    assert abs(adjusted.estimate - (0.5 * 2 - 0.1 * 0.3 * 2 - 0.2)) < 4 * adjusted.std_error
