"""The estimators, one file a kind; the list is written out here."""

from collections.abc import Mapping
from types import MappingProxyType

from loyalty_exp.estimators.beta_binomial import BETA_BINOMIAL
from loyalty_exp.estimators.bootstrap import BOOTSTRAP
from loyalty_exp.estimators.boschloo import BOSCHLOO
from loyalty_exp.estimators.brunner_munzel import BRUNNER_MUNZEL
from loyalty_exp.estimators.censored_rate import CENSORED_RATE
from loyalty_exp.estimators.clusters import CLUSTERS, RATIO_CLUSTERS
from loyalty_exp.estimators.cox import COX
from loyalty_exp.estimators.cuped import CUPED
from loyalty_exp.estimators.estimator import Estimate, Estimator
from loyalty_exp.estimators.fisher import FISHER
from loyalty_exp.estimators.large_sample import Z
from loyalty_exp.estimators.lifts import DELTA_LIFT, LOG_LIFT
from loyalty_exp.estimators.lin import LIN
from loyalty_exp.estimators.mann_whitney import MANN_WHITNEY
from loyalty_exp.estimators.miettinen_nurminen import MIETTINEN_NURMINEN
from loyalty_exp.estimators.msprt import MSPRT
from loyalty_exp.estimators.newcombe import NEWCOMBE
from loyalty_exp.estimators.normal_prior import NORMAL_PRIOR
from loyalty_exp.estimators.poisson_bootstrap import POISSON_BOOTSTRAP
from loyalty_exp.estimators.quantile_bootstrap import QUANTILE_BOOTSTRAP
from loyalty_exp.estimators.quantile_difference import QUANTILE_DIFFERENCE
from loyalty_exp.estimators.randomization import RANDOMIZATION
from loyalty_exp.estimators.ratio import RATIO_CUPED, RATIO_DELTA
from loyalty_exp.estimators.risk_ratio import RISK_RATIO
from loyalty_exp.estimators.stratified import POST_STRATIFIED, STRATIFIED
from loyalty_exp.estimators.welch import WELCH
from loyalty_exp.estimators.winsorized import WINSORIZED

ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        e.name: e
        for e in (
            WELCH,
            Z,
            CUPED,
            LIN,
            DELTA_LIFT,
            LOG_LIFT,
            STRATIFIED,
            POST_STRATIFIED,
            CLUSTERS,
            MIETTINEN_NURMINEN,
            NEWCOMBE,
            FISHER,
            BOSCHLOO,
            RISK_RATIO,
            BETA_BINOMIAL,
            RATIO_DELTA,
            RATIO_CUPED,
            RATIO_CLUSTERS,
            QUANTILE_DIFFERENCE,
            QUANTILE_BOOTSTRAP,
            CENSORED_RATE,
            COX,
            MSPRT,
            NORMAL_PRIOR,
            WINSORIZED,
            MANN_WHITNEY,
            BRUNNER_MUNZEL,
            POISSON_BOOTSTRAP,
            BOOTSTRAP,
            RANDOMIZATION,
        )
    }
)

__all__ = ["ESTIMATORS", "Estimate", "Estimator"]
