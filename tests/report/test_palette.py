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


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(c * 2 for c in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(theme: dict[str, str], one: str, other: str) -> float:
    light, dark = sorted((luminance(theme[one]), luminance(theme[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_text_and_marks_can_be_read(theme: dict[str, str]) -> None:
    assert [p for p in TEXT if contrast(theme, *p) < 4.5] == []
    assert [p for p in MARKS if contrast(theme, *p) < 3] == []
