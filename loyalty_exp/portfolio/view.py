"""The view of the portfolio: everything the template may print, every number already words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.language import speech
from loyalty_exp.portfolio.lines import Line, line_of, scales_of
from loyalty_exp.portfolio.summary import summary
from loyalty_exp.portfolio.tiles import Tile, tiles_of
from loyalty_exp.portfolio.totals import Totals, counts, totals_of
from loyalty_exp.readout.tables import tables
from loyalty_exp.report.files import FileLink, links
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording

FILES = {"experiments": N_("The experiments"), "totals": N_("What they add up to")}


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of the page."""

    skip: Markup
    eyebrow: Markup
    title: Markup
    at_a_glance: Markup
    experiments: Markup
    reading: Markup
    unreadable: Markup
    empty: Markup
    head: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """One page. What the template may use is exactly what is declared here."""

    language: str
    words: Words
    lead: Markup
    tiles: tuple[Tile, ...]
    lines: tuple[Line, ...]
    notes: tuple[Markup, ...]
    files: tuple[FileLink, ...]
    unreadable: tuple[str, ...]


def build_view(found: Gathered, language: str, page_of: Callable[[str], str]) -> PortfolioView:
    """Put a workspace into the words of a language.

    Parameters
    ----------
    found : Gathered
    language : str
        ``en`` or ``zh-CN``.
    page_of : callable
        Gives the address of an experiment's page, relative to this one; empty when there is none.
    """
    words = Wording(speech(language), "", 0.05)
    totals = totals_of(found.entries, found.holdout)
    scales = scales_of(found.entries)
    return PortfolioView(
        language=language,
        words=_fixed(words),
        lead=_lead(words, found),
        tiles=tiles_of(language, totals, found.holdout),
        lines=tuple(line_of(language, e, scales, page_of(e.id)) for e in found.entries),
        notes=_notes(words, found, totals),
        files=links(words, "portfolio", tables(summary(found)), FILES),
        unreadable=found.unreadable,
    )


def _fixed(words: Wording) -> Words:
    return Words(
        skip=words.say("Skip to the experiments"),
        eyebrow=words.say("Portfolio of experiments"),
        title=words.say("What the experiments of the program add up to"),
        at_a_glance=words.say("At a glance"),
        experiments=words.say("The experiments"),
        reading=words.say("How to read this"),
        unreadable=words.say("Readouts that cannot be read"),
        empty=words.say("There is no readout yet. Analyze an experiment, and make this page again."),
        head=(
            words.say("Experiment"),
            words.say("State"),
            words.say("Verdict of the rule"),
            words.say("Net benefit"),
            words.say("Interval"),
            words.say("Strength of evidence"),
            words.say("Decided"),
        ),
    )


def _lead(words: Wording, found: Gathered) -> Markup:
    analyzed = [e for e in found.entries if e.readout is not None]
    decided = [e for e in found.entries if e.decision is not None]
    return words.say(
        "Experiments: {n}. With a readout: {analyzed}. With a recorded decision: {decided}.",
        n=words.count(len(found.entries)),
        analyzed=words.count(len(analyzed)),
        decided=words.count(len(decided)),
    )


def _notes(words: Wording, found: Gathered, totals: tuple[Totals, ...]) -> tuple[Markup, ...]:
    out = [e for e in found.entries if e.readout is not None and not counts(e, found.holdout)]
    told = [
        words.say(
            "What was scaled was picked partly by luck, so the plain sum is too high. Shrinkage pulls each "
            "estimate toward the average of all experiments, as far as its noise calls for."
        ),
        words.say(
            "Sums hold only randomized experiments whose outcomes are complete. Left out: {n}.",
            n=words.count(len(out)),
        ),
        words.say("Scaled means: as decided by people where that is recorded, else as the rule says."),
    ]
    if not any(t.realized for t in totals):
        told.append(
            words.say(
                "Nothing here measures the whole program: there is no readout of a program holdout. "
                "What was claimed cannot be compared with what was realized."
            )
        )
    else:
        told.append(words.say("The interval of what was realized does not count the noise of the claims."))
    return tuple(told)
