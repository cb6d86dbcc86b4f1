"""A made program as Parquet files, in the shapes that `data:` of a spec reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loyalty_exp.planning.rows import CATEGORIES, KINDS, LOTS, table
from loyalty_exp.planning.synthetic import SyntheticProgram
from loyalty_exp.warehouse.quoting import literal


def _word(words: tuple[str, ...], code: str) -> str:
    return f"[{', '.join(repr(w) for w in words)}][{code} + 1] AS {code}"


_MEMBER = "'M' || lpad(member::VARCHAR, 8, '0') AS member_id"
_TIME = "to_timestamp(ts) AS ts"
_ORDER = "CASE WHEN n >= 0 THEN 'T' || lpad(n::VARCHAR, 9, '0') END"
_MONEY = ", ".join(
    f"{name} / 100 AS {name}"
    for name in ("amount", "margin", "discount", "cogs", "refund_cogs", "fulfillment", "fee", "handling")
)
_PICKED = {
    "members": f"{_MEMBER}, 'H' || lpad(household::VARCHAR, 8, '0') AS household_id, household_size, tier, "
    "region, segment, to_timestamp(joined)::DATE AS joined_at",
    "assignments": f"{_MEMBER}, arm, to_timestamp(ts)::DATE AS assigned_at",
    "transactions": "(CASE WHEN back THEN 'R' ELSE 'T' END) || lpad(n::VARCHAR, 9, '0') AS txn_id, "
    f"{_MEMBER}, {_TIME}, {_MONEY}, {_word(CATEGORIES, 'category')}, base_points, bonus_points, points_used, "
    f"perk_uses, reward_cost, CASE WHEN back THEN {_ORDER} END AS refund_of, "
    "CASE WHEN back THEN restockable END AS restockable",
    "points": f"{_MEMBER}, {_TIME}, points, {_word(KINDS, 'kind')}, {_word(LOTS, 'lot')}, {_ORDER} AS txn_id",
    "coupons": f"{_MEMBER}, {_TIME}, subsidy / 100 AS subsidy, code, {_ORDER} AS txn_id",
    "perks": f"{_MEMBER}, {_TIME}, perk, quantity",
    "contacts": f"{_MEMBER}, {_TIME}, channel, failed",
    "referrals": f"{_MEMBER}, {_TIME}, reward",
}
"""Columns of each file, as SQL over the rows; money comes in cents, words as codes."""


def write(program: SyntheticProgram, folder: Path, only: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write one Parquet file a table; the same program gives the same bytes.

    All tables are written, or ``only`` those named.

    Columns, with `member_id` in each and times in UTC:

    - ``members``: household_id, household_size, tier, region, segment, joined_at (date)
    - ``assignments``: arm, assigned_at (date)
    - ``transactions``: txn_id, ts, amount (merchandise before coupons and points), margin (before program
      cost), discount (of coupons), cogs, refund_cogs, fulfillment, fee, handling, category, base_points,
      bonus_points, points_used (to pay this order), perk_uses, reward_cost (points at issue, coupon, perk),
      refund_of, restockable. A refund is a row of its own, where amount, margin, discount, points and
      reward_cost are negative or 0, and refund_cogs is what comes back; restockable is null on orders.
    - ``points``: ts, points (above 0), kind, lot, txn_id. What an order earns is ``pending`` while it is not
      usable at the data end, net of refunds; else ``earn``, with a ``clawback`` for a refund.
    - ``coupons``: ts, subsidy (net of refunds), code, txn_id
    - ``perks``: ts, perk, quantity
    - ``contacts``: ts, channel, failed
    - ``referrals``: ts, reward
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect() as connection:
        # Row groups of several threads stand in any order.
        connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for name in only or _PICKED:
            path = folder / f"{name}.parquet"
            connection.register("rows", table(program, name))
            form = "(FORMAT parquet, COMPRESSION zstd)"
            connection.execute(f"COPY (SELECT {_PICKED[name]} FROM rows) TO {literal(path)} {form}")
            connection.unregister("rows")
            written.append(path)
    return tuple(written)
