"""A whole sweep of the simulated company, next to the same calls made with plain boto3.

Run: python -m benchmarks.company
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from proofwatch.connectors.registry import connector_class
from proofwatch.demo.company import environment, seed
from proofwatch.demo.server import start
from proofwatch.snapshots import collect


def main() -> None:
    with start() as server:
        company = seed(server.url, lambda name, done, total: None)
        os.environ.update(environment(company))
        cls = connector_class("aws")
        settings = cls.parse_settings({"accounts": list(company.connected), "regions": list(company.regions)})
        connector = cls(settings)
        shards = connector.shards(connector.scope(), sorted(cls.tables()))
        with tempfile.TemporaryDirectory() as folder:
            connector.begin(Path(folder).name)
            calls = record_calls(connector)
            wall, cpu = time.monotonic(), time.process_time()
            collect._connector.cache_clear()
            collect._connector = lambda kind, text: connector
            readings = [
                item
                for shard in shards
                for item in collect.collect_shard("aws", settings.model_dump_json(), shard, Path(folder))
            ]
            cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        rows = sum(item.rows for item in readings)
        made = len(calls)
        bare_wall, bare = time.monotonic(), time.process_time()
        repeat(server.url, calls)
        bare, bare_wall = time.process_time() - bare, time.monotonic() - bare_wall
    print(f"resources {rows}, shards {len(shards)}, calls {made}")
    print(
        f"collecting             {cpu:.2f} s CPU, {wall:.1f} s wall, "
        f"{cpu / rows * 1000:.1f} ms CPU per resource"
    )
    print(f"the same calls, boto3  {bare:.2f} s CPU, {bare_wall:.1f} s wall")
    print(f"ratio of CPU           {cpu / bare:.2f}")
    print(f"calls per resource     {made / rows:.2f}")
    for words in (["--help"], ["--version"]):
        print(f"proofwatch {words[0]:<12}{startup(words):.3f} s (median of 7)")


def record_calls(connector) -> list:
    """Note every call that the connector makes: (service, session, region, operation, parameters)."""
    made: list = []
    original = connector.clients._create

    def create(session, service, region, **keys):
        client = original(session, service, region, **keys)

        def note(params, model, **_):
            made.append((service, session, region, model.name, dict(params)))

        client.meta.events.register("provide-client-params.*.*", note)
        return client

    connector.clients._create = create
    return made


def repeat(url: str, calls: list) -> None:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    clients: dict = {}
    session = boto3.Session()
    for service, theirs, region, operation, params in calls:
        key = (service, id(theirs), region)
        if key not in clients:
            found = theirs.get_credentials().get_frozen_credentials()
            clients[key] = session.client(
                service,
                region_name=region,
                endpoint_url=url,
                aws_access_key_id=found.access_key,
                aws_secret_access_key=found.secret_key,
                aws_session_token=found.token,
                config=Config(retries={"total_max_attempts": 1}),
            )
        try:
            clients[key]._make_api_call(operation, params)
        except (BotoCoreError, ClientError, ResponseParserError, KeyError):
            continue


def startup(words: list[str]) -> float:
    command = [str(Path(sys.executable).with_name("proofwatch")), *words]
    times = []
    for _ in range(7):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - began)
    return sorted(times)[3]


if __name__ == "__main__":
    main()
