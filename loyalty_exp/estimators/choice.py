"""How a spec names an estimator: a word, or a mapping with its parameters."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.grammar import Section


def _word_or_mapping(schema: dict[str, Any]) -> None:
    names = sorted(ESTIMATORS)
    schema["properties"]["type"]["enum"] = names
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string", "enum": names}, whole]


class Choice(Section):
    """An estimator by name, with its parameters where it has some.

    .. code-block:: yaml

        estimator: {type: poisson_bootstrap, replicates: 2000}
    """

    model_config = ConfigDict(json_schema_extra=_word_or_mapping)

    type: str = Field(
        description="Name of the estimator; a word alone means its usual parameters. The difference decides; "
        "Fieller's interval of the relative change excludes 0 exactly when that of the difference does.",
    )
    quantile: float | None = Field(
        default=None, gt=0.5, lt=1, description="`winsorized`: quantile of both arms pooled that is the cap."
    )
    replicates: int | None = Field(
        default=None,
        ge=200,
        le=20_000,
        description="`poisson_bootstrap`, `bootstrap`, `quantile_bootstrap`: replicates.",
    )
    draws: int | None = Field(
        default=None, ge=200, le=1_000_000, description="`randomization`: assignments drawn again."
    )

    prior_mean: float | None = Field(
        default=None,
        description="`normal_prior`: what is expected of the effect before the data; 0 when left out.",
    )
    prior_sd: float | None = Field(
        default=None,
        gt=0,
        description="`normal_prior`: how far the effect may be from it; flat when left out.",
    )
    mixture_sd: float | None = Field(
        default=None,
        gt=0,
        description="`msprt`: how far effects lie from 0, in the unit of the metric; fixed before the first "
        "look.",
    )

    @model_validator(mode="after")
    def _known(self) -> Choice:
        estimator = ESTIMATORS.get(self.type)
        if estimator is None:
            near = difflib.get_close_matches(self.type, list(ESTIMATORS), n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else "one of " + ", ".join(sorted(ESTIMATORS))
            raise ValueError(f"'{self.type[:60]}' is not an estimator; {hint}")
        for name in type(self).model_fields:
            given = name != "type" and getattr(self, name) is not None
            if given and name not in {*estimator.parameters, *estimator.required}:
                raise ValueError(f"{self.type} has no parameter '{name}'; remove it")
        for name in estimator.required:
            if getattr(self, name) is None:
                raise ValueError(f"{self.type} needs '{name}'; write {{type: {self.type}, {name}: ...}}")
        return self

    @property
    def parameters(self) -> dict[str, float]:
        """Give every parameter of the estimator, set or usual."""
        usual = ESTIMATORS[self.type].parameters
        given = {name: getattr(self, name, None) for name in usual}
        own = {name: getattr(self, name) for name in ESTIMATORS[self.type].required}
        return {name: usual[name] if value is None else value for name, value in given.items()} | own


def _by_name(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


EstimatorChoice = Annotated[Choice, BeforeValidator(_by_name)]
"""An estimator in a spec."""
