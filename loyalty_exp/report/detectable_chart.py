"""The chart of what the test could have found."""

from __future__ import annotations

import math

from loyalty_exp.report.canvas import CHARACTER, Canvas, linear, ticks
from loyalty_exp.report.detectable import SHARES, DetectableView
from loyalty_exp.report.said import change, step_of
from loyalty_exp.report.wording import Wording


def detectable(words: Wording, view: DetectableView, *, width: float, name: str, classes: str) -> str:
    """Draw the smallest effect over the units, the units there were, and the effect seen as a line across."""
    canvas, base = Canvas(width, 250), 200.0
    units, least = view.reached
    top = 1.1 * max(least / math.sqrt(SHARES[0]), min(view.seen, 6 * least))
    marks = [t for t in ticks(0.0, top, 5) if t <= top]
    step = step_of(view.metric, top, top, top)
    written = {t: change(words, view.metric, t, step).removeprefix("+") if t else "0" for t in marks}
    left = 14.0 + CHARACTER * max(len(w) for w in written.values())
    x, y = linear(0.0, units * SHARES[-1], left, width - 12.0), linear(0.0, top, base, 14.0)
    for tick, text in written.items():
        canvas.line([left, width - 12.0], [y(tick)] * 2, "grid")
        canvas.text(left - 7, y(tick) + 4, text, at="right", color="muted", size=12)
    for tick in ticks(0.0, units * SHARES[-1], max(2, int(width / 130))):
        canvas.text(
            min(x(tick), width - 26), base + 18, words.count(tick), at="center", color="muted", size=12
        )
    canvas.text((left + width) / 2, base + 40, view.below, at="center", color="muted", size=12)
    shares = [SHARES[0] + (SHARES[-1] - SHARES[0]) * i / 60 for i in range(61)]
    canvas.line([x(units * s) for s in shares], [y(least / math.sqrt(s)) for s in shares], "treat", 2.2)
    above = view.seen <= top
    if above:
        canvas.line([left, width - 12.0], [y(view.seen)] * 2, "pos", 1.6, dashed=True)
        canvas.text(
            width - 12.0, y(view.seen) - 6, view.across, at="right", color="pos", bold=True, size=12.5
        )
    canvas.dot(x(units), y(least), 4.5, "ink")
    close = above and abs(y(view.seen) - y(least)) < 30
    canvas.text(x(units) + 8, y(least) + (24 if close else -8), view.here, bold=True, size=12.5)
    return canvas.svg(name + classes, classes, name)
