"""The data-generating processes: members with a known truth, drawn from a generator that is handed in.

Every process splits ``n`` units by independent draws with the share of the treatment arm, as a hash does,
unless it says otherwise. Where most values are 0 only the others are drawn. Truth is analytic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.stats.moments import Moments, from_rows

Rng = np.random.Generator
Values = npt.NDArray[np.float64]
Arms = tuple[Moments, Moments]
"""Treatment first, then control."""


def with_zeros(n: int, columns: Mapping[str, Values]) -> Moments:
    """Moments of ``n`` units of which only the first have values; all others are 0 in every column."""
    x = np.column_stack(list(columns.values()))
    mean = x.sum(axis=0) / n
    centered = x - mean
    return Moments(n, tuple(columns), mean, centered.T @ centered + (n - len(x)) * np.outer(mean, mean))


def sums(counts: npt.NDArray[np.int64], values: Values) -> Values:
    """Sum of the values of each unit; unit i holds the next ``counts[i]`` of them."""
    return np.bincount(np.repeat(np.arange(len(counts)), counts), weights=values, minlength=len(counts))


@dataclass(frozen=True, slots=True)
class AbSpend:
    """Zero-inflated log-normal spend a member; A/A when both lifts are 0."""

    p: float = 0.08
    mu: float = 3.2
    sigma: float = 1.1
    lift_conv: float = 0.0
    lift_size: float = 0.0
    share_t: float = 0.5

    @property
    def control_mean(self) -> float:
        return self.p * math.exp(self.mu + self.sigma**2 / 2)

    @property
    def relative(self) -> float:
        return (1 + self.lift_conv) * (1 + self.lift_size) - 1

    def spenders(self, rng: Rng, n: int, treated: bool) -> Values:
        """Spend of those who spend, out of ``n`` members of one arm."""
        buyers = rng.binomial(n, self.p * (1 + self.lift_conv * treated))
        return rng.lognormal(self.mu + math.log1p(self.lift_size) * treated, self.sigma, buyers)

    def draw(self, rng: Rng, n: int) -> Arms:
        n_t = int(rng.binomial(n, self.share_t))
        t = with_zeros(n_t, {"spend": self.spenders(rng, n_t, True)})
        return t, with_zeros(n - n_t, {"spend": self.spenders(rng, n - n_t, False)})


@dataclass(frozen=True, slots=True)
class AovRatio:
    """Revenue an order, randomized by member; heavy buyers buy bigger baskets when ``gamma`` is positive."""

    k: float = 2.0
    lam: float = 1.6
    gamma: float = 0.5
    mean_order: float = 30.0
    sigma: float = 0.6
    lift_orders: float = 0.0
    lift_aov: float = 0.0
    share_t: float = 0.5

    @property
    def difference(self) -> float:
        """E[revenue] / E[orders] of treatment minus that of control."""
        moment = math.exp(math.lgamma(self.k + 1 + self.gamma) - math.lgamma(self.k + 1)) / self.k**self.gamma
        return self.lift_aov * self.mean_order * moment

    def draw(self, rng: Rng, n: int) -> tuple[Arms, Arms]:
        """Moments of (revenue, orders) by member, and of (value) by order, treatment first in both."""
        n_t = int(rng.binomial(n, self.share_t))
        t, c = self._arm(rng, n_t, True), self._arm(rng, n - n_t, False)
        return (t[0], c[0]), (t[1], c[1])

    def _arm(self, rng: Rng, n: int, treated: bool) -> Arms:
        g = rng.gamma(self.k, 1 / self.k, n)
        orders = rng.poisson(self.lam * (1 + self.lift_orders * treated) * g)
        base = self.mean_order * (1 + self.lift_aov * treated) * g**self.gamma
        value = np.repeat(base, orders) * rng.lognormal(-(self.sigma**2) / 2, self.sigma, orders.sum())
        return from_rows({"revenue": sums(orders, value), "orders": orders}), from_rows({"value": value})


@dataclass(frozen=True, slots=True)
class CupedNormal:
    """Bivariate normal metric before and after; the adjusted variance is ``1 - rho^2`` of the plain one."""

    rho: float = 0.7
    mean: float = 50.0
    sd: float = 20.0
    pre_mean: float = 45.0
    pre_sd: float = 18.0
    effect: float = 0.0
    share_t: float = 0.5

    @property
    def variance_ratio(self) -> float:
        return 1 - self.rho**2

    def draw(self, rng: Rng, n: int) -> Arms:
        n_t = int(rng.binomial(n, self.share_t))
        return self._arm(rng, n_t, self.effect), self._arm(rng, n - n_t, 0.0)

    def _arm(self, rng: Rng, n: int, effect: float) -> Moments:
        before, other = rng.standard_normal((2, n))
        after = self.rho * before + math.sqrt(1 - self.rho**2) * other
        return from_rows(
            {"post": self.mean + effect + self.sd * after, "pre": self.pre_mean + self.pre_sd * before}
        )


@dataclass(frozen=True, slots=True)
class CupedSpend:
    """Compound Poisson-gamma spend before and after; ``lift`` raises the rate of orders after."""

    k: float = 0.8
    lam_pre: float = 2.0
    lam_post: float = 2.0
    mu: float = 3.0
    sigma: float = 0.8
    lift: float = 0.0
    share_t: float = 0.5

    @property
    def effect(self) -> float:
        return self.lift * self.lam_post * math.exp(self.mu + self.sigma**2 / 2)

    @property
    def variance_ratio(self) -> float:
        """``1 - rho^2`` of the control arm."""
        own = math.exp(self.sigma**2)
        covariance = self.lam_pre * self.lam_post / self.k
        pre, post = (rate * own + rate**2 / self.k for rate in (self.lam_pre, self.lam_post))
        return 1 - covariance**2 / (pre * post)

    def draw(self, rng: Rng, n: int) -> Arms:
        n_t = int(rng.binomial(n, self.share_t))
        return self._arm(rng, n_t, self.lift), self._arm(rng, n - n_t, 0.0)

    def _arm(self, rng: Rng, n: int, lift: float) -> Moments:
        g = rng.gamma(self.k, 1 / self.k, n)
        columns = {}
        for name, rate in (("pre", self.lam_pre), ("post", self.lam_post * (1 + lift))):
            orders = rng.poisson(rate * g)
            columns[name] = sums(orders, rng.lognormal(self.mu, self.sigma, orders.sum()))
        return from_rows(columns)


@dataclass(frozen=True, slots=True)
class Srm:
    """Assignment at ``expected`` shares, then loss that depends on the arm."""

    expected: tuple[float, ...] = (0.5, 0.5)
    loss: tuple[float, ...] = (0.0, 0.0)

    def draw(self, rng: Rng, n: int) -> list[int]:
        kept = 1 - np.array(self.loss)
        return [int(x) for x in rng.binomial(rng.multinomial(n, self.expected), kept)]

    def chi_square(self, n: int) -> float:
        """Noncentrality of Pearson's statistic among the ``n`` units less those expected to be lost."""
        p = np.array(self.expected)
        kept = p * (1 - np.array(self.loss))
        return float(n * kept.sum() * ((kept / kept.sum() - p) ** 2 / p).sum())


@dataclass(frozen=True, slots=True)
class MultiMetric:
    """``m`` equally correlated normal metrics a member; the first ``m_alt`` are shifted by ``effect``."""

    m: int = 20
    m_alt: int = 5
    rho: float = 0.3
    effect: float = 0.06
    share_t: float = 0.5

    def draw(self, rng: Rng, n: int) -> Arms:
        n_t = int(rng.binomial(n, self.share_t))
        return self._arm(rng, n_t, True), self._arm(rng, n - n_t, False)

    def _arm(self, rng: Rng, n: int, treated: bool) -> Moments:
        x = math.sqrt(1 - self.rho) * rng.standard_normal((n, self.m))
        x += math.sqrt(self.rho) * rng.standard_normal((n, 1))
        if treated:
            x[:, : self.m_alt] += self.effect
        return from_rows({f"m{j}": x[:, j] for j in range(self.m)})


@dataclass(frozen=True, slots=True)
class MultiArm:
    """Control and arms with ``effects``, normal response, all of the same size."""

    effects: tuple[float, ...] = (0.0, 0.0, 0.0)
    sd: float = 1.0

    def draw(self, rng: Rng, n: int) -> Values:
        """Values by arm, control first, shape (arms, units an arm)."""
        center = np.array([0.0, *self.effects])[:, None]
        return center + self.sd * rng.standard_normal((len(center), n // len(center)))


@dataclass(frozen=True, slots=True)
class Roi:
    """Margin and campaign cost a member, correlated since only buyers redeem; control costs nothing."""

    p: float = 0.12
    mu: float = 3.2
    sigma: float = 0.9
    lift_conv: float = 0.1
    margin: float = 0.35
    redeem_given_buy: float = 0.5
    reward_cost: float = 2.0
    contact_cost: float = 0.05
    share_t: float = 0.5

    @property
    def benefit(self) -> float:
        """Incremental margin a treated member."""
        return self.margin * self.p * self.lift_conv * math.exp(self.mu + self.sigma**2 / 2)

    @property
    def cost(self) -> float:
        """Cost a treated member."""
        return self.contact_cost + self.reward_cost * self.redeem_given_buy * self.p * (1 + self.lift_conv)

    def draw(self, rng: Rng, n: int) -> Arms:
        n_t = int(rng.binomial(n, self.share_t))
        t = self._arm(rng, n_t, True).combine(
            {"benefit": {"benefit": 1.0}, "cost": {"cost": 1.0}}, {"cost": self.contact_cost}
        )
        return t, self._arm(rng, n - n_t, False)

    def _arm(self, rng: Rng, n: int, treated: bool) -> Moments:
        buyers = int(rng.binomial(n, self.p * (1 + self.lift_conv * treated)))
        benefit = self.margin * rng.lognormal(self.mu, self.sigma, buyers)
        redeemed = rng.random(buyers) < self.redeem_given_buy * treated
        return with_zeros(n, {"benefit": benefit, "cost": self.reward_cost * redeemed})


@dataclass(frozen=True, slots=True)
class Segments:
    """``k`` equal segments, binary response, no effect."""

    k: int = 8
    p: float = 0.15
    share_t: float = 0.5

    def draw(self, rng: Rng, n: int) -> list[Arms]:
        """Moments of the response by segment."""
        n_t = rng.binomial(n // self.k, self.share_t, self.k)
        return [(self._arm(rng, int(t)), self._arm(rng, n // self.k - int(t))) for t in n_t]

    def _arm(self, rng: Rng, n: int) -> Moments:
        return with_zeros(n, {"response": np.ones(rng.binomial(n, self.p))})


@dataclass(frozen=True, slots=True)
class ClusterNormal:
    """Stores or households, half of them treated by complete randomization; sizes 1 + negative binomial."""

    icc: float = 0.05
    mean_size: float = 20.0
    cv: float = 0.6
    mu: float = 100.0
    sd: float = 30.0
    effect: float = 0.0

    def draw(self, rng: Rng, clusters: int) -> tuple[tuple[Values, Values], tuple[Values, Values]]:
        """(cluster of each unit, value of each unit) of the treatment arm, then of the control arm."""
        half = clusters // 2
        return self._arm(rng, half, self.effect), self._arm(rng, clusters - half, 0.0)

    def _arm(self, rng: Rng, clusters: int, effect: float) -> tuple[Values, Values]:
        sizes = self._sizes(rng, clusters)
        cluster = np.repeat(np.arange(clusters), sizes)
        common = math.sqrt(self.icc) * rng.standard_normal(clusters)
        own = math.sqrt(1 - self.icc) * rng.standard_normal(len(cluster))
        return cluster, self.mu + effect + self.sd * (common[cluster] + own)

    def _sizes(self, rng: Rng, clusters: int) -> npt.NDArray[np.int64]:
        """Sizes with the coefficient of variation ``cv``; all equal when it is 0."""
        if self.cv == 0:
            return np.full(clusters, round(self.mean_size))
        mean, variance = self.mean_size - 1, (self.cv * self.mean_size) ** 2
        return 1 + rng.negative_binomial(mean**2 / (variance - mean), mean / variance, clusters)


@dataclass(frozen=True, slots=True)
class Stratified:
    """Tiers with effects of their own, treated with shares of their own, so that plain means mislead."""

    shares: tuple[float, ...] = (0.6, 0.3, 0.1)
    base: tuple[float, ...] = (20.0, 60.0, 200.0)
    sds: tuple[float, ...] = (10.0, 25.0, 90.0)
    effects: tuple[float, ...] = (1.0, 2.0, 10.0)
    p_treat: tuple[float, ...] = (0.5, 0.3, 0.7)

    @property
    def effect(self) -> float:
        """Mean effect in the population."""
        return float(np.dot(self.shares, self.effects))

    @property
    def pooled_limit(self) -> float:
        """What the plain difference of means tends to."""
        share, p = np.array(self.shares), np.array(self.p_treat)
        base, treated = np.array(self.base), np.array(self.base) + np.array(self.effects)
        t, c = share * p, share * (1 - p)
        return float(t @ treated / t.sum() - c @ base / c.sum())

    def draw(self, rng: Rng, n: int) -> list[Arms]:
        """Moments of the value by stratum."""
        sizes = rng.multinomial(n, self.shares)
        n_t = rng.binomial(sizes, self.p_treat)
        found = []
        for size, t, base, sd, effect in zip(sizes, n_t, self.base, self.sds, self.effects, strict=True):
            y = base + sd * rng.standard_normal(size)
            found.append((from_rows({"value": y[:t] + effect}), from_rows({"value": y[t:]})))
        return found


@dataclass(frozen=True, slots=True)
class Repurchase:
    """Weibull days to the next purchase, staggered entry, censored at the study end; some never buy."""

    shape: float = 1.2
    scale: float = 60.0
    hr: float = 1.0
    cure_control: float = 0.0
    cure_treatment: float = 0.0
    entry_days: float = 60.0
    study_end: float = 120.0
    tau: float = 90.0
    share_t: float = 0.5

    def survival(self, time: Values, treated: bool) -> Values:
        """Share that has not bought by a time."""
        cure, hazard = (self.cure_treatment, self.hr) if treated else (self.cure_control, 1.0)
        return cure + (1 - cure) * np.exp(-hazard * (time / self.scale) ** self.shape)

    @property
    def rate_difference(self) -> float:
        """Difference of the shares that bought by tau."""
        at = np.array([self.tau])
        return float((self.survival(at, False) - self.survival(at, True))[0])

    @property
    def restricted_mean_difference(self) -> float:
        """Difference of the means of min(time, tau), days: Gauss-Legendre over the survival curves."""
        x, w = np.polynomial.legendre.leggauss(200)
        time = self.tau * (x + 1) / 2
        gap = self.survival(time, True) - self.survival(time, False)
        return float(self.tau / 2 * (w @ gap))

    def draw(self, rng: Rng, n: int) -> tuple[tuple[Values, Values], tuple[Values, Values]]:
        """(days of follow-up, whether bought) of the treatment arm, then of the control arm."""
        n_t = int(rng.binomial(n, self.share_t))
        return self._arm(rng, n_t, True), self._arm(rng, n - n_t, False)

    def _arm(self, rng: Rng, n: int, treated: bool) -> tuple[Values, Values]:
        cure, hazard = (self.cure_treatment, self.hr) if treated else (self.cure_control, 1.0)
        time = self.scale * hazard ** (-1 / self.shape) * rng.weibull(self.shape, n)
        time[rng.random(n) < cure] = np.inf
        followed = self.study_end - self.entry_days * rng.random(n)
        return np.minimum(time, followed), time <= followed


@dataclass(frozen=True, slots=True)
class BayesPrior:
    """Experiments whose true effects come from a normal distribution."""

    mu0: float = 0.0
    tau: float = 0.5
    sigma: float = 5.0
    share_t: float = 0.5

    def draw(self, rng: Rng, n: int) -> tuple[float, Arms]:
        """The true effect of one experiment, and the moments of the value by arm."""
        effect = float(rng.normal(self.mu0, self.tau))
        n_t = int(rng.binomial(n, self.share_t))
        t = effect + self.sigma * rng.standard_normal(n_t)
        return effect, (
            from_rows({"value": t}),
            from_rows({"value": self.sigma * rng.standard_normal(n - n_t)}),
        )
