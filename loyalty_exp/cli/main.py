"""The program `loyalty-exp`: its commands, and how an error becomes words and an exit code.

Exit codes: 0 done; 1 done and a --fail-on condition holds; 2 usage or spec; 3 data or engine; 4 refused;
70 a bug; 130 interrupted; 143 terminated.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType

import click

from loyalty_exp import __version__
from loyalty_exp.cli.session import Session, common, complain
from loyalty_exp.errors import LoyaltyExpError, SpecError

BUG, INTERRUPTED, TERMINATED = 70, 130, 143


COMMANDS = {
    "init": "init",
    "validate": "spec",
    "size": "size",
    "rehearse": "rehearse",
    "lock": "lock",
    "assign": "assign",
    "analyze": "analyze",
    "report": "report",
    "run": "analyze",
    "export": "export",
    "decide": "decide",
    "archive": "archive",
    "list": "registry",
    "show": "registry",
    "diff": "registry",
    "portfolio": "portfolio",
    "schema": "spec",
    "demo": "demo",
    "doctor": "doctor",
    "db": "db",
}
"""Commands in the order of an experiment's life, and the file of each: only the one that runs is read."""


class Commands(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of an experiment's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Read the file of a command."""
        file = COMMANDS.get(cmd_name)
        if file is None:
            return None
        name = "list_" if cmd_name == "list" else cmd_name
        found: click.Command = getattr(import_module(f"loyalty_exp.cli.{file}"), name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="loyalty-exp")
@common
def cli() -> None:
    """Decide whether loyalty money is well spent.

    An experiment is one YAML file; `run` turns it into a verdict and a page. Start with `demo` or `init`.
    """


def run_cli(arguments: Sequence[str]) -> int:
    """Carry out a command line and give its exit code; every error becomes words on standard error."""
    state = Session()
    try:
        result = cli.main(args=list(arguments), prog_name="loyalty-exp", standalone_mode=False, obj=state)
        return result if isinstance(result, int) else 0
    except SystemExit:  # click leaves like this when nobody reads the help any more
        return 0
    except BaseException as error:
        state.rest()
        code, words = _verdict_on(error)
        if code == BUG and not state.debug:
            words += f"\n  To see where: loyalty-exp --debug {' '.join(arguments)}"
        if state.debug:
            words = "".join(traceback.format_exception(error)) + words
        complain(words)
        return code
    finally:
        state.rest()


def _verdict_on(error: BaseException) -> tuple[int, str]:
    """Give the exit code of an error, and the words for it."""
    if _Signals.received == signal.SIGTERM:
        return TERMINATED, "loyalty-exp: terminated; files are as they were or complete."
    if _Signals.received or isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED, "loyalty-exp: interrupted; files are as they were or complete."
    match error:
        case SpecError():
            from loyalty_exp.spec.read import render_text

            return error.exit_code, render_text(error.problems)
        case LoyaltyExpError():
            return error.exit_code, f"loyalty-exp: {error}"
        case click.UsageError():
            hint = f"\n  Try: {error.ctx.command_path} --help" if error.ctx else ""
            return 2, f"loyalty-exp: {error.format_message()}{hint}"
        case click.ClickException():
            return 2, f"loyalty-exp: {error.format_message()}"
        case MemoryError():
            return 3, "loyalty-exp: not enough memory. Use fewer --threads, or a machine with more."
        case _:
            first = (str(error).splitlines() or [""])[0][:300]
            return BUG, f"loyalty-exp: this is a bug in loyalty-exp: {type(error).__name__}: {first}"


class _Ended(BaseException):
    """A signal. Ctrl-C too: after a KeyboardInterrupt, Python may end by the signal, without an exit code."""


class _Signals:
    """Remembers a signal: an engine at work may turn what the handler raises into an error of its own."""

    received: int | None = None

    @classmethod
    def handle(cls, number: int, frame: FrameType | None) -> None:
        cls.received = number
        raise _Ended

    @classmethod
    def unraisable(cls, event: sys.UnraisableHookArgs) -> None:
        """Where Python cannot raise, such as in a weak reference's callback, signal again a moment later."""
        if isinstance(event.exc_value, _Ended) and cls.received is not None:
            again = threading.Timer(0.02, signal.raise_signal, [cls.received])
            again.daemon = True
            again.start()
        else:
            sys.__unraisablehook__(event)


def main() -> None:
    """Run the program."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small; idle threads cost start-up time
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none are used; looking for them takes time
    gc.set_threshold(200_000)  # a short run makes few cycles; looking for them is a tenth of its time
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
    sys.unraisablehook = _Signals.unraisable
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _Signals.handle)
    code = run_cli(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGINT):  # everything is done; let it end as it would
        signal.signal(number, signal.SIG_IGN)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
