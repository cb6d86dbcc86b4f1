"""What an estimator is: a name, a sentence for the page, and a function from moments to an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments


class Estimate(Protocol):
    """Compare one treatment arm with control.

    ``outcome`` is (value,) or (numerator, denominator); ``alpha`` is two-sided. Raises ``NotEstimable`` with
    the reason for the page.
    """

    def __call__(
        self,
        treated: Moments,
        control: Moments,
        outcome: tuple[str, ...],
        covariates: tuple[str, ...],
        alpha: float,
    ) -> Effect:
        """Estimate the effect."""
        ...


@dataclass(frozen=True, slots=True)
class Estimator:
    """One way to compare two arms.

    Attributes
    ----------
    name : str
    words : mapping of language to str
        One sentence for the section on methods, ``en`` and ``zh-CN``.
    estimate : callable
        See :class:`Estimate`.
    """

    name: str
    words: Mapping[str, str]
    estimate: Estimate
