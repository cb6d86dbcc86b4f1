"""Coupons of a treatment against control: which redemptions were extra, what that cost, what would pay."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.said import why_not
from loyalty_exp.report.wording import Number

AT_ANY_SHARE = {
    "profitable_at_any_share": N_("pays even if no redemption is incremental"),
    "never": N_("breaks even only with more extra orders than redemptions"),
}


@dataclass(frozen=True, slots=True)
class CouponRow:
    """One line: a share, or money and counts per unit and in total."""

    name: str
    per_unit: str
    total: str
    sum: bool


@dataclass(frozen=True, slots=True)
class CouponBlock:
    """The coupons of one treatment; `why` says why their shares are not known."""

    arm: str
    shown: bool
    lead: Markup
    rows: tuple[CouponRow, ...]
    note: Markup


def coupon_blocks(facts: Facts) -> tuple[CouponBlock, ...]:
    """Give the coupons of every treatment that has any, the one shown first."""
    found = [e for e in facts.economics if e.get("coupons")]
    return tuple(
        coupon_block(facts, e) for e in sorted(found, key=lambda e: bool(e["treatment"] != facts.shown))
    )


def coupon_block(facts: Facts, e: Row) -> CouponBlock:
    """Give the coupons of one treatment."""
    return CouponBlock(
        arm=facts.arm(e["treatment"]),
        shown=e["treatment"] == facts.shown,
        lead=coupon_lead(facts, e["coupons"]),
        rows=coupon_rows(facts, e),
        note=facts.words.say(
            "Differences to control. The incremental share is extra orders by redemptions, held between none "
            "and all; deadweight is the subsidy of orders that would have come anyway. Estimates without "
            "intervals: they explain the net benefit and never decide."
        ),
    )


def coupon_lead(facts: Facts, c: Row) -> Markup:
    """Say how many redemptions were extra and how many must be for the coupons to pay."""
    words = facts.words
    if c["incremental_share"] is None:
        return words.say(
            "Which redemptions were incremental is not known: {reason}.",
            reason=why_not(words, c["not_estimable"]),
        )
    said = [needed(facts, c, words.whole_percent(c["incremental_share"]))]
    if c["incremental_orders"] > c["redemptions"]:
        said.append(words.say("Extra orders exceed redemptions, so not all of them came from coupons."))
    return words.sentences(said)


def needed(facts: Facts, c: Row, share: Number) -> Markup:
    """Say the incremental share beside the one that breaks even."""
    words, found = facts.words, c["break_even"]
    if found is None:
        return words.say("{share} of the redemptions were incremental.", share=share)
    if found["value"] is None:
        return words.say(
            "{share} of the redemptions were incremental; the campaign {what}.",
            share=share,
            what=share_words(facts, found),
        )
    return words.say(
        "{share} of the redemptions were incremental; the campaign breaks even at {least}.",
        share=share,
        least=share_words(facts, found),
    )


def coupon_rows(facts: Facts, e: Row) -> tuple[CouponRow, ...]:
    """Give the lines that are known."""
    words, c, n = facts.words, e["coupons"], e["units"]
    rows = [
        CouponRow(words.say("Redemptions"), words.number(c["redemptions"]),
                  words.count(n * c["redemptions"]), sum=False),
        CouponRow(words.say("Extra orders"), words.number(c["incremental_orders"]),
                  words.count(n * c["incremental_orders"]), sum=False),
        CouponRow(words.say("Coupon subsidy"), words.exact(c["subsidy"]), words.exact(n * c["subsidy"]),
                  sum=False),
    ]  # fmt: skip
    if c["deadweight_subsidy"] is not None:
        rows.append(
            CouponRow(
                words.say("Of which deadweight"),
                words.exact(c["deadweight_subsidy"]),
                words.exact(c["deadweight_subsidy_total"]),
                sum=False,
            )
        )
    if c["incremental_share"] is not None:
        share = words.whole_percent(c["incremental_share"])
        rows.append(CouponRow(words.say("Incremental share of redemptions"), share, "", sum=True))
        found = c["break_even"]
        if found is not None:
            rows.append(CouponRow(words.say("Break-even incremental share"), share_words(facts, found), "",
                                  sum=True))  # fmt: skip
        cost = c["cost_per_incremental_order"]
        value = words.say("no extra orders") if cost is None else words.exact(cost)
        rows.append(CouponRow(words.say("Cost per incremental order"), value, "", sum=True))
    return tuple(rows)


def share_words(facts: Facts, found: Row) -> str:
    """Write the break-even share, or what holds at every share."""
    if found["value"] is not None:
        return facts.words.percent(found["value"], step=-1)
    status = found["status"]
    return facts.words.say(AT_ANY_SHARE[status] if status in AT_ANY_SHARE else N_("not estimable"))
