"""A period that was changed after a look: the p-values of a fixed period no longer hold, the estimates do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loyalty_exp.readout.result import ContrastFacts, Estimate

CODE = "horizon_changed"
"""Warning of a registration whose period was changed after a look at outcomes."""


def without_p_values(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Leave the p-values of effects out; who extends until it is significant finds what is not there.

    Intervals stay: they say how precise the estimate is, and the page says that the period was changed.
    """
    return tuple(
        replace(e, absolute=replace(e.absolute, p_value=None, p_value_adjusted=None, log_p_value=None))
        if e.absolute is not None
        else e
        for e in estimates
    )


def contrasts_without(contrasts: Sequence[ContrastFacts]) -> tuple[ContrastFacts, ...]:
    """Leave the p-values of contrasts out, too."""
    return tuple(replace(c, p_value=None, p_value_adjusted=None) for c in contrasts)
