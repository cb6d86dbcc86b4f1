"""The pages beside the report, which share its design and are held to the same: plan and portfolio."""

from __future__ import annotations

from collections.abc import Callable

from planning.plans import facts
from portfolio.samples import entries, plain

from loyalty_exp.planning.plan_page import render as render_plan
from loyalty_exp.portfolio.gather import Entry, Gathered
from loyalty_exp.portfolio.render import render as render_portfolio

WHOLE = Gathered((*entries(), Entry("ho", plain("ho", 9_000.0, 4_000.0))), ("x: cut off",), "ho")

OTHERS: dict[str, Callable[[str], str]] = {
    "plan": lambda language: render_plan(facts(), language),
    "plan_answerable": lambda language: render_plan(facts(available_units=90_000), language),
    "portfolio": lambda language: render_portfolio(WHOLE, language, lambda name: ""),
}
"""Makers of the pages, by name; each takes a language."""
