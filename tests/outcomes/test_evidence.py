"""What estimators read beyond moments: the same on both engines, and equal to a plain recomputation."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pytest

from loyalty_exp.errors import ContractBreach
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Cell
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.cluster_moments import ClusterArm, from_members
from loyalty_exp.stats.event_counts import EventCounts, event_counts
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.poisson_bootstrap import unit_hashes
from loyalty_exp.stats.quantiles import order_statistics

from .program_data import made, spec
from .test_engines_agree import ENGINES_AGREE, per_unit_data, same

ROWS = ("winsorized", "mann_whitney", "poisson_bootstrap", "randomization")


def evidence_spec(engine: str, **changes: object) -> Experiment:
    document: dict[str, object] = {
        "experiment": "e",
        "question": "q",
        "unit": "id",
        "data": {"engine": engine, "units": "units.parquet" if engine == "duckdb" else "units"},
        "arms": {"from_column": "arm", "control": "a", "treatments": ("b", "c")},
        "assignment": {"salt": "s", "strata": ("tier", "region")},
        "segments": ({"id": "tier"},),
        "metrics": (
            {
                "id": "spend",
                "type": "amount",
                "column": "spend",
                "role": "primary",
                "covariates": ("pre",),
                "readings": (*({"type": name} for name in ROWS), {"type": "normal_prior", "prior_sd": 2.0}),
            },
            {"id": "bought", "type": "proportion", "column": "bought"},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
            {"id": "high", "type": "quantile", "column": "pre", "quantile": 0.9},
            {
                "id": "again",
                "type": "repurchase",
                "within_days": 45,
                "column": "days",
                "follow_up": "seen",
                "covariates": ("pre",),
                "readings": ({"type": "cox"}, {"type": "censored_rate"}),
            },
        ),
    } | changes
    return Experiment.model_validate(document)


def columns_of(data: dict[str, list[object]], arm: str) -> dict[str, np.ndarray]:
    rows = [i for i, x in enumerate(data["arm"]) if x == arm]
    return {name: np.array([data[name][i] for i in rows], dtype=object) for name in data}


def same_counts(a: EventCounts, b: EventCounts) -> None:
    np.testing.assert_array_equal(a.time, b.time)
    np.testing.assert_array_equal(a.events, b.events)
    np.testing.assert_array_equal(a.censored, b.censored)


def same_clusters(a: ClusterArm, b: ClusterArm) -> None:
    assert a.sizes == b.sizes
    for x, y in zip(a.cells, b.cells, strict=True):
        same(x, y)


def test_everything_on_a_table_of_units(tmp_path: Path) -> None:
    data = per_unit_data(tmp_path, 2000)
    found = collect(evidence_spec("duckdb"), tmp_path)
    other = collect(evidence_spec("sqlite:///units.db"), tmp_path)
    for arm in "abc":
        pick = columns_of(data, arm)
        events, elsewhere = (o.evidence.event_counts["again"][arm] for o in (found, other))
        days = np.array([np.inf if d is None else float(d) for d in pick["days"]])
        last = np.minimum(pick["seen"].astype(float), 45)
        happened = days + 1 <= last
        same_counts(events, event_counts(np.where(happened, days + 1, last), happened))
        same_counts(events, elsewhere)
        assert found.evidence.order_statistics["high"][arm] == order_statistics(
            pick["pre"].astype(float), 0.9, 0.05
        )
        assert found.evidence.order_statistics["high"][arm] == other.evidence.order_statistics["high"][arm]
        rows, more = (o.evidence.rows["spend"][arm] for o in (found, other))
        np.testing.assert_array_equal(rows.hashes, np.sort(unit_hashes(pick["id"])))
        np.testing.assert_array_equal(rows.values["spend"], more.values["spend"])
        np.testing.assert_array_equal(rows.hashes, more.hashes)
        order = np.argsort(unit_hashes(pick["id"]), kind="stable")
        np.testing.assert_array_equal(rows.values["spend"], pick["spend"][order].astype(float))
    assert set(found.strata) == set(other.strata)
    label = "x / r3"
    mask = [
        i for i, (t, r, a) in enumerate(zip(data["tier"], data["region"], data["arm"], strict=True))
        if (t, r, a) == ("x", "r3", "b")
    ]  # fmt: skip
    expected = from_rows({k: [data[k][i] for i in mask] for k in ("spend", "pre")})
    same(found.strata[label]["spend"]["b"], expected)
    same(other.strata[label]["spend"]["b"], expected)
    assert sum(blocks["spend"]["a"].n for blocks in found.strata.values()) == found.units["a"]
    assert "x / (missing)" in found.strata


def test_readout_has_every_reading(tmp_path: Path) -> None:
    per_unit_data(tmp_path, 2000)
    first, second = (
        conclude(e, collect(e, tmp_path))
        for e in (evidence_spec("duckdb"), evidence_spec("sqlite:///units.db"))
    )
    assert {r.estimator for r in first.readings} == {*ROWS, "normal_prior", "cox", "censored_rate"}
    assert all(r.not_estimable is None for r in first.readings)
    for a, b in zip(first.readings, second.readings, strict=True):
        assert a.absolute is not None and b.absolute is not None
        assert a.absolute.estimate == pytest.approx(b.absolute.estimate, rel=1e-9)
        assert (a.absolute.ci_lower, a.absolute.ci_upper) == pytest.approx(
            (b.absolute.ci_lower, b.absolute.ci_upper), rel=1e-9
        )
    overall = {e.metric: e for e in first.estimates if e.segment is None and e.treatment == "b"}
    assert overall["spend"].estimator == overall["bought"].estimator == "stratified"
    assert overall["aov"].estimator == "ratio_delta"
    assert overall["high"].estimator == "quantile_difference" and overall["high"].absolute is not None
    spend = ESTIMATORS["welch"].estimate(
        *(collect(evidence_spec("duckdb"), tmp_path).overall["aov"][arm] for arm in "ba"),
        ("spend",),
        (),
        0.05,
    )
    assert overall["aov"].facts is not None
    assert overall["aov"].facts["numerator"] == pytest.approx(spend.absolute.estimate)
    assert overall["aov"].facts["numerator_lower"] == pytest.approx(spend.absolute.ci_lower)
    assert {"denominator", "denominator_lower", "denominator_upper"} < overall["aov"].facts.keys()
    in_cells = {(e.metric, e.estimator) for e in first.estimates if e.segment is not None}
    assert ("spend", "cuped") in in_cells and ("bought", "miettinen_nurminen") in in_cells
    quantiles = [e for e in first.estimates if e.segment is not None and e.metric == "high"]
    assert {e.not_estimable for e in quantiles} == {"this method reads all units only"}
    again = next(r for r in first.repurchase if r.treatment == "b")
    assert again.rate_by_censoring is not None and again.rate_of_mature_units is not None
    assert again.curves["b"][-1].day == 45 and again.not_estimable is None
    assert again.rate_by_censoring.estimate == pytest.approx(
        again.curves["b"][-1].share - again.curves["a"][-1].share
    )
    read = {r.estimator: r for r in first.readings if r.metric == "again" and r.treatment == "b"}
    assert read["censored_rate"].absolute == again.rate_by_censoring
    assert read["cox"].facts is not None and again.hazard_ratio is not None
    assert read["cox"].facts["hazard_ratio"] == pytest.approx(again.hazard_ratio.estimate, rel=0.05)
    assert read["cox"].units_treatment == first.arms[1].units  # also those whose window is open


def clustered_data(folder: Path) -> dict[str, list[object]]:
    """The table of units with stores of very different size, each in one arm."""
    data = per_unit_data(folder, 1500)
    store = np.sort(np.random.default_rng(5).integers(0, 60, 1500) ** 2 // 60)
    data["store"] = [f"s{s}" for s in store]
    data["arm"] = ["abc"[s % 3] for s in store]
    connection = duckdb.connect()
    import pandas as pd

    connection.register("frame", pd.DataFrame({k: data[k] for k in ("id", "arm", "store")}))
    connection.execute(
        "COPY (SELECT u.* EXCLUDE (arm), f.arm, f.store "
        f"FROM '{folder}/units.parquet' u JOIN frame f USING (id)) "
        f"TO '{folder}/clustered.parquet' (FORMAT parquet)"
    )
    database = sqlite3.connect(folder / "units.db")
    database.execute("ALTER TABLE units ADD COLUMN store")
    database.executemany(
        "UPDATE units SET arm = ?, store = ? WHERE id = ?",
        zip(data["arm"], data["store"], data["id"], strict=True),
    )
    database.execute("ALTER TABLE units RENAME TO clustered")
    database.commit()
    return data


def cluster_spec(engine: str) -> Experiment:
    return evidence_spec(
        engine,
        data={"engine": engine, "units": "clustered.parquet" if engine == "duckdb" else "clustered"},
        assignment=None,
        cluster="store",
        metrics=(
            {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ("pre",)},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
            {"id": "loose", "type": "amount", "column": "loose", "missing": "drop"},
        ),
    )


def test_the_poisson_bootstrap_weighs_whole_clusters(tmp_path: Path) -> None:
    """Members of one store share a weight, so that the interval is as wide as the robust one."""
    data = clustered_data(tmp_path)
    spend = {"id": "spend", "type": "amount", "column": "spend", "role": "primary"}
    readings = ({"type": "poisson_bootstrap", "replicates": 400}, {"type": "welch"})
    found = {}
    for engine in ("duckdb", "sqlite:///units.db"):
        spec = cluster_spec(engine).model_copy(
            update={"metrics": evidence_spec(engine, metrics=(spend | {"readings": readings},)).metrics}
        )
        outcomes = collect(spec, tmp_path)
        stores = columns_of(data, "b")["store"].astype(str)
        assert set(outcomes.evidence.rows["spend"]["b"].hashes) == set(unit_hashes(stores))
        found[engine] = conclude(spec, outcomes)
    bootstrap, welch = (r.absolute for r in found["duckdb"].readings if r.treatment == "b")
    assert bootstrap == next(r.absolute for r in found["sqlite:///units.db"].readings if r.treatment == "b")
    robust = next(e.absolute for e in found["duckdb"].estimates if e.treatment == "b" and e.segment is None)
    assert bootstrap is not None and robust is not None and welch is None
    assert bootstrap.std_error == pytest.approx(robust.std_error, rel=0.25)


def test_clusters_on_both_engines(tmp_path: Path) -> None:
    data = clustered_data(tmp_path)
    found = collect(cluster_spec("duckdb"), tmp_path)
    other = collect(cluster_spec("sqlite:///units.db"), tmp_path)
    for arm in "abc":
        pick = columns_of(data, arm)
        values = {k: pick[k].astype(float) for k in ("spend", "pre")}
        same_clusters(
            found.evidence.clusters[None]["spend"][arm], from_members(values, pick["store"].astype(str))
        )
        same_clusters(
            found.evidence.clusters[None]["spend"][arm], other.evidence.clusters[None]["spend"][arm]
        )
        kept = np.array([x is not None for x in pick["loose"]])
        loose = {"loose": pick["loose"][kept].astype(float)}
        same_clusters(
            found.evidence.clusters[None]["loose"][arm], from_members(loose, pick["store"][kept].astype(str))
        )
        cell = (pick["tier"] == "x").nonzero()[0]
        same_clusters(
            found.evidence.clusters[Cell("tier", "x")]["spend"][arm],
            from_members({k: v[cell] for k, v in values.items()}, pick["store"][cell].astype(str)),
        )
    readout = conclude(cluster_spec("duckdb"), found)
    assert {e.estimator for e in readout.estimates if e.absolute} == {"clusters", "ratio_clusters"}


def test_a_unit_without_a_cluster_is_a_breach(tmp_path: Path) -> None:
    clustered_data(tmp_path)
    connection = duckdb.connect()
    connection.execute(
        f"COPY (SELECT * REPLACE (nullif(store, 's0') AS store) FROM '{tmp_path}/clustered.parquet') "
        f"TO '{tmp_path}/holes.parquet' (FORMAT parquet)"
    )
    broken = cluster_spec("duckdb").model_copy(
        update={"data": evidence_spec("duckdb", data={"units": "holes.parquet"}).data}
    )
    with pytest.raises(ContractBreach, match="no cluster"):
        collect(broken, tmp_path)


@pytest.mark.parametrize("moments", [True, False], ids=["moments", "dates"])
@pytest.mark.parametrize("data_to", ["2026-06-30", "2026-05-10"], ids=["mature", "open"])
def test_repurchases_by_day_from_transactions(tmp_path: Path, moments: bool, data_to: str) -> None:
    made(tmp_path, moments=moments)
    schedule = {"schedule": {"data_to": data_to}}
    found = collect(spec(**schedule), tmp_path)
    other = collect(spec("sqlite:///all.db", **schedule), tmp_path)
    rows = duckdb.sql(
        f"""
        SELECT a.arm, epoch_us(a.assigned_at::TIMESTAMPTZ) AS t0,
               list(epoch_us(t.ts)) FILTER (WHERE t.ts IS NOT NULL) AS orders
        FROM '{tmp_path}/members.parquet' m JOIN '{tmp_path}/assignments.parquet' a USING (member_id)
        LEFT JOIN '{tmp_path}/transactions.parquet' t USING (member_id)
        WHERE m.tier IN ('silver', 'gold') GROUP BY m.member_id, a.arm, a.assigned_at
        """
    ).fetchall()
    day = 86_400_000_000
    end = duckdb.sql(f"SELECT epoch_us(TIMESTAMPTZ '{data_to} 00:00:00+00') + {day}").fetchall()[0][0]
    for arm in ("control", "double"):
        time, event = [], []
        for who, t0, orders in rows:
            if who != arm:
                continue
            last = min((end - t0) // day, 28)
            firsts = [(o - t0) // day + 1 for o in orders or [] if t0 <= o < end]
            first = min(firsts, default=99)
            time.append(first if first <= last else last)
            event.append(first <= last)
        same_counts(found.evidence.event_counts["repurchase"][arm], event_counts(time, event))
        same_counts(
            found.evidence.event_counts["repurchase"][arm], other.evidence.event_counts["repurchase"][arm]
        )


def test_readings_of_rows_from_transactions(tmp_path: Path) -> None:
    made(tmp_path)
    metrics = (
        {
            "id": "spend",
            "type": "amount",
            "column": "amount",
            "role": "primary",
            "readings": (
                {"type": "poisson_bootstrap", "replicates": 400},
                {"type": "randomization", "draws": 300},
            ),
        },
        {"id": "high", "type": "quantile", "column": "amount", "quantile": 0.75},
        {"id": "margin", "type": "amount", "column": "margin"},
    )
    changes = {"metrics": metrics, "assignment": {"salt": "s", "strata": ("tier",)}}
    a, b = (conclude(e, collect(e, tmp_path)) for e in (spec(**changes), spec("sqlite:///all.db", **changes)))
    assert [r.estimator for r in a.readings] == ["poisson_bootstrap", "randomization"]
    for x, y in zip(a.readings, b.readings, strict=True):
        assert x.absolute is not None and y.absolute is not None
        assert x.absolute.ci_lower == pytest.approx(y.absolute.ci_lower, rel=ENGINES_AGREE)
    assert a.provenance["seed"] == 0
    assert next(e for e in a.estimates if e.metric == "high").absolute is not None


def test_clusters_are_what_was_drawn(tmp_path: Path) -> None:
    data = clustered_data(tmp_path)
    found = collect(cluster_spec("duckdb"), tmp_path)
    readout = conclude(cluster_spec("duckdb"), found)
    stores = {arm: len(set(columns_of(data, arm)["store"])) for arm in "abc"}
    assert {arm.id: arm.clusters for arm in readout.arms} == stores
    checks = {h.check: h for h in readout.health}
    assert checks["sample_ratio"].detail["observed"] == stores
    assert (checks["clusters_in_two_arms"].status, checks["few_clusters"].status) == ("pass", "pass")
    split = duckdb.connect()
    split.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN id < '0000010' THEN 's1' ELSE store END AS store) "
        f"FROM '{tmp_path}/clustered.parquet') TO '{tmp_path}/split.parquet' (FORMAT parquet)"
    )
    broken = cluster_spec("duckdb").model_copy(
        update={"data": evidence_spec("duckdb", data={"units": "split.parquet"}).data}
    )
    checks = {h.check: h for h in conclude(broken, collect(broken, tmp_path)).health}
    assert (checks["clusters_in_two_arms"].status, checks["clusters_in_two_arms"].detail) == (
        "warn",
        {"clusters": 1},
    )


def test_skewness_comes_from_the_same_query(tmp_path: Path) -> None:
    from scipy import stats

    data = per_unit_data(tmp_path, 2000)
    for engine in ("duckdb", "sqlite:///units.db"):
        found = collect(evidence_spec(engine), tmp_path)
        for arm in "abc":
            expected = stats.skew(columns_of(data, arm)["spend"].astype(float))
            assert found.skewness["spend"][arm] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///units.db"])
def test_units_without_a_covariate_are_told_apart_by_an_indicator(tmp_path: Path, engine: str) -> None:
    data = per_unit_data(tmp_path, 1500)
    metric = {
        "id": "spend",
        "type": "amount",
        "column": "spend",
        "role": "primary",
        "covariates": ("loose",),
        "missing_covariates": "indicator",
    }
    asked = evidence_spec(engine, assignment=None, metrics=(metric,))
    found = collect(asked, tmp_path)
    for arm in "abc":
        pick = columns_of(data, arm)
        known = np.array([x is not None for x in pick["loose"]])
        filled = np.array([x or 0.0 for x in pick["loose"]], dtype=float)
        expected = {"spend": pick["spend"].astype(float), "loose__or_zero": filled, "loose__known": known}
        same(found.overall["spend"][arm], from_rows(expected))
    readout = conclude(asked, found)
    assert {e.estimator for e in readout.estimates} == {"lin"}
    assert next(h for h in readout.health if h.check == "missing_outcome").status == "pass"


def test_who_did_not_buy_again_is_not_missing(tmp_path: Path) -> None:
    per_unit_data(tmp_path, 1500)
    again = {"id": "again", "type": "repurchase", "within_days": 45, "column": "days", "role": "primary"}
    asked = evidence_spec("duckdb", assignment=None, metrics=(again,))
    found = collect(asked, tmp_path)
    assert found.missing == {}
    assert sum(m.n for m in found.overall["again"].values()) == 1500


def test_alikeness_of_clusters_equals_that_of_the_rows(tmp_path: Path) -> None:
    from loyalty_exp.stats.intraclass import intraclass_correlation, within_sum

    data = clustered_data(tmp_path)
    readout = conclude(cluster_spec("duckdb"), collect(cluster_spec("duckdb"), tmp_path))
    detail = next(h.detail for h in readout.health if h.check == "few_clusters")
    arms, within = [], 0.0
    for arm in "abc":
        pick = columns_of(data, arm)
        y, store = pick["spend"].astype(float), pick["store"].astype(str)
        arms.append(from_members({"y": y}, store))
        within += within_sum(y, store)
    assert detail["icc"] == pytest.approx(intraclass_correlation(arms, "y", within), rel=1e-6)
    assert detail["design_effect"] > 0.5


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///units.db"])
def test_segments_by_condition_and_by_computed_columns(tmp_path: Path, engine: str) -> None:
    data = per_unit_data(tmp_path, 1500)
    asked = evidence_spec(
        engine,
        assignment=None,
        segments=(
            {"id": "heavy", "when": {"field": "orders", "op": ">=", "value": 3}},
            {"id": "rfm_frequency"},
        ),
        population={"rfm": {"recency": "seen", "frequency": "orders", "monetary": "spend"}},
        metrics=({"id": "spend", "type": "amount", "column": "spend", "role": "primary"},),
    )
    found = collect(asked, tmp_path)
    orders = np.array(data["orders"])
    arms = np.array(data["arm"])
    for value, mask in (("in", orders >= 3), ("out", orders < 3)):
        assert found.segments[Cell("heavy", value)]["spend"]["b"].n == (mask & (arms == "b")).sum()
    share_below = np.array([(orders < x).sum() for x in orders]) / len(orders)
    score = 1 + (5 * share_below).astype(int)
    for value in np.unique(score):
        cell = found.segments[Cell("rfm_frequency", str(value))]["spend"]["b"]
        assert cell.n == ((score == value) & (arms == "b")).sum()


def test_conditions_on_computed_columns_choose_the_population(tmp_path: Path) -> None:
    made(tmp_path)
    changes = {
        "population": {
            "rfm": {"recency": "age", "frequency": "age", "monetary": "age"},
            "include": ({"field": "rfm_frequency", "op": "==", "value": 5},),
        },
        "segments": ({"id": "old", "when": {"field": "age", "op": ">", "value": 70}},),
    }
    first, second = (collect(spec(e, **changes), tmp_path) for e in ("duckdb", "sqlite:///all.db"))
    assert first.units == second.units and 0 < sum(first.units.values()) < 120
    assert set(first.segments) == set(second.segments) == {Cell("old", "in"), Cell("old", "out")}


def test_further_estimators_read_the_same_on_both_engines(tmp_path: Path) -> None:
    """The bootstrap of a quantile is told which one; random shares and exact tests come by name."""
    data = per_unit_data(tmp_path, 1500)
    high = {"id": "high", "type": "quantile", "column": "pre", "quantile": 0.8}
    spend = {"id": "spend", "type": "amount", "column": "spend", "role": "primary"}
    bought = {"id": "bought", "type": "proportion", "column": "bought"}
    metrics = (
        high | {"readings": ({"type": "quantile_bootstrap", "replicates": 500},)},
        spend | {"readings": ({"type": "post_stratified"}, {"type": "delta_lift"}, {"type": "log_lift"})},
        bought | {"readings": ({"type": "boschloo"},)},
    )
    found = []
    for engine in ("duckdb", "sqlite:///units.db"):
        spec = evidence_spec(engine, metrics=metrics, segments=())
        found.append(conclude(spec, collect(spec, tmp_path)).readings)
    for one, other in zip(*found, strict=True):
        assert (one.estimator, one.not_estimable) == (other.estimator, other.not_estimable)
        if one.absolute is not None and other.absolute is not None:
            for key in ("estimate", "ci_lower", "ci_upper", "p_value"):
                assert getattr(one.absolute, key) == pytest.approx(getattr(other.absolute, key), rel=1e-9)
    quantiles = {e.treatment: e for e in found[0] if e.estimator == "quantile_bootstrap"}
    for arm in "bc":
        at = [np.sort(columns_of(data, a)["pre"].astype(float)) for a in (arm, "a")]
        want = [x[int(np.ceil(0.8 * len(x))) - 1] for x in at]
        assert quantiles[arm].absolute is not None
        assert quantiles[arm].absolute.estimate == pytest.approx(want[0] - want[1])
    assert {e.estimator for e in found[0] if e.absolute} >= {"post_stratified", "delta_lift", "log_lift"}
