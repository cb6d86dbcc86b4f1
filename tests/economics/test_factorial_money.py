"""Two factors, households drawn whole: what one adds on top of the other, from tables to the readout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.result import ContrastFacts, Readout
from loyalty_exp.stats.cluster_moments import from_members
from loyalty_exp.stats.clusters import cluster_means

N, HOMES = 480, 160
CELLS = ("00", "10", "01", "11")
HOME = np.arange(N) // 3
ARM = np.array(CELLS)[HOME % 4]
MEMBERS = [f"m{i:03d}" for i in range(N)]


def tables() -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """Orders, and perks used where shipping is free; members of a household buy alike."""
    rng = np.random.default_rng(21)
    like = rng.gamma(4, 0.25, HOMES)
    orders, perks = [], []
    for i, m in enumerate(MEMBERS):
        mean = 2.0 * like[HOME[i]] * (1 + 0.3 * (ARM[i][0] == "1") + 0.2 * (ARM[i][1] == "1"))
        for k in range(int(rng.poisson(mean))):
            at, amount = f"2026-03-{rng.integers(1, 30):02d}T10:00:00Z", float(np.round(rng.gamma(3, 20), 2))
            orders.append((m, f"{m}.{k}", at, amount, 0.5 * amount, None))
            if ARM[i][1] == "1":
                perks.append((m, at, "free_shipping", 1.0))
    return {
        "members": ("m,home", [(m, f"h{h:03d}") for m, h in zip(MEMBERS, HOME, strict=True)]),
        "assignments": ("m,arm", list(zip(MEMBERS, ARM.tolist(), strict=True))),
        "orders": ("m,o,at,amount,cogs,refund_of", orders),
        "perks": ("m,at,perk,quantity", perks),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("factorial")
    write(made, tables())
    return made


def read(folder: Path, engine: str = "duckdb") -> Readout:
    arms = [
        {
            "id": c,
            "share": 0.25,
            "factors": {"points": ("off", "on")[int(c[0])], "perk": ("off", "on")[int(c[1])]},
        }
        for c in CELLS
    ]
    spec = ledger(
        engine,
        events=("perks",),
        cluster="home",
        factors={"points": ("off", "on"), "perk": ("off", "on")},
        arms=({**arms[0], "control": True}, *arms[1:]),
        economics={
            "benefit": {"metric": "contribution"},
            "costs": (
                {"id": "fees", "perks": "free_shipping", "price": 2.0},
                {"id": "points", "per_unit": 1.5, "arms": ("10", "11")},
                {"id": "set_up", "fixed": 60.0, "arms": ("01", "11")},
            ),
        },
    )
    return conclude(spec, collect(spec, folder))


def money(readout: Readout) -> dict[str, ContrastFacts]:
    return {c.id: c for c in readout.contrasts if c.metric is None}


def test_free_shipping_on_top_of_points_is_read_over_households(folder: Path) -> None:
    made = tables()
    benefit, fees = np.zeros(N), np.zeros(N)
    for m, _, _, amount, cogs, _ in made["orders"][1]:
        benefit[int(m[1:])] += amount - cogs
    for m, *_ in made["perks"][1]:
        fees[int(m[1:])] += 2.0
    columns = {"b": benefit, "c": fees, "net": benefit - fees}
    arms = {}
    for arm in ("10", "11"):
        inside = arm == ARM
        own = from_members({k: v[inside] for k, v in columns.items()}, HOME[inside])
        arms[arm] = cluster_means(own, tuple(columns))
    gap = arms["11"].mean - arms["10"].mean
    variance = np.diag(arms["11"].covariance + arms["10"].covariance)
    found = money(read(folder))["added_perk_to_10"]
    assert found.weights == {"11": 1.0, "10": -1.0}
    assert found.estimate == pytest.approx(gap[2]) and found.std_error == pytest.approx(variance[2] ** 0.5)
    added = found.added
    assert added is not None
    # The set-up is shared by both arms with the perk; points cost the same in both and fall out.
    cost = gap[1] + 60 / (N / 2)
    assert added.cost.estimate == pytest.approx(cost)
    assert added.benefit.std_error == pytest.approx(variance[0] ** 0.5)
    assert added.net_benefit.estimate == pytest.approx(gap[0] - cost)
    assert added.roi.quadrant in {"invest", "dominated"}
    assert added.roi.estimate == pytest.approx(gap[0] / cost - 1)


def test_both_engines_say_the_same(folder: Path) -> None:
    first, second = (read(folder, engine) for engine in ENGINES)
    assert set(money(first)) == {
        *("main_points", "main_perk", "interaction_points_perk", "added_points_to_01", "added_perk_to_10")
    }
    for name, one in money(first).items():
        other = money(second)[name]
        assert (one.estimate, one.std_error) == pytest.approx((other.estimate, other.std_error), rel=1e-9)
    for one, other in zip(first.economics, second.economics, strict=True):
        assert one.spend is not None and other.spend is not None
        assert one.spend.revenue is not None and other.spend.revenue is not None
        assert one.spend.revenue.std_error == pytest.approx(other.spend.revenue.std_error, rel=1e-9)
