"""What was planted over time is found: the dip after the campaign, other goods, and where the curve ends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from planted import spec
from test_recovery import STRONG, covers, least

from loyalty_exp.pipeline import compute
from loyalty_exp.planning.synthetic import program
from loyalty_exp.planning.write import write

SEEDS = 30
LOUD = replace(STRONG, more_orders=0.8, pull_forward=0.5, members=3_000)


def followed(document, folder, **benefit):
    """Read with another benefit and no costs, and give the money over time."""
    document = json.loads(json.dumps(document))
    document["economics"] = {"benefit": benefit, "post_days": LOUD.post_days}
    document["arms"][1]["intervention"]["categories"] = ["promoted"]
    document["data"]["transactions"]["category"] = "category"
    path = folder / "spec.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return compute(path).over_time[0]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("over_time")
    out = []
    for seed in range(SEEDS):
        made = program(LOUD, 5_000 + seed)
        write(made, folder, only=("members", "assignments", "transactions"))
        document = spec(made)
        orders = followed(document, folder, metric="orders", value=1.0)
        revenue = followed(document, folder, metric="spend")
        out.append((made.as_drawn, orders, revenue))
    return out


def test_the_planted_dip_and_its_share_lie_inside_their_intervals(found):
    shares = campaign = after = nothing = 0
    for truth, orders, _ in found:
        dip = orders.pulled_forward
        assert dip.not_estimable is None and (dip.offer_days, dip.post_days) == (28, 42)
        shares += covers(dip.share, truth.pull_forward)
        nothing += covers(dip.share, 0.0)
        campaign += covers(dip.during, truth.difference["campaign_orders"])
        after += covers(dip.after, truth.difference["post_orders"])

    assert min(shares, campaign, after) >= least(0.95, SEEDS)
    assert nothing < least(0.95, SEEDS)


def test_what_other_goods_brought_lies_inside_its_interval(found):
    within = outside = shares = 0
    for truth, _, revenue in found:
        seen = revenue.cannibalization
        assert seen.not_estimable is None and seen.categories == ("promoted",)
        within += covers(seen.within, truth.difference["promoted_revenue"])
        outside += covers(seen.outside, truth.difference["other_revenue"])
        shares += covers(seen.share, truth.cannibalization)

    assert min(within, outside, shares) >= least(0.95, SEEDS)


def test_the_curve_rises_in_the_campaign_and_falls_after_it(found):
    for truth, orders, revenue in found:
        points = {p.day: p for p in orders.points}
        assert points[28].net_benefit.estimate > points[70].net_benefit.estimate
        last = revenue.points[-1]
        assert last.band_lower <= truth.revenue <= last.band_upper
