"""Compare the cost of an analysis with that of the engine's plainest query over the same files.

Every command runs as its own process; CPU seconds and peak memory come from the operating system. Ratios are
what to look at: they hold on other machines, seconds do not.

::

    python benchmarks/bench.py units --millions 10
    python benchmarks/bench.py transactions --millions 40 --members 2
    python benchmarks/bench.py ledger --millions 40 --members 2 --points 60
    python benchmarks/bench.py help
    python benchmarks/bench.py all
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of all threads, and the largest resident memory in megabytes."""

    cpu: float
    peak: float


def cost_of(command: list[str], repeat: int = 3) -> Cost:
    """Run a command some times as a process of its own; give the median CPU time and the largest memory."""
    costs = []
    for _ in range(repeat):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=HERE.parent
        )
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.decode()[-2000:]}")
        costs.append(Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    return Cost(statistics.median(c.cpu for c in costs), max(c.peak for c in costs))


def duckdb_command(*statements: str) -> list[str]:
    """Give a process that runs statements in DuckDB as it comes."""
    program = "import duckdb, sys\nc = duckdb.connect()\nfor s in sys.argv[1:]: c.execute(s).fetchmany(1)"
    return [sys.executable, "-c", program, *statements]


def analyze(spec: Path) -> list[str]:
    """Give the command that analyzes a spec, without the page."""
    return [sys.executable, "-m", "loyalty_exp", "analyze", str(spec)]


def show(name: str, cost: Cost, base: Cost) -> None:
    """Print a line of the table."""
    print(f"{name:<44} {cost.cpu:8.2f} s {cost.peak:8.0f} MB {cost.cpu / base.cpu:8.2f}x")


MONEY = "(CASE WHEN random() < {p} THEN round(exp(3 + random() * 1.5), 2) ELSE 0 END)::DOUBLE"


def units_file(rows: int) -> Path:
    """Make a per-unit table of three arms and twelve metrics, each with its value before assignment."""
    path = DATA / f"customers_{rows}.parquet"
    if path.exists():
        return path
    columns = []
    for i in range(6):
        columns += [f"{MONEY.format(p=0.3)} AS amount_{i}", f"{MONEY.format(p=0.4)} AS amount_{i}_pre"]
    for i in range(3):
        columns += [f"(random() < 0.1)::INT AS event_{i}", f"(random() < 0.2)::INT AS event_{i}_pre"]
    for i in range(3):
        for suffix in ("", "_pre"):
            columns.append(f"round(random() * 100, 2)::DOUBLE AS over_{i}{suffix}")
            columns.append(f"floor(random() * 5)::INT AS under_{i}{suffix}")
    _write(
        path,
        "SELECT i::BIGINT AS customer_id, 'M' || lpad(i::VARCHAR, 9, '0') AS member_id, "
        "['control', 'x2', 'x3'][1 + (hash(i) % 3)::INT] AS arm, "
        f"'s' || (hash(i + 7) % 20) AS store, {', '.join(columns)} FROM range({rows}) t(i)",
    )
    return path


def _write(path: Path, select: str) -> None:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    for statement in ("SET threads = 1", "SET TimeZone = 'UTC'", "SELECT setseed(0.5)"):
        connection.execute(statement)
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    connection.close()


def units_spec(data: Path, unit: str = "customer_id", segments: bool = False) -> Path:
    """Write the spec of the per-unit benchmark."""
    metrics: list[dict[str, object]] = []
    for i in range(6):
        metrics.append(
            {
                "id": f"amount_{i}",
                "type": "amount",
                "column": f"amount_{i}",
                "covariates": [f"amount_{i}_pre"],
            }
        )
    metrics[0]["role"] = "primary"
    for i in range(3):
        metrics.append({"id": f"event_{i}", "type": "proportion", "covariates": [f"event_{i}_pre"]})
    for i in range(3):
        covariates = {"numerator": f"over_{i}_pre", "denominator": f"under_{i}_pre"}
        ratio = {
            "type": "ratio",
            "numerator": f"over_{i}",
            "denominator": f"under_{i}",
            "covariates": covariates,
        }
        metrics.append({"id": f"ratio_{i}", **ratio})
    document = {
        "experiment": "bench_units",
        "question": "How much does an analysis cost?",
        "unit": unit,
        "data": {"units": data.name},
        "arms": {"from_column": "arm", "control": "control", "treatments": ["x2", "x3"]},
        "metrics": metrics,
        **({"segments": ["store"]} if segments else {}),
    }
    return _spec(data.parent / f"{data.stem}_{unit}{'_segments' if segments else ''}.yaml", document)


def _spec(path: Path, document: dict[str, object]) -> Path:
    path.write_text(json.dumps(document, indent=1))
    return path


def bench_units(millions: float, repeat: int) -> None:
    """Compare with one plain grouped sum of the thirty columns."""
    rows = round(millions * 1e6)
    data = units_file(rows)
    import duckdb

    columns = [r[0] for r in duckdb.sql(f"DESCRIBE SELECT * FROM '{data}'").fetchall()][4:]
    sums = ", ".join(f"sum({c})" for c in columns)
    print(f"\n{rows:,} units, 3 arms, 12 metrics, {len(columns)} columns")
    base = cost_of(duckdb_command(f"SELECT arm, count(*), {sums} FROM '{data}' GROUP BY arm"), repeat)
    show("one grouped sum of all columns", base, base)
    plain = cost_of(analyze(units_spec(data)), repeat)
    show("analyze", plain, base)
    show("analyze, ids are text", cost_of(analyze(units_spec(data, "member_id")), repeat), base)
    cut = cost_of(analyze(units_spec(data, segments=True)), repeat)
    show("analyze in 20 segments", cut, base)
    print(f"{'20 segments / no segments':<44} {cut.cpu / plain.cpu:31.2f}x")


def transactions_files(rows: int, members: int) -> Path:
    """Make members, assignments on 28 days, and half a year of transactions sorted by time."""
    folder = DATA / f"transactions_{rows}_{members}"
    if (folder / "transactions.parquet").exists():
        return folder
    unit = "'M' || lpad({i}::VARCHAR, 8, '0') AS member_id"
    _write(
        folder / "members.parquet",
        f"SELECT {unit.format(i='i')}, ['base', 'silver', 'gold'][1 + (hash(i) % 3)::INT] AS tier, "
        f"['online', 'store'][1 + (hash(i + 1) % 2)::INT] AS segment FROM range({members}) t(i)",
    )
    _write(
        folder / "assignments.parquet",
        f"SELECT {unit.format(i='i')}, ['control', 'double'][1 + (hash(i + 2) % 2)::INT] AS arm, "
        f"DATE '2026-04-01' + (hash(i + 3) % 28)::INT AS assigned_at FROM range({members}) t(i)",
    )
    step = 15_724_800_000_000 // rows
    _write(
        folder / "transactions.parquet",
        f"SELECT {unit.format(i=f'(hash(i + 9) % {members})')}, 'T' || lpad(i::VARCHAR, 10, '0') AS txn_id, "
        f"TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_microseconds(i * {step}) AS ts, "
        "round(exp(3 + random() * 1.5), 2) AS amount, round(random() * 10, 2) AS margin, "
        f"round(random(), 2) AS reward_cost FROM range({rows}) t(i)",
    )
    return folder


def transactions_spec(folder: Path) -> Path:
    """Write the spec of the transactions benchmark."""
    document = {
        "experiment": "bench_transactions",
        "question": "How much does an analysis cost?",
        "unit": "member_id",
        "data": {
            "members": "members.parquet",
            "transactions": {
                "table": "transactions.parquet",
                "order": "txn_id",
                "time": "ts",
                "amount": "amount",
            },
            "assignments": {"table": "assignments.parquet", "arm": "arm", "time": "assigned_at"},
        },
        "population": {"include": [{"field": "tier", "op": "in", "value": ["silver", "gold"]}]},
        "arms": [{"id": "control", "share": 0.5}, {"id": "double", "share": 0.5}],
        "schedule": {
            "start": "2026-04-01",
            "end": "2026-04-28",
            "outcome_days": 28,
            "pre_days": 56,
            "data_to": "2026-06-30",
        },
        "metrics": [
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ["pre"]},
            {"id": "orders", "type": "count", "covariates": ["pre"]},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"}
            | {"covariates": ["pre"]},
            {"id": "margin", "type": "amount", "column": "margin", "covariates": ["pre"]},
            {"id": "rewards", "type": "amount", "column": "reward_cost", "covariates": ["pre"]},
            {"id": "repurchase", "type": "repurchase", "within_days": 28, "covariates": ["pre"]},
        ],
    }
    return _spec(folder / "bench.yaml", document)


def bench_transactions(millions: float, members: float, repeat: int) -> None:
    """Compare with the join and group-by one would write by hand."""
    rows, people = round(millions * 1e6), round(members * 1e6)
    folder = transactions_files(rows, people)
    spec = transactions_spec(folder)
    print(f"\n{rows:,} transactions of {people:,} members, assigned on 28 days")
    base = cost_of(duckdb_command(by_hand(folder)), repeat)
    show("join and group-by by hand", base, base)
    show("analyze", cost_of(analyze(spec), repeat), base)


def by_hand(folder: Path) -> str:
    """Sum six metrics in both windows by member, then by arm, without a check or a second moment."""
    after = "t.ts >= a.assigned_at AND t.ts < a.assigned_at + INTERVAL 28 DAY"
    before = "t.ts < a.assigned_at AND t.ts >= a.assigned_at - INTERVAL 56 DAY"
    columns = ("amount", "margin", "reward_cost")
    sums = [
        f"sum(CASE WHEN {window} THEN t.{column} END) AS {column}_{name}"
        for name, window in (("after", after), ("before", before))
        for column in columns
    ]
    counts = [
        f"count(CASE WHEN {window} THEN 1 END) AS orders_{name}"
        for name, window in (("after", after), ("before", before))
    ]
    names = [f"{column}_{name}" for name in ("after", "before") for column in (*columns, "orders")]
    outer = ", ".join(f"sum({n}), sum({n} * {n})" for n in names)
    return (
        f"SELECT arm, count(*), {outer}, count(CASE WHEN orders_after > 0 THEN 1 END) FROM ("
        f"SELECT a.member_id, a.arm, {', '.join(sums + counts)} FROM '{folder}/assignments.parquet' a "
        f"JOIN '{folder}/members.parquet' m ON m.member_id = a.member_id AND m.tier IN ('silver', 'gold') "
        f"LEFT JOIN '{folder}/transactions.parquet' t ON t.member_id = a.member_id GROUP BY ALL) GROUP BY arm"
    )


def points_file(folder: Path, rows: int, members: int) -> Path:
    """Make a points table sorted by time: earned, taken back, redeemed and expired, in two lots."""
    path = folder / f"points_{rows}.parquet"
    if path.exists():
        return path
    step = 15_724_800_000_000 // rows
    kinds = "['earn', 'earn', 'earn', 'earn', 'redeem', 'redeem', 'clawback', 'expire']"
    _write(
        path,
        f"SELECT 'M' || lpad((hash(i + 5) % {members})::VARCHAR, 8, '0') AS member_id, "
        f"TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_microseconds(i * {step}) AS ts, "
        f"(1 + hash(i + 6) % 300)::BIGINT AS points, {kinds}[1 + (hash(i + 7) % 8)::INT] AS kind, "
        f"['base', 'bonus'][1 + (hash(i + 8) % 2)::INT] AS lot FROM range({rows}) t(i)",
    )
    return path


def ledger_spec(folder: Path, points: Path) -> Path:
    """Write the spec of the ledger benchmark: margin, points by lot with their liability, a contact cost."""
    document = json.loads(transactions_spec(folder).read_text())
    program = {
        "program": "bench",
        "points": {"face_value": 0.01, "redemption_rate": {"base": {"mean": 0.7}, "bonus": {"mean": 0.8}}},
    }
    document |= {
        "experiment": "bench_ledger",
        "program": program,
        "metrics": [m for m in document["metrics"] if m["id"] in {"spend", "margin"}],
        "economics": {
            "benefit": {"metric": "margin"},
            "costs": [{"id": "points", "points": "all"}, {"id": "mail", "per_unit": 0.05}],
        },
    }
    columns = {"time": "ts", "points": "points", "kind": "kind", "lot": "lot"}
    document["data"]["points"] = {"table": points.name, **columns}
    return _spec(folder / "ledger.yaml", document)


def points_by_hand(folder: Path, points: Path) -> str:
    """Sum points of each lot and kind in the window by member, then by arm."""
    after = "p.ts >= a.assigned_at AND p.ts < a.assigned_at + INTERVAL 28 DAY"
    tests = {
        **{
            f"{kind}_{lot}": f"kind = '{kind}' AND lot = '{lot}'"
            for kind in ("earn", "clawback")
            for lot in LOTS
        },
        **{kind: f"kind = '{kind}'" for kind in ("redeem", "expire")},
    }
    sums = ", ".join(
        f"sum(CASE WHEN {after} AND {test} THEN p.points END) AS {n}" for n, test in tests.items()
    )
    outer = ", ".join(f"sum({n}), sum({n} * {n})" for n in tests)
    return (
        f"SELECT arm, count(*), {outer} FROM (SELECT a.member_id, a.arm, {sums} "
        f"FROM '{folder}/assignments.parquet' a "
        f"JOIN '{folder}/members.parquet' m ON m.member_id = a.member_id AND m.tier IN ('silver', 'gold') "
        f"LEFT JOIN '{points}' p ON p.member_id = a.member_id GROUP BY ALL) GROUP BY arm"
    )


LOTS = ("base", "bonus")


def bench_ledger(millions: float, members: float, points: float, repeat: int) -> None:
    """Compare with the joins and group-bys of the same tables that one would write by hand."""
    rows, people, events = round(millions * 1e6), round(members * 1e6), round(points * 1e6)
    folder = transactions_files(rows, people)
    path = points_file(folder, events, people)
    spec = ledger_spec(folder, path)
    print(f"\n{rows:,} orders and {events:,} points events of {people:,} members")
    base = cost_of(duckdb_command(by_hand(folder), points_by_hand(folder, path)), repeat)
    show("joins and group-bys by hand", base, base)
    show("analyze", cost_of(analyze(spec), repeat), base)


def bench_help(repeat: int) -> None:
    """Compare the help page with an empty Python process."""
    base = cost_of([sys.executable, "-c", "pass"], repeat)
    print()
    show("an empty Python process", base, base)
    show("loyalty-exp --help", cost_of([sys.executable, "-m", "loyalty_exp", "--help"], repeat), base)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "what", choices=["units", "transactions", "ledger", "help", "all"], nargs="?", default="all"
    )
    parser.add_argument("--millions", type=float, help="millions of rows; 1 and 10, or 8, when left out")
    parser.add_argument("--members", type=float, default=0.4, help="millions of members of the transactions")
    parser.add_argument("--points", type=float, default=12.0, help="millions of points events of the ledger")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command")
    chosen = parser.parse_args()
    if chosen.what in {"units", "all"}:
        for millions in [chosen.millions] if chosen.millions else [1.0, 10.0]:
            bench_units(millions, chosen.repeat)
    if chosen.what in {"transactions", "all"}:
        bench_transactions(chosen.millions or 8.0, chosen.members, chosen.repeat)
    if chosen.what in {"ledger", "all"}:
        bench_ledger(chosen.millions or 8.0, chosen.members, chosen.points, chosen.repeat)
    if chosen.what in {"help", "all"}:
        bench_help(chosen.repeat)


if __name__ == "__main__":
    main()
