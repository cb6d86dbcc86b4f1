"""The kinds of metric, one file each; the list is written out here."""

from typing import Annotated

from pydantic import Field

from loyalty_exp.metrics.amount import Amount
from loyalty_exp.metrics.count import Count
from loyalty_exp.metrics.margin import Margin
from loyalty_exp.metrics.metric import Metric
from loyalty_exp.metrics.proportion import Proportion
from loyalty_exp.metrics.quantile import Quantile
from loyalty_exp.metrics.ratio import Ratio
from loyalty_exp.metrics.repurchase import Repurchase

KINDS: tuple[type[Metric], ...] = (Amount, Count, Margin, Proportion, Quantile, Ratio, Repurchase)

AnyMetric = Annotated[
    Amount | Count | Margin | Proportion | Quantile | Ratio | Repurchase, Field(discriminator="type")
]

__all__ = [
    "KINDS",
    "Amount",
    "AnyMetric",
    "Count",
    "Margin",
    "Metric",
    "Proportion",
    "Quantile",
    "Ratio",
    "Repurchase",
]
