"""Compare the cost of the one-pass Poisson bootstrap with that of drawing its random bits alone.

Both are measured in CPU seconds of one process, one after the other, a few times in turn; the ratio is what
to look at. The bits are drawn as NumPy draws 16-bit numbers, in blocks that stay in the cache; the ratio to
raw 64-bit words, the least a generator can do, stands beside it.

::

    python benchmarks/poisson_bootstrap.py
    python benchmarks/poisson_bootstrap.py --units 100000 --replicates 1000
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from loyalty_exp.stats.poisson_bootstrap import ratio, replicate_sums

BLOCK = 65_536
LIMIT = 4.0
"""The bootstrap may cost this many times its random bits."""


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def draw_numbers(rng: np.random.Generator, count: int) -> None:
    """Draw 16-bit numbers, one a weight."""
    for _ in range(0, count, BLOCK):
        rng.integers(0, 65_536, size=BLOCK, dtype=np.uint16)


def draw_words(rng: np.random.Generator, count: int) -> None:
    """Draw 64-bit words, one for four weights."""
    for _ in range(0, count, BLOCK):
        rng.bit_generator.random_raw(BLOCK // 4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=1_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(20260101)
    n, replicates = options.units, options.replicates
    hashes = rng.integers(0, 2**64, size=n, dtype=np.uint64)
    orders = rng.poisson(1.6, n).astype(float)
    columns = {"revenue": orders * rng.lognormal(3.2, 0.6, n), "orders": orders}
    costs: dict[str, list[float]] = {"bootstrap": [], "numbers": [], "words": []}
    for _ in range(options.repeat):
        costs["numbers"].append(cpu(lambda: draw_numbers(rng, n * replicates)))
        costs["words"].append(cpu(lambda: draw_words(rng, n * replicates)))
        costs["bootstrap"].append(cpu(lambda: replicate_sums(hashes, columns, replicates, 1)))
    median = {k: statistics.median(v) for k, v in costs.items()}
    found = ratio(replicate_sums(hashes[:1000], {k: v[:1000] for k, v in columns.items()}, 200, 1), *columns)
    times = median["bootstrap"] / median["numbers"]
    print(
        json.dumps(
            {
                "units": n,
                "replicates": replicates,
                "cpu_seconds": {k: round(v, 3) for k, v in median.items()},
                "times_the_16_bit_numbers": round(times, 2),
                "times_the_raw_words": round(median["bootstrap"] / median["words"], 2),
                "limit": LIMIT,
                "std_error_of_first_1000": round(found.std_error, 4),
                "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            },
            indent=2,
        )
    )
    return 0 if times <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
