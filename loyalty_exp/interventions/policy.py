"""A rule or model that chooses for each member, against what everyone receives otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from loyalty_exp.grammar import Label, Language, Text, in_language
from loyalty_exp.interventions.intervention import Driver, Intervention


class Policy(Intervention):
    """A policy: a model of one version, frozen for the length of the test.

    .. code-block:: yaml

        {type: policy, model: next_best_offer, version: "2026.2"}
    """

    type: Literal["policy"]
    model: Label = Field(description="Name of the model or rule.")
    version: Label = Field(description="Its version, in quotes when it looks like a number.")
    frozen: bool = Field(default=True, description="That it does not change while the test runs.")
    against: Text | None = Field(default=None, description="What the other arm receives; the default rule.")

    @field_validator("frozen")
    @classmethod
    def _does_not_move(cls, frozen: bool) -> bool:
        if not frozen:
            raise ValueError("a model that changes is not one treatment; freeze a version and name it")
        return frozen

    def words(self, language: Language) -> str:
        """Name the model, its version and what it is compared with."""
        against = in_language(self.against, language)
        if language == "zh-CN":
            return f"策略 {self.model}（版本 {self.version}）" + (f"，对比{against}" if against else "")
        return f"policy {self.model}, version {self.version}" + (f", against {against}" if against else "")

    def drivers(self) -> tuple[Driver, ...]:
        """Nothing that can be told from here: what it gives is counted by the lines of what it chooses."""
        return ()
