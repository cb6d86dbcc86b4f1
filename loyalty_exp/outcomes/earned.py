"""Points computed from orders by the rule of the program, where there is no table of points.

Points are whole numbers, rounded once an order, and follow the amount that was kept: a refund recomputes
them. Sums of cents are a hair off whole numbers, so ``EPSILON`` is forgiven before points are rounded.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_exp.errors import EngineError
from loyalty_exp.interventions.points_multiplier import PointsMultiplier
from loyalty_exp.outcomes.activity import NOBODY, Rows, Spans, flag, placed
from loyalty_exp.outcomes.clock import DAY, big
from loyalty_exp.outcomes.periods import Periods
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.points import Earn
from loyalty_exp.warehouse.atoms import Expr, as_text, double, number, whole

EPSILON = 1e-6
"""Points."""


def multipliers(experiment: Experiment) -> dict[str, PointsMultiplier]:
    """Arms whose members earn a multiple of the base points."""
    return {
        arm.id: arm.intervention
        for arm in experiment.planned_arms
        if isinstance(arm.intervention, PointsMultiplier)
    }


def member_caps(experiment: Experiment) -> dict[str, int]:
    """Most bonus points of a member, in the arms that have such a cap."""
    return {
        arm: m.caps.points_per_member
        for arm, m in multipliers(experiment).items()
        if m.caps is not None and m.caps.points_per_member is not None
    }


def scope_columns(experiment: Experiment) -> list[str]:
    """Columns of the transactions that say which points are multiplied.

    Raises
    ------
    EngineError
        If categories are named and no column holds them.
    """
    if not any(m.categories for m in multipliers(experiment).values()):
        return []
    sold = experiment.data.transactions
    if sold is None or sold.category is None:
        raise EngineError(
            "points on some categories need data.transactions.category: the column of the category"
        )
    return [sold.category]


def earned_points(
    rows: Rows,
    roster: sa.FromClause,
    experiment: Experiment,
    spans: Spans,
    days: int,
    periods: Periods | None = None,
) -> sa.Select[tuple[object, ...]]:
    """Write the query: base and bonus points of one row a member with orders.

    The points of an order are those of its kept amount, so they are not negative, and a member's cap, applied
    order after order in time, leaves the lesser of the cap and their sum.

    Parameters
    ----------
    days : int
        Length of the outcome window; bonus points are earned in it without ``economics.post_days``.
    periods : Periods, optional
        Give a row a member and period, bonus points as they are before the cap of a member.
    """
    points, mapped = experiment.program.points, experiment.data.transactions
    assert points is not None and points.earn is not None and mapped is not None
    s = placed(rows, roster, spans, carried=("arm",))
    _computable(experiment)
    counts = sa.and_(s.c[flag("outcome", days)], s.c.code != NOBODY)
    is_order = s.c.refund_of.is_(None)
    keeps = is_order if points.clawback == "none" else sa.true()
    paid = double(s.c[f"c:{mapped.amount}"])
    in_scope = {arm: _in_scope(s, arm, m, mapped.category) for arm, m in multipliers(experiment).items()}
    scope: Expr = sa.case((sa.or_(*in_scope.values()), paid), else_=number(0)) if in_scope else number(0)
    post = experiment.economics.post_days if experiment.economics is not None else None
    offered = s.c.since < big((days - (post or 0)) * DAY)
    begun = periods.begun(periods.passed(s.c.at, s.c.at - s.c.since)) if periods else None
    order = (
        sa.select(
            s.c.code,
            s.c.arm,
            *([sa.func.min(begun).label("period")] if begun is not None else []),
            sa.func.sum(paid).label("kept"),
            sa.func.sum(sa.case((offered, scope), else_=number(0))).label("scope"),
        )
        .where(counts, keeps)
        .group_by(s.c.code, s.c.arm, sa.func.coalesce(as_text(s.c.refund_of), as_text(s.c.order)))
        .subquery("kept_orders")
    )
    base = _rounded(order.c.kept, points.earn)
    bonus = _bonus(order, experiment, points.earn)
    kept = [order.c.period] if periods else []
    each = sa.select(order.c.code, order.c.arm, *kept, base.label("base"), bonus.label("bonus")).subquery(
        "order_points"
    )
    total: Expr = sa.func.sum(each.c.bonus)
    if periods:
        points_of_period = sa.select(
            each.c.code, each.c.period, sa.func.sum(each.c.base).label("base"), total.label("bonus")
        )
        return points_of_period.group_by(each.c.code, each.c.period)
    whens = [
        (sa.and_(each.c.arm == sa.literal(arm, sa.Text), total > most), most)
        for arm, most in member_caps(experiment).items()
    ]
    capped = sa.case(*whens, else_=total) if whens else total
    return sa.select(each.c.code, sa.func.sum(each.c.base).label("base"), capped.label("bonus")).group_by(
        each.c.code, each.c.arm
    )


def _computable(experiment: Experiment) -> None:
    """Refuse rules that need the points table itself."""
    assert experiment.program.points is not None
    rule = ""
    multiplied = multipliers(experiment)
    for arm in experiment.planned_arms:
        if arm.intervention and "points" in arm.intervention.drivers() and arm.id not in multiplied:
            rule = f"arm '{arm.id}'"
    if experiment.program.points.clawback == "proportional":
        rule = "points.clawback: proportional"
    if any(m.caps is not None and m.caps.points_in_campaign for m in multiplied.values()):
        rule = "caps.points_in_campaign"
    if rule:
        raise EngineError(f"points of {rule} are not computed from orders; give the table data.points")


def _in_scope(
    s: sa.FromClause, arm: str, rule: PointsMultiplier, category: str | None
) -> sa.ColumnElement[bool]:
    mine = s.c.arm == sa.literal(arm, sa.Text)
    if not rule.categories:
        return mine
    return sa.and_(mine, as_text(s.c[f"c:{category}"]).in_([sa.literal(c, sa.Text) for c in rule.categories]))


def _bonus(order: sa.FromClause, experiment: Experiment, earn: Earn) -> Expr:
    """Bonus points of an order: the multiple beyond the base, of the points of the amount in scope."""
    base = _rounded(order.c.scope, earn)
    whens = []
    for arm, rule in multipliers(experiment).items():
        points = whole(number(max(rule.multiplier - 1, 0.0)) * double(base) + number(EPSILON))
        most = rule.caps.points_per_order if rule.caps is not None else None
        bounded = sa.case((points > most, most), else_=points) if most is not None else points
        whens.append((order.c.arm == sa.literal(arm, sa.Text), bounded))
    return sa.case(*whens, else_=0) if whens else sa.literal(0)


def _rounded(amount: Expr, earn: Earn) -> Expr:
    """Points of an amount as a whole number; none for what is not above 0."""
    raw = number(earn.per_money) * amount
    shift = {"floor_per_order": EPSILON, "round_per_order": 0.5 + EPSILON, "ceil_per_order": 1 - EPSILON}
    return sa.case((amount > number(0), whole(raw + number(shift[earn.rounding]))), else_=0)
