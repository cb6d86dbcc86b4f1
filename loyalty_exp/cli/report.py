"""`report`: from a readout to the pages, one for each language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import store_option

if TYPE_CHECKING:
    from jinja2 import TemplateError

    from loyalty_exp.workspace import Results

languages_option = click.option(
    "--lang",
    "languages",
    multiple=True,
    type=click.Choice(["en", "zh-CN"]),
    help="Language of a page; may be given twice. The spec's languages when left out.",
)
templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of templates that override the package's; reports/templates beside the spec when left out.",
)
pdf_option = click.option(
    "--pdf", is_flag=True, help="Print each page as PDF too, with any Chromium, Chrome or Edge found."
)


@click.command(short_help="Write the pages from a readout.")
@click.argument("spec", type=click.Path(path_type=Path))
@languages_option
@templates_option
@pdf_option
@click.option(
    "--look",
    type=click.IntRange(min=1),
    help="Of a recorded look, as `show` numbers them: its readout and pages go to results/<id>/looks/<look>.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the results.")
@store_option
@common
def report(
    spec: Path,
    languages: tuple[str, ...],
    templates: Path | None,
    look: int | None,
    out: Path | None,
    store: str | None,
    pdf: bool,
) -> None:
    """Write the pages of SPEC from its readout.json; nothing is computed again."""
    from loyalty_exp.store.in_force import read_in_force
    from loyalty_exp.workspace import prepare, read_readout, results_of

    experiment, _ = read_in_force(spec, store)
    results = results_of(spec, experiment.experiment, out)
    if look is not None:
        results = _looked(spec, experiment.experiment, look, out, store)
    readout = read_readout(results)
    if look is None and readout.get("experiment", {}).get("spec_hash") != experiment.spec_hash:
        session().say(f"note: {spec} has changed since the readout; run: loyalty-exp analyze {spec}")
    program = browser_for(pdf)
    prepare(results)
    pages = write_pages(readout, results, languages, templates)
    printed = write_pdf(pages, program)
    if session().json:
        session().emit_json({"pages": pages, **({"pdf": printed} if printed else {})})


def _looked(spec: Path, experiment: str, look: int, out: Path | None, store: str | None) -> Results:
    """Write the readout of a recorded look, as it was, into a folder of its own."""
    from loyalty_exp.cli.store import opened
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.repository import readout_at
    from loyalty_exp.workspace import prepare, results_of, write_text

    here = opened(spec.parent, store)
    text = here.read(lambda s: readout_at(s, experiment, look))
    if text is None:
        raise Refused(
            f"the store {here.place.shown} has no look {look} at '{experiment}'. Run: loyalty-exp show {spec}"
        )
    own = results_of(spec, experiment).folder / "looks" / str(look)
    results = results_of(spec, experiment, out if out is not None else own)
    prepare(results)
    session().say(f"wrote {write_text(results.readout, text)}")
    return results


def write_pages(
    readout: Mapping[str, Any], results: Results, languages: tuple[str, ...], templates: Path | None
) -> dict[str, str]:
    """Render and write a page for each language, and give their paths."""
    from jinja2 import TemplateError

    from loyalty_exp.errors import UsageError
    from loyalty_exp.report.render import render
    from loyalty_exp.workspace import own_templates, write_text

    now, pages = session(), {}
    folder = templates or own_templates(results.spec)
    for language in dict.fromkeys(languages or readout["plan"]["languages"]):
        now.progress(f"writing the page ({language})")
        try:
            page = render(dict(readout), language, folder)
        except TemplateError as error:
            if folder is None:
                raise
            raise UsageError(_faulty(error, folder)) from None
        pages[language] = str(write_text(results.page(language), page))
    now.rest()
    for path in pages.values():
        now.say(f"wrote {path}")
    return pages


def browser_for(pdf: bool) -> str | None:
    """Find the browser that prints, before anything is computed; None where no PDF is asked for."""
    if not pdf:
        return None
    from loyalty_exp.cli.pdf import require_browser

    return require_browser()


def write_pdf(pages: Mapping[str, str], program: str | None) -> dict[str, str]:
    """Print every page beside itself, and give the paths by language; nothing without a browser."""
    if program is None:
        return {}
    from loyalty_exp.cli.pdf import print_page
    from loyalty_exp.workspace import write_bytes

    now, printed = session(), {}
    for language, page in pages.items():
        now.progress(f"printing the page ({language})")
        target = Path(page).with_suffix(".pdf")
        printed[language] = str(write_bytes(target, print_page(program, Path(page))))
    now.rest()
    for path in printed.values():
        now.say(f"wrote {path}")
    return printed


def _faulty(error: TemplateError, folder: Path) -> str:
    """Say what is wrong in templates that are not the package's."""
    line = getattr(error, "lineno", None)
    where = f"{getattr(error, 'name', None) or 'a template'}{f', line {line}' if line else ''}"
    return f"the templates in {folder} cannot be used: {where}: {error.message or type(error).__name__}."
