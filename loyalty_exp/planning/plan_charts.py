"""The charts of a plan: power, and the smallest effect that is found, as units come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loyalty_exp.report.canvas import Canvas, linear, ticks
from loyalty_exp.report.wording import Number, Wording

BASE, TOP = 212.0, 26.0


def curve(
    words: Wording,
    points: Sequence[tuple[float, float]],
    *,
    write: Callable[[float], Number],
    top: float,
    below: str,
    target: tuple[float, str],
    there: tuple[float, str] | None,
    width: float,
    name: str,
    classes: str,
) -> str:
    """Draw one curve over units or days.

    Parameters
    ----------
    points : sequence of (x, y)
    write : function
        Writes a tick of y.
    below : str
        Words under the x axis.
    target : (y, words)
        Level that is drawn across.
    there : (x, words), optional
        What there is, drawn upright.
    """
    canvas = Canvas(width, 262)
    left, right = 62.0, width - 16.0
    end = points[-1][0]
    x, y = linear(0.0, end, left, right), linear(0.0, top, BASE, TOP)
    for tick in ticks(0.0, top, 5):
        canvas.line([left, right], [y(tick)] * 2, "grid")
        canvas.text(left - 6, y(tick) + 4, write(tick), at="right", color="muted", size=12)
    for tick in ticks(0.0, end, max(2, int(width / 120))):
        canvas.text(
            min(x(tick), width - 30), BASE + 18, words.count(tick), at="center", color="muted", size=12
        )
    canvas.text((left + right) / 2, BASE + 40, below, at="center", color="muted", size=12)
    if target[0] <= top:
        canvas.line([left, right], [y(target[0])] * 2, "pos", 1.4, dashed=True)
    inside = [(a, min(b, top)) for a, b in points if b <= top * 1.0001]
    if inside:
        canvas.line([x(a) for a, _ in inside], [y(b) for _, b in inside], "treat", 2.4)
    canvas.text(right, 14, target[1], at="right", color="pos", bold=True, size=12.5)
    if there is not None and there[0] <= end:
        canvas.line([x(there[0])] * 2, [TOP - 4, BASE], "neg", 1.4, dashed=True)
        canvas.text(left, 14, there[1], color="neg", bold=True, size=12.5)
    return canvas.svg(name + classes, classes, name)
