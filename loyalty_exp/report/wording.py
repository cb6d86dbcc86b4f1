"""How the page says things: the one place where numbers are rounded and sentences are filled."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from markupsafe import Markup, escape

from loyalty_exp.grammar import in_language
from loyalty_exp.report.language import Speech

MINUS = "\N{MINUS SIGN}"

_WIDE = Context(prec=400)
"""Digits enough for every 64-bit number."""


class Number(str):
    """A number in words; a sentence keeps it on one line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """Words of one page: its language, its currency and the level of its intervals."""

    speech: Speech
    symbol: str
    alpha: float

    def say(self, message: str, **values: Any) -> Markup:
        """Translate a message and fill it; numbers stay unbroken, everything else is escaped."""
        text = Markup(escape(self.speech.translations.gettext(message)))
        return text.format(**{k: _unbroken(v) for k, v in values.items()})

    def name(self, text: Any, default: str) -> str:
        """Give a name of the spec in the language of the page."""
        return in_language(text, self.speech.code, default)

    def join(self, parts: list[Any]) -> Markup:
        """List things: with commas, or with the enumeration comma in Chinese."""
        return Markup(self.speech.translations.gettext(", ")).join(_unbroken(p) for p in parts)

    def sentences(self, parts: list[Markup]) -> Markup:
        """Set sentences beside each other; Chinese needs no space between them."""
        return Markup("" if self.speech.code == "zh-CN" else " ").join(parts)

    # Amounts

    def money(self, value: float, *, step: int | None = None, signed: bool = False) -> Number:
        """Money to 3 significant figures, or to 10**step."""
        return _signed(
            rounded(value, significant_step(value) if step is None else step), self.symbol, "", signed
        )

    def exact(self, value: float, *, signed: bool = False) -> Number:
        """Money in full: whole units from 1,000 on, else two decimals, more when it is tiny."""
        step = 0 if abs(value) >= 1000 else -2
        return _signed(rounded(value, step), self.symbol, "", signed)

    def count(self, value: float) -> Number:
        """A count of things."""
        return _signed(rounded(value, 0), "", "", False)

    def number(self, value: float, *, step: int | None = None, signed: bool = False) -> Number:
        """A plain number to 3 significant figures, or to 10**step."""
        return _signed(rounded(value, significant_step(value) if step is None else step), "", "", signed)

    # Shares

    def percent(self, value: float, *, signed: bool = False, step: int | None = None) -> Number:
        """A share or a return as a percentage; 0% only for a true 0."""
        if step is None:
            step = 0 if abs(value) >= 0.1 else -1
        return _signed(rounded(value * 100, step), "", "%", signed)

    def whole_percent(self, value: float) -> Number:
        """A declared share or return: no decimals where it is a whole percentage."""
        return self.percent(value, step=0 if abs(value * 100 - round(value * 100)) < 1e-9 else -1)

    def share(self, value: float) -> Number:
        """A share with one decimal, such as a rate of members."""
        return self.percent(value, step=-1 if abs(value) >= 0.02 or value == 0 else -2)

    def points(self, value: float, *, signed: bool = True, step: int = -1) -> Number:
        """A difference of two shares, in percentage points."""
        return Number(f"{_signed(rounded(value * 100, step), '', '', signed)}{self.points_unit()}")

    def points_unit(self) -> str:
        """Percentage points, with the space before them where the language wants one."""
        return "\N{NO-BREAK SPACE}" * (self.speech.code == "en") + str(self.say("pp"))

    def chance(self, value: float) -> Number:
        """A probability; never a flat 0% or 100%."""
        if value > 0.999:
            return Number(">99.9%")
        if value < 0.001:
            return Number("<0.1%")
        return self.percent(value, step=-1 if not 0.01 <= value <= 0.99 else 0)

    def p_value(self, value: float) -> Number:
        """A p-value with its sign; never 0.000."""
        if value < 0.001:
            return Number("< 0.001")
        return Number(f"= {value:.2f}" if value >= 0.1 else f"= {value:.3f}")

    def level(self) -> Number:
        """The level of the intervals, such as 95%."""
        return Number(f"{rounded((1 - self.alpha) * 100, 0 if self.alpha * 100 % 1 < 1e-9 else -1)}%")

    # Time

    def day(self, iso: str | None) -> Number:
        """A date; empty when there is none."""
        from babel.dates import format_date

        if not iso:
            return Number("")
        pattern = "y年M月d日" if self.speech.code == "zh-CN" else "d MMM y"
        return Number(format_date(dt.date.fromisoformat(str(iso)[:10]), pattern, locale=self.speech.locale))

    def span(self, start: str | None, end: str | None) -> Markup:
        """A period, first and last day."""
        if not start or not end or str(start)[:10] == str(end)[:10]:
            return Markup(escape(self.day(start or end)))
        first, last = self.day(start), self.day(end)
        year = str(end)[:4]
        if str(start)[:4] == year:
            if self.speech.code == "zh-CN":
                last = Number(last.removeprefix(f"{year}年"))
            else:
                first = Number(first.removesuffix(f" {year}"))
        return self.say("{start} to {end}", start=first, end=last)


def significant_step(value: float, figures: int = 3) -> int:
    """Give the power of ten to which a value is rounded to keep so many significant figures."""
    if value == 0 or not math.isfinite(value):
        return 0
    return math.floor(math.log10(abs(value)) + 1e-12) - figures + 1


def interval_step(estimate: float, lower: float, upper: float) -> int:
    """Give one rounding for an estimate and its bounds: 3 figures of the estimate, but no false precision."""
    largest = max(abs(lower), abs(upper))
    return max(significant_step(estimate), significant_step(largest, 4))


def rounded(value: float, step: int) -> str:
    """Write a value rounded to 10**step; what is not zero is never written as zero."""
    exact = Decimal(repr(float(value)))
    quantum = Decimal(1).scaleb(step)
    result = exact.quantize(quantum, ROUND_HALF_EVEN, _WIDE)
    if result == 0 and exact != 0:
        step = significant_step(value, 1)
        result = exact.quantize(Decimal(1).scaleb(step), ROUND_HALF_EVEN, _WIDE)
    return f"{result:,.{max(0, -step)}f}"


def _signed(digits: str, before: str, after: str, signed: bool) -> Number:
    negative = digits.startswith("-")
    digits = digits.removeprefix("-")
    if not digits.strip("0.,"):
        return Number(f"{before}{digits}{after}")
    sign = MINUS if negative else "+" if signed else ""
    return Number(f"{sign}{before}{digits}{after}")


def _unbroken(value: Any) -> Markup:
    if isinstance(value, Number):
        return Markup('<span class="nb">{}</span>').format(str(value))
    return Markup(escape(value))
