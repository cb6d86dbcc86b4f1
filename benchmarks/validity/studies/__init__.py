"""The studies, one file a group; the list is written out here."""

from __future__ import annotations

from validity.studies import (
    bayes,
    clusters,
    covariate,
    money,
    multiplicity,
    peeking,
    promises,
    proportions,
    quantiles,
    ratio,
    repurchase,
    resampling,
    sample_ratio,
    segments,
    spend,
    strata,
)
from validity.study import Study

STUDIES: tuple[Study, ...] = (
    *spend.STUDIES,
    *proportions.STUDIES,
    *ratio.STUDIES,
    *covariate.STUDIES,
    *peeking.STUDIES,
    *sample_ratio.STUDIES,
    *multiplicity.STUDIES,
    *resampling.STUDIES,
    *money.STUDIES,
    *clusters.STUDIES,
    *strata.STUDIES,
    *repurchase.STUDIES,
    *bayes.STUDIES,
    *quantiles.STUDIES,
    *segments.STUDIES,
    *promises.STUDIES,
)
