"""States of the page that follow the money by day: back for good, lost again, never back, unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from report.fixtures import Dict, eight_arms, interval, ship

BAND = 3.03
"""Half-width of the band in standard errors, where the variance is largest."""


def follow(
    e: Dict, shape: Sequence[float], step: int = 7, *, moved: Dict | None = None, goods: Dict | None = None
) -> Dict:
    """Money over time that ends at a row of the economics; the shape is in parts of its last benefit."""
    benefit, cost = e["benefit"]["estimate"], e["cost"]["estimate"]
    error, last = e["net_benefit"]["std_error"], len(shape)
    points = []
    for i, part in enumerate(shape, 1):
        spent = cost * (0.3 + 0.7 * i / last)
        net = interval(part * benefit - spent, error * (i / last) ** 0.5)
        half = BAND * error * (0.5 + 0.5 * i / last)
        points.append(
            {
                "day": i * step,
                "benefit": part * benefit,
                "cost": spent,
                "net_benefit": net,
                "band_lower": net["estimate"] - half,
                "band_upper": net["estimate"] + half,
            }
        )
    return {
        "treatment": e["treatment"],
        "control": "control",
        "period_days": step,
        "units_treatment": e["units"],
        "units_control": 48170,
        "points": points,
        "payback": paybacks(points),
        "pulled_forward": moved,
        "cannibalization": goods,
        "not_estimable": None,
    }


def paybacks(points: Sequence[Dict]) -> Dict:
    """Read all paybacks from the points."""

    def for_good(values: Sequence[float]) -> int | None:
        bad = [i for i, x in enumerate(values) if x < 0]
        first = bad[-1] + 1 if bad else 0
        return points[first]["day"] if first < len(values) else None

    net = [p["net_benefit"]["estimate"] for p in points]
    return {
        "first_crossing": next((p["day"] for p, x in zip(points, net, strict=True) if x >= 0), None),
        "sustained": for_good(net),
        "conservative": for_good([p["net_benefit"]["ci_lower"] for p in points]),
        "always_valid": for_good([p["band_lower"] for p in points]),
    }


def share(estimate: float, lower: float, upper: float) -> Dict:
    return {
        "estimate": estimate,
        "std_error": None,
        "ci_lower": lower,
        "ci_upper": upper,
        "not_bounded": None,
    }


def split(
    names: tuple[str, str], first: float, second: float, found: Dict | None, why: str | None = None
) -> Dict:
    both = {names[0]: interval(first, 0.4), names[1]: interval(second, 0.3)}
    return both | {"share": found, "not_estimable": why}


def dip(first: float, second: float, found: Dict | None, why: str | None = None) -> Dict:
    return {"offer_days": 28, "post_days": 28} | split(("during", "after"), first, second, found, why)


def other_goods(first: float, second: float, found: Dict | None, why: str | None = None) -> Dict:
    return {"categories": ["beauty", "food"]} | split(("within", "outside"), first, second, found, why)


def back_for_good() -> Dict:
    r = ship()
    (e,) = r["economics"]
    taken, lost = share(0.32, 0.16, 0.5), share(0.11, -0.03, 0.26)
    shape = (0.1, 0.25, 0.5, 1.47, 1.4, 1.25, 1.1, 1.0)
    moved = dip(7.19, -2.3, taken)
    r["over_time"] = [follow(e, shape, moved=moved, goods=other_goods(5.49, -0.6, lost))]
    return r


def lost_again() -> Dict:
    r = ship()
    (e,) = r["economics"]
    shape = (0.1, 0.6, 0.5, 0.45, 0.45, 0.45, 0.45, 0.45)
    unclear = "the effect of the campaign window is not clearly different from 0"
    went_on = share(-0.4, -0.7, -0.1)
    r["over_time"] = [
        follow(e, shape, moved=dip(0.3, 1.9, None, unclear), goods=other_goods(1.57, 0.63, went_on))
    ]
    return r


def never_back() -> Dict:
    r = ship()
    (e,) = r["economics"]
    moved = {"offer_days": None, "post_days": None, "during": None, "after": None, "share": None}
    moved["not_estimable"] = "the outcome window holds no days after the offer"
    goods = {"categories": ["beauty"], "within": None, "outside": None, "share": None}
    goods["not_estimable"] = "no column of the transactions holds the category"
    r["over_time"] = [follow(e, [0.01 * i for i in range(28)], 1, moved=moved, goods=goods)]
    return r


def not_known() -> Dict:
    r = ship()
    (e,) = r["economics"]
    none = {"points": [], "payback": None, "not_estimable": "one unit in an arm"}
    r["over_time"] = [follow(e, [1.0]) | none]
    return r


def of_eight_arms() -> Dict:
    r = eight_arms()
    r["over_time"] = [
        follow(e, (0.3, 0.9, 1.0), 14, moved=dip(3.0, 0.5, share(-0.17, -0.5, 0.14))) for e in r["economics"]
    ]
    return r


STATES: dict[str, Callable[[], Dict]] = {
    "built_up": back_for_good,
    "built_up_and_lost": lost_again,
    "built_up_never": never_back,
    "built_up_unknown": not_known,
    "built_up_eight": of_eight_arms,
}
