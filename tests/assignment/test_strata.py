"""Exact balance in strata: as the plain ranking gives it, and fair to every arm over many small strata."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment.made_members import arms, members, spec, write, written
from loyalty_exp.assignment.assign import assign
from loyalty_exp.assignment.draw import cumulated, digest
from loyalty_exp.assignment.strata import rank_cuts, ranked_arms, start_of
from loyalty_exp.errors import ContractBreach

SHARES = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))


@given(
    st.integers(0, 10_000),
    st.lists(st.integers(1, 9), min_size=2, max_size=6),
    st.fractions(0, 1).filter(lambda f: f < 1),
)
def test_each_arm_has_its_share_rounded_down_or_up(n: int, weights: list[int], start: Fraction) -> None:
    shares = [Fraction(w, sum(weights)) for w in weights]
    cuts = (0, *rank_cuts(n, shares, start), n)
    for share, low, high in zip(shares, cuts, cuts[1:], strict=False):
        assert abs((high - low) - share * n) < 1
    assert list(cuts) == sorted(cuts) and cumulated(shares)[-1] == 1


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
def test_the_engine_cuts_where_the_plain_ranking_cuts(tmp_path: Path, engine: str) -> None:
    frame = members(3000)
    write(tmp_path, frame)
    assign(spec(engine=engine, assignment__strata=["tier", "region"]), tmp_path)
    got, groups = arms(tmp_path), defaultdict(list)
    for unit, tier, region in zip(frame["member_id"], frame["tier"], frame["region"], strict=True):
        groups[tier, region if isinstance(region, str) else None].append(unit)
    drawn = frame[~frame["is_employee"]]["member_id"].tolist()
    assert sorted(got) == sorted(drawn)
    assert len(groups) == 9
    for stratum, units in groups.items():
        mine = [u for u in units if u in got]
        wanted = ranked_arms([digest("draw-2026", u) for u in mine], SHARES, start_of("draw-2026", stratum))
        assert [got[u] for u in mine] == [("control", "a", "b")[w] for w in wanted]
        counts = Counter(got[u] for u in mine)
        assert all(
            abs(counts[a] - s * len(mine)) < 1 for a, s in zip(("control", "a", "b"), SHARES, strict=True)
        )


def test_a_large_stratum_is_cut_exactly_though_it_is_not_sorted(tmp_path: Path) -> None:
    frame = members(60_000)
    frame["tier"] = "gold"
    write(tmp_path, frame)
    assign(spec(assignment__strata=["tier"], population__default_exclusions=False), tmp_path)
    got = arms(tmp_path)
    order = sorted(got, key=lambda u: digest("draw-2026", u))
    positions = [("control", "a", "b").index(got[u]) for u in order]
    assert positions == sorted(positions)
    assert [positions.count(i) for i in range(3)] == [30_000, 20_000, 10_000]


def test_a_thousand_small_strata_do_not_favor_an_arm() -> None:
    counts = Counter()
    for k in range(1000):
        units = [digest("s", f"{k}-{i}") for i in range(3)]
        counts.update(ranked_arms(units, [Fraction(1, 2)] * 2, start_of("s", (str(k),))))
    assert abs(counts[0] - 1500) < 4 * (1000 * 0.25) ** 0.5  # largest remainders would give 2000


def test_strata_columns_are_written_under_their_names(tmp_path: Path) -> None:
    write(tmp_path, members(50))
    assign(spec(assignment__strata=["tier", "region"]), tmp_path)
    assert list(written(tmp_path).columns) == ["member_id", "arm", "assigned_at", "tier", "region"]


def test_clusters_are_drawn_whole_and_ranked_in_strata(tmp_path: Path) -> None:
    frame = members(1500)
    frame["tier"] = frame["household"].map(lambda h: "gold" if int(h[1:]) % 2 else "silver")
    write(tmp_path, frame)
    done = assign(spec(cluster="household", assignment__strata=["tier"]), tmp_path)
    got = arms(tmp_path)
    homes: dict[str, set[str]] = defaultdict(set)
    for unit, home in zip(frame["member_id"], frame["household"], strict=True):
        if unit in got:
            homes[home].add(got[unit])
    assert all(len(a) == 1 for a in homes.values())
    assert sum(done.drawn.values()) == len(homes) < sum(done.units.values())
    for tier in ("gold", "silver"):
        mine = [next(iter(a)) for h, a in homes.items() if ("gold" if int(h[1:]) % 2 else "silver") == tier]
        counts = Counter(mine)
        assert all(
            abs(counts[a] - s * len(mine)) < 1 for a, s in zip(("control", "a", "b"), SHARES, strict=True)
        )


def test_a_cluster_in_two_strata_is_refused(tmp_path: Path) -> None:
    write(tmp_path, members(300))
    with pytest.raises(ContractBreach, match="more than one stratum"):
        assign(spec(cluster="household", assignment__strata=["tier"]), tmp_path)
