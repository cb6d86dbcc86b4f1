"""Cost lines by event tables, windows and projections: read, refused at their place, told if not counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.spec.read import check_text, read_text, resolved_yaml

UNITS = (Path(__file__).parent / "data" / "hillstrom_email.yaml").read_text("utf-8")
BASE = """\
experiment: beauty
question: Do double points pay?
program:
  program: shop
  points: {face_value: 0.01, redemption_rate: {base: {mean: 0.75}}}
  cost_prices: {shipping: {price: 6.0}, sms: {price: 0.05}}
unit: member_id
data:
  members: m.parquet
  transactions: {table: t.parquet, order: o, time: ts, amount: amount}
  assignments: {table: a.parquet}
  points: {table: p.parquet, time: ts, points: pts, kind: kind, lot: lot}
  coupons: {table: c.parquet, time: ts, subsidy: subsidy, code: code}
  perks: {table: k.parquet, time: ts, perk: perk}
  contacts: {table: s.parquet, time: ts, channel: channel}
  referrals: {table: r.parquet, unit: referrer, time: ts, reward: reward}
assignment:
  salt: beauty-2026
  strata: [tier]
arms:
  - {id: control, share: 0.5}
  - id: double
    share: 0.5
    intervention: {type: points_multiplier, multiplier: 2}
schedule: {start: 2026-03-02, end: 2026-03-29, outcome_days: 87, pre_days: 87, data_to: 2026-06-30}
metrics:
  - {id: margin, type: amount, column: margin, role: primary}
economics:
  benefit: {metric: margin, margin: 0.9}
  costs:
    - {id: base, points: base}
    - {id: bonus, points: bonus, arms: [double]}
    - {id: coupons, coupons: [WB10, WB20]}
    - {id: shipping, perks: free_shipping, price: shipping}
    - {id: sms, contacts: sms, price: sms, funded_share: 0.5}
    - {id: rewards, referrals: all}
    - {id: set_up, fixed: 12000, scope: both}
  post_days: 59
  horizon: {days: 365, persistence: [{rho_monthly: 0.0, weight: 0.4}, {rho_monthly: 0.6, weight: 0.6}]}
  rollout: {eligible: {silver: 90000, gold: 20000}, coverage: 0.9, prior: {sd: 1.0}}
  assumptions:
    - {name: redemption_rate_bonus, low: 0.75, high: 0.95}
    - {name: shipping, sd: 0.5}
  naive: [before_after]
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(text: str, severity: str) -> list[tuple[str, str]]:
    found = check_text(text)[1]
    return [(p.path, f"{p.message} | {p.hint}") for p in found if p.severity == severity]


def test_every_way_of_costing_is_read_and_resolved_to_itself() -> None:
    spec = read_text(BASE)
    assert spec.economics is not None
    drivers = [line.driver for line in spec.economics.costs]
    assert drivers == ["points", "points", "coupons", "perks", "contacts", "referrals", "fixed"]
    assert spec.economics.costs[3].price == 6.0
    assert read_text(resolved_yaml(spec)).spec_hash == spec.spec_hash


SEGMENTS = """\
segments:
  - {id: heavy, when: {field: rfm_score, op: ">=", value: 12}, values: {in: Heavy, out: Others}}
"""

COSTS = "economics.costs"


def line(key: str, which: int = -1) -> str:
    """Give a line of the spec, to be taken out."""
    return [f"{text}\n" for text in BASE.splitlines() if text.startswith(f"  {key}: ")][which]


MISTAKES: list[tuple[tuple[tuple[str, str], ...], str, str]] = [
    (((line("points", 0), ""),), f"{COSTS}[0].points", "no points"),
    (((line("points"), ""),), f"{COSTS}[0].points", "data.points"),
    (((", lot: lot", ""),), f"{COSTS}[1].points", "data.points.lot"),
    (((line("coupons"), ""),), f"{COSTS}[2].coupons", "data.coupons"),
    (((", code: code", ""),), f"{COSTS}[2].coupons", "data.coupons.code"),
    (((line("perks"), ""),), f"{COSTS}[3].perks", "data.perks"),
    (((line("contacts"), ""),), f"{COSTS}[4].contacts", "data.contacts"),
    (((line("referrals"), ""),), f"{COSTS}[5].referrals", "data.referrals"),
    (((", price: shipping", ""),), f"{COSTS}[3]", "write price: the money for one"),
    ((("points: base}", "points: base, price: 2.0}"),), f"{COSTS}[0]", "remove price"),
    ((("price: shipping", "price: shiping"),), f"{COSTS}[3].price", "did you mean 'shipping'?"),
    ((("points: base}", "points: base, fixed: 3}"),), f"{COSTS}[0]", "exactly one of per_unit"),
    ((("perks: free_shipping", "perks: true"),), f"{COSTS}[3].perks", "quote it: 'true'"),
    ((("referrals: all", "referrals: true"),), f"{COSTS}[5].referrals", "true is not"),
    ((("points: bonus", "points: extra"),), f"{COSTS}[1].points", "one of base, bonus, all"),
    ((("[WB10, WB20]", "[]"),), f"{COSTS}[2]", "names no code"),
    ((("points: base}", "points: base, scope: rollout}"),), f"{COSTS}[0]", "scope is for fixed costs"),
    ((("funded_share: 0.5", "funded_share: 50"),), f"{COSTS}[4].funded_share", "did you mean 0.5?"),
    ((("post_days: 59", "post_days: 90"),), "economics.post_days", "do not fit"),
    ((("post_days: 59", "post_days: 60"),), "economics.post_days", "write schedule.outcome_days: 88"),
    ((("data_to: 2026-06-30", "data_to: 2026-05-20"),), "economics.post_days", "reaches to 2026-05-27"),
    ((("days: 365", "days: 60"),), "economics.horizon.days", "fewer than the 87"),
    ((("persistence: [", "persistence: []} #"),), "economics.horizon.days", "add persistence"),
    ((("weight: 0.4", "weight: 0.5"),), "economics.horizon.persistence", "sum to 1.1, not to 1"),
    ((("  strata: [tier]\n", ""),), "economics.rollout.eligible", "assignment.strata"),
    ((("{silver: 90000, gold: 20000}", "0"),), "economics.rollout.eligible", "nobody is eligible"),
    ((("coverage: 0.9", "coverage: 90"),), "economics.rollout.coverage", "did you mean 0.9?"),
    ((("name: shipping, sd", "name: shiping, sd"),), "economics.assumptions[1].name", "mean 'shipping'?"),
    ((("low: 0.75, high: 0.95", "low: 0.9, high: 0.7"),), "economics.assumptions[0]", "must lie below high"),
    (((", sd: 0.5", ""),), "economics.assumptions[1]", "give low and high, or sd"),
    ((("name: shipping, sd", "name: true, sd"),), "economics.assumptions[1].name", "quote it: 'true'"),
    (
        (("metric: margin, margin: 0.9", "metric: margin"), ("name: shipping, sd", "name: margin, sd")),
        "economics.assumptions[1].name",
        "has no margin",
    ),
    ((("[before_after]", "[after]"),), "economics.naive[0]", "one of before_after, participated, members"),
    ((("[before_after]", "[before_after, before_after]"),), "economics.naive", "before_after twice"),
    (((", pre_days: 87", ""),), "economics.naive[0]", "needs days before assignment"),
    ((("[before_after]", "[members]"),), "economics.naive[0]", "members needs outside"),
    (
        (("[before_after]", "[{compare: before_after, column: x}]"),),
        "economics.naive[0]",
        "for a per-unit table",
    ),
    (
        (("[before_after]", "[{compare: participated, table: exposures}]"),),
        "economics.naive[0]",
        "there is no data.exposures",
    ),
    (
        (("[before_after]", "[{compare: participated, market_growth: 0.1}]"),),
        "economics.naive[0]",
        "participated has no market_growth",
    ),
    (
        (("days: 365, ", "days: 365, customer_value: {washout_days: 60}, "),),
        "economics.horizon.customer_value.washout_days",
        "27 days of the outcome window are left",
    ),
    (
        (("days: 365, ", "days: 87, customer_value: {washout_days: 7}, "),),
        "economics.horizon.customer_value",
        "ends with the window",
    ),
    (
        (
            ("days: 365, ", "days: 365, customer_value: {washout_days: 7}, "),
            ("type: amount, column: margin, role", "type: count, role"),
            ("metric: margin, margin: 0.9", "metric: margin, value: 2.0"),
        ),
        "economics.horizon.customer_value",
        "no money that orders bring",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "path", "words"), MISTAKES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_mistake_is_told_at_its_place(pairs: tuple[tuple[str, str], ...], path: str, words: str) -> None:
    found = told(changed(BASE, *pairs), "error")
    assert any(p == path and words in w for p, w in found), found


def test_event_tables_stand_beside_transactions() -> None:
    beside = changed(UNITS, ("  units:", "  surveys: {table: s, time: t, score: s, kind: nps}\n  units:"))
    assert told(beside, "error")[0][0] == "data"
    line = changed(UNITS, ("per_unit: 0.05", "contacts: email, price: 0.05"))
    ((path, words),) = told(line, "error")
    assert path == "economics.costs[0].contacts"
    assert words.endswith("a per-unit table has none | write per_event: the column that counts them")


def test_what_an_arm_gives_and_no_line_counts_is_a_notice() -> None:
    costs = BASE[BASE.index("    - {id: base") : BASE.index("  post_days")]
    alone = changed(BASE, (costs, "    - {id: sms, contacts: sms, price: sms}\n"))
    assert any(
        p == "arms[1].intervention" and "arm 'double' issues points, and no cost line counts that" in w
        for p, w in told(alone, "notice")
    )
    for line in (
        "points: bonus",
        "points: all, arms: [double]",
        "per_event: reward, price: 1.0",
        "per_unit: 0.5",
    ):
        counted = changed(BASE, (costs, f"    - {{id: one, {line}}}\n"))
        assert not any("no cost line counts that" in w for _, w in told(counted, "notice")), line
    other = changed(BASE, (costs, "    - {id: one, points: bonus, arms: [control]}\n"))
    assert any("no cost line counts that" in w for _, w in told(other, "notice"))


def test_a_line_keeps_the_name_of_the_price_that_it_took() -> None:
    experiment = read_text(BASE)
    named = {line.id: (line.price, line.price_of) for line in experiment.economics.costs if line.price_of}
    assert named == {"shipping": (6.0, "shipping"), "sms": (0.05, "sms")}
    assert read_text(resolved_yaml(experiment)) == experiment


def test_points_whose_window_ends_with_them_are_a_notice_and_money_off_is_refused() -> None:
    short = changed(BASE, ("outcome_days: 87", "outcome_days: 28"), ("  post_days: 59\n", ""))
    (found,) = [w for p, w in told(short, "notice") if p == "arms[1].intervention"]
    assert "purchases pulled forward count as gained" in found
    assert told(short, "error") == []
    message = changed(short, ("{type: points_multiplier, multiplier: 2}", "{type: message, channel: sms}"))
    assert not any("pulled forward" in w for _, w in told(message, "notice"))
    for offer in (
        "{type: coupon, face_value: 20}",
        "{type: retention_offer, face_value: 20, valid_days: 28}",
    ):
        money_off = changed(short, ("{type: points_multiplier, multiplier: 2}", offer))
        ((path, words),) = told(money_off, "error")
        assert path == "arms[1].intervention" and "the outcome window ends with it" in words
        assert "raise schedule.outcome_days" in words
        longer = changed(money_off, ("outcome_days: 28", "outcome_days: 60"))
        assert told(longer, "error") == []


def test_a_window_beyond_the_data_is_refused_unless_units_under_way_are_kept() -> None:
    early = changed(BASE, ("data_to: 2026-06-30", "data_to: 2026-04-30"), ("  post_days: 59\n", ""))
    words = (
        "the first outcome window ends on 2026-05-27, the data on 2026-04-30: no result is mature | "
        "wait for the data, or shorten schedule.outcome_days"
    )
    assert told(early, "error") == [("schedule.data_to", words)]
    kept = changed(early, ("data_to: 2026-04-30", "data_to: 2026-04-30, immature: include"))
    assert told(kept, "error") == []
    assert ("schedule.data_to", words) in told(kept, "notice")


def test_what_is_not_yet_run_is_told_and_a_run_without_it_is_refused() -> None:
    text = changed(BASE, ("program: shop\n", "program: shop\n  vat: {rate: 0.13}\n"))
    notices = dict(told(text, "notice"))
    refused = {path for path, words in notices.items() if "`run` is refused" in words}
    assert refused == {"economics.benefit"}
    with pytest.raises(Refused) as caught:
        refuse_what_is_not_run(read_text(text))
    assert {path for path in notices if f"{path}: " in str(caught.value)} == refused


def test_tax_in_the_amounts_is_refused_where_there_is_money() -> None:
    costs = BASE[BASE.index("    - {id: base") : BASE.index("  post_days")]
    plain = changed(BASE, (costs, "    - {id: one, per_unit: 0.5}\n"))
    refuse_what_is_not_run(read_text(plain))
    taxed = changed(plain, ("program: shop\n", "program: shop\n  vat: {rate: 0.13}\n"))
    with pytest.raises(Refused, match="value added tax"):
        refuse_what_is_not_run(read_text(taxed))
    refuse_what_is_not_run(read_text(changed(taxed, ("rate: 0.13", "rate: 0.13, included: false"))))


def test_a_segment_by_a_condition_is_read() -> None:
    text = changed(BASE, ("metrics:\n", f"{SEGMENTS}metrics:\n"))
    spec = read_text(text)
    assert spec.segments[0].when is not None
    assert read_text(resolved_yaml(spec)).spec_hash == spec.spec_hash
    assert not [path for path, _ in told(text, "notice") if path.startswith("segments")]
    both = changed(text, ("id: heavy,", "id: heavy, column: x,"))
    assert [p for p, _ in told(both, "error")] == ["segments[0]"]
    odd = changed(text, ("in: Heavy", "heavy: Heavy"))
    assert "in and out, not heavy" in told(odd, "error")[0][1]


def test_reading_costs_loads_no_heavy_library() -> None:
    script = (
        "import sys, loyalty_exp.spec.not_yet_run;"
        "print([m for m in 'scipy matplotlib pandas duckdb sqlalchemy'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_per_unit_table_names_columns_for_comparisons_and_days_for_a_horizon() -> None:
    def mistakes(*lines: str) -> list[tuple[str, str]]:
        more = "".join(f"  {line}\n" for line in lines)
        return told(changed(UNITS, ("decision:", f"{more}decision:")), "error")

    for line, path, words in (
        (
            "naive: [participated]",
            "economics.naive[0]",
            "column of the per-unit table that holds who took part",
        ),
        ("naive: [{compare: participated, table: coupons}]", "economics.naive[0]", "no events of its own"),
        ("horizon: {days: 90}", "economics.horizon.days", "nothing says how many days were observed"),
    ):
        ((at, found),) = mistakes(line)
        assert at == path and words in found
    assert mistakes("naive: [{compare: before_after, column: history}]") == []
    schedule = ("economics:", "schedule: {outcome_days: 14}\neconomics:")
    value = "  horizon: {days: 14, customer_value: {washout_days: 7}}\ndecision:"
    ((at, found),) = told(changed(UNITS, schedule, ("decision:", value)), "error")
    assert at == "economics.horizon.customer_value" and "holds no orders" in found


def test_a_table_that_says_who_took_part_is_read() -> None:
    exposures = "  exposures: {table: e.parquet, time: ts}\nassignment:\n"
    text = changed(BASE, ("assignment:\n", exposures), ("[before_after]", "[participated]"))
    assert not [path for path, _ in told(text, "notice") if path == "data.exposures"]
