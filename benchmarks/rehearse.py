"""Compare 2,000 rehearsals of 20,000 members with one analysis of the same spec, in CPU seconds, one run.

::

    python benchmarks/rehearse.py
    python benchmarks/rehearse.py --members 20000 --times 2000
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path

from bench import analyze, cost_of, show

SPEC = """
experiment: rehearsed
question: Do double points pay for themselves?
unit: member_id
data:
  members: data/members.parquet
  transactions: {table: data/transactions.parquet, order: txn_id, time: ts, amount: amount}
  assignments: {table: data/assignments.parquet, arm: arm, time: assigned_at}
arms:
  - {id: control, share: 0.5}
  - {id: double, share: 0.5, intervention: {type: points_multiplier, multiplier: 2}}
schedule: {start: 2026-04-01, end: 2026-04-28, outcome_days: 28, pre_days: 56, data_to: 2026-05-29}
metrics:
  - {id: spend, type: amount, column: amount, role: primary, covariates: [pre]}
  - {id: orders, type: count}
  - {id: aov, type: ratio, numerator: spend, denominator: orders, covariates: [pre]}
  - {id: repurchase, type: repurchase, within_days: 28}
  - {id: margin, type: amount, column: margin, covariates: [pre]}
economics:
  benefit: {metric: margin}
  costs: [{id: points, per_event: reward_cost, price: 1.0}, {id: set_up, fixed: 12000}]
decision: {ship_if: {probability_net_benefit_positive: 0.95}}
"""


LOOKS = """analysis:
  sequential: {method: group_sequential, planned_units: 20000, looks: [0.25, 0.5, 0.75, 1.0]}
"""


def workspace(folder: Path, members: int) -> Path:
    """Make members, orders and a spec."""
    from loyalty_exp.samples import Scenario, write_sample

    made = Scenario("double", dt.date(2026, 4, 1), members=members, tiers={"gold": 1.0}, eligible=("gold",))
    write_sample(made, folder / "data")
    spec = folder / "rehearsed.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    return spec


def main() -> None:
    """Run both once and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=2_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = workspace(Path(folder), chosen.members)
        base = cost_of(analyze(spec), repeat=1)
        show("one analysis", base, base)
        looks = spec.with_name("looks.yaml")
        looks.write_text(SPEC + LOOKS, encoding="utf-8")
        effect = ["--effect", "nb=2"]
        for name, path, options in (
            ("--aa", spec, ["--aa"]),
            ("--effect nb=2", spec, effect),
            ("--effect nb=2, four looks", looks, effect),
        ):
            head = [sys.executable, "-m", "loyalty_exp", "rehearse", str(path), "--times", str(chosen.times)]
            show(f"{chosen.times:,} rehearsals, {name}", cost_of([*head, *options], repeat=1), base)


if __name__ == "__main__":
    main()
