"""`portfolio`: one page of all experiments of a workspace."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import store_option, workspace_option


@click.command(short_help="Write one page of all experiments.")
@workspace_option
@click.option(
    "--lang",
    "languages",
    multiple=True,
    type=click.Choice(["en", "zh-CN"]),
    help="Language of a page; both when left out.",
)
@click.option(
    "--holdout",
    metavar="ID",
    help="The experiment that measures the whole program; holdout.id of the program file when left out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the pages; results in the workspace when left out.",
)
@store_option
@common
def portfolio(
    workspace: Path, languages: tuple[str, ...], holdout: str | None, out: Path | None, store: str | None
) -> None:
    """Write an index page of all experiments: states, verdicts, money, and what it adds up to."""
    from loyalty_exp.portfolio.gather import gather
    from loyalty_exp.portfolio.render import render
    from loyalty_exp.portfolio.summary import summary
    from loyalty_exp.workspace import Results, make_folder, own_templates, write_text

    now = session()
    found = gather(workspace, dt.datetime.now(dt.UTC).date(), store, holdout)
    folder = out if out is not None else workspace / "results"
    make_folder(folder)
    pages = []
    for language in languages or ("en", "zh-CN"):

        def page_of(experiment: str, language: str = language) -> str:
            page = Results(workspace / "results" / experiment, workspace).page(language)
            return Path(os.path.relpath(page, folder)).as_posix() if page.is_file() else ""

        text = render(found, language, page_of, own_templates(workspace / "SPEC"))
        pages.append(write_text(folder / f"portfolio.{language}.html", text))
        now.say(f"wrote {pages[-1]}")
    for words in found.unreadable:
        now.say(f"warning: left out: {words}")
    if now.json:
        now.emit_json({**summary(found), "pages": [str(p) for p in pages]})
