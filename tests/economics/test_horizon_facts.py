"""The horizon from tables to the readout: the reference case, money by month by hand, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made
import numpy as np
import pytest
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.economics.appraise import appraise
from loyalty_exp.economics.horizon import Persistence, horizon_value
from loyalty_exp.economics.horizon_facts import with_horizon
from loyalty_exp.economics.outlook import outlook
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.horizon_columns import HORIZON, month_ends
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS, plan
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.outlook import HorizonFacts, OutlookFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments, from_rows

CASES = Path(__file__).parents[1] / "reference" / "cases"
WAYS = ({"rho_monthly": 0.0, "weight": 0.25}, {"rho_monthly": 0.5, "weight": 0.75})
N = 40


def spec(engine: str = "duckdb", horizon: Any = None, **changes: Any) -> Experiment:
    given: dict[str, Any] = {
        "schedule": {"outcome_days": 90, "refund_days": 0, "data_to": "2026-06-30"},
        "metrics": ({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},),
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.5},
            "costs": (
                {"id": "sms", "contacts": "sms", "price": 0.4, "funded_share": 0.25},
                {"id": "welcome", "per_unit": 1.5},
                {"id": "set_up", "fixed": 80.0},
            ),
            "horizon": horizon or {"days": 150, "persistence": WAYS, "discount_annual": 0.12},
        },
    } | changes
    return ledger(engine, ("contacts",), **given)


def reference() -> dict[str, Any]:
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text("utf-8")).get("cases", []):
            if case["id"].startswith("R16_"):
                return dict(case)
    raise AssertionError("there is no case R16")


def test_the_reference_case_comes_out_of_running_totals() -> None:
    """Money by month and its covariance, as moments of the arms; the rest is the path of every readout."""
    case = reference()
    given, expected = case["inputs"], case["expected"]
    ways = tuple({"rho_monthly": p["rho"], "weight": p["weight"]} for p in given["rho_prior"])
    yearly = (1 + given["monthly_discount"]) ** (365 / 30) - 1
    days = 90 + 30 * given["extra_months"]
    asked = spec(
        horizon={"days": days, "persistence": ways, "discount_annual": yearly},
        economics={
            "benefit": {"metric": "spend"},
            "costs": (),
            "horizon": {"days": days, "persistence": ways, "discount_annual": yearly},
        },
    )
    sums = np.tril(np.ones((3, 3)))  # a running total is the sum of its months
    month = np.array(given["observed_monthly_nb"])
    spread = sums @ np.array(given["cov"]) @ sums.T * N * (N - 1) / 2  # half of the variance in each arm
    order = [2, 0, 1]  # the whole window first, then the first month and the first two
    names = next(b.columns for b in plan(asked).blocks if b.name == HORIZON)
    assert names == ("spend", "spend@30", "spend@60")
    arms = {
        "T": Moments(N, names, (sums @ month)[order], spread[np.ix_(order, order)]),
        "C": Moments(N, names, np.zeros(3), spread[np.ix_(order, order)]),
    }
    (found,) = looked(asked, outcomes_of(arms))
    assert found.horizon is not None
    h = found.horizon
    tolerance = case["rel_tol"]
    for way in h.scenarios:
        told = expected["scenarios"][str(way.rho_monthly)]
        assert way.value.estimate == pytest.approx(told["value"], rel=tolerance)
        assert way.value.std_error == pytest.approx(told["se"], rel=tolerance)
    mixture = expected["mixture"]
    assert h.mixture is not None
    assert h.mixture.estimate == pytest.approx(mixture["mean"], rel=tolerance)
    assert h.mixture.std_error == pytest.approx(mixture["se_total"], rel=tolerance)
    assert h.sampling_std_error == pytest.approx(mixture["se_sampling_only"], rel=tolerance)
    assert h.extrapolated_share == pytest.approx(mixture["share_of_value_extrapolated"], rel=tolerance)


def outcomes_of(arms: dict[str, Moments]) -> Outcomes:
    block = {arm: m.select(["spend"]) for arm, m in arms.items()}
    counts = {arm: m.n for arm, m in arms.items()}
    return Outcomes(
        units=counts, units_analyzed=counts, immature=dict.fromkeys(arms, 0), missing={},
        overall={"spend": block, ECONOMICS: block, HORIZON: arms}, segments={}, caps={}, findings=(),
        first_assigned=None, last_assigned=None, data_to=None, engine="none", data_digest="0" * 64,
    )  # fmt: skip


def looked(asked: Experiment, outcomes: Outcomes) -> tuple[OutlookFacts, ...]:
    money = appraise(asked, outcomes)
    return with_horizon(asked, outcomes, money, outlook(asked, money, lambda *_: (0.0, 0.0)))


def tables(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Orders and messages of 40 members in three months; gives net benefit by member and month, and arms."""
    rng = np.random.default_rng(11)
    treated = np.arange(N) % 2 == 0
    net, orders, sms = np.zeros((N, 3)), [], []
    for i in range(N):
        for day in rng.integers(0, 90, rng.integers(0, 9)):
            amount = float(rng.integers(5, 60)) + 3.0 * treated[i]
            orders.append((f"m{i}", f"o{len(orders)}", moment(int(day)), amount, 0.0, None))
            net[i, day // 30] += 0.5 * amount
        for day in rng.integers(0, 90, rng.integers(0, 4)):
            sms.append((f"m{i}", moment(int(day)), "sms"))
            net[i, day // 30] -= 0.75 * 0.4
    write(
        folder,
        {
            "members": ("m", [(f"m{i}",) for i in range(N)]),
            "assignments": ("m,arm", [(f"m{i}", "T" if treated[i] else "C") for i in range(N)]),
            "orders": ("m,o,at,amount,cogs,refund_of", orders),
            "contacts": ("m,at,channel", sms),
        },
    )
    return net, treated


def moment(day: int) -> str:
    return str(np.datetime64("2026-03-01T10:00:00") + np.timedelta64(day, "D")) + "Z"


def by_hand(net: np.ndarray, treated: np.ndarray, discount: float) -> Any:
    months = (
        from_rows({str(k): net[treated, k] for k in range(3)}),
        from_rows({str(k): net[~treated, k] for k in range(3)}),
    )
    effects = months[0].mean - months[1].mean
    covariance = sum(m.comoment / (m.n - 1) / m.n for m in months)
    ways = [Persistence(w["rho_monthly"], w["weight"]) for w in WAYS]
    monthly = (1 + discount) ** (30 / 365) - 1
    return horizon_value(effects.tolist(), covariance, monthly, 2, ways, 0.05, upfront=1.5 + 80 / 20)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("discount", [0.12, 0.0])
def test_months_from_the_tables_are_those_of_a_plain_recomputation(
    tmp_path: Path, engine: str, discount: float
) -> None:
    net, treated = tables(tmp_path)
    asked = spec(engine, {"days": 150, "persistence": WAYS, "discount_annual": discount})
    readout = conclude(asked, collect(asked, tmp_path))
    found, expected = readout.outlook[0].horizon, by_hand(net, treated, discount)
    assert found is not None and found.observed is not None and found.mixture is not None
    assert (found.days_observed, found.period_days) == (90, 30)
    for mine, theirs in ((found.observed, expected.observed), (found.mixture, expected.mixture)):
        assert mine.estimate == pytest.approx(theirs.estimate, rel=1e-9)
        assert mine.std_error == pytest.approx(theirs.std_error, rel=1e-9)
    assert found.sampling_std_error == pytest.approx(expected.sampling_std_error, rel=1e-9)
    if not discount:
        own = readout.economics[0].net_benefit
        assert found.observed.estimate == pytest.approx(own.estimate, rel=1e-9)
        assert found.observed.std_error == pytest.approx(own.std_error, rel=1e-9)


def test_a_covariate_adjusts_every_month_as_it_adjusts_the_whole(tmp_path: Path) -> None:
    tables(tmp_path)
    metrics = (
        {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ("pre",)},
    )
    asked = spec(
        horizon={"days": 90}, metrics=metrics,
        schedule={"outcome_days": 60, "pre_days": 30, "start": "2026-03-31", "refund_days": 0},
    )  # fmt: skip
    changes = {"days": 60}
    asked = asked.model_copy(
        update={
            "economics": asked.economics.model_copy(  # type: ignore[union-attr]
                update={"horizon": asked.economics.horizon.model_copy(update=changes)}  # type: ignore[union-attr]
            )
        }
    )
    readout = conclude(asked, collect(asked, tmp_path))
    found = readout.outlook[0].horizon
    assert found is not None and found.observed is not None and found.mixture is not None
    own = readout.economics[0].net_benefit
    assert found.observed.estimate == pytest.approx(own.estimate, rel=1e-9)
    assert found.observed.std_error == pytest.approx(own.std_error, rel=1e-9)
    assert found.scenarios == () and found.extrapolated_share == pytest.approx(0.0)


def test_months_count_back_from_the_end_and_only_the_last_one_without_a_discount() -> None:
    def ends(days: int, discount: float) -> tuple[int, ...]:
        horizon = {"days": 3650, "persistence": WAYS, "discount_annual": discount}
        return month_ends(spec(horizon=horizon, schedule={"outcome_days": days}))

    assert ends(28, 0.1) == (28,)
    assert ends(75, 0.1) == (15, 45, 75)
    assert ends(75, 0.0) == (45, 75)
    assert len(ends(1000, 0.1)) == 12 and ends(1000, 0.1)[-1] == 1000


def one_table(**changes: Any) -> HorizonFacts:
    asked = made.experiment(
        economics={
            "benefit": {"metric": "spend"},
            "costs": [{"id": "mail", "per_unit": 1.0}],
            "horizon": {"days": 40, "persistence": [{"rho_monthly": 0.25, "weight": 1.0}]},
        },
        **changes,
    )
    rows = {"c": {"spend": made.spend(200, 20)}, "t": {"spend": made.spend(200, 23)}}
    (found,) = looked(asked, made.outcomes(asked, rows))
    assert found.horizon is not None
    return found.horizon


def test_a_per_unit_table_is_one_period_whose_cost_at_the_start_is_not_repeated() -> None:
    found = one_table(schedule={"outcome_days": 10})
    assert found.observed is not None and found.observed.estimate == pytest.approx(3 - 1)
    rho = 0.25 ** (10 / 30)
    assert found.mixture is not None
    assert found.mixture.estimate == pytest.approx(3 * (1 + rho + rho**2 + rho**3) - 1)
    assert found.extrapolated_share == pytest.approx(1 - 2 / found.mixture.estimate)


def test_what_the_data_do_not_have_is_said() -> None:
    nothing = one_table()
    assert nothing.mixture is None and nothing.not_estimable == "nothing says how many days were observed"


def test_a_part_of_a_month_counts_in_part() -> None:
    whole = horizon_value([1.0], np.zeros((1, 1)), 0.0, 2, [Persistence(0.5, 1.0)], 0.05)
    part = horizon_value([1.0], np.zeros((1, 1)), 0.0, 1.5, [Persistence(0.5, 1.0)], 0.05, upfront=0.5)
    assert whole.mixture.estimate == pytest.approx(1.75)
    assert part.mixture.estimate == pytest.approx(1 + 0.5 + 0.125 - 0.5)
