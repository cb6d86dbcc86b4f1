"""Exact balance in strata: in each stratum, units are ranked by their digest and the ranks are cut into arms.

A rank cut is a digest threshold of its own for each stratum, so the draw stays a comparison of text. The
threshold is found without sorting the whole population: the digest at rank r of n lies near r / n, so one
pass counts what is far below and fetches only what is near.

Ranks are cut at ``floor(c_k n + s)``: each arm holds its share of the stratum rounded down or up. The start s
in [0, 1) is the point of the stratum itself. Largest remainders would be as exact within a stratum, but would
give the odd unit of every small stratum to the same arm, and a thousand strata of three units would fail the
sample-ratio check; with a start drawn for each stratum the expected share is the planned one.

References
----------
Madow (1949), On the theory of systematic sampling II, Annals of Mathematical Statistics 20, 333-354.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import sqlalchemy as sa

from loyalty_exp.assignment.draw import AFTER_ALL, SPACE, cumulated, digest, point, threshold
from loyalty_exp.warehouse.atoms import Expr
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.quoting import literal, quoted

WIDTH = 7.0
"""Standard deviations of a rank within which its digest is looked for; beyond, everything is fetched."""

Stratum = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Cuts:
    """The arms of one stratum.

    Attributes
    ----------
    stratum : tuple of str or None
        Values of the strata columns, as text.
    units : int
        Units, or clusters where those are drawn.
    below : tuple of int, one for each arm but the last
        Units in the arms up to this one.
    ends : tuple of str
        Digests below which a unit is in the arms up to this one.
    """

    stratum: Stratum
    units: int
    below: tuple[int, ...]
    ends: tuple[str, ...] = ()


def start_of(salt: str, stratum: Stratum) -> Fraction:
    """Point of a stratum, from which its ranks are cut."""
    return Fraction(point(digest(f"{salt}#stratum", json.dumps(stratum, ensure_ascii=False))))


def rank_cuts(units: int, shares: Sequence[Fraction], start: Fraction) -> tuple[int, ...]:
    """Ranks at which arms end, the last arm left out: ``floor(c_k n + start)``."""
    return tuple(math.floor(c * units + start) for c in cumulated(shares)[:-1])


def ranked_arms(digests: Sequence[str], shares: Sequence[Fraction], start: Fraction) -> list[int]:
    """Position of the arm of each unit of one stratum; the plain way that the tests compare with."""
    order = sorted(range(len(digests)), key=lambda i: digests[i])
    cuts, arms = rank_cuts(len(digests), shares, start), [0] * len(digests)
    for rank, i in enumerate(order):
        arms[i] = sum(rank >= cut for cut in cuts)
    return arms


def strata_cuts(
    engine: Engine, drawn: sa.Subquery, strata: int, salt: str, shares: Sequence[Fraction]
) -> tuple[Cuts, ...]:
    """Count the strata and find the digest at which each arm of each stratum ends.

    Parameters
    ----------
    drawn : Subquery
        One row a unit of the draw: ``hex``, and ``s0``, ``s1``... as text.
    strata : int
        Number of strata columns.
    """
    columns = [drawn.c[f"s{i}"] for i in range(strata)]
    counted = engine.fetch(sa.select(*columns, sa.func.count()).select_from(drawn).group_by(*columns))
    found = [
        Cuts(tuple(row[:-1]), int(row[-1]), rank_cuts(int(row[-1]), shares, start_of(salt, tuple(row[:-1]))))
        for row in counted
    ]
    if not found:
        return ()
    found.sort(key=lambda cuts: [(v is not None, v or "") for v in cuts.stratum])
    bounds = [_bounds(cuts) for cuts in found]
    table = lend_strata(engine, "bands", [c.stratum for c in found], bounds)
    near = _near(engine, drawn, table, strata, len(shares) - 1)
    return tuple(_exact(cuts, near[cuts.stratum], engine, drawn) for cuts in found)


def _bounds(cuts: Cuts) -> tuple[str, ...]:
    """Lower and upper text of the band of each cut."""
    ends: list[str] = []
    for below in cuts.below:
        share = below / cuts.units
        room = (WIDTH * math.sqrt(share * (1 - share) * cuts.units) + 30) / cuts.units
        ends += [_text(share - room), _text(share + room)]
    return tuple(ends)


def _text(share: float) -> str:
    return AFTER_ALL if share >= 1 else threshold(Fraction(max(math.floor(share * SPACE), 0), SPACE))


def _near(
    engine: Engine, drawn: sa.Subquery, bands: sa.FromClause, strata: int, cuts: int
) -> dict[Stratum, list[tuple[int, str | None, int]]]:
    """In one pass, count what lies between bands and fetch what lies within: region, digest, units."""
    hexadecimal, whens = drawn.c.hex, []
    for i in range(2 * cuts):
        whens.append((hexadecimal < bands.c[f"b{i}"], i))
    region = sa.case(*whens, else_=2 * cuts).label("region")
    joined = sa.select(*(drawn.c[f"s{i}"] for i in range(strata)), region, hexadecimal)
    inner = joined.select_from(drawn.join(bands, same(drawn, bands, strata))).subquery("inner")
    kept = sa.case((inner.c.region % 2 == 1, inner.c.hex)).label("kept")
    grouped = [*(inner.c[f"s{i}"] for i in range(strata)), inner.c.region, kept]
    rows = engine.fetch(sa.select(*grouped, sa.func.count()).group_by(*grouped))
    found: dict[Stratum, list[tuple[int, str | None, int]]] = defaultdict(list)
    for row in rows:
        found[tuple(row[:strata])].append((int(row[strata]), row[strata + 1], int(row[-1])))
    for seen in found.values():
        seen.sort(key=lambda r: (r[0], r[1] or ""))
    return found


def same(first: sa.FromClause, second: sa.FromClause, strata: int) -> sa.ColumnElement[bool]:
    """Condition that two rows are of one stratum; nothing is a value of its own."""
    return sa.and_(*(first.c[f"s{i}"].is_not_distinct_from(second.c[f"s{i}"]) for i in range(strata)))


def _exact(cuts: Cuts, seen: list[tuple[int, str | None, int]], engine: Engine, drawn: sa.Subquery) -> Cuts:
    ends = []
    for below in cuts.below:
        passed, end = 0, AFTER_ALL
        for _, hexadecimal, units in seen:
            if passed + units > below:
                end = (
                    hexadecimal if hexadecimal is not None else _selected(engine, drawn, cuts.stratum, below)
                )
                break
            passed += units
        ends.append(end)
    return Cuts(cuts.stratum, cuts.units, cuts.below, tuple(ends))


def _selected(engine: Engine, drawn: sa.Subquery, stratum: Stratum, rank: int) -> str:
    """Find the digest at a rank by sorting; for the draw in a hundred billion that falls beside its band."""
    where = sa.and_(*(drawn.c[f"s{i}"].is_not_distinct_from(_value(v)) for i, v in enumerate(stratum)))
    query = sa.select(drawn.c.hex).where(where).order_by(drawn.c.hex).limit(1).offset(rank)
    return str(engine.scalar(query))


def _value(value: str | None) -> Expr:
    return sa.null() if value is None else sa.literal(value, sa.Text)


def lend_strata(
    engine: Engine, name: str, strata: Sequence[Stratum], texts: Sequence[Sequence[str]]
) -> sa.TableClause:
    """Put a row of texts for each stratum where the engine can join it: ``s0``..., ``b0``..."""
    columns = [f"s{i}" for i in range(len(strata[0]))] + [f"b{i}" for i in range(len(texts[0]))]
    return lend(engine, name, columns, [(*s, *t) for s, t in zip(strata, texts, strict=True)])


def lend(
    engine: Engine, name: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> sa.TableClause:
    """Make a temporary table of texts; values are escaped literals."""
    own = "pg_temp" if engine.dialect.name == "postgresql" else "temp"
    engine.run(f'DROP TABLE IF EXISTS {own}."{name}"')
    engine.run(f'CREATE TEMP TABLE "{name}" ({", ".join(f"{quoted(c)} TEXT" for c in columns)})')
    for i in range(0, len(rows), 500):
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows[i : i + 500])
        engine.run(f'INSERT INTO "{name}" VALUES {values}')
    return sa.table(name, *(sa.column(c) for c in columns))


def _literal(value: str | None) -> str:
    return "NULL" if value is None else literal(value)
