"""The mixture sequential probability ratio test: an answer that may be read at every look.

It is a reading beside the estimator that decides. Looks that decide are declared in ``analysis.sequential``,
for which plans have their power; the confidence sequence there is the same mixture, tuned to a horizon.
"""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.moments import Moments

OF_THE_DIFFERENCE = "the interval that holds at every look is that of the difference"


def estimate(
    treated: Moments,
    control: Moments,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    mixture_sd: float,
) -> Effect:
    """Johari, Koomen, Pekelis, Walsh (2022), the test with a normal mixture; covariates are adjusted for.

    Parameters
    ----------
    mixture_sd : float
        Standard deviation of the mixture over effects, in the unit of the metric; fixed before the first
        look.

    References
    ----------
    Johari, Koomen, Pekelis, Walsh (2022), Always valid inference: continuous monitoring of A/B tests,
    Operations Research 70(3), 1806-1821.
    """
    from loyalty_exp.stats.confidence_sequence import mixture_sprt

    t, c = adjusted(treated, control, outcome, covariates)
    plain = adjusted(treated, control, outcome, ()) if covariates else None
    found = replace(effect("msprt", t, c, alpha, plain), facts={"mixture_sd": mixture_sd})
    a = found.absolute
    if not a.std_error:
        return found
    at_all_looks = mixture_sprt(a.estimate, a.std_error, mixture_sd, alpha)
    absolute = Difference(
        a.estimate,
        a.std_error,
        at_all_looks.ci_lower,
        at_all_looks.ci_upper,
        at_all_looks.p_value,
        at_all_looks.log_p_value,
    )
    lift = found.relative
    if lift.estimate is not None:
        lift = RelativeLift(lift.estimate, None, None, None, OF_THE_DIFFERENCE)
    return replace(found, absolute=absolute, relative=lift)


MSPRT = Estimator(
    "msprt",
    {
        "en": "Difference of means with the mixture sequential probability ratio test (Johari et al. 2022): "
        "interval and p-value hold at every look.",
        "zh-CN": "均值差，采用混合序贯概率比检验（mSPRT，Johari 等 2022）：区间与 p 值在每次查看时均成立。",
    },
    estimate,
    covariates=(0, 99),
    required=("mixture_sd",),
    beside=True,
)
