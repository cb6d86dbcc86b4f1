"""The charts: matplotlib as a canvas of pixels, written as small SVG that takes its colours from the page."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loyalty_exp.report.facts import shortened
from loyalty_exp.report.money import Bar, Curve
from loyalty_exp.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "treat": "#040404",
    "ctrl": "#050505",
    "pos": "#060606",
    "neg": "#070707",
    "treat-soft": "#080808",
    "neg-soft": "#090909",
    "pos-soft": "#0a0a0a",
}


class Canvas:
    """A figure measured in pixels from the top left corner."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure: Figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.axes: Any = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_axis_off()
        self.drawn = 0

    def _next(self) -> int:
        """Give the next layer: what is drawn later lies on top."""
        self.drawn += 1
        return self.drawn

    def box(self, x0: float, x1: float, y: float, high: float, color: str) -> None:
        """Fill a bar between two x."""
        from matplotlib.patches import Rectangle

        left, wide = min(x0, x1), max(abs(x1 - x0), 1.0)
        self.axes.add_patch(
            Rectangle(
                (left, y), wide, high, color=COLORS[color], linewidth=0, clip_on=False, zorder=self._next()
            )
        )

    def line(self, xs: Sequence[float], ys: Sequence[float], color: str, width: float = 1.0) -> None:
        """Draw a line."""
        self.axes.plot(
            xs,
            ys,
            color=COLORS[color],
            linewidth=width,
            clip_on=False,
            zorder=self._next(),
            solid_capstyle="butt",
        )

    def area(self, xs: Sequence[float], ys: Sequence[float], base: float, color: str) -> None:
        """Fill under a curve."""
        from matplotlib.patches import Polygon

        points = [(xs[0], base), *zip(xs, ys, strict=True), (xs[-1], base)]
        self.axes.add_patch(
            Polygon(points, color=COLORS[color], linewidth=0, clip_on=False, zorder=self._next())
        )

    def dot(self, x: float, y: float, radius: float, color: str) -> None:
        """Draw a filled circle."""
        from matplotlib.patches import Circle

        self.axes.add_patch(
            Circle((x, y), radius, color=COLORS[color], linewidth=0, clip_on=False, zorder=self._next())
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        at: str = "left",
        color: str = "ink",
        bold: bool = False,
        size: float = 13,
    ) -> None:
        """Write words with their baseline at y; a dollar sign is only a dollar sign."""
        self.axes.text(
            x,
            y,
            words,
            ha=at,
            va="baseline",
            fontsize=size,
            color=COLORS[color],
            fontweight="bold" if bold else "normal",
            parse_math=False,
            clip_on=False,
            zorder=self._next(),
        )

    def svg(self, salt: str, classes: str, described: str) -> str:
        """Give the SVG, without ids, fonts and whatever else the page does not need."""
        import matplotlib

        target = io.StringIO()
        settings: Any = {
            "svg.fonttype": "none",
            "svg.hashsalt": salt,
            "font.family": ["DejaVu Sans"],
            "path.simplify": False,
        }
        with matplotlib.rc_context(settings), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.figure.savefig(
                target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
            )
        return _cleaned(target.getvalue(), self.width, self.height, classes, described)


def _cleaned(raw: str, width: float, height: float, classes: str, described: str) -> str:
    body = raw[raw.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<defs>.*?</defs>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r' id="[^"]*"| transform="rotate\(-?0(?:\.0)? [^"]*\)"| clip-path="[^"]*"', "", body)
    body = re.sub(r"<g>\s*<path d=\"[^\"]*\" style=\"fill: none; opacity: 0\"/>\s*</g>", "", body)
    body = re.sub(r"font(?:-family)?: ((?:bold |700 )?)([\d.]+px) [^;\"]*", _font, body)
    body = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*;? ?", "", body)
    for name, color in COLORS.items():
        body = body.replace(color, f"var(--{name})")
    body = re.sub(r"</?g>", "", body)
    body = re.sub(r"(\d+\.\d)\d+", r"\1", body)
    body = re.sub(r"\s+", " ", body).strip()
    return (
        f'<svg class="chart {classes}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{described}-t" aria-describedby="{described}-d" focusable="false">{body}</svg>'
    )


def _font(found: re.Match[str]) -> str:
    weight = "font-weight: 700; " if found.group(1) else ""
    return f"{weight}font-size: {found.group(2)}"


def _ticks(low: float, high: float, count: int) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    return [
        float(t)
        for t in MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low <= t <= high
    ]


def waterfall(
    words: Wording,
    bars: Sequence[Bar],
    bounds: tuple[float, float],
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
    low = min(0.0, bounds[0], *(min(s) for s in steps))
    high = max(0.0, bounds[1], *(max(s) for s in steps))
    room = 92.0
    left, right = labels + (room if low < 0 else 6.0), width - room
    place = _linear(low, high, left, right)
    for tick in _ticks(low, high, max(1, int((right - left) / 85))):
        canvas.line([place(tick)] * 2, [top - 4, canvas.height - 20], "grid")
        canvas.text(
            place(tick),
            canvas.height - 5,
            words.money(tick, step=0) if abs(tick) >= 1 else words.money(tick),
            at="center",
            color="muted",
            size=12,
        )
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
        if last:
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
    place = _linear(low, high, 14.0, width - 14.0)
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
    for tick in _ticks(low, high, max(2, int(width / 100))):
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
    """Draw the cost lines, largest first, each with its amount."""
    row = 40.0
    canvas = Canvas(width, max(row * len(bars) + 8, 60))
    low, high = min(0.0, *(b.amount for b in bars)), max(0.0, *(b.amount for b in bars))
    place = _linear(low, high if high > low else low + 1, 2.0, width - 96.0)
    for i, bar in enumerate(bars):
        y = i * row + 4
        canvas.text(2, y + 12, shortened(bar.name, int(width / 7.5)), size=12.5)
        canvas.box(place(0.0), place(bar.amount), y + 18, 14, "neg" if bar.amount >= 0 else "pos")
        canvas.text(place(max(0.0, bar.amount)) + 6, y + 30, bar.label, size=12.5)
    return canvas.svg(name + classes, classes, name)


def _linear(low: float, high: float, left: float, right: float) -> Any:
    wide = (high - low) or 1.0
    return lambda value: left + (value - low) / wide * (right - left)
