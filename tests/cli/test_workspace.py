"""Files are written whole or not at all, never through a link, and read back with words."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.workspace import prepare, read_readout, results_of, write_text


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_results_stand_beside_the_spec_unless_a_folder_is_given() -> None:
    spec = Path("a/b/spec.yaml")
    assert results_of(spec, "x").readout == Path("a/b/results/x/readout.json")
    assert results_of(spec, "x", Path("out")).page("zh-CN") == Path("out/report.zh-CN.html")


def test_a_text_is_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    assert write_text(tmp_path / "a", "积分\n").read_bytes() == "积分\n".encode()


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch, step: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = write_text(tmp_path / "readout.json", "old")
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    else:
        monkeypatch.setattr(Path, "replace" if step == "replace" else "open", fails)
    with pytest.raises(EngineError, match=r"readout\.json \(3 bytes\) cannot be written: No space left"):
        write_text(target, "new")
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["readout.json"]


def test_a_full_disk_is_one_message_and_the_old_file_stays(call, spec: Path) -> None:
    resource = pytest.importorskip("resource")
    call("analyze", spec, "--quiet")
    target = spec.parent / "results" / "hillstrom_email" / "readout.json"
    old = target.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        full = call("analyze", spec)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.code == 3
    assert "readout.json" in full.err
    assert "bytes) cannot be written: File too large" in full.err
    assert target.read_bytes() == old
    assert names(target.parent) == ["readout.json"]


def test_a_link_is_refused_and_what_it_points_to_untouched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious", encoding="utf-8")
    (tmp_path / "readout.json").symlink_to(elsewhere)
    with pytest.raises(Refused, match="symbolic link"):
        write_text(tmp_path / "readout.json", "new")
    assert elsewhere.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        path = write_text(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_folder_that_cannot_be_made_fails_before_anything_is_computed(
    call, spec: Path, monkeypatch
) -> None:
    import loyalty_exp.pipeline

    monkeypatch.setattr(loyalty_exp.pipeline, "compute", lambda *_, **__: pytest.fail("computed"))
    (spec.parent / "results").write_text("a file stands in the way", encoding="utf-8")
    blocked = call("analyze", spec)
    assert blocked.code == 3
    assert "cannot be written" in blocked.err


def test_preparing_leaves_nothing_behind(tmp_path: Path) -> None:
    results = results_of(tmp_path / "spec.yaml", "x")
    prepare(results)
    assert names(results.folder) == []


def test_no_readout_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Run: loyalty-exp analyze .*spec\.yaml"):
        read_readout(results_of(tmp_path / "spec.yaml", "x"))
