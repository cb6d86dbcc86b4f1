"""The chart of buying again: one step curve for each arm with its band, labelled where it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loyalty_exp.report.canvas import Canvas, linear, ticks
from loyalty_exp.report.facts import shortened
from loyalty_exp.report.repurchase import CurveLine
from loyalty_exp.report.wording import Wording

GAP = 17.0
"""Least distance between the baselines of two labels."""


def bought_again(
    words: Wording, lines: Sequence[CurveLine], within: int, *, width: float, name: str, classes: str
) -> str:
    """Draw the share that bought again by day; control is dashed."""
    room = 190.0 if width > 600 else 104.0
    canvas, base = Canvas(width, 290.0), 246.0
    top = max((u for line in lines for u in line.upper), default=0.0) * 1.05 or 1.0
    x, y = linear(0.0, float(within), 50.0, width - room), linear(0.0, top, base, 14.0)
    for tick in ticks(0.0, top, 5):
        canvas.line([x(0.0), x(within)], [y(tick)] * 2, "grid")
        canvas.text(
            44,
            y(tick) + 4,
            words.percent(tick, step=0 if top >= 0.05 else -1),
            at="right",
            color="muted",
            size=12,
        )
    for day in day_ticks(within, max(3, int((width - room) / 90))):
        canvas.text(x(day), base + 18, words.count(day), at="center", color="muted", size=12)
    middle = (50.0 + width - room) / 2
    canvas.text(
        middle, base + 38, words.say("days since the start").striptags(), at="center", color="muted", size=12
    )
    for line in sorted(lines, key=lambda c: not c.control):
        band(canvas, line, x, y)
    for line in sorted(lines, key=lambda c: not c.control):
        days, shares = steps(line.days, line.shares)
        color = "ctrl" if line.control else "treat"
        canvas.line([x(d) for d in days], [y(s) for s in shares], color, 2.0, dashed=line.control)
    for line, at in labels(lines, y):
        color, left = ("ctrl" if line.control else "treat"), x(line.days[-1]) + 8
        canvas.text(left, at, shortened(line.name, int((room - 12) / 7.2)), color=color, bold=True, size=12.5)
        canvas.text(left, at + 15, line.label, color=color, size=12.5)
    return canvas.svg(name + classes, classes, name)


def band(canvas: Canvas, line: CurveLine, x: Callable[[float], float], y: Callable[[float], float]) -> None:
    """Fill between the bounds of each day."""
    days, lower = steps(line.days, line.lower)
    _, upper = steps(line.days, line.upper)
    around = [(x(d), y(v)) for d, v in zip(days, upper, strict=True)]
    around += [(x(d), y(v)) for d, v in reversed(list(zip(days, lower, strict=True)))]
    canvas.polygon(around, "grid" if line.control else "treat-soft", alpha=0.7)


def steps(days: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Turn points into a step curve: a value holds until the next day."""
    xs, ys = [float(days[0])], [values[0]]
    for before, day, value in zip(values, days[1:], values[1:], strict=False):
        xs += [float(day), float(day)]
        ys += [before, value]
    return xs, ys


def labels(lines: Sequence[CurveLine], y: Callable[[float], float]) -> list[tuple[CurveLine, float]]:
    """Give the place of each label, moved apart where they would lie on each other."""
    placed: list[tuple[CurveLine, float]] = []
    for line in sorted(lines, key=lambda c: y(c.shares[-1])):
        at = max(y(line.shares[-1]), 14.0)
        if placed:
            at = max(at, placed[-1][1] + 2 * GAP)
        placed.append((line, at))
    return placed


def day_ticks(within: int, count: int) -> list[int]:
    """Give whole weeks where they fit, else round days."""
    weeks = next((7 * n for n in (1, 2, 4, 8, 13, 26) if within / (7 * n) <= count), 91)
    if within >= 14 and within % 7 == 0:
        return list(range(0, within + 1, weeks))
    return [int(t) for t in ticks(0.0, float(within), count) if float(t).is_integer()]
