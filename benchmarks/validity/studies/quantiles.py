"""V20: the distribution-free interval of a quantile has exactly the coverage it states."""

from __future__ import annotations

import math

from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.quantiles import order_statistics, quantile_ranks
from validity.bands import Check, nominal, number, share, within, wrong
from validity.processes import Rng
from validity.study import Records, Study, covers, each

UNITS = 1_000


def coverage(q: float, exact: float) -> Study:
    """Log-normal values; ``exact`` is the coverage of the order statistics from the binomial distribution."""
    truth = math.exp(normal_quantile(q)) if q != 0.5 else 1.0

    def one(rng: Rng) -> dict[str, float]:
        x = rng.lognormal(0.0, 1.0, UNITS)
        found = order_statistics(x, q, 0.05)
        mean, sd = float(x.mean()), float(x.std())
        density = math.exp(-0.5 * ((found.value - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        half = 1.96 * math.sqrt(q * (1 - q) / UNITS) / density
        return {
            "covered": covers(found.low, found.high, truth),
            "normal": covers(found.value - half, found.value + half, truth),
        }

    def judge(r: Records) -> list[Check]:
        stated = quantile_ranks(UNITS, q, 0.05).coverage
        return [
            number("stated coverage", stated, within(exact - 5e-5, exact + 5e-5), len(r["covered"])),
            share("coverage", r["covered"], nominal(exact)),
            share("WRONG density of a normal distribution", r["normal"], wrong(nominal(0.95))),
        ]

    return Study("V20", f"{q:.0%} quantile, n={UNITS:,}", 4_000, each(one), judge)


STUDIES = (coverage(0.5, 0.9537), coverage(0.9, 0.9549), coverage(0.99, 0.9761))
