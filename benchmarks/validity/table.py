"""Writes the results: validity.json for machines, validity.md as one table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import loyalty_exp
from validity.bands import Check
from validity.run import Run

INTRODUCTION = """# Validity: simulation studies of the estimators

Made by `make validity` with loyalty-exp {version}: {checks} checks of {scenarios} scenarios,
{verdict}.

A *nominal* band is what theory guarantees; a *reference* band is the rate of a correct estimator written
independently, with the Monte-Carlo errors of both; a *negative control* is a wrong method that must fall
outside the band, so that the study is known to have power. Bands are 3.3 Monte-Carlo standard errors (MCSE)
to each side. A scenario with a failed check is run once more with the next seed, and both runs are kept.
T1: share of false positives at the level given. Coverage: share of 95 % intervals that hold the truth.

| study | scenario | check | R | seed | rate | MCSE | band | kind | verdict | seconds |
|---|---|---|---:|---:|---:|---:|---|---|---|---:|
"""


def failures(runs: Sequence[Run]) -> list[str]:
    """Checks that failed in every run of their scenario."""
    verdicts: dict[str, list[bool]] = {}
    for run in runs:
        for check in run.checks:
            verdicts.setdefault(f"{run.study.key}: {check.name}", []).append(check.passed)
    return [name for name, passed in verdicts.items() if not any(passed)]


def write(runs: Sequence[Run], out: Path) -> None:
    """Write both files into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [_row(run, check) for run in runs for check in run.checks]
    failed = failures(runs)
    found = {"version": loyalty_exp.__version__, "failed": failed, "checks": rows}
    (out / "validity.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    text = INTRODUCTION.format(
        version=loyalty_exp.__version__,
        checks=len({(r["study"], r["scenario"], r["check"]) for r in rows}),
        scenarios=len({run.study.key for run in runs}),
        verdict=f"{len(failed)} failed" if failed else "none failed",
    )
    lines = "\n".join(_line(run, check) for run in runs for check in run.checks)
    (out / "validity.md").write_text(text + lines + "\n", encoding="utf-8")


def write_records(run: Run, folder: Path) -> None:
    """Keep all replicates of a run, p-values among them, as compressed CSV."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in ".=-" else "_" for c in run.study.key)
    pd.DataFrame(dict(run.records)).to_csv(folder / f"{name}_{run.seed}.csv.gz", index=False)


def _row(run: Run, check: Check) -> dict[str, object]:
    return {
        "study": run.study.id,
        "scenario": run.study.scenario,
        "check": check.name,
        "replicates": run.replicates,
        "seed": run.seed,
        "rate": _finite(check.rate),
        "mcse": _finite(check.mcse),
        "band": [_finite(check.band.low), _finite(check.band.high)],
        "kind": check.band.kind,
        "passed": check.passed,
        "seconds": round(run.seconds, 1),
    }


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _line(run: Run, check: Check) -> str:
    kind, verdict = check.band.kind.replace("_", " "), "pass" if check.passed else "**FAIL**"
    if check.band.kind == "negative_control" and check.passed:
        verdict = "fails, as it must"
    band = f"[{_words(check.band.low)}, {_words(check.band.high)}]"
    cells = (
        run.study.id,
        run.study.scenario,
        check.name,
        f"{run.replicates:,}",
        str(run.seed),
        _words(check.rate),
        _words(check.mcse),
        band,
        kind,
        verdict,
        f"{run.seconds:.1f}",
    )
    return "| " + " | ".join(cells) + " |"


def _words(value: float) -> str:
    """Four decimals for rates, four digits for larger or smaller numbers, nothing for no number."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "no limit"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 10 else f"{value:.4g}"
