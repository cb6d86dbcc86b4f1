"""`report --pdf`: any Chromium prints the page; without one the words say what to do."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_exp.cli.pdf import VARIABLE, browser


@pytest.fixture
def analyzed(spec: Path, call: Callable[..., object]) -> Path:
    assert call("analyze", spec).code == 0  # type: ignore[attr-defined]
    return spec


@pytest.mark.browser
@pytest.mark.skipif(browser() is None, reason="no Chromium, Chrome or Edge was found")
def test_page_is_printed_beside_itself_tagged_and_outlined(
    analyzed: Path, call: Callable[..., object]
) -> None:
    done = call("report", analyzed, "--lang", "en", "--pdf", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    path = Path(told["pdf"]["en"])
    assert path == Path(told["pages"]["en"]).with_suffix(".pdf")
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in content and b"/Outlines" in content and b"/Lang (en)" in content
    assert 3 <= len(re.findall(rb"/Type /Page\b(?!s)", content)) <= 9
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


def test_without_a_browser_the_words_say_what_to_install(
    analyzed: Path, call: Callable[..., object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv(VARIABLE, raising=False)
    for command in ("report", "run"):
        done = call(command, analyzed, "--pdf")
        assert done.code == 3
        assert "needs Chromium, Chrome or Edge" in done.err and VARIABLE in done.err
    assert not list(analyzed.parent.glob("results/**/*.pdf"))
    assert call("report", analyzed).code == 0


def test_a_named_browser_that_is_not_there_is_told(
    analyzed: Path, call: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "no-such-browser")
    done = call("report", analyzed, "--pdf")
    assert done.code == 3 and "'no-such-browser'" in done.err


def test_a_browser_that_prints_nothing_is_told_and_leaves_no_file(
    analyzed: Path, call: Callable[..., object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho 'no display' >&2\nexit 9\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(VARIABLE, str(broken))
    done = call("report", analyzed, "--pdf", "--lang", "en")
    assert done.code == 3
    assert "printed nothing" in done.err and "exit code 9" in done.err and "no display" in done.err
    assert list(analyzed.parent.glob("results/**/*.pdf")) == []
    assert list(analyzed.parent.glob("results/**/report.en.html"))
