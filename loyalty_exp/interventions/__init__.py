"""What an arm may receive: one kind a file; `kinds.py` holds the list."""

from typing import Annotated, get_args

from pydantic import Field

from loyalty_exp.interventions.bundle import Bundle
from loyalty_exp.interventions.intervention import Driver, Intervention
from loyalty_exp.interventions.kinds import Single

AnyIntervention = Annotated[Single | Bundle, Field(discriminator="type")]

KINDS: tuple[type[Intervention], ...] = (*get_args(Single), Bundle)

__all__ = ["KINDS", "AnyIntervention", "Driver", "Intervention"]
