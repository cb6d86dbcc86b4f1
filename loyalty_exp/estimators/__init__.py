"""The estimators, one file a kind; the list is written out here."""

from collections.abc import Mapping
from types import MappingProxyType

from loyalty_exp.estimators.cuped import CUPED
from loyalty_exp.estimators.estimator import Estimate, Estimator
from loyalty_exp.estimators.lin import LIN
from loyalty_exp.estimators.miettinen_nurminen import MIETTINEN_NURMINEN
from loyalty_exp.estimators.ratio import RATIO_CUPED, RATIO_DELTA
from loyalty_exp.estimators.welch import WELCH

ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {e.name: e for e in (WELCH, CUPED, LIN, MIETTINEN_NURMINEN, RATIO_DELTA, RATIO_CUPED)}
)

__all__ = ["ESTIMATORS", "Estimate", "Estimator"]
