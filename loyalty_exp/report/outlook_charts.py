"""The charts beyond the test: the chance of every hurdle, and how far each assumption moves net benefit."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_exp.report.canvas import Canvas, linear, ticks
from loyalty_exp.report.facts import shortened
from loyalty_exp.report.outlook import AssumptionBar, HurdleCurve
from loyalty_exp.report.wording import Wording

MOST_BARS = 8
"""Assumptions that are drawn; the table holds all."""


def acceptability(words: Wording, curve: HurdleCurve, *, width: float, name: str, classes: str) -> str:
    """Draw the chance that the return exceeds each hurdle, with the registered hurdle marked."""
    canvas, top, base = Canvas(width, 240.0), 14.0, 190.0
    left, right = 44.0, width - 16.0
    x, y = linear(curve.hurdles[0], curve.hurdles[-1], left, right), linear(0.0, 1.0, base, top)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.line([left, right], [y(share)] * 2, "grid")
        text = words.percent(share, step=0)
        canvas.text(left - 6, y(share) + 4, text, at="right", color="muted", size=12)
    for tick in ticks(curve.hurdles[0], curve.hurdles[-1], 5):
        text = words.percent(tick, step=0)
        canvas.text(min(x(tick), width - 20), base + 19, text, at="center", color="muted", size=12)
    said = words.say("hurdle: return asked for").striptags()
    canvas.text((left + right) / 2, base + 40, said, at="center", color="muted", size=12)
    canvas.line([x(h) for h in curve.hurdles], [y(p) for p in curve.chances], "treat", 2.0)
    if curve.asked:
        mark_hurdle(words, canvas, curve.asked, (x(curve.asked[0]), y(curve.asked[1])), (left, right, base))
    return canvas.svg(name + classes, classes, name)


def mark_hurdle(
    words: Wording,
    canvas: Canvas,
    asked: tuple[float, float],
    at: tuple[float, float],
    edges: tuple[float, float, float],
) -> None:
    """Mark the registered hurdle; its words stand on the side of the falling line where there is room."""
    (x, y), (left, right, base) = at, edges
    canvas.line([x, x], [8.0, base], "ink", 1.2, dashed=True)
    canvas.dot(x, y, 4.5, "treat")
    under = asked[1] >= 0.5 and x - left >= 60
    place, side = (x - 8, "right") if under else (min(x + 8, right - 66), "left")
    # Under the line to its left, or above it to its right: there the falling line never passes.
    first = (y + base) / 2 if asked[1] >= 0.5 else max(26.0, y - 40)
    canvas.text(place, first, words.chance(asked[1]), at=side, bold=True, size=13)
    said = words.say("above {hurdle}", hurdle=words.whole_percent(asked[0])).striptags()
    canvas.text(place, first + 16, said, at=side, size=12.5)


def tornado(
    words: Wording, bars: Sequence[AssumptionBar], base: float, *, width: float, name: str, classes: str
) -> str:
    """Draw the range of net benefit under each assumption, split at the value with what was used."""
    row, left, right = 58.0, 6.0, width - 6.0
    drawn = bars[:MOST_BARS]
    canvas = Canvas(width, row * len(drawn) + 44)
    low, high = min(base, *(b.lower for b in drawn)), max(base, *(b.upper for b in drawn))
    room = (high - low) * 0.3
    low, high = (min(low, 0.0) if low - room < 0 else low), (max(high, 0.0) if high + room > 0 else high)
    if low == high:
        low, high = low - 1, high + 1
    place, floor = linear(low, high, left + 24, right - 24), row * len(drawn) + 2
    if low <= 0 <= high:
        for i in range(len(drawn)):
            canvas.line([place(0.0)] * 2, [i * row + 18, i * row + 36], "muted", 1.2)
        canvas.text(place(0.0), floor + 16, words.money(0.0), at="center", color="muted", size=12)
    for i, bar in enumerate(drawn):
        y = i * row
        canvas.text(left, y + 13, shortened(bar.name, int(width / 7.2)), bold=True, size=12.5)
        if bar.lower < base:
            canvas.box(place(bar.lower), place(min(base, bar.upper)), y + 20, 14, "neg")
        if bar.upper > base:
            canvas.box(place(max(base, bar.lower)), place(bar.upper), y + 20, 14, "pos")
        canvas.text(left, y + 48, bar.lower_label, color="neg", size=12)
        canvas.text(right, y + 48, bar.upper_label, at="right", color="pos", size=12)
    for i in range(len(drawn)):
        canvas.line([place(base)] * 2, [i * row + 17, i * row + 37], "ink", 1.8)
    said = words.say("{net} with the values used", net=words.exact(base)).striptags()
    canvas.text(width / 2, floor + 36, said, at="center", color="muted", size=12)
    return canvas.svg(name + classes, classes, name)
