"""One tree of errors, grouped by who can mend them.

::

    LoyaltyExpError
    +-- SpecError          the author of the spec            exit code 2
    +-- UsageError         the person at the command line    exit code 2
    +-- DataError          the data engineer                 exit code 3
    |   +-- ContractBreach     a table breaks its contract
    |   +-- EngineError        the engine or a file fails
    |       +-- ServerGone         a server went away, or was never there
    +-- Refused            nobody: the request is refused    exit code 4
    NotEstimable           not an error of anyone: a result that carries its reason
"""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.masking import masked, visible


class LoyaltyExpError(Exception):
    """Base of everything the command line turns into words and an exit code."""

    exit_code = 70


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a spec, with its place and the way to mend it.

    Attributes
    ----------
    file : str
        The file as the user named it.
    line, column : int
        Counted from 1; 0 when the file as a whole is meant.
    path : str
        Where in the document, as ``arms[1].share``; empty for the whole document.
    message : str
        What is wrong, one sentence.
    hint : str
        What to do; may be empty.
    source : str
        The line itself, for the caret; may be empty. Passwords of addresses are hidden in all texts.
    severity : str
        ``"error"`` or ``"notice"`` (valid, but not yet run by this version).
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""
    source: str = ""
    severity: str = "error"

    def __post_init__(self) -> None:
        for name in ("message", "hint", "source"):
            object.__setattr__(self, name, masked(getattr(self, name)))


class SpecError(LoyaltyExpError):
    """A spec with at least one problem; all problems come at once, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} problem(s) in the spec")


class UsageError(LoyaltyExpError):
    """A command that cannot be carried out as it was typed."""

    exit_code = 2


class DataError(LoyaltyExpError):
    """Data that cannot be used: the message says which table, column and rows."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule of a table's contract.

    Attributes
    ----------
    table, column : str
        Names as in the spec; ``column`` may be empty when the table as a whole is meant.
    rule : str
        Id of the rule, as ``not_null``, ``finite``, ``unique``, ``known_arm``.
    message : str
        What is wrong and what to do.
    count : int
        Rows that break the rule; 0 when it is not a matter of rows.
    examples : tuple of str
        Up to three row numbers, counted from 1, the header not counted.
    """

    table: str
    column: str
    rule: str
    message: str
    count: int = 0
    examples: tuple[str, ...] = ()


class ContractBreach(DataError):
    """A table that breaks its declared contract; all breaches found come at once."""

    def __init__(self, breaches: tuple[Breach, ...]) -> None:
        self.breaches = breaches
        super().__init__("\n".join(describe(b) for b in breaches))


class EngineError(DataError):
    """An engine, a file or a connection that fails."""


class ServerGone(EngineError):
    """The server of a database went away, or was never there.

    Attributes
    ----------
    amid : bool
        Whether it had answered before, so that it may come back.
    """

    def __init__(self, message: str, *, amid: bool) -> None:
        super().__init__(message)
        self.amid = amid


class Refused(LoyaltyExpError):
    """A request that is understood and refused, such as a readout that does not exist."""

    exit_code = 4


class NotEstimable(Exception):
    """What was asked cannot be estimated from these data; the message is the reason on the page."""


def describe(breach: Breach) -> str:
    """Say one breach in a line: table, column, count, rows, and what to do."""
    where = f"{breach.table}.{breach.column}" if breach.column else breach.table
    rows = f" ({breach.count:,} row{'s' if breach.count != 1 else ''}" if breach.count else ""
    if rows and breach.examples:
        rows += f", for example row {', '.join(breach.examples)}"
    return visible(f"{where}: {breach.message}{rows + ')' if rows else ''} [{breach.rule}]")
