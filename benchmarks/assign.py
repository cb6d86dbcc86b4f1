"""Compare the cost of a draw, Parquet to Parquet, with that of the engine hashing and writing the same rows.

CPU seconds and peak memory come from the operating system, each run a process of its own; ratios are what to
look at. A plain draw, with its balance and its sample ratio, may cost 1.5 times the bare query, a stratified
one 3 times; below 10 million members the start of Python weighs too much to tell. With a cap, the draw is a
process that cannot have more memory (RLIMIT_DATA); the engine is told to stay a quarter below it.

::

    python benchmarks/assign.py
    python benchmarks/assign.py --millions 100 --repeat 1 --cap-gb 4 --folder /a/disk/with/20/GB
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import cost_of, duckdb_command

PLAIN, STRATIFIED = 1.5, 3.0

SPEC = """\
experiment: {name}
question: Does it pay?
unit: member_id
data:
  members: members.parquet
  transactions: {{table: members.parquet, order: member_id, time: member_id, amount: x}}
assignment: {{salt: {name}{strata}{balance}}}
arms:
  - {{id: control, share: 0.5}}
  - {{id: double, share: 0.5, intervention: {{type: points_multiplier, multiplier: 2}}}}
schedule: {{start: 2026-04-01, outcome_days: 28}}
metrics:
  - {{id: spend, type: amount, column: amount, role: primary}}
"""

MEMBERS = """\
SET threads = 1; COPY (SELECT i AS member_id, ['bronze', 'silver', 'gold'][(1 + hash(i) % 3)::BIGINT] AS tier,
 ['online', 'store'][(1 + hash(i + 7) % 2)::BIGINT] AS segment, (hash(i * 3) % 100)::DOUBLE AS x
FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""

BARE = """\
COPY (SELECT member_id, CASE WHEN sha256('bare:' || member_id::VARCHAR) < '8000000000000' THEN 'control'
 ELSE 'double' END AS arm, DATE '2026-04-01' AS assigned_at{columns} FROM '{path}')
TO '{target}' (FORMAT parquet, COMPRESSION zstd)"""

DRAW = """\
import resource, shutil, sys
cap = float(sys.argv[2])
if cap:
    resource.setrlimit(resource.RLIMIT_DATA, (int(cap * 2**30),) * 2)
from pathlib import Path
from loyalty_exp.assignment.assign import assign
from loyalty_exp.spec.read import read
spec = Path(sys.argv[1])
shutil.rmtree(spec.parent / "results", ignore_errors=True)
done = assign(read(spec), spec.parent, memory=f"{int(cap * 750) or 1200}MB")
print(sum(done.units.values()), done.sample_ratio.p_value, done.omnibus and done.omnibus.p_value)"""

EMPTY = "from loyalty_exp.assignment.assign import assign; import duckdb; duckdb.connect()"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=10.0)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--cap-gb", type=float, default=0.0, help="memory that the draw may have")
    parser.add_argument("--folder", help="where the files go; they are removed afterwards")
    parser.add_argument("--no-balance", action="store_true", help="do not compare a covariate of the arms")
    asked = parser.parse_args()
    settings = ("SET threads = 1", "SET memory_limit = '1200MB'")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        path = folder / "members.parquet"
        cost_of(duckdb_command(*MEMBERS.format(rows=int(asked.millions * 1e6), path=path).split("; ")), 1)
        start = cost_of([sys.executable, "-c", EMPTY], asked.repeat).cpu
        print(f"{asked.millions:g} million members; start-up without rows {start:.2f} CPU s")
        failed = 0
        for kind, strata, columns, limit in (
            ("plain", "", "", PLAIN),
            ("stratified", ", strata: [tier, segment]", ", tier, segment", STRATIFIED),
        ):
            spec = folder / f"{kind}.yaml"
            balance = "" if asked.no_balance else ", balance: [x]"
            spec.write_text(SPEC.format(name=kind, strata=strata, balance=balance))
            query = BARE.format(columns=columns, path=path, target=folder / "bare.parquet")
            bare = cost_of(duckdb_command(*settings, query), asked.repeat)
            own = cost_of([sys.executable, "-c", DRAW, str(spec), str(asked.cap_gb)], asked.repeat)
            ratio = own.cpu / bare.cpu
            rows_only = (own.cpu - start) / max(bare.cpu - 0.05, 0.01)
            failed += ratio > limit
            print(
                f"{kind}: {own.cpu:.2f} CPU s, {own.peak:,.0f} MB; "
                f"bare {bare.cpu:.2f} CPU s, {bare.peak:,.0f} MB; "
                f"ratio {ratio:.2f} (at most {limit}); without start-up {rows_only:.2f}"
            )
    return 1 if failed and asked.millions >= 10 else 0


if __name__ == "__main__":
    sys.exit(main())
