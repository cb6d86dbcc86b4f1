"""The charts of money: where it goes, how sure it is, what it cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loyalty_exp.report.canvas import Canvas, apart, linear, ticks
from loyalty_exp.report.facts import shortened
from loyalty_exp.report.money import Curve
from loyalty_exp.report.money_rows import Bar
from loyalty_exp.report.wording import Wording


def waterfall(
    words: Wording,
    bars: Sequence[Bar],
    bounds: tuple[float, float] | None,
    *,
    width: float,
    labels: float,
    name: str,
    classes: str,
) -> str:
    """Draw where the money goes, from extra margin to net benefit with its interval."""
    row, top = 36.0, 8.0
    canvas = Canvas(width, top + row * len(bars) + 24)
    steps, level = [], 0.0
    for bar in bars:
        start, end = (0.0, bar.amount) if bar.total else (level, level + bar.amount)
        steps.append((start, end))
        level = end
    low = min(0.0, *(bounds or ()), *(min(s) for s in steps))
    high = max(0.0, *(bounds or ()), *(max(s) for s in steps))
    room = 92.0
    left, right = labels + (room if low < 0 else 6.0), width - room
    place = linear(low, high, left, right)
    marks = {
        tick: words.money(tick, step=0) if abs(tick) >= 1 else words.money(tick)
        for tick in ticks(low, high, max(1, int((right - left) / 85)))
    }
    for tick in apart(marks, place):
        canvas.line([place(tick)] * 2, [top - 4, canvas.height - 20], "grid")
        canvas.text(place(tick), canvas.height - 5, marks[tick], at="center", color="muted", size=12)
    canvas.line([place(0.0)] * 2, [top - 4, canvas.height - 20], "muted", 1.2)
    for i, (bar, (start, end)) in enumerate(zip(bars, steps, strict=True)):
        y = top + i * row
        last = i == len(bars) - 1
        color = (
            ("pos" if end >= 0 else "neg")
            if last
            else "ctrl"
            if bar.total
            else "neg"
            if end < start
            else "pos"
        )
        canvas.box(place(start), place(end), y + 5, 22, color)
        if not last:
            canvas.line([place(end)] * 2, [y + 27, y + row + 5], "muted", 0.8)
        edge = max(start, end)
        if last and bounds:
            canvas.line([place(bounds[0]), place(bounds[1])], [y + 16, y + 16], "ink", 2)
            for b in bounds:
                canvas.line([place(b)] * 2, [y + 11, y + 21], "ink", 2)
            edge = max(edge, bounds[1])
        canvas.text(labels - 4, y + 21, shortened(bar.name, int(labels / 6.6)), at="right", bold=bar.total)
        if place(edge) > width - 60:
            canvas.text(place(min(start, end)) - 6, y + 21, bar.label, at="right", bold=bar.total)
        else:
            canvas.text(place(edge) + 6, y + 21, bar.label, bold=bar.total)
    return canvas.svg(name + classes, classes, name)


def likelihood(
    words: Wording, curve: Curve, below: str, above: str, *, width: float, name: str, classes: str
) -> str:
    """Draw the curve of net benefit, shaded on each side of zero, with the interval underneath."""
    canvas = Canvas(width, 240)
    spread = curve.spread or max(abs(curve.center), 1.0) / 100
    low = min(curve.center - 3.3 * spread, -0.6 * spread)
    high = max(curve.center + 3.3 * spread, 0.6 * spread)
    place = linear(low, high, 14.0, width - 14.0)
    base = 178.0
    xs = [low + (high - low) * i / 120 for i in range(121)]
    xs = sorted({*xs, 0.0})
    tall = {x: base - 138 * math.exp(-0.5 * ((x - curve.center) / spread) ** 2) for x in xs}
    for side, color in ((-1, "neg-soft"), (1, "pos-soft")):
        part = [x for x in xs if side * x >= 0]
        if len(part) > 1:
            canvas.area([place(x) for x in part], [tall[x] for x in part], base, color)
    for side, color in ((-1, "neg"), (1, "pos")):
        part = [x for x in xs if side * x >= 0]
        if len(part) > 1:
            canvas.line([place(x) for x in part], [tall[x] for x in part], color, 1.8)
    canvas.line([place(low), place(high)], [base, base], "grid")
    canvas.line([place(0.0)] * 2, [30, base + 6], "muted", 1.2)
    canvas.line([place(curve.lower), place(curve.upper)], [base + 18, base + 18], "treat", 2)
    for b in (curve.lower, curve.upper):
        canvas.line([place(b)] * 2, [base + 13, base + 23], "treat", 2)
    canvas.dot(place(curve.center), base + 18, 4, "treat")
    canvas.text(14, 22, below, color="neg", bold=True, size=13)
    canvas.text(width - 14, 22, above, at="right", color="pos", bold=True, size=13)
    for tick in ticks(low, high, max(2, int(width / 100))):
        canvas.text(
            min(max(place(tick), 30), width - 34),
            base + 48,
            words.money(tick, step=0) if abs(tick) >= 1 else words.money(tick),
            at="center",
            color="muted",
            size=12,
        )
    return canvas.svg(name + classes, classes, name)


def costs(bars: Sequence[Bar], *, width: float, name: str, classes: str) -> str:
    """Draw the cost lines, largest first, each with its amount and its share of all costs."""
    row = 40.0
    canvas = Canvas(width, max(row * len(bars) + 8, 60))
    low, high = min(0.0, *(b.amount for b in bars)), max(0.0, *(b.amount for b in bars))
    place = linear(low, high if high > low else low + 1, 2.0, width - 130.0)
    for i, bar in enumerate(bars):
        y = i * row + 4
        share = f" · {bar.share}" if bar.share.endswith("%") else ""
        canvas.text(2, y + 12, shortened(bar.name, int(width / 7.5)), size=12.5)
        canvas.box(place(0.0), place(bar.amount), y + 18, 14, "neg" if bar.amount >= 0 else "pos")
        canvas.text(place(max(0.0, bar.amount)) + 6, y + 30, bar.label + share, size=12.5)
    return canvas.svg(name + classes, classes, name)
