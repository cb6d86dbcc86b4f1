"""Several interventions at once, as in the last cell of a factorial design."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Driver, Intervention
from loyalty_exp.interventions.kinds import Single


class Bundle(Intervention):
    """Several interventions together; a test of a bundle says nothing about its parts.

    .. code-block:: yaml

        {type: bundle, of: [{type: points_multiplier, multiplier: 2}, {type: tier_perk, perk: free_shipping}]}
    """

    type: Literal["bundle"]
    of: tuple[Annotated[Single, Field(discriminator="type")], ...] = Field(
        min_length=2, description="What members of the arm receive, two things or more."
    )

    def words(self, language: Language) -> str:
        """Say each."""
        return ("、" if language == "zh-CN" else " and ").join(part.words(language) for part in self.of)

    def drivers(self) -> tuple[Driver, ...]:
        """Everything that one of them makes the program pay for."""
        return tuple(dict.fromkeys(driver for part in self.of for driver in part.drivers()))

    def lowers_price(self) -> bool:
        """Tell whether one of them is a price promotion."""
        return any(part.lowers_price() for part in self.of)

    def scope(self) -> tuple[str, ...]:
        """Categories of all of them; none where one of them is confined to none."""
        scopes = [part.scope() for part in self.of]
        return tuple(dict.fromkeys(name for scope in scopes for name in scope)) if all(scopes) else ()
