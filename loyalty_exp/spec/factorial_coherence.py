"""Checks of factors against arms, and of contrasts against both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.place import Finding, Path, near


def factors_make_cells(spec: Draft) -> Iterator[Finding]:
    """Each combination of levels is one arm."""
    factors = spec.factors
    if not factors:
        yield from _levels_without_factors(spec)
        return
    for name, levels in factors.items():
        if len(levels) < 2 or len(set(levels)) < len(levels):
            message = "needs two levels or more, each once"
            yield Finding(("factors", name), message, 'write the usual one first: ["off", "on"]')
            return
    if isinstance(spec.arms, ArmsInColumn):
        hint = "list the arms, with the levels of each"
        yield Finding(("factors",), "arms from a column have no levels", hint, on_key=True)
        return
    cells: dict[tuple[str, ...], str] = {}
    wrong = False
    for i, arm in (spec.arms or {}).items():
        found = list(_levels_of_arm(("arms", i), arm.factors, factors))
        yield from found
        wrong = wrong or bool(found)
        if found:
            continue
        cell = tuple(arm.factors[name] for name in factors)
        if cell in cells:
            message = f"has the same levels as arm '{cells[cell]}'"
            yield Finding(("arms", i, "factors"), message, "change one, or merge the arms")
        cells[cell] = arm.id
    missing = [cell for cell in product(*factors.values()) if cell not in cells]
    if missing and not wrong and spec.arm_ids is not None:
        words = ", ".join(f"{name}: {level}" for name, level in zip(factors, missing[0], strict=True))
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield Finding(
            ("factors",),
            f"no arm has the combination {{{words}}}{more}",
            "add an arm for each combination of levels",
            on_key=True,
        )


def _levels_without_factors(spec: Draft) -> Iterator[Finding]:
    if spec.raw.get("factors") or not isinstance(spec.arms, dict):
        return
    for i, arm in spec.arms.items():
        if arm.factors:
            hint = 'write factors: {points: ["off", "on"]} at the first level of the spec'
            yield Finding(("arms", i, "factors"), "names factors that the spec does not declare", hint)
            return


def _levels_of_arm(
    path: Path, given: dict[str, str], factors: dict[str, tuple[str, ...]]
) -> Iterator[Finding]:
    path = (*path, "factors")
    for name, level in given.items():
        if name not in factors:
            yield Finding((*path, name), f"'{name}' is not a factor of this spec", near(name, factors))
        elif level not in factors[name]:
            yield Finding((*path, name), f"'{level}' is not a level of '{name}'", near(level, factors[name]))
    for name in factors:
        if name not in given:
            yield Finding(path, f"has no level of the factor '{name}'", f"one of {', '.join(factors[name])}")


def contrasts(spec: Draft) -> Iterator[Finding]:
    """Contrasts weigh arms of the spec."""
    arms = spec.arm_ids
    seen: set[str] = set()
    for i, contrast in spec.contrasts.items():
        path: Path = ("analysis", "contrasts", i)
        if contrast.id in seen:
            yield Finding((*path, "id"), f"contrast '{contrast.id}' is defined twice", "rename one")
        seen.add(contrast.id)
        for name in contrast.weights:
            if arms and name not in arms:
                message = f"'{name}' is not an arm of this spec"
                yield Finding((*path, "weights", name), message, near(name, arms), on_key=True)
