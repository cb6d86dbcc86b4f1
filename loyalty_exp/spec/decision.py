"""`decision:` the rule, as data, and who decides what by when."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Section, Text
from loyalty_exp.spec.day import Day


class ShipIf(Section):
    """Conditions for shipping an arm; all that are given must hold."""

    probability_net_benefit_positive: float | None = Field(
        default=None, gt=0.5, lt=1, description="At least this probability that net benefit is above zero."
    )
    probability_roi_above_hurdle: float | None = Field(
        default=None,
        gt=0.5,
        lt=1,
        description="At least this probability that ROI is above economics.hurdle.",
    )
    net_benefit_lower_above: float | None = Field(
        default=None, description="Lower end of the net-benefit interval above this, money per unit."
    )
    primary_improves: bool | None = Field(
        default=None, description="Every primary metric better, statistically significant after adjustment."
    )
    guardrails_hold: bool = Field(default=True, description="No guardrail breached or unsettled.")


class StopIf(Section):
    """Conditions for stopping an arm; one that holds is enough."""

    probability_net_benefit_positive: float | None = Field(
        default=0.05, gt=0, lt=0.5, description="At most this probability that net benefit is above zero."
    )
    primary_worsens: bool = Field(
        default=True, description="A primary metric worse, statistically significant after adjustment."
    )


class Decision(Section):
    """The rule and the people."""

    ship_if: ShipIf | None = Field(default=None, description="When to ship.")
    stop_if: StopIf = Field(default=StopIf(), description="When to stop.")
    ask: Text | None = Field(default=None, description="What is to be decided, for the page.")
    owner: Text | None = Field(default=None, description="Who decides.")
    due: Day | None = Field(default=None, description="By when.")
    next_steps: tuple[NextStep, ...] = Field(default=(), description="Actions for the page.")

    @model_validator(mode="after")
    def _something_asked(self) -> Decision:
        rule = self.ship_if
        if rule is not None and not any(
            (
                rule.probability_net_benefit_positive,
                rule.probability_roi_above_hurdle,
                rule.net_benefit_lower_above is not None,
                rule.primary_improves,
            )
        ):
            raise ValueError("ship_if asks for nothing; give at least one condition besides guardrails_hold")
        return self


class NextStep(Section):
    """One action after the decision."""

    action: Text = Field(description="What is done.")
    owner: Text | None = Field(default=None, description="Who does it.")
    due: Day | None = Field(default=None, description="By when.")
    on: tuple[str, ...] = Field(
        default=(), description="Verdicts under which it is shown (ship, stop, iterate, extend, not_settled)."
    )


Decision.model_rebuild()
