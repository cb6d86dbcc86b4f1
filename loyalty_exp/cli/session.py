"""What every command shares: the common options, standard output, messages and progress."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.masking import masked, visible

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 1.0
"""Seconds without words before progress is shown."""


@dataclass(slots=True)
class Session:
    """How this call of the program speaks."""

    json: bool = False
    quiet: bool = False
    debug: bool = False
    step: str = ""
    timer: threading.Timer | None = None
    status: Status | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def emit(self, text: str) -> None:
        """Write data to standard output as UTF-8; a reader that has left is no error."""
        try:
            sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def emit_json(self, value: Any) -> None:
        """Write one JSON object to standard output."""
        self.emit(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")

    def say(self, text: str) -> None:
        """Write a message for people to standard error, unless asked to be quiet."""
        if not self.quiet:
            complain(text)

    def progress(self, step: str) -> None:
        """Say the step; a terminal shows it once the work has taken longer than a moment."""
        with self.lock:
            self.step = step
            if self.status is not None:
                self.status.update(step)
            elif self.timer is None and not self.quiet and sys.stderr.isatty():
                self.timer = threading.Timer(PATIENCE, self._show)
                self.timer.daemon = True
                self.timer.start()

    def _show(self) -> None:
        from rich.console import Console

        with self.lock:
            if self.timer is not None:
                self.status = Console(stderr=True).status(self.step)
                self.status.start()

    def rest(self) -> None:
        """Take the progress away."""
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            if self.status is not None:
                self.status.stop()
            self.timer = self.status = None


def complain(text: str) -> None:
    """Write to standard error, whatever its encoding and without secrets; without a reader, be silent."""
    text = visible(masked(text), lines=True)
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except UnicodeEncodeError:
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(
            text.encode(encoding, errors="backslashreplace").decode(encoding).rstrip("\n") + "\n"
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def session() -> Session:
    """Give the session of this call."""
    root = click.get_current_context().find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session()
    return root.obj


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and parameter.name:
        setattr(session(), parameter.name, True)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that stand before or after the sub-command."""
    for name, words in (
        ("--debug", "Show the traceback of a bug."),
        ("--quiet", "No messages on standard error, except errors."),
        ("--json", "One JSON object on standard output, and nothing else."),
    ):
        command = click.option(name, is_flag=True, expose_value=False, callback=_remember, help=words)(
            command
        )
    return command
