"""Evaluation: verdicts per second with full results stored, beside decoding, plain C and a Python loop.

Run as `python -m benchmarks.evaluate [--rows N] [--threads N]`. Each part runs in a process of its own, so
that its CPU time and its peak memory are its own. The parts:

- evaluate: `proofwatch.checks.evaluate` over one Parquet file; verdicts written to Parquet and counted.
- decode: DuckDB reads the same columns and takes the sum of each; nothing is judged.
- C: the same 40 checks in one loop over the decoded columns as arrays (gcc -O3, one thread); it neither
  decodes nor writes a file.
- Python: the same 40 checks per resource over dictionaries, on a sample, scaled up to all rows.
- changes: `proofwatch.checks.changes` against a run on a snapshot in which 0.5 % of the rows differ, once
  with the same resources, once with rows removed and added as well.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = "bench_volume"
COLUMNS = [
    ("account_id", "VARCHAR"),
    ("region", "VARCHAR"),
    ("resource", "VARCHAR"),
    ("_unread", "MAP(VARCHAR, VARCHAR)"),
    *((f"flag_{n}", "BOOLEAN") for n in range(8)),
    *((f"num_{n}", "BIGINT") for n in range(6)),
    *((f"word_{n}", "VARCHAR") for n in range(4)),
    *((f"at_{n}", "TIMESTAMPTZ") for n in range(3)),
    ("maybe", "BOOLEAN"),
]
MAX_AGE = 300
SAMPLE = 100_000
"""Resources that the Python loop judges."""

LOOP = 1_000_000
"""Resources that the C loop judges; more would only wait for Python to write the arrays."""

# (SQL applies, SQL passes, Python over a row r, C over element i); in C, -1 is unknown.
CHECKS: list[tuple[str, str, Callable[[dict[str, Any]], str], str]] = []


def _judge(applies: bool | None, passes: Callable[[], bool | None]) -> str:
    if applies is None:
        return "inconclusive"
    if not applies:
        return "not_applicable"
    answer = passes()
    return "inconclusive" if answer is None else "pass" if answer else "fail"


def _declare() -> None:
    for n in range(8):
        CHECKS.append(
            ("true", f"flag_{n}", lambda r, n=n: _judge(True, lambda: r[f"flag_{n}"]), f"V(1, flag_{n}[i])")
        )
    for n in range(6):
        CHECKS.append(
            ("true", f"num_{n} >= 90", lambda r, n=n: _judge(True, lambda: r[f"num_{n}"] >= 90),
             f"V(1, num_{n}[i] >= 90)")
        )  # fmt: skip
    for n in range(6):
        CHECKS.append(
            (f"word_{n % 4} <> 'd'", f"num_{n} < 900",
             lambda r, n=n: _judge(r[f"word_{n % 4}"] != "d", lambda: r[f"num_{n}"] < 900),
             f"V(word_{n % 4}[i] != 3, num_{n}[i] < 900)")
        )  # fmt: skip
    for n in range(4):
        CHECKS.append(
            ("true", f"word_{n} IN ('a', 'b', 'c')",
             lambda r, n=n: _judge(True, lambda: r[f"word_{n}"] in ("a", "b", "c")), f"V(1, word_{n}[i] < 3)")
        )  # fmt: skip
    for n in range(3):
        CHECKS.append(
            ("true", f"at_{n} > $now - to_days($max_age)",
             lambda r, n=n: _judge(True, lambda: (NOW - r[f"at_{n}"]).days < MAX_AGE),
             f"V(1, at_{n}[i] > limit)")
        )  # fmt: skip
    for n in range(3):
        CHECKS.append(
            (f"flag_{n}", f"at_{n} > $now - to_days($max_age) OR word_{n} = 'a'",
             lambda r, n=n: _judge(
                 r[f"flag_{n}"], lambda: (NOW - r[f"at_{n}"]).days < MAX_AGE or r[f"word_{n}"] == "a"),
             f"V(flag_{n}[i], at_{n}[i] > limit || word_{n}[i] == 0)")
        )  # fmt: skip
    for n in range(5):
        CHECKS.append(
            (f"flag_{n + 1}", "maybe", lambda r, n=n: _judge(r[f"flag_{n + 1}"], lambda: r["maybe"]),
             f"V(flag_{n + 1}[i], maybe[i])")
        )  # fmt: skip
    for n in range(5):
        CHECKS.append(
            ("true", f"word_{n % 4} = 'a' OR maybe OR num_{n} > 500",
             lambda r, n=n: _judge(
                 True, lambda: r[f"word_{n % 4}"] == "a" or r[f"num_{n}"] > 500 or r["maybe"]),
             f"V(1, (word_{n % 4}[i] == 0 || num_{n}[i] > 500) ? 1 : maybe[i])")
        )  # fmt: skip


_declare()


def write_rows(path: Path, rows: int, variant: str) -> None:
    """Generate the snapshot. `moved`: 0.5 % of the rows have other values; `churned`: some rows went."""
    import duckdb

    salt = "CASE WHEN i % 200 = 17 THEN 1 ELSE 0 END" if variant != "first" else "0"
    parts = [
        *(f"(hash(i, {n}, {salt}) % 10 <> 0) AS flag_{n}" for n in range(8)),
        *(f"CAST(hash(i, {n + 20}, {salt}) % 1000 AS BIGINT) AS num_{n}" for n in range(6)),
        *(
            f"['a', 'b', 'c', 'd'][1 + CAST(hash(i, {n + 40}, {salt}) % 4 AS INTEGER)] AS word_{n}"
            for n in range(4)
        ),
        *(
            f"TIMESTAMPTZ '2026-01-01' - to_days(CAST(hash(i, {n + 60}) % 400 AS INTEGER)) AS at_{n}"
            for n in range(3)
        ),
        f"CASE WHEN hash(i, 77, {salt}) % 50 = 0 THEN NULL ELSE hash(i, 78) % 2 = 0 END AS maybe",
    ]
    source = f"range({rows}) t(i)"
    if variant == "churned":
        source = f"(SELECT i FROM range({rows + rows // 1000}) t(i) WHERE i % 1000 <> 500)"
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        session.execute("SET enable_progress_bar = false")
        session.execute("SET memory_limit = '400MB'")
        session.execute("SET preserve_insertion_order = true")
        session.execute(
            f"COPY (SELECT i AS idx, lpad(CAST(i % 20 AS VARCHAR), 12, '0') AS account_id, "
            "['eu-west-1', 'us-east-1', 'us-west-2'][1 + i % 3] AS region, "
            "'arn:aws:ec2:eu-west-1:volume/vol-' || i AS resource, "
            "CASE WHEN hash(i, 99) % 1000 = 0 THEN MAP {'flag_0': 'AccessDenied'} END AS _unread, "
            f"{', '.join(parts)} FROM {source}) TO '{path}' "
            "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"
        )


def run_evaluate(path: Path, out: Path, threads: int) -> dict[str, Any]:
    from proofwatch.checks.apart import Order
    from proofwatch.checks.base import TableInput
    from proofwatch.checks.evaluate import evaluate_here

    catalog, checks = _catalog()
    places = tuple(
        (f"{n:012d}", region) for n in range(20) for region in ("eu-west-1", "us-east-1", "us-west-2")
    )
    source = TableInput(TABLE, path, places)
    out.mkdir(exist_ok=True)
    found = evaluate_here(Order(catalog, tuple(checks), {TABLE: source}, {}, NOW, out, threads=threads))
    counts = [found.checks[check.id].counts for check in checks]
    return {
        "verdicts": sum(c.judged + c.not_applicable for c in counts),
        "failed": sum(c.failed for c in counts),
        "inconclusive": sum(c.inconclusive for c in counts),
        "bytes": (out / f"{TABLE}.results.parquet").stat().st_size,
    }


def _catalog() -> tuple[Any, list[Any]]:
    from proofwatch.checks.base import Check
    from proofwatch.checks.load import Catalog

    checks = []
    for number, (applies, passes, _, _) in enumerate(CHECKS):
        text = f"{applies} {passes}"
        checks.append(
            Check(
                id=f"bench.check-{number:02d}", title="", table=TABLE, criteria=(), severity="low", why="",
                applies=applies, passes=passes, on_pass="", on_fail="{resource}", fix="",
                params={"max_age": MAX_AGE} if "$max_age" in passes else {}, same_as={}, cases=(),
                columns=tuple(name for name, _ in COLUMNS if name in text.replace("(", " ").split()),
                version=str(number), path=Path("bench"), source="",
            )
        )  # fmt: skip
    return Catalog({check.id: check for check in checks}, {}, {}), checks


def run_decode(path: Path, threads: int) -> dict[str, Any]:
    """Read what the checks read, and the rest that evaluating reads: idx, account, region, unread."""
    from proofwatch.checks.expressions import open_session

    sums = []
    for name, kind in [("idx", "BIGINT"), *COLUMNS]:
        if name == "resource":
            continue
        if kind in ("BIGINT", "TIMESTAMPTZ"):
            sums.append(f"max({name})")
        elif kind == "VARCHAR":
            sums.append(f"max(length({name}))")
        else:
            sums.append(f"count({name})")
    with open_session(threads=threads, allowed=[path]) as session:
        # A filter that never holds keeps the engine from answering out of the file's statistics.
        session.execute(
            f"SELECT {', '.join(sums)} FROM read_parquet('{path}') WHERE idx + num_0 >= 0"
        ).fetchall()
    return {}


_C = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define V(a, p) { int A = (a); if (A < 0) inc |= bit; else if (!A) na |= bit; else { int P = (p); \\
  if (P < 0) inc |= bit; else if (!P) fail |= bit; } bit <<= 1; }
static void *load(const char *dir, const char *name, size_t bytes) {
  char path[4096]; snprintf(path, sizeof path, "%s/%s.bin", dir, name);
  FILE *f = fopen(path, "rb"); void *data = malloc(bytes);
  if (!f || !data || fread(data, 1, bytes, f) != bytes) { perror(path); exit(1); }
  fclose(f); return data;
}
int main(int argc, char **argv) {
  size_t n = strtoull(argv[2], 0, 10); int64_t limit = strtoll(argv[3], 0, 10);
  LOADS
  uint64_t *out = malloc(n * 24);
  for (size_t i = 0; i < 3 * n; i++) out[i] = 0;
  uint64_t sums[2] = {0, 0};
  struct timespec a, b; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (size_t i = 0; i < n; i++) {
    uint64_t fail = 0, inc = 0, na = 0, bit = 1;
    BODY
    if (unread[i]) { uint64_t t = TAINT; fail &= ~t; na &= ~t; inc |= t; }
    out[3 * i] = fail; out[3 * i + 1] = inc; out[3 * i + 2] = na;
    sums[0] += __builtin_popcountll(fail); sums[1] += __builtin_popcountll(inc);
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  printf("{\\"cpu\\": %f, \\"failed\\": %llu, \\"inconclusive\\": %llu}\\n",
    (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9,
    (unsigned long long)sums[0], (unsigned long long)sums[1]);
  return 0;
}
"""


def run_c(path: Path, work: Path, rows: int) -> dict[str, Any]:
    """Compile the checks as one loop, and time it over arrays that hold the decoded columns."""
    import array

    import duckdb

    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return {"missing": "no C compiler"}
    work.mkdir(exist_ok=True)
    loads = ['uint8_t *unread = load(argv[1], "unread", n);']
    columns = {"unread": ("CAST(_unread IS NOT NULL AS TINYINT)", "b")}
    for name, kind in COLUMNS[4:]:
        if kind == "BOOLEAN":
            columns[name] = (f"coalesce(CAST({name} AS TINYINT), -1)", "b")
            loads.append(f'int8_t *{name} = load(argv[1], "{name}", n);')
        elif kind == "VARCHAR":
            columns[name] = (f"CAST(ascii({name}) - 97 AS TINYINT)", "b")
            loads.append(f'int8_t *{name} = load(argv[1], "{name}", n);')
        else:
            columns[name] = (f"epoch_us({name})" if kind == "TIMESTAMPTZ" else name, "q")
            loads.append(f'int64_t *{name} = load(argv[1], "{name}", n * 8);')
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        session.execute("SET enable_progress_bar = false")
        for name, (sql, code) in columns.items():
            with (work / f"{name}.bin").open("wb") as file:
                cursor = session.execute(f"SELECT {sql} FROM read_parquet('{path}') LIMIT {rows}")
                while part := cursor.fetchmany(100_000):
                    array.array(code, [row[0] for row in part]).tofile(file)
    taint = sum(1 << n for n, (a, p, _, _) in enumerate(CHECKS) if "flag_0" in a + p)
    body = "\n    ".join(check[3] for check in CHECKS)
    source = _C.replace("LOADS", "\n  ".join(loads)).replace("BODY", body).replace("TAINT", f"{taint}ull")
    (work / "loop.c").write_text(source)
    subprocess.run([compiler, "-O3", "-march=native", "-o", work / "loop", work / "loop.c"], check=True)
    limit = int((NOW.timestamp() - MAX_AGE * 86400) * 1e6)
    done = subprocess.run(
        [work / "loop", work, str(rows), str(limit)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"same": _same(path, rows, found)}


def _same(path: Path, rows: int, found: dict[str, Any]) -> bool:
    """Tell whether the verdicts that were stored for these rows are as many of each kind."""
    import duckdb

    stored = path.parent / "first" / f"{TABLE}.results.parquet"
    with duckdb.connect() as session:
        sums = "sum(bit_count(fail_0)), sum(bit_count(inconclusive_0))"
        row = session.execute(f"SELECT {sums} FROM '{stored}' WHERE idx < {rows}").fetchone()
    return row == (found["failed"], found["inconclusive"])


def run_python(path: Path, rows: int) -> dict[str, Any]:
    import duckdb

    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        session.execute("SET enable_progress_bar = false")
        cursor = session.execute(f"SELECT * FROM read_parquet('{path}') LIMIT {SAMPLE}")
        names = [item[0] for item in cursor.description or ()]
        sample = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    start = time.process_time()
    judged = [[check(row) for _, _, check, _ in CHECKS] for row in sample]
    spent = time.process_time() - start
    return {"cpu": spent * rows / len(judged), "sample": len(judged)}


def run_changes(before: Path, after: Path, work: Path, threads: int) -> dict[str, Any]:
    from proofwatch.checks.changes import changes, count_changed
    from proofwatch.checks.outcome import TableResults

    _, checks = _catalog()
    ids = tuple((check.id, check.version) for check in checks)

    def results(rows: Path, folder: Path) -> TableResults:
        return TableResults(TABLE, folder / f"{TABLE}.results.parquet", rows, ids, {}, NOW, 0, (), ())

    first, last = results(before, work / "first"), results(after, work / after.stem)
    start = time.perf_counter()
    resources = count_changed(first, last, threads=threads)
    return {
        "first": time.perf_counter() - start,
        "resources": resources,
        "changes": sum(1 for _ in changes(first, last, threads=threads)),
    }


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "evaluate": run_evaluate, "decode": run_decode, "C": run_c, "Python": run_python, "changes": run_changes,
}  # fmt: skip


def measured(part: str, *arguments: Any) -> dict[str, Any]:
    """Run one part in a fresh process; return its answer, wall and CPU seconds and peak memory."""
    code = "import sys, json; from benchmarks.evaluate import child; child(json.loads(sys.stdin.read()))"
    order = json.dumps([part, *(str(a) if isinstance(a, Path) else a for a in arguments)])
    done = subprocess.run(
        [sys.executable, "-c", code], input=order, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def child(order: list[Any]) -> None:
    part, *arguments = order
    given = [Path(a) if isinstance(a, str) else a for a in arguments]
    if part == "evaluate":
        import proofwatch.checks.evaluate  # noqa: F401 - importing is not what is measured
    wall, cpu = time.perf_counter(), time.process_time()
    answer = PARTS[part](*given)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**spent, "rss": peak, **answer}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="existing folder for the data, to use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proofwatch-bench-") as name:
        report(options.keep or Path(name), options.rows, options.threads)


def report(folder: Path, rows: int, threads: int) -> None:
    files = {variant: folder / f"{variant}.parquet" for variant in ("first", "moved", "churned")}
    for variant, path in files.items():
        if not path.exists():
            write_rows(path, rows, variant)
    print(f"{rows:,} rows × {len(CHECKS)} checks, {files['first'].stat().st_size / 1e6:.0f} MB of Parquet, "
          f"{threads} threads\n")  # fmt: skip
    ours = measured("evaluate", files["first"], folder / "first", threads)
    decode = measured("decode", files["first"], threads)
    looped = min(rows, LOOP)
    loop = measured("C", files["first"], folder / "c", looped)
    python = measured("Python", files["first"], rows)
    verdicts = rows * len(CHECKS)
    print(f"{'':<34}{'wall s':>9}{'CPU s':>9}{'RSS MB':>9}{'CPU ratio':>11}")
    line("evaluate, results stored", ours["wall"], ours["cpu"], ours["rss"], 1.0)
    line(
        "decoding the same columns", decode["wall"], decode["cpu"], decode["rss"], ours["cpu"] / decode["cpu"]
    )
    if "missing" in loop:
        print(f"C loop: {loop['missing']}")
    else:
        cpu = loop["cpu"] * rows / looped
        line(f"C loop (scaled from {looped:,})", None, cpu, None, ours["cpu"] / cpu)
        both = decode["cpu"] + cpu
        line("decoding + C loop", None, both, None, ours["cpu"] / both)
        print(f"  its fails and inconclusives are {'the same' if loop['same'] else 'NOT the same'}")
    line(
        f"Python loop (scaled from {python['sample']:,})",
        None,
        python["cpu"],
        None,
        ours["cpu"] / python["cpu"],
    )
    speed = verdicts / ours["wall"] / 1e6
    print(f"\n{speed:.1f} million verdicts/s; {ours['bytes'] / 1e6:.1f} MB of verdicts; ", end="")
    print(f"{ours['failed']:,} failed, {ours['inconclusive']:,} inconclusive\n")
    for variant in ("moved", "churned"):
        again = measured("evaluate", files[variant], folder / variant, threads)
        found = measured("changes", files["first"], files[variant], folder, threads)
        share = found["first"] / again["wall"] * 100
        print(
            f"changes, {variant}: {found['resources']:,} resources found in {found['first']:.2f} s = ", end=""
        )
        print(f"{share:.1f} % of {again['wall']:.2f} s; all {found['changes']:,} changes named in ", end="")
        print(f"{found['wall'] - found['first']:.2f} s, RSS {found['rss']:.0f} MB")


def line(what: str, wall: float | None, cpu: float, rss: float | None, ratio: float) -> None:
    shown = [f"{wall:>9.2f}" if wall is not None else f"{'':>9}", f"{cpu:>9.2f}"]
    shown.append(f"{rss:>9.0f}" if rss is not None else f"{'':>9}")
    print(f"{what:<34}{''.join(shown)}{ratio:>11.2f}")


if __name__ == "__main__":
    main()
