"""Share that bought again by a horizon, with units still followed counted as far as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect

if TYPE_CHECKING:
    from loyalty_exp.stats.event_counts import EventCounts


def estimate(
    treated: EventCounts,
    control: EventCounts,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    within_days: int = 1,
) -> Effect:
    """Kaplan & Meier (1958) by arm; Klein et al. (2007), Statistics in Medicine 26, 4505-4519, section 2.

    Parameters
    ----------
    within_days : int
        The horizon of the metric.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or when the follow-up of an arm ends before the horizon.
    """
    from loyalty_exp.stats.arm_means import enough_units
    from loyalty_exp.stats.horizon_rate import rate_at_horizon
    from loyalty_exp.stats.relative import relative_lift
    from loyalty_exp.stats.survival import kaplan_meier

    enough_units(treated, control)
    found = rate_at_horizon(treated, control, within_days, alpha)
    v_t, v_c = (kaplan_meier(arm).at(within_days)[1] ** 2 for arm in (treated, control))
    means = found.rate_treated, found.rate_control
    lift = relative_lift(*means, v_t, v_c, alpha, float("inf"))
    return Effect("censored_rate", treated.n, control.n, *means, found.difference, lift)


CENSORED_RATE = Estimator(
    "censored_rate",
    {
        "en": "Difference of the Kaplan-Meier shares that bought again by the horizon, over all units, those "
        "still followed counted as far as they go; relative lift with Fieller's interval.",
        "zh-CN": "到期时 Kaplan-Meier 复购比例之差，纳入全部单位，仍在观察期内者按已观察时长计入；"
        "相对提升采用 Fieller 区间。",
    },
    estimate,
    "event_counts",
    ("proportion",),
    {"within_days": 1},
)
