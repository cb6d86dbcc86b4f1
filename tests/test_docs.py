"""What the documents say is so: the README's spec and output, every command's help, the field reference."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import field_reference
import pytest

from loyalty_exp.cli.main import COMMANDS, cli, run_cli
from loyalty_exp.spec.read import check_file

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    return sorted(COMMANDS)


def test_the_readme_spec_and_its_command_give_the_readme_output(tmp_path: Path, capfd, monkeypatch) -> None:
    block = re.search(r"<!-- spec: (\S+) -->\n```yaml\n(.*?)```", README, re.DOTALL)
    run = re.search(r"<!-- run -->\n```console\n\$ loyalty-exp (.*?)\n(.*?)```", README, re.DOTALL)
    assert block
    assert run
    assert len(block[2].strip().splitlines()) <= 15
    shutil.copytree(ROOT / "experiments" / "data", tmp_path / "data")
    (tmp_path / block[1]).write_text(block[2], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run_cli(run[1].split()) == 0
    assert capfd.readouterr().out == run[2]


def test_the_readme_begins_with_two_commands() -> None:
    first = [line.split("#")[0].strip() for line in README.splitlines()[1:] if line.startswith("    ")][:2]
    assert first == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{c.split()[1]}:", makefile, re.MULTILINE) for c in first)


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_and_stands_in_the_readme(name: str, capfd) -> None:
    assert run_cli([name, "--help"]) == 0
    text = capfd.readouterr().out
    assert text.startswith(f"Usage: loyalty-exp {name} ")
    command = cli.get_command(click.Context(cli), name)
    assert command
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert all(option.help for option in options)
    assert re.search(rf"`{name}\b", README)


def test_the_field_reference_is_current() -> None:
    assert field_reference.TARGET.read_text(encoding="utf-8") == field_reference.reference()


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*_*.yaml")), ids=lambda p: p.name)
def test_every_example_spec_is_valid(path: Path) -> None:
    experiment, problems = check_file(path)
    assert experiment is not None, problems


def test_every_room_on_the_map_is_there() -> None:
    rooms = re.findall(
        r"`((?:loyalty_exp|reports|experiments)[\w/]*(?:\.py)?/?)`", README.split("## The map")[1]
    )
    assert len(rooms) > 8
    assert [room for room in rooms if not (ROOT / room).exists()] == []


def test_every_file_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "loyalty_exp").rglob("*.py"))
        if not path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []
