"""Contrast of the palette in both themes, read from the style sheet the page carries."""

from __future__ import annotations

import re

import pytest

from loyalty_exp.report.render import template_folder

CSS = (template_folder() / "report.css").read_text(encoding="utf-8")
THEMES = [
    dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]*)\}", CSS)[:2]
]
TEXT = [
    ("ink", "card"),
    ("ink", "page"),
    ("muted", "card"),
    ("muted", "page"),
    ("treat", "card"),
    ("treat", "page"),
]
TEXT += [(t, "card") for t in ("pos", "neg", "warn")] + [(t, f"{t}-soft") for t in ("pos", "neg", "warn")]
TEXT += [("ink", "grid"), ("ink", "treat-soft"), ("muted", "treat-soft")]
MARKS = [(m, "card") for m in ("treat", "ctrl", "pos", "neg", "warn", "muted")]


TOGETHER = [("treat", "ctrl"), ("pos", "neg")]
"""Colors of marks that stand in one chart and mean different things."""

SIGHTS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB."""


def lab(color: str, sight: str) -> tuple[float, float, float]:
    """CIELAB of a color as a kind of sight sees it."""
    digits = color[1:] if len(color) == 7 else "".join(c * 2 for c in color[1:])
    linear = [_linear(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4)]
    r, g, b = (
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, linear, strict=True)))) for row in SIGHTS[sight]
    )
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _linear(c: float) -> float:
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(c * 2 for c in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [_linear(c) for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(theme: dict[str, str], one: str, other: str) -> float:
    light, dark = sorted((luminance(theme[one]), luminance(theme[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_text_and_marks_can_be_read(theme: dict[str, str]) -> None:
    assert [p for p in TEXT if contrast(theme, *p) < 4.5] == []
    assert [p for p in MARKS if contrast(theme, *p) < 3] == []


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_colors_used_together_are_told_apart_by_every_sight(theme: dict[str, str], sight: str) -> None:
    for one, other in TOGETHER:
        apart = sum(
            (a - b) ** 2 for a, b in zip(lab(theme[one], sight), lab(theme[other], sight), strict=True)
        )
        assert apart**0.5 >= 10, (one, other, apart**0.5)
