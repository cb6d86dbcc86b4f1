"""`population:` who takes part, as conditions on the members or per-unit table."""

from __future__ import annotations

from pydantic import Field

from loyalty_exp.grammar import Column, Identifier, Predicate, Section, Text
from loyalty_exp.spec.day import Day


class Population(Section):
    """Conditions on attributes known at assignment."""

    as_of: Day | None = Field(default=None, description="Day on which the conditions were evaluated.")
    include: tuple[Predicate, ...] = Field(default=(), description="All must hold.")
    exclude: tuple[Predicate, ...] = Field(default=(), description="None may hold.")


class Segment(Section):
    """A declared way to split the population, by an attribute known at assignment."""

    id: Identifier = Field(description="Name of the dimension.")
    column: Column | None = Field(default=None, description="Column; named like the id when left out.")
    name: Text | None = Field(default=None, description="Name on the page.")
    values: dict[str, Text] = Field(default_factory=dict, description="Names of the values on the page.")

    @property
    def source(self) -> str:
        """Column that holds the values."""
        return self.column or self.id
