from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats import poisson_bootstrap as pb
from loyalty_exp.stats.bootstrap import (
    acceleration,
    bootstrap,
    every_resample,
    mean_difference,
    ratio,
    ratio_difference,
)
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.replicates import (
    Replicates,
    basic_interval,
    bca_interval,
    normal_interval,
    p_value,
    percentile_difference,
    percentile_interval,
)


def spend(rng: np.random.Generator, n: int, lift: float = 0.0) -> np.ndarray:
    """Revenue and orders of n members."""
    g = rng.gamma(2, 0.5, n)
    orders = rng.poisson(1.6 * g)
    return np.column_stack([(1 + lift) * orders * 30 * g**0.5 * rng.lognormal(0, 0.4, n), orders])


def test_intervals_reach_scipys_on_the_same_statistic() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.lognormal(0, 1, 80), rng.lognormal(0.3, 1, 60)
    arms = [x[:, None], y[:, None]]
    found = bootstrap(arms, mean_difference, 40_000, np.random.default_rng(2))
    want = {
        method: stats.bootstrap(
            (x, y),
            lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
            n_resamples=40_000,
            method=method,
            rng=np.random.default_rng(3),
        )
        for method in ("percentile", "basic", "BCa")
    }
    se = want["BCa"].standard_error
    assert found.std_error == pytest.approx(se, rel=0.02)
    ours = {
        "percentile": percentile_interval(found, 0.05),
        "basic": basic_interval(found, 0.05),
        "BCa": bca_interval(found, acceleration(arms, mean_difference), 0.05),
    }
    for method, limits in ours.items():
        assert limits == pytest.approx(tuple(want[method].confidence_interval), abs=0.06 * se), method


def test_acceleration_of_a_mean_is_its_skewness() -> None:
    x = np.random.default_rng(4).gamma(1, size=50)
    want = ((x - x.mean()) ** 3).sum() / (6 * ((x - x.mean()) ** 2).sum() ** 1.5)
    assert acceleration([x[:, None]], lambda rows: rows[..., 0].mean(axis=-1)) == pytest.approx(
        want, rel=1e-9
    )


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(monkeypatch) -> None:
    arms = [spend(np.random.default_rng(5), 300), spend(np.random.default_rng(6), 200)]
    first, again, other = (
        bootstrap(arms, ratio_difference, 250, np.random.default_rng(seed)).values for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_orders_are_summed_to_members_before_they_are_drawn() -> None:
    rng = np.random.default_rng(7)
    member = np.repeat(np.arange(150), rng.integers(1, 6, 150))
    effect = rng.normal(0, 5, 150)
    value = 30 + effect[member] + rng.normal(0, 1, len(member))
    rows = np.column_stack([value, np.ones(len(member))])
    by_member = np.column_stack([np.bincount(member, column) for column in rows.T])
    right = bootstrap([by_member], ratio, 2_000, np.random.default_rng(8))
    wrong = bootstrap([rows], ratio, 2_000, np.random.default_rng(8))
    assert right.estimate == pytest.approx(wrong.estimate)
    assert wrong.std_error < 0.7 * right.std_error


def test_ideal_bootstrap_is_what_many_draws_come_to_and_is_refused_when_large() -> None:
    x = np.array([[0.0, 1], [3, 2], [4, 1], [10, 3]])
    ideal = every_resample(x, ratio)
    assert len(ideal.values) == 256
    drawn = bootstrap([x], ratio, 40_000, np.random.default_rng(9))
    assert drawn.std_error == pytest.approx(ideal.std_error, rel=0.02)
    with pytest.raises(NotEstimable, match="resamples"):
        every_resample(np.ones((7, 2)), ratio)


def test_what_cannot_be_estimated_says_why() -> None:
    rng = np.random.default_rng(10)
    with pytest.raises(NotEstimable, match="fewer than two units"):
        bootstrap([np.ones((1, 1)), np.ones((5, 1))], mean_difference, 10, rng)
    with pytest.raises(NotEstimable, match=r"does not exist in \d+ of 50 resamples"):
        bootstrap([np.array([[1.0, 0], [2, 0], [3, 1]])], ratio, 50, rng)
    with pytest.raises(NotEstimable, match="does not exist in 1 of 1"):
        bootstrap([np.array([[1.0, 0], [2, 0]])], ratio, 50, rng)
    constant = [np.full((9, 1), 4.0), np.full((7, 1), 3.0)]
    found = bootstrap(constant, mean_difference, 100, rng)
    with pytest.raises(NotEstimable, match="no unit changes"):
        acceleration(constant, mean_difference)
    with pytest.raises(NotEstimable, match="no variation"):
        percentile_difference(Replicates(4.0, np.full(99, 4.0)), Replicates(3.0, np.full(99, 3.0)), 0.05)
    with pytest.raises(NotEstimable, match="too few for alpha"):
        percentile_interval(Replicates(0.0, np.arange(20.0)), 0.05)
    with pytest.raises(NotEstimable, match="one side"):
        bca_interval(Replicates(99.0, np.arange(50.0)), 0.0, 0.05)
    with pytest.raises(NotEstimable, match="too few replicates"):
        bca_interval(Replicates(25.0, np.arange(50.0)), 0.0, 0.01)
    with pytest.raises(NotEstimable, match="acceleration"):
        bca_interval(Replicates(25.0, np.arange(50.0)), 0.9, 0.05)
    with pytest.raises(ValueError, match="finite"):
        bootstrap([np.array([[math.nan], [1.0]])], ratio, 10, rng)
    assert found.std_error == 0


def test_p_value_is_never_zero() -> None:
    assert p_value(Replicates(5.0, np.linspace(4, 6, 999))) == 2 / 1000
    assert p_value(Replicates(0.0, np.zeros(999))) == 1.0


def test_normal_interval_takes_the_bias_away() -> None:
    values = np.random.default_rng(11).normal(12, 2, 4_000)
    low, high = normal_interval(Replicates(10.0, values), 0.05)
    assert (low + high) / 2 == pytest.approx(20 - values.mean())


def test_intervals_cover_on_heavy_tails_as_often_as_correct_ones_do() -> None:
    """Two arms of 1,000 members, 92 % without spend: percentile .924, basic .950 in 1,000 runs elsewhere."""
    rng, runs, n = np.random.default_rng(12), 200, 1_000
    truth = 0.008 * math.exp(3.2 + 1.1**2 / 2)
    hits, error = {"percentile": 0, "basic": 0}, []
    for _ in range(runs):
        arms = [(rng.random(n) < p) * rng.lognormal(3.2, 1.1, n) for p in (0.088, 0.08)]
        hashes = rng.integers(0, 2**64, (2, n), dtype=np.uint64)
        t, c = (
            pb.mean(pb.replicate_sums(h, {"y": a}, 499, 1), "y") for h, a in zip(hashes, arms, strict=True)
        )
        both = Replicates(t.estimate - c.estimate, t.values - c.values)
        for name, interval in (("percentile", percentile_interval), ("basic", basic_interval)):
            low, high = interval(both, 0.05)
            hits[name] += low < truth < high
        error.append(both.std_error / math.sqrt(sum(a.var(ddof=1) / n for a in arms)))
    assert hits["percentile"] / runs == pytest.approx(0.924, abs=3.3 * math.sqrt(0.07 * (1 / runs + 1e-3)))
    assert hits["basic"] / runs == pytest.approx(0.950, abs=3.3 * math.sqrt(0.0475 * (1 / runs + 1e-3)))
    assert np.mean(error) == pytest.approx(1.0, abs=0.02)


# --- one pass, with weights from hashes


def test_unit_hash_is_the_head_of_sha256() -> None:
    assert pb.unit_hashes(["m1"])[0] == int(hashlib.sha256(b"m1").hexdigest()[:16], 16)


def test_weights_are_those_of_the_recipe_written_out_in_plain_integers() -> None:
    """SplitMix64 and sequential inversion, with nothing of NumPy: what another engine has to do."""
    mask = 2**64 - 1

    def mix(x: int) -> int:
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
        return x ^ x >> 31

    hashes, seed = pb.unit_hashes(["m1", "m2", "Zoë"]), 2**63 + 11
    got = pb.weights(hashes, seed, 8, 10)
    for row, h in zip(got, hashes, strict=True):
        for r, w in enumerate(row, start=8):
            word = mix((int(h) ^ mix(seed)) + (r // 4 + 1) * 0x9E3779B97F4A7C15 & mask)
            u = word >> 16 * (r % 4) & 0xFFFF
            assert w == sum(u >= t for t in pb.THRESHOLDS)


def test_splitmix_is_the_published_generator() -> None:
    """First outputs of SplitMix64 from seed 1234567, as the reference code prints them."""
    state, out = np.array([1234567], dtype=np.uint64), []
    for _ in range(3):
        state = state + np.uint64(0x9E3779B97F4A7C15)
        out.append(int(pb._mix(state.copy())[0]))
    assert out == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_table_of_weights_is_poisson_to_one_part_in_65536_with_mean_one() -> None:
    share = np.diff([0, *pb.THRESHOLDS, 65_536]) / 65_536
    k = np.arange(9)
    assert np.abs(np.cumsum(share) - stats.poisson(1).cdf(k)).max() <= 0.51 / 65_536 + 1.2e-6
    assert share @ k == 1.0
    assert share @ (k - 1.0) ** 2 == pytest.approx(1 - 3.1e-5, abs=1e-6)


def test_weights_look_like_independent_poisson_draws() -> None:
    hashes = pb.unit_hashes(f"M{i:08d}" for i in range(20_000))
    w = pb.weights(hashes, 1, 0, 64).astype(float)
    observed = np.bincount(w.astype(int).ravel(), minlength=9)
    expected = w.size * np.diff([0, *pb.THRESHOLDS, 65_536]) / 65_536
    assert stats.chisquare(observed[:7], expected[:7] * observed[:7].sum() / expected[:7].sum()).pvalue > 1e-4
    correlation = np.corrcoef(w.T) - np.eye(64)
    assert np.abs(correlation).max() < 4.5 / math.sqrt(len(w))
    serial = ((w[1:] - 1) * (w[:-1] - 1)).mean()
    assert abs(serial) < 4 / math.sqrt(w.size)
    other = pb.weights(hashes, 2, 0, 64).astype(float)
    assert abs(((w - 1) * (other - 1)).mean()) < 4 / math.sqrt(w.size)


def test_weights_of_a_replicate_do_not_depend_on_the_block_it_is_drawn_in() -> None:
    hashes = pb.unit_hashes(["a", "b"])
    every = pb.weights(hashes, 3, 0, 2_050)
    assert (every[:, 1_024:1_030] == pb.weights(hashes, 3, 1_024, 6)).all()
    sums = pb.replicate_sums(hashes, {"y": [1.0, 10.0]}, 2_050, 3)
    assert (sums.sums[:, 0] == every[0] + 10.0 * every[1]).all()
    assert (sums.weight == every.sum(axis=0)).all()


def test_one_pass_reaches_the_delta_methods_standard_errors() -> None:
    rng = np.random.default_rng(13)
    t, c = spend(rng, 6_000, 0.05), spend(rng, 5_000)
    sums = [
        pb.replicate_sums(
            pb.unit_hashes(f"{arm}{i}" for i in range(len(x))),
            {"revenue": x[:, 0], "orders": x[:, 1]},
            2_000,
            7,
        )
        for arm, x in (("t", t), ("c", c))
    ]
    welch = difference(*(plain(from_rows({"y": x[:, 0]}), ("y",)) for x in (t, c)), 0.05)
    found = pb.difference_of_means(*sums, "revenue", 0.05)
    assert found.estimate == pytest.approx(welch.estimate, rel=1e-12)
    assert found.std_error == pytest.approx(welch.std_error, rel=0.06)
    assert found.ci_lower == pytest.approx(welch.ci_lower, abs=0.25 * welch.std_error)
    assert found.p_value == pytest.approx(welch.p_value, abs=0.03)
    value = pb.difference_of_ratios(*sums, "revenue", "orders", 0.05)
    drawn = bootstrap([t, c], ratio_difference, 400, np.random.default_rng(14))
    assert value.estimate == pytest.approx(drawn.estimate, rel=1e-12)
    assert value.std_error == pytest.approx(drawn.std_error, rel=0.12)


def test_one_pass_degenerate_inputs_say_why() -> None:
    def sums(values, replicates=99):
        return pb.replicate_sums(
            pb.unit_hashes(map(str, range(len(values)))),
            {"y": values, "zero": [0.0] * len(values)},
            replicates,
            1,
        )

    with pytest.raises(NotEstimable, match="fewer than two units"):
        pb.mean(sums([]), "y")
    with pytest.raises(NotEstimable, match="replicates have no unit"):
        pb.mean(sums([1.0, 2.0]), "y")
    with pytest.raises(NotEstimable, match="the denominator is 0"):
        pb.ratio(sums(range(50)), "y", "zero")
    with pytest.raises(NotEstimable, match="no variation"):
        pb.difference_of_means(sums([5.0] * 50), sums([0.0] * 40), "y", 0.05)
    with pytest.raises(NotEstimable, match="too few for alpha"):
        pb.difference_of_means(sums(range(50), 20), sums(range(40), 20), "y", 0.05)
    with pytest.raises(ValueError, match="different seed, columns or size"):
        sums(range(9)) + sums(range(9), 100)
    with pytest.raises(ValueError, match="finite"):
        sums([math.inf, 1.0])
    with pytest.raises(ValueError, match="64 bits"):
        pb.weights(pb.unit_hashes(["a"]), -1, 0, 4)
