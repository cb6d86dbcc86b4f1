"""The figures as files: every table of the readout as CSV inside the page, one link away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from loyalty_exp.readout.tables import Table, as_csv, tables
from loyalty_exp.report.detectable import detectable_view
from loyalty_exp.report.facts import Facts
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording

TITLES = {
    "arms": N_("The groups"),
    "health": N_("Checks"),
    "health_numbers": N_("Numbers of the checks"),
    "health_columns": N_("Missing outcomes by column"),
    "health_differences": N_("Differences before launch"),
    "health_events": N_("Unusual days inside"),
    "health_reach": N_("Reach of the offers, as checked"),
    "exposure_reach": N_("Whom the offers reached"),
    "exposure_compliers": N_("Effect on those reached because they were assigned"),
    "exposure_triggered": N_("Read among those who came to the trigger"),
    "exposure_triggered_money": N_("Net benefit read among triggered units"),
    "estimates": N_("Effects of all metrics and segments"),
    "interactions": N_("Tests for a difference between segments"),
    "readings": N_("Read in other ways"),
    "repurchase": N_("Time to the next purchase"),
    "repurchase_curves": N_("Curves of the next purchase"),
    "contrasts": N_("Arms weighed against each other"),
    "economics": N_("Benefit, cost and return"),
    "economics_cost_lines": N_("Cost lines"),
    "economics_points_arms": N_("Points of every arm"),
    "outlook": N_("Roll-out"),
    "outlook_acceptability": N_("Probability of each return"),
    "outlook_assumptions": N_("Assumptions"),
    "outlook_horizon_scenarios": N_("Ways in which the effect goes on"),
    "outlook_horizon_customer_value_arms": N_("Projected customer value of every arm"),
    "naive": N_("Metrics of the comparisons that are not causal"),
    "naive_figures": N_("Comparisons that are not causal"),
    "detectable": N_("Smallest difference found"),
    "over_time": N_("Payback"),
    "over_time_points": N_("Net benefit by day"),
}
VALID_OR_NOT = ("arms", "health")
"""What may be read while results are withheld."""


@dataclass(frozen=True, slots=True)
class FileLink:
    """One table as a link that saves it: what it holds, how many rows, its file name, its content."""

    title: str
    rows: str
    name: str
    href: str


def file_links(facts: Facts) -> tuple[FileLink, ...]:
    """Give the tables of the readout and of what could be found; withheld results are left out."""
    told = {n: t for n, t in tables(facts.readout).items() if not facts.invalid or n in VALID_OR_NOT}
    found = detectable_view(facts)
    if found is not None:
        told["detectable"] = Table(("units_treatment", "smallest_difference"), found.figures)
    return links(facts.words, str(facts.readout["experiment"]["id"]), told, TITLES)


def links(
    words: Wording, own: str, found: Mapping[str, Table], titles: Mapping[str, str]
) -> tuple[FileLink, ...]:
    """Give tables as links, named after what the page is of; a table without a title shows its own name."""
    return tuple(
        FileLink(
            title=words.say(titles[name]) if name in titles else name.replace("_", " "),
            rows=words.count(len(table.rows)),
            name=f"{own}.{name}.csv",
            href=data_address(table),
        )
        for name, table in found.items()
    )


def data_address(table: Table) -> str:
    """Write a table as the address of itself; the mark in front tells spreadsheets that it is UTF-8."""
    text = "\N{ZERO WIDTH NO-BREAK SPACE}" + as_csv(table.header, table.rows)
    return "data:text/csv;charset=utf-8," + quote(text, safe="!'()*,-./:;=?@_~+$")
