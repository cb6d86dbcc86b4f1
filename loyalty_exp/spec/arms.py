"""`arms:` the groups that are compared, and who is control."""

from __future__ import annotations

import math
import unicodedata
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from loyalty_exp.grammar import Column, Identifier, Label, Section, Text
from loyalty_exp.interventions import AnyIntervention


def _share(value: float | str) -> float | str:
    """Accept a number above 0, or a fraction such as "1/3"."""
    try:
        number = float(Fraction(value)) if isinstance(value, str) else float(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"'{value}' is not a share; write 0.5, or a fraction in quotes such as '1/3'"
        ) from None
    if not math.isfinite(number) or number <= 0:
        raise ValueError("a share must be above 0; leave the arm out if nobody is to be in it")
    return value


Share = Annotated[float | str, AfterValidator(_share)]
"""Part of the units: a number above 0 or a fraction in quotes."""


class Arm(Section):
    """One arm of a spec that lists its arms."""

    id: Label = Field(description="Name of the arm, as the assignment table spells it.")
    share: Share = Field(description="Planned part of the units; shares are fractions that sum to 1.")
    name: Text | None = Field(default=None, description="Name on the page.")
    control: bool = Field(default=False, description="True for the arm that others are compared with.")
    intervention: AnyIntervention | None = Field(default=None, description="What members of the arm receive.")
    factors: dict[Identifier, Label] = Field(
        default_factory=dict,
        description='Level of each factor of a factorial design: {points: "on", perk: "off"}, in quotes.',
    )


class ArmsInColumn(Section):
    """Arms that stand in a column of the per-unit table, randomized elsewhere."""

    from_column: Column = Field(description="Column of the per-unit table that holds the arm.")
    control: Label = Field(description="Value of the control arm.")
    treatments: tuple[Label, ...] = Field(min_length=1, description="Values of the other arms.")
    shares: dict[Label, Share] | None = Field(
        default=None, description="Planned weights of the arms, on any scale; equal when left out."
    )
    names: dict[Label, Text] = Field(default_factory=dict, description="Names on the page.")

    @model_validator(mode="after")
    def _consistent(self) -> ArmsInColumn:
        known = [self.control, *self.treatments]
        distinct_names(known)
        if self.shares is not None and set(self.shares) != set(known):
            odd = sorted(set(self.shares) ^ set(known))
            raise ValueError(f"shares must name each arm once; check {', '.join(odd)}")
        if odd_names := sorted(set(self.names) - set(known)):
            raise ValueError(f"names speaks of arms that are not there: {', '.join(odd_names)}")
        return self


_ALIKE = str.maketrans("авекмнорстухіјѕԁԛԝһαεικνορτυχ", "abekmhopctyxijsdqwhaeikvoptux")
"""Small letters of Cyrillic and Greek that look like Latin ones; a part of Unicode's list of confusables."""


def distinct_names(names: list[str]) -> None:
    """Refuse names that a file system, a database or a reader could take for one another."""
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFKC", name).casefold().translate(_ALIKE)
        if key in seen:
            other = seen[key]
            raise ValueError(
                f"arm '{name}' is there twice; rename one"
                if other == name
                else f"arms '{other}' and '{name}' differ only by case, by Unicode form or by letters that "
                "look alike; rename one"
            )
        seen[key] = name


def weight(share: float | str) -> Fraction:
    """Give a share as an exact fraction."""
    return Fraction(share) if isinstance(share, str) else Fraction(repr(share))
