"""From a change in the simulated AWS to the message that a local receiver accepted, over the real way.

A `proofwatch serve` and a `proofwatch worker`, each a process; events posted as EventBridge posts them, at a
steady rate beside the changes; a receiver that takes Slack's incoming webhook.

Run: python -m benchmarks.latency [--changes 30] [--events 50]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from proofwatch.demo.company import environment, seed
from proofwatch.demo.server import start

RULES = """rules:
  - id: each-bucket
    title: A bucket fails
    when: failing
    checks: [{check}]
    group: [resource]
    wait_minutes: 0
    gather_minutes: 0
"""
CHECK = "aws.s3.bucket-versioning"
KINDS = (("s3", "PutBucketAcl"), ("s3", "PutBucketTagging"), ("ec2", "CreateVolume"), ("iam", "CreateUser"))


class Receiver:
    """Takes messages and remembers when each bucket was named."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                now = time.monotonic()
                for word in re.findall(r"latency-\d{3}-[0-9a-f]{6}", body):
                    outer.at.setdefault(word, now)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--events", type=int, default=50, help="events a second")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pw-latency-"))
    try:
        with start() as server:
            measure(server.url, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    company = seed(url, lambda name, done, total: None)
    receiver = Receiver()
    account = company.administrator("production").id
    env = {
        **os.environ, **environment(company), "PROOFWATCH_HOME": str(folder / "home"),
        "PROOFWATCH_ALLOW_HOSTS": "127.0.0.1", "PW_SLACK": f"http://127.0.0.1:{receiver.port}/T/B/x",
        "PW_HOOK": "hush-hush-hush-hush-hush-hush-32",
    }  # fmt: skip
    os.environ.update(environment(company))
    (folder / "rules.yaml").write_text(RULES.format(check=CHECK))
    for words in (
        ["init"],
        ["connect", "aws", "--accounts", ",".join(company.connected), "--regions", ",".join(company.regions),
         "--interval", "600"],
        ["sweep", "aws"],
        ["channels", "add", "ops", "slack-webhook", "--set", "url=env:PW_SLACK"],
        ["channels", "test", "ops"],
        ["hooks", "add", "aws", "eventbridge", "--set", "secret=env:PW_HOOK"],
        ["rules", "apply", str(folder / "rules.yaml"), "--reason", "bench"],
    ):  # fmt: skip
        done = subprocess.run(command(words), env=env, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):
            sys.exit(f"{words}: {done.stderr}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    log = (folder / "log").open("w")
    running = [
        subprocess.Popen(command(words), env=env, stdout=log, stderr=log)
        for words in (["serve", "--port", str(port)], ["worker"])
    ]
    try:
        settled(folder / "home" / "proofwatch.sqlite3")
        made, posted = change(company, account, port, options)
        wait(receiver, made)
    finally:
        for process in running:
            process.terminate()
            process.wait(timeout=30)
    report(receiver, made, posted, options)
    sweeps(folder / "home" / "proofwatch.sqlite3")
    print((folder / "log").read_text()[-1500:] if len(receiver.at) < len(made) else "", end="")


def settled(path: Path) -> None:
    """Wait until the worker's first whole sweep has ended: what is measured is the steady state."""
    for _ in range(240):
        time.sleep(0.5)
        with sqlite3.connect(path) as database:
            query = "select count(*) from store_sweep where trigger = 'schedule' and finished_at is not null"
            if database.execute(query).fetchone()[0]:
                return
    raise SystemExit("the worker's first sweep has not ended in two minutes")


def command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "proofwatch.cli", *words]


def change(company, account: str, port: int, options) -> tuple[dict[str, float], list[float]]:
    """Make buckets, and post their events among many others; return when each was made, and post times."""
    s3 = company.administrator("production").client("s3", company.regions[0])
    made: dict[str, float] = {}
    posted: list[float] = []
    stop = threading.Event()

    def noise() -> None:
        chosen = random.Random(7)
        while not stop.is_set():
            began = time.monotonic()
            service, name = chosen.choice(KINDS)
            posted.append(post(port, account, company.regions[0], service, name))
            stop.wait(max(0.0, 1 / options.events - (time.monotonic() - began)))

    threading.Thread(target=noise, daemon=True).start()
    region = {"CreateBucketConfiguration": {"LocationConstraint": company.regions[0]}}
    for number in range(options.changes):
        name = f"latency-{number:03}-{uuid.uuid4().hex[:6]}"
        s3.create_bucket(Bucket=name, **region)
        made[name] = time.monotonic()
        post(port, account, company.regions[0], "s3", "CreateBucket")
        time.sleep(random.Random(number).uniform(0.5, 3.5))
    time.sleep(12)
    stop.set()
    return made, posted


def post(port: int, account: str, region: str, service: str, name: str) -> float:
    began = time.monotonic()
    body = {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}", "account": account, "region": region,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "resources": [],
        "detail": {
            "eventSource": f"{service}.amazonaws.com", "eventName": name, "awsRegion": region,
            "recipientAccountId": account, "eventID": str(uuid.uuid4()), "readOnly": False,
        },
    }  # fmt: skip
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"x-proofwatch-key": "hush-hush-hush-hush-hush-hush-32", "Content-Type": "application/json"}
    connection.request("POST", "/hooks/aws", json.dumps(body), headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"the hook answered {answer.status}: {said!r}")
    return time.monotonic() - began


def sweeps(path: Path) -> None:
    """Print how long the sweeps took that events asked for."""
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "select (julianday(finished_at) - julianday(started_at)) * 86400, json_array_length(tables)"
            " from store_sweep where trigger = 'event' and finished_at is not null"
        ).fetchall()
    if rows:
        seconds = sorted(row[0] for row in rows)
        tables = statistics.mean(row[1] for row in rows)
        print(
            f"sweeps of events: {len(rows)}, of {tables:.0f} tables on average,"
            f" median {seconds[len(seconds) // 2]:.1f} s, longest {seconds[-1]:.1f} s"
        )
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "select (julianday(sent_at) - julianday(created_at)) * 86400 from store_delivery"
            " where state = 'accepted' and happened = 'opened'"
        ).fetchall()
    if rows:
        seconds = sorted(row[0] for row in rows)
        print(f"queued → accepted: median {seconds[len(seconds) // 2]:.1f} s, longest {seconds[-1]:.1f} s")


def wait(receiver: Receiver, made: dict[str, float]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and not set(made) <= set(receiver.at):
        time.sleep(0.2)


def report(receiver: Receiver, made: dict[str, float], posted: list[float], options) -> None:
    took = sorted(receiver.at[name] - at for name, at in made.items() if name in receiver.at)
    print(
        f"changes {len(made)}, told {len(took)}, events beside them {len(posted)} at {options.events}/s asked"
    )
    if took:
        p95 = took[min(len(took) - 1, int(0.95 * len(took)))]
        mean = statistics.mean(took)
        print(f"change → accepted message: mean {mean:.1f} s, p95 {p95:.1f} s, max {took[-1]:.1f} s")
    if posted:
        posted.sort()
        print(f"an event is answered in: median {1000 * posted[len(posted) // 2]:.0f} ms, "
              f"p95 {1000 * posted[int(0.95 * len(posted))]:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
