"""Runs studies in chunks on several cores; the numbers do not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from validity.bands import Check
from validity.studies import STUDIES
from validity.study import Records, Study


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario, simulated once.

    Attributes
    ----------
    study : Study
    replicates : int
    seed : int
        Running the same study with this seed gives the same numbers.
    seconds : float
        Wall time, summed over the chunks.
    records : Records
    checks : list of Check
    """

    study: Study
    replicates: int
    seed: int
    seconds: float
    records: Records
    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)


Task = tuple[int, int, int, int]
"""Place of the study in the list, seed, chunk, replicates."""


def run(
    studies: Sequence[Study], seed: int, scale: float, workers: int, say: Callable[[str], None]
) -> list[Run]:
    """Run every study, and once more with the next seed where a check failed; both runs are kept."""
    if workers == 1:
        return _twice(studies, seed, scale, map, say)
    with multiprocessing.Pool(workers) as pool:
        return _twice(studies, seed, scale, pool.imap, say)


def _twice(
    studies: Sequence[Study],
    seed: int,
    scale: float,
    mapped: Callable[..., Iterable],
    say: Callable[[str], None],
) -> list[Run]:
    runs: list[Run] = []
    for attempt in range(2):
        failed = {r.study.key for r in runs if not r.passed}
        todo = [s for s in studies if attempt == 0 or s.key in failed]
        runs += _once(todo, seed + attempt, scale, mapped, say)
    order = {s.key: i for i, s in enumerate(studies)}
    return sorted(runs, key=lambda r: (order[r.study.key], r.seed))


def _once(
    studies: Sequence[Study],
    seed: int,
    scale: float,
    mapped: Callable[..., Iterable],
    say: Callable[[str], None],
) -> Iterator[Run]:
    plan = [(s, list(_chunks(s, scale))) for s in studies]
    tasks = [(STUDIES.index(s), seed, i, size) for s, sizes in plan for i, size in enumerate(sizes)]
    done = iter(mapped(_chunk, tasks))
    for study, sizes in plan:
        parts = [next(done) for _ in sizes]
        records = {name: np.concatenate([p[0][name] for p in parts]) for name in parts[0][0]}
        seconds = sum(p[1] for p in parts)
        checks = study.judge(records)
        failed = [c.name for c in checks if not c.passed]
        say(f"{study.key}: {sum(sizes)} replicates, {seconds:.1f} s, {', '.join(failed) or 'passed'}")
        yield Run(study, sum(sizes), seed, seconds, records, checks)


def _chunks(study: Study, scale: float) -> Iterator[int]:
    left = max(2, round(study.replicates * scale))
    while left > 0:
        yield min(study.chunk, left)
        left -= study.chunk


def _chunk(task: Task) -> tuple[Records, float]:
    """Simulate one chunk; its random numbers depend on the study, the seed and its place alone."""
    place, seed, chunk, replicates = task
    study = STUDIES[place]
    start = time.perf_counter()
    root = np.random.SeedSequence([seed, zlib.crc32(study.key.encode())])
    rng = np.random.default_rng(root.spawn(chunk + 1)[chunk])
    return study.simulate(rng, replicates), time.perf_counter() - start
