"""The words of the portfolio page, over those that the report has already."""

from __future__ import annotations

import io
from functools import cache
from gettext import GNUTranslations
from importlib import resources

from loyalty_exp.report.language import Speech
from loyalty_exp.report.language import speech as report_speech


@cache
def speech(code: str) -> Speech:
    """Load a language: the messages of this page first, then those of the report.

    Raises
    ------
    ValueError
        If the pages do not speak the language.
    """
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    under = report_speech(code)
    source = resources.files("loyalty_exp.portfolio") / "locales" / under.locale / "LC_MESSAGES"
    compiled = io.BytesIO()
    with (source / "portfolio.po").open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=under.locale))
    compiled.seek(0)
    translations = GNUTranslations(compiled)
    translations.add_fallback(under.translations)
    return Speech(code, under.locale, translations)
