"""What a store remembers of the last draw, held against the files: nothing is ever drawn a second time."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.errors import Refused


@dataclass(frozen=True, slots=True)
class Recorded:
    """The last draw of an experiment as the store keeps it.

    Attributes
    ----------
    digest : str
        SHA-256 of the drawn rows.
    units : int
        Of all arms.
    on : str
        Day on which it was recorded.
    """

    digest: str
    units: int
    on: str


def refuse_another(recorded: Recorded | None, digest: str, units: int, *, there: bool) -> None:
    """Refuse rows that are not the recorded draw, nor what has grown from it.

    Parameters
    ----------
    digest, units
        Of the rows that lie in the folder, or would be written.
    there : bool
        Whether they lie there; rows that do and are more may have been written just before a process was
        killed that would have recorded them.

    Raises
    ------
    Refused
    """
    if recorded is None or recorded.digest == digest or (there and units > recorded.units):
        return
    what = (
        f"the rows in the folder ({units:,} units) are not"
        if there
        else f"the drawn rows are gone, and drawing now gives other ones ({units:,} units) than"
    )
    raise Refused(
        f"{what} the draw that the store recorded on {recorded.on} ({recorded.units:,} units, SHA-256 "
        f"{recorded.digest[:12]}...). Bring assignment.parquet and assignment.json back from a backup; units "
        "are never drawn a second time. A changed plan needs a new experiment with a new id and a new salt."
    )
