"""Reading large sources: requests next to the least possible, the reader's CPU and its peak memory.

    python -m benchmarks.connectors [--only KIND] [--scale 1.0] [--prism]

Each source is a server in a process of its own, that makes a page when it is asked for. Each shard of a sweep
is read in a process of its own, too, by the sweep's own functions, into files. Beside it stand the same
reading without files, and the same requests sent by the standard library's client with json.loads alone.
With --prism the provider's own description stands before the source, and judges every request and answer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

KINDS = ("github", "okta", "google_workspace", "entra", "gcp", "azure", "aws", "vanta", "drata")
MOST_MEGABYTES = 500
Made = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument(
        "--prism", action="store_true", help="judge each request and answer, and nothing else"
    )
    parser.add_argument("--read", nargs=2, metavar=("TASK", "HOW"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        task = json.loads(Path(given.read[0]).read_text("utf-8"))
        found = _sent(task) if given.read[1] == "bare" else _read(task, files=given.read[1] == "files")
        print(json.dumps(found))
        return
    print(
        f"{'table':31}{'rows':>8}{'requests':>10}{'least':>7}{'rows/CPU s':>12}{'CPU s':>8}{'no files':>10}"
        f"{'peak MB':>9}  least is"
    )
    if given.prism:
        from benchmarks.connector_prism import JUDGES

        for kind in (given.only,) if given.only else JUDGES:
            list(_source(kind, given.scale, prism=True))
        return
    totals = []
    for kind in (given.only,) if given.only else KINDS:
        totals += _source(kind, given.scale)
    print("\nshard of a sweep: CPU s with files; of the same requests with http.client and json alone; ratio")
    for name, reading, bare, peak in totals:
        over = "" if peak < MOST_MEGABYTES else f"  more than {MOST_MEGABYTES} MB"
        print(f"  {name:31}{reading:8.2f}{bare:8.2f}{reading / max(bare, 0.01):8.1f}  {peak:5.0f} MB{over}")


def _source(kind: str, scale: float, *, prism: bool = False) -> Iterator[tuple[str, float, float, float]]:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(kind, scale, theirs), daemon=True
    )
    server.start()
    theirs.close()
    stack = ExitStack()
    try:
        told = ours.recv()
        if prism:
            from benchmarks.connector_prism import before

            told = before(kind, told, ours, stack)
        for shard, tables in told["shards"].items():
            task = {**told, "shard": shard, "tables": tables}
            if prism:
                for made in child(task, "files")["tables"]:
                    _line(made, made, told["least"][made["table"]])
                continue
            ours.send("forget")
            rows = child(task, "files")
            ours.send("asked")
            asked = ours.recv()
            # In this order: a new token of Vanta's revokes the one that the requests carry.
            bare = child({**task, "asked": asked}, "bare")
            without = child(task, "rows")
            for made, plain in zip(rows["tables"], without["tables"], strict=True):
                _line(made, plain, told["least"][made["table"]])
            reading = sum(made["cpu"] for made in rows["tables"])
            yield f"{kind} {shard}", reading, bare["cpu"], rows["tables"][-1]["peak"]
    finally:
        stack.close()
        server.terminate()
        server.join()


def _line(made: Made, plain: Made, least: Sequence[Any]) -> None:
    rate = made["rows"] / max(made["cpu"], 0.001)
    print(
        f"{made['table']:31}{made['rows']:8,}{made['calls']:10,}{least[0]:7,}{rate:12,.0f}{made['cpu']:8.2f}"
        f"{plain['cpu']:10.2f}{made['peak']:9.0f}  {least[1]}",
        flush=True,
    )


def child(task: Mapping[str, Any], how: str) -> Made:
    """Read in a process of its own and return what it used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.json"
        path.write_text(json.dumps(task), "utf-8")
        command = [sys.executable, "-m", "benchmarks.connectors", "--read", str(path), how]
        env = {**os.environ, **task["environment"]}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{task['kind']} {task['shard']}: {done.stderr[-3000:]}")
    found: Made = json.loads(done.stdout)
    return found


def _read(task: Mapping[str, Any], *, files: bool) -> Made:
    """Read a shard as a sweep does, each table after the other by one connector."""
    from proofwatch.connectors.base import ReadStats, Shard
    from proofwatch.connectors.registry import connector_class
    from proofwatch.snapshots.spool import write_part

    cls = connector_class(task["kind"])
    connector: Any = cls(cls.parse_settings(task["settings"]))
    connector.begin("benchmark")
    if task["kind"] == "aws":
        connector.clients.caller = {"Account": task["accounts"][0]}
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for table in task["tables"]:
            stats, rows, began = ReadStats(), 0, _cpu()
            for account in task["accounts"]:
                shard = Shard(account, task["region"], task["shard"], tuple(task["tables"]))
                found = connector.read(shard, table, stats)
                if files:
                    declared = connector.tables()[table]
                    rows += write_part(Path(folder), declared, account, task["region"], found).rows
                else:
                    rows += sum(1 for _ in found)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            made.append(
                {"table": table, "rows": rows, "calls": stats.calls, "cpu": _cpu() - began, "peak": peak}
            )
    return {"tables": made}


def _sent(task: Mapping[str, Any]) -> Made:
    """Send the same requests over one connection, and parse the answers."""
    import http.client

    host = task["host"]
    connection = http.client.HTTPConnection(host)
    began = _cpu()
    for method, target, headers, body in task["asked"]:
        connection.request(method, target, body.encode() or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {target} was answered with {answer.status} {data[:200]!r}")
        json.loads(data)
    return {"cpu": _cpu() - began}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _serve(kind: str, scale: float, pipe: Connection) -> None:
    from benchmarks import connector_clouds, connector_sources

    module = connector_clouds if hasattr(connector_clouds, kind) else connector_sources
    serve(getattr(module, kind)(scale), pipe)


def serve(source: Any, pipe: Connection) -> None:
    """Serve a source; tell what connects to it, and what it was asked since it was told to forget."""
    with source.fake:
        pipe.send(
            {
                "kind": source.kind, "host": source.fake.url.partition("://")[2],
                "accounts": list(source.accounts),
                "shards": source.shards, "least": source.least, "settings": source.settings(),
                "environment": source.environment(), "region": source.region,
            }
        )  # fmt: skip
        while True:
            try:
                word = pipe.recv()
            except EOFError:
                return
            if word == "asked":
                pipe.send([_request(item) for item in source.fake.asked if "token" not in item.path])
            elif word.startswith("http"):
                from benchmarks.connector_prism import link_to

                link_to(source.fake, word)
            source.fake.asked.clear()


def _request(asked: Any) -> tuple[str, str, dict[str, str], str]:
    from urllib.parse import quote, urlencode

    query = f"?{urlencode(asked.every, doseq=True)}" if asked.every else ""
    dropped = ("content-length", "host", "connection", "accept-encoding")
    headers = {name: value for name, value in asked.headers.items() if name not in dropped}
    return asked.method, quote(asked.path, safe="/:()'=%") + query, headers, asked.body.decode()


if __name__ == "__main__":
    main()
