"""Compare the cost of the pages of one report, in both languages, with that of plain figures.

The yardstick imports matplotlib and draws one figure of the same size for each chart of the report, as SVG.
Both run as their own process; CPU seconds are what is compared::

    python benchmarks/page.py
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from bench import HERE, cost_of, show

from loyalty_exp.cli.main import run_cli

YARDSTICK = """
import io, sys
import matplotlib
matplotlib.use("svg")
from matplotlib.figure import Figure
for size in sys.argv[1:]:
    width, height = (float(x) / 72 for x in size.split("x"))
    figure = Figure(figsize=(width, height), dpi=72)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.plot(range(100), [(x * 37) % 100 for x in range(100)])
    figure.savefig(io.StringIO(), format="svg")
"""


def charts_of(page: str) -> list[str]:
    """Give the size of every chart of a page, once; a chart is drawn for wide and for narrow pages."""
    wide = re.findall(r'<svg class="chart wide" viewBox="0 0 ([\d.]+) ([\d.]+)"', page)
    return [f"{width}x{height}" for width, height in wide]


def compare(spec: Path, name: str) -> None:
    """Run a spec, count its charts, and compare its pages with as many figures."""
    if run_cli(["run", str(spec), "--quiet"]):
        raise SystemExit(f"{spec} did not run")
    page = (spec.parent / "results" / name / "report.en.html").read_text("utf-8")
    sizes = charts_of(page)
    print(f"{name}: {len(sizes)} charts, {len(page.encode()) / 1000:,.0f} kB a page")
    base = cost_of([sys.executable, "-c", YARDSTICK, *sizes], 5)
    show("matplotlib and one figure a chart", base, base)
    command = [sys.executable, "-m", "loyalty_exp", "report", str(spec), "--lang", "en", "--lang", "zh-CN"]
    show("the report in both languages", cost_of(command, 5), base)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        example = Path(folder) / "example"
        shutil.copytree(HERE.parent / "experiments", example, ignore=shutil.ignore_patterns("results"))
        compare(example / "hillstrom_email.yaml", "hillstrom_email")
        starter = Path(folder) / "starter"
        if run_cli(["init", str(starter), "--template", "points-multiplier", "--quiet"]):
            raise SystemExit("the starter could not be made")
        compare(starter / "points_multiplier.yaml", "points_multiplier")


if __name__ == "__main__":
    main()
