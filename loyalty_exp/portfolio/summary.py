"""The portfolio as plain values: one row an experiment, one sum a currency."""

from __future__ import annotations

from typing import Any

from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.totals import money_of, owed_of, totals_of, was_shipped


def summary(found: Gathered) -> dict[str, Any]:
    """Give the experiments and the sums of a workspace, unrounded."""
    rows = []
    for e in found.entries:
        money, owed = money_of(e.readout), owed_of(e.readout)
        rows.append(
            {
                "experiment": e.id,
                "state": e.state,
                "status": e.readout["status"] if e.readout else None,
                "recommended": e.readout["decision"]["action"] if e.readout else None,
                "evidence_level": e.readout["experiment"]["evidence_level"] if e.readout else None,
                "net_benefit_total": money["net_benefit_total"] if money else None,
                "points_liability": {"amount": owed.amount, "at_most": owed.most} if owed else None,
                "decision": e.decision,
                "shipped": was_shipped(e),
            }
        )
    sums = [
        {
            "currency": t.symbol.strip(),
            "experiments": t.experiments,
            "shipped": t.shipped,
            "claimed": t.sums.claimed if t.sums else None,
            "shrunken": {
                "estimate": t.sums.shrunken,
                "std_error": t.sums.std_error,
                "ci_lower": t.sums.ci_lower,
                "ci_upper": t.sums.ci_upper,
            }
            if t.sums
            else None,
            "realized": t.realized,
            "realized_over_claimed": t.realized_over_claimed,
            "points_liability": {"amount": t.owed.amount, "at_most": t.owed.most} if t.owed else None,
        }
        for t in totals_of(found.entries, found.holdout)
    ]
    return {"experiments": rows, "totals": sums, "holdout": found.holdout}
