"""The chart of how it built up: net benefit by day, its band, break-even, and the day the money was back."""

from __future__ import annotations

from collections.abc import Callable

from loyalty_exp.report.canvas import Canvas, linear, ticks
from loyalty_exp.report.curves import day_ticks
from loyalty_exp.report.over_time import TimeCurve
from loyalty_exp.report.wording import Wording

TOP, HIGH = 48.0, 202.0
"""Room for the words of what is marked, and height of the plot."""


def built_up(words: Wording, curve: TimeCurve, *, width: float, name: str, classes: str) -> str:
    """Draw the curve with its band and marks."""
    marked = curve.offer_days is not None or curve.paid_back is not None
    top, wide = (TOP if marked else 14.0), width > 600
    base = top + HIGH
    canvas = Canvas(width, base + 44)
    left, right = (84.0, width - 110.0) if wide else (68.0, width - 16.0)
    low, high = min(0.0, *curve.lower), max(0.0, *curve.upper)
    if low == high:
        low, high = low - 1, high + 1
    last = curve.days[-1]
    x, y = linear(0.0, float(last), left, right), linear(low, high, base, top)
    for tick in ticks(low, high, 5):
        canvas.line([left, right], [y(tick)] * 2, "grid")
        text = words.money(tick, step=0) if abs(tick) >= 1 else words.money(tick)
        canvas.text(left - 7, y(tick) + 4, text, at="right", color="muted", size=12)
    for day in day_ticks(last, max(3, int((right - left) / 90))):
        canvas.text(x(day), base + 18, words.count(day), at="center", color="muted", size=12)
    said = words.say("days since assignment").striptags()
    canvas.text((left + right) / 2, base + 37, said, at="center", color="muted", size=12)
    around = [(x(d), y(v)) for d, v in zip(curve.days, curve.upper, strict=True)]
    around += [(x(d), y(v)) for d, v in reversed(list(zip(curve.days, curve.lower, strict=True)))]
    canvas.polygon(around, "treat-soft")
    canvas.line([left, right], [y(0.0)] * 2, "ink", 1.2)
    canvas.line([x(d) for d in curve.days], [y(v) for v in curve.sums], "treat", 2.2)
    _marks(words, canvas, curve, x, y, (left, right))
    if wide:
        _labels(words, canvas, curve, y, right + 9)
    return canvas.svg(name + classes, classes, name)


def _marks(
    words: Wording,
    canvas: Canvas,
    curve: TimeCurve,
    x: Callable[[float], float],
    y: Callable[[float], float],
    edges: tuple[float, float],
) -> None:
    """Mark the day from which on the money was back, and the end of the offer in a second line of words.

    The words of the second line stand on the far side of the first mark, so that neither line crosses words.
    """
    middle = (edges[0] + edges[1]) / 2
    if curve.paid_back is not None:
        at, level = x(curve.paid_back), y(curve.sums[curve.days.index(curve.paid_back)])
        canvas.line([at, at], [20.0, level], "pos", 1.2)
        canvas.dot(at, level, 4.5, "pos")
        said = words.say("money back after day {day}", day=words.count(curve.paid_back)).striptags()
        _beside(canvas, at, 16.0, said, "pos", right=at < middle)
    if curve.offer_days is not None:
        at, back = x(curve.offer_days), curve.paid_back
        right = at < middle if back is None else back <= curve.offer_days
        canvas.line([at, at], [38.0, TOP + HIGH], "muted", 1.2, dashed=True)
        _beside(canvas, at, 34.0, words.say("the offer ends").striptags(), "muted", right=right)


def _beside(canvas: Canvas, at: float, baseline: float, said: str, color: str, *, right: bool) -> None:
    """Write on one side of a mark."""
    canvas.text(
        at + 6 if right else at - 6,
        baseline,
        said,
        at="left" if right else "right",
        color=color,
        size=12.5,
    )


def _labels(
    words: Wording, canvas: Canvas, curve: TimeCurve, y: Callable[[float], float], left: float
) -> None:
    """Label the end of the curve, and break-even where there is room."""
    end = y(curve.sums[-1])
    canvas.text(left, end + 4, words.exact(curve.sums[-1]), color="treat", bold=True, size=13)
    if abs(y(0.0) - end) > 18:
        canvas.text(left, y(0.0) + 4, words.say("break-even").striptags(), color="muted", size=12)
