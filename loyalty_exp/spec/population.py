"""`population:` who takes part, as conditions on the members or per-unit table."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Identifier, Predicate, Section, Text
from loyalty_exp.spec.day import Day
from loyalty_exp.spec.membership import Rfm

WHEN_VALUES = ("in", "out")
"""Values of a segment that is made by a condition."""


class Population(Section):
    """Conditions on attributes known at assignment."""

    as_of: Day | None = Field(default=None, description="Day on which the conditions were evaluated.")
    include: tuple[Predicate, ...] = Field(default=(), description="All must hold.")
    exclude: tuple[Predicate, ...] = Field(default=(), description="None may hold.")
    consent: Column | None = Field(
        default=None,
        description="Column that is true for members who agreed to be contacted; others are not drawn.",
    )
    opt_out: Column | None = Field(
        default=None, description="Column that is true for members who opted out; they are not drawn."
    )
    default_exclusions: bool = Field(
        default=True,
        description="Leave members out of the draw for whom is_employee, is_test or fraud_flag is true, "
        "where the members table has these columns.",
    )
    rfm: Rfm | None = Field(
        default=None, description="Recency, frequency and monetary scores; the program's when left out."
    )


class Segment(Section):
    """A declared way to split the population, by an attribute known at assignment.

    .. code-block:: yaml

        {id: heavy, name: {en: Heavy users, zh-CN: 重度}, when: {field: orders_90d, op: ">=", value: 3}}
    """

    id: Identifier = Field(description="Name of the dimension.")
    column: Column | None = Field(default=None, description="Column; named like the id when left out.")
    when: Predicate | None = Field(
        default=None, description="A condition in place of a column: units are `in` the segment, or `out`."
    )
    name: Text | None = Field(default=None, description="Name on the page.")
    values: dict[str, Text] = Field(default_factory=dict, description="Names of the values on the page.")

    @model_validator(mode="after")
    def _one_way(self) -> Segment:
        if self.when is not None and self.column is not None:
            raise ValueError("a segment has either a column or a condition (when), not both")
        if self.when is not None and (odd := sorted(set(self.values) - set(WHEN_VALUES))):
            raise ValueError(f"a condition makes the values in and out, not {', '.join(odd)}; correct values")
        return self

    @property
    def source(self) -> str:
        """Column that holds the values."""
        return self.column or self.id
