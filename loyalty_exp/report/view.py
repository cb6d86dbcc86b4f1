"""The view: everything the template may print, every number already words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from loyalty_exp.report.checks import CheckRow, check_rows, strip
from loyalty_exp.report.contrasts import ContrastsView, contrasts_view
from loyalty_exp.report.coupons import CouponBlock, coupon_blocks
from loyalty_exp.report.detectable import DetectableView, detectable_view
from loyalty_exp.report.deviations import DeviationsView, deviations_view
from loyalty_exp.report.effects import MetricTable, changed_lead, metric_tables
from loyalty_exp.report.exposure import ExposureView, exposure_view
from loyalty_exp.report.facts import Facts
from loyalty_exp.report.files import FileLink, file_links
from loyalty_exp.report.glossary import glossary
from loyalty_exp.report.guardrails import GuardrailRow, guardrail_rows
from loyalty_exp.report.horizon import HorizonBlock, horizon_blocks
from loyalty_exp.report.language import speech
from loyalty_exp.report.looks import table_note
from loyalty_exp.report.method import method_lines
from loyalty_exp.report.money import MoneyView, money_view
from loyalty_exp.report.naive import NaiveGroup, naive_groups
from loyalty_exp.report.next_steps import Step, next_lead, steps
from loyalty_exp.report.outlook import OutlookView, outlook_view
from loyalty_exp.report.over_time import OverTimeBlock, over_time_blocks
from loyalty_exp.report.points import PointsBlock, points_blocks
from loyalty_exp.report.readings import ReadingGroup, reading_groups
from loyalty_exp.report.repurchase import RepurchaseBlock, repurchase_blocks
from loyalty_exp.report.rollouts import RolloutBlock, rollout_blocks
from loyalty_exp.report.segments import SegmentsView, segments_view
from loyalty_exp.report.spend import SpendBlock, spend_blocks
from loyalty_exp.report.tiles import Tile, tiles
from loyalty_exp.report.verdict import VerdictView, verdict_view
from loyalty_exp.report.wording import Wording


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm: what it receives and how many units it holds."""

    name: str
    receives: str
    units: str
    clusters: str
    planned: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """One page. What the template may use is exactly what is declared here."""

    language: str
    id: str
    title: str
    question: str
    meta: tuple[tuple[str, str], ...]
    state: str
    invalid: bool
    several: bool
    level: str
    per_unit: str
    verdict: VerdictView
    tiles: tuple[Tile, ...]
    strip: tuple[CheckRow, ...]
    next_lead: Markup
    steps: tuple[Step, ...]
    arms: tuple[ArmRow, ...]
    clusters: bool
    money: MoneyView | None
    spend: tuple[SpendBlock, ...]
    points: tuple[PointsBlock, ...]
    coupons: tuple[CouponBlock, ...]
    outlook: OutlookView | None
    rollouts: tuple[RolloutBlock, ...]
    horizons: tuple[HorizonBlock, ...]
    changed_lead: Markup
    metrics: tuple[MetricTable, ...]
    table_note: Markup | None
    readings: tuple[ReadingGroup, ...]
    contrasts: ContrastsView | None
    guardrails: tuple[GuardrailRow, ...]
    exposure: ExposureView | None
    naive: tuple[NaiveGroup, ...]
    built_up: tuple[OverTimeBlock, ...]
    again: tuple[RepurchaseBlock, ...]
    segments: SegmentsView | None
    checks: tuple[CheckRow, ...]
    detectable: DetectableView | None
    method: tuple[Markup, ...]
    deviations: DeviationsView | None
    files: tuple[FileLink, ...]
    glossary: tuple[tuple[str, Markup], ...]
    footer: tuple[Markup, ...]


def build_view(readout: Mapping[str, Any], language: str) -> ReportView:
    """Put a readout into the words of a language."""
    plan = readout["plan"]
    symbol = str((plan.get("currency") or {}).get("symbol") or "")
    words = Wording(speech(language), symbol, float(plan.get("alpha") or 0.05))
    facts = Facts(readout, words)
    return ReportView(
        language=language,
        id=str(readout["experiment"]["id"]),
        title=facts.name(),
        question=words.name(plan.get("question"), ""),
        meta=meta(facts),
        state=words.say("provisional") if readout["status"] == "provisional" and not facts.invalid else "",
        invalid=facts.invalid,
        several=len(facts.treatments) > 1,
        level=words.say("{level} interval", level=words.level()),
        per_unit=str(words.say("Per {unit}", unit=facts.unit())),
        verdict=verdict_view(facts),
        tiles=tiles(facts),
        strip=strip(facts),
        next_lead=next_lead(facts),
        steps=steps(facts),
        arms=arm_rows(facts),
        clusters=facts.clustered,
        money=money_view(facts),
        spend=spend_blocks(facts),
        points=points_blocks(facts),
        coupons=coupon_blocks(facts),
        outlook=outlook_view(facts),
        rollouts=rollout_blocks(facts),
        horizons=horizon_blocks(facts),
        changed_lead=changed_lead(facts),
        metrics=metric_tables(facts),
        table_note=table_note(facts),
        readings=reading_groups(facts),
        contrasts=contrasts_view(facts),
        guardrails=guardrail_rows(facts),
        exposure=exposure_view(facts),
        naive=naive_groups(facts),
        built_up=over_time_blocks(facts),
        again=repurchase_blocks(facts),
        segments=segments_view(facts),
        checks=check_rows(facts),
        detectable=detectable_view(facts),
        method=method_lines(facts),
        deviations=deviations_view(facts),
        files=file_links(facts),
        glossary=glossary(facts),
        footer=footer(facts),
    )


def meta(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Give period, units and data date."""
    words, plan = facts.words, facts.plan
    total = sum(a["units"] for a in facts.readout["arms"])
    found: list[tuple[str, str]] = []
    if plan.get("start") or plan.get("end"):
        found.append((words.say("Ran"), words.span(plan.get("start"), plan.get("end"))))
    units = facts.units()
    found.append((units[:1].upper() + units[1:], words.count(total)))
    if facts.readout["data_to"]:
        found.append((words.say("Data to"), words.day(facts.readout["data_to"])))
    return tuple(found)


def arm_rows(facts: Facts) -> tuple[ArmRow, ...]:
    """Give the arms as planned and found."""
    words = facts.words
    return tuple(
        ArmRow(
            name=facts.arm(a["id"]),
            receives=words.name(a["receives"], "") or (words.say("no offer") if a["is_control"] else "–"),
            units=words.count(a["units"]),
            clusters="–" if a["clusters"] is None else words.count(a["clusters"]),
            planned=words.percent(a["share_planned"], step=-1),
        )
        for a in facts.readout["arms"]
    )


def footer(facts: Facts) -> tuple[Markup, ...]:
    """Give what is needed to make the page again; the salt is never among it."""
    words, made = facts.words, facts.readout["provenance"]
    versions = made.get("versions") or {}
    parts = []
    own = versions.get("loyalty-exp") or versions.get("loyalty_exp")
    if own:
        parts.append(words.say("loyalty-exp {version}", version=str(own)))
    for message, value in (
        (words.say("spec"), facts.readout["experiment"]["spec_hash"]),
        (words.say("data"), made.get("data_digest")),
        (words.say("locked"), (facts.readout["experiment"]["lock"])),
    ):
        if value:
            parts.append(words.say("{what} {value}", what=message, value=str(value)))
    if made.get("seed") is not None:
        parts.append(words.say("seed {seed}", seed=str(made["seed"])))
    spec_file = facts.plan.get("spec_file")
    command = made.get("command") or (f"loyalty-exp report {spec_file}" if spec_file else None)
    if command:
        parts.append(words.say("to make this page again: {command}", command=str(command)))
    return tuple(parts)
