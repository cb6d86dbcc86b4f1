"""Winsorizing bounds: given, or a quantile of the pooled positive values before assignment."""

from __future__ import annotations

import math
from dataclasses import replace

import sqlalchemy as sa

from loyalty_exp.errors import EngineError
from loyalty_exp.outcomes.plan import Plan
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.warehouse.atoms import Expr, column, double, number
from loyalty_exp.warehouse.engine import Engine

Bounds = tuple[float | None, float | None]


def with_caps(engine: Engine, table: UnitTable, plan: Plan) -> tuple[UnitTable, dict[str, Bounds]]:
    """Apply the bounds that the plan asks for.

    A quantile is taken over all arms together and before assignment, so that a cap cannot make an effect.
    """
    bounds: dict[str, Bounds] = {}
    values = dict(table.values)
    for asked in plan.columns:
        if asked.cap is None:
            continue
        if asked.cap.quantile is None:
            bounds[asked.id] = (asked.cap.lower, asked.cap.upper)
        else:
            own = asked.id if asked.window == "pre" else f"{asked.id}__pre"
            source: Expr | None = column(asked.cap.pre_column) if asked.cap.pre_column else None
            if source is None:
                source = _uncapped(table, own)
            if source is None:
                raise EngineError(
                    f"the cap of '{asked.id}' needs a pre-period: name pre_column, or covariates: [pre]"
                )
            top = quantile(engine, table, source, asked.cap.quantile)
            bounds[asked.id] = (-top, top) if top is not None else (None, None)
        values[asked.id] = values[asked.id].capped(*bounds[asked.id])
    return replace(table, values=values), bounds


def _uncapped(table: UnitTable, name: str) -> Expr | None:
    value = table.values.get(name)
    return value.expr if value is not None else None


def quantile(engine: Engine, table: UnitTable, x: Expr, q: float) -> float | None:
    """Exact quantile of the positive values: the (n - ceil(q n))-th from the top, counted from 0.

    Written with ORDER BY and LIMIT, which every engine has, and of which only the top rows are kept.
    """
    positive = double(x) > number(0)
    n = int(engine.scalar(table.select(sa.func.count()).where(positive)))
    if n == 0:
        return None
    top = table.select(double(x).label("x")).where(positive).order_by(double(x).desc())
    kept = top.limit(n - math.ceil(q * n) + 1).subquery("top")
    return float(engine.scalar(sa.select(sa.func.min(kept.c.x))))
