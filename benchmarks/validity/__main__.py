"""``python benchmarks/validity``: runs the simulation studies and writes one table; exits 1 if a band fails.

::

    python benchmarks/validity --only V01,V05 --scale 0.1 --out /tmp/validity
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# One thread a process: the work is shared out by chunks, and threads would only contend.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from validity.run import run  # noqa: E402
from validity.studies import STUDIES  # noqa: E402
from validity.table import failures, write, write_records  # noqa: E402


def main() -> int:
    options = argparse.ArgumentParser(prog="validity", description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="studies, as V01,V05; all when left out")
    options.add_argument("--scale", type=float, default=1.0, help="fraction of the replicates")
    options.add_argument("--seed", type=int, default=20_260_101)
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--out", type=Path, default=Path("docs"), help="folder for validity.json and .md")
    options.add_argument("--keep", type=Path, help="folder for the replicates of every run, as CSV")
    given = options.parse_args()
    wanted = set(filter(None, given.only.split(",")))
    unknown = wanted - {s.id for s in STUDIES}
    if unknown:
        options.error(f"no such study: {', '.join(sorted(unknown))}")
    chosen = [s for s in STUDIES if not wanted or s.id in wanted]

    start = time.perf_counter()
    runs = run(chosen, given.seed, given.scale, given.workers, lambda words: print(words, file=sys.stderr))
    write(runs, given.out)
    if given.keep:
        for found in runs:
            write_records(found, given.keep)
    failed = failures(runs)
    print(
        f"{time.perf_counter() - start:.0f} s; {len(failed)} checks failed",
        *failed,
        sep="\n",
        file=sys.stderr,
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
