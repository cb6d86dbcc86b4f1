"""Matplotlib as a canvas of pixels, written as small SVG that takes its colors from the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

CHARACTER = 7.2
"""Pixels that a digit of size 12 takes, with room to spare: browsers choose the font."""


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

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        color: str,
        width: float = 1.0,
        *,
        dashed: bool = False,
    ) -> None:
        """Draw a line."""
        self.axes.plot(
            xs,
            ys,
            color=COLORS[color],
            linewidth=width,
            clip_on=False,
            zorder=self._next(),
            solid_capstyle="butt",
            linestyle=(0, (3, 1.6)) if dashed else "solid",
        )

    def area(self, xs: Sequence[float], ys: Sequence[float], base: float, color: str) -> None:
        """Fill under a curve."""
        self.polygon([(xs[0], base), *zip(xs, ys, strict=True), (xs[-1], base)], color)

    def polygon(self, points: Sequence[tuple[float, float]], color: str, alpha: float = 1.0) -> None:
        """Fill a shape; less than 1 lets what lies below show through."""
        from matplotlib.patches import Polygon

        self.axes.add_patch(
            Polygon(
                points,
                color=COLORS[color],
                linewidth=0,
                alpha=None if alpha == 1 else alpha,
                clip_on=False,
                zorder=self._next(),
            )
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
    body = re.sub(r"<[^>]*>", _one_decimal, body)
    body = re.sub(r"\s+", " ", body).strip()
    return (
        f'<svg class="chart {classes}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{described}-t" aria-describedby="{described}-d" focusable="false">{body}</svg>'
    )


def _one_decimal(tag: re.Match[str]) -> str:
    """Shorten the pixels inside a tag; the words between tags hold amounts and stay as they are."""
    return re.sub(r"(\d+\.\d)\d+", r"\1", tag.group())


def _font(found: re.Match[str]) -> str:
    weight = "font-weight: 700; " if found.group(1) else ""
    return f"{weight}font-size: {found.group(2)}"


def ticks(low: float, high: float, count: int) -> list[float]:
    """Give round values between two bounds, about so many."""
    from matplotlib.ticker import MaxNLocator

    return [
        float(t)
        for t in MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low <= t <= high
    ]


def apart(marks: Mapping[float, str], place: Callable[[float], float]) -> list[float]:
    """Give the ticks whose words do not touch, zero first, then outward from it."""
    kept: list[float] = []
    for tick in sorted(marks, key=lambda t: (abs(t), t)):
        half = CHARACTER * len(marks[tick]) / 2
        if all(abs(place(tick) - place(k)) > half + CHARACTER * len(marks[k]) / 2 + 6 for k in kept):
            kept.append(tick)
    return sorted(kept)


def linear(low: float, high: float, left: float, right: float) -> Callable[[float], float]:
    """Give the map from values to pixels."""
    wide = (high - low) or 1.0
    return lambda value: left + (value - low) / wide * (right - left)
