"""`naive:` comparisons that circulate and are not causal, to be shown beside the estimate that is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from loyalty_exp.grammar import Column, Predicate, Section

NAIVE = ("before_after", "participated", "members")
"""Their names."""

_BELONGS = {
    "column": ("before_after", "participated"),
    "table": ("participated",),
    "market_growth": ("before_after",),
    "outside": ("members",),
}


def _word_or_mapping(schema: dict[str, Any]) -> None:
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string", "enum": list(NAIVE)}, whole]


class Naive(Section):
    """A comparison that is not causal, by name, with what it needs.

    .. code-block:: yaml

        {compare: members, outside: [{field: enrolled, op: ==, value: 0}]}
    """

    model_config = ConfigDict(json_schema_extra=_word_or_mapping)

    compare: Literal["before_after", "participated", "members"] = Field(
        description="`before_after`: the treated arm with itself before. `participated`: those of the "
        "treated arm who took part with the rest of it. `members`: the treated arm with people outside the "
        "program."
    )
    column: Column | None = Field(
        default=None,
        description="Per-unit tables. `before_after`: the benefit metric in as long a time before. "
        "`participated`: 1 for those who took part, else 0.",
    )
    table: Literal["exposures", "coupons"] | None = Field(
        default=None,
        description="`participated`, transactions: who stands in this table took part; the exposures, else "
        "the coupons, when left out.",
    )
    market_growth: float | None = Field(
        default=None,
        gt=-1,
        le=100,
        description="`before_after`: growth of the market meanwhile, as 0.18; a second figure takes it off.",
    )
    outside: list[Predicate] = Field(
        default_factory=list,
        description="`members`: who is not in the program; of rows outside the population, or not assigned.",
    )

    @model_validator(mode="after")
    def _its_own_keys(self) -> Naive:
        for key, kinds in _BELONGS.items():
            if self.compare not in kinds and getattr(self, key) not in (None, []):
                raise ValueError(f"{self.compare} has no {key}; remove it")
        if self.compare == "members" and not self.outside:
            raise ValueError(
                "members needs outside: who is not in the program, such as "
                "[{field: enrolled, op: ==, value: 0}]"
            )
        return self


def _by_name(value: Any) -> Any:
    return {"compare": value} if isinstance(value, str) else value


NaiveComparison = Annotated[Naive, BeforeValidator(_by_name)]
"""A comparison in a spec: a word, or a mapping."""


def once_each(given: tuple[Naive, ...]) -> tuple[Naive, ...]:
    """Refuse a comparison that stands twice."""
    names = [n.compare for n in given]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"naive names {name} twice; keep one")
    return given
