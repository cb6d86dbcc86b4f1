"""V21: segments that do not differ are found different no more often than the level says."""

from __future__ import annotations

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.interaction import homogeneity
from validity.bands import Check, nominal, share, wrong
from validity.processes import Rng, Segments
from validity.study import Records, Study, each

WELCH = ESTIMATORS["welch"].estimate


def interaction(rng: Rng) -> dict[str, float]:
    """Test eight segments of an A/A together, and each alone."""
    found = [WELCH(t, c, ("response",), (), 0.05).absolute for t, c in Segments().draw(rng, 8_000)]
    try:
        p = homogeneity([d.estimate for d in found], [d.std_error for d in found])[2]
    except NotEstimable:
        p = 1.0
    return {"p": p, "any": any(d.p_value is not None and d.p_value < 0.05 for d in found)}


def judge(r: Records) -> list[Check]:
    return [
        share("T1 at 5 %, interaction test", r["p"] < 0.05, nominal(0.05)),
        share("WRONG any segment significant", r["any"], wrong(nominal(0.05))),
    ]


STUDIES = (Study("V21", "8 segments A/A", 4_000, each(interaction), judge),)
