"""The two languages of the page: message catalogues, compiled in memory when a page is made."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from importlib import resources

LANGUAGES = ("en", "zh-CN")


def N_(message: str) -> str:  # noqa: N802 - the name that catalogue tools know
    """Mark a message for the catalogues; it is translated later, where it is said."""
    return message


@dataclass(frozen=True, slots=True)
class Speech:
    """A language with its translations; `locale` is Babel's name for it."""

    code: str
    locale: str
    translations: GNUTranslations


@cache
def speech(code: str) -> Speech:
    """Load a language.

    Raises
    ------
    ValueError
        If the page does not speak the language.
    """
    if code not in LANGUAGES:
        raise ValueError(f"the report speaks {' and '.join(LANGUAGES)}, not {code!r}")
    locale = code.replace("-", "_")
    return Speech(code, locale, _translations("loyalty_exp.report", "messages.po", locale))


@cache
def speech_of(room: str, catalogue: str, code: str) -> Speech:
    """Load a language of another page: its own messages first, then those of the report.

    Parameters
    ----------
    room : str
        Package that holds the folder ``locales``.
    catalogue : str
        Name of the file.
    code : str

    Raises
    ------
    ValueError
        If the pages do not speak the language.
    """
    under = speech(code)
    translations = _translations(room, catalogue, under.locale)
    translations.add_fallback(under.translations)
    return Speech(code, under.locale, translations)


def _translations(room: str, catalogue: str, locale: str) -> GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with (resources.files(room) / "locales" / locale / "LC_MESSAGES" / catalogue).open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=locale))
    compiled.seek(0)
    return GNUTranslations(compiled)
