"""A million items of one table: whether the reader's memory grows with what a source holds.

    python -m benchmarks.connector_items [--only TABLE] [--items 10000,100000,1000000]

One table of each way in which a connector reads: pages by REST, a parent's children, GraphQL, Resource
Graph, Asset Inventory, botocore's pages. Reader and source are processes of their own, as in
`benchmarks.connectors`, and the source makes each page when it is asked for. Peak memory is the reader's.
"""

from __future__ import annotations

import argparse
import multiprocessing
from functools import partial
from typing import Any

from benchmarks import connectors
from benchmarks.connector_clouds import INVENTORY, LargeAzure, LargeGcp, aws, azure, gcp
from benchmarks.connector_sources import Lazy, Source, front, github, okta, pages
from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.google import paged
from proofwatch.demo.fakes.google_workspace import CUSTOMER, V1, FakeGoogleWorkspace
from proofwatch.demo.fakes.microsoft_login import guid

SIZES = "10000,100000,1000000"
CHILDREN = 1_000
"""Members of each group."""
ROWS = 1_000
"""Machines of each subscription."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=sorted(TABLES))
    parser.add_argument("--items", default=SIZES, help="numbers of items, with commas")
    given = parser.parse_args()
    print(f"{'table':31}{'rows':>11}{'requests':>10}{'CPU s':>8}{'rows/CPU s':>12}{'peak MB':>9}")
    for table in (given.only,) if given.only else [name for name in TABLES if name not in ALONE]:
        for items in map(int, given.items.split(",")):
            _measured(table, items)


def _measured(table: str, items: int) -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(table, items, theirs), daemon=True
    )
    server.start()
    theirs.close()
    try:
        told = ours.recv()
        (shard,) = told["shards"]
        found = connectors.child({**told, "shard": shard, "tables": [table]}, "files")
    finally:
        server.terminate()
        server.join()
    (made,) = found["tables"]
    print(
        f"{table:31}{made['rows']:11,}{made['calls']:10,}{made['cpu']:8.1f}"
        f"{made['rows'] / made['cpu']:12,.0f}{made['peak']:9.0f}",
        flush=True,
    )


def serve(table: str, items: int, pipe: Any) -> None:
    """Serve one table's source."""
    connectors.serve(TABLES[table](items), pipe)


def _only(source: Source, table: str) -> Source:
    source.shards = {next(name for name, of in source.shards.items() if table in of): (table,)}
    return source


def _azure(items: int) -> Source:
    """Return `items` machines, a thousand in each subscription."""
    names = [guid(10**6 + number) for number in range(pages(items, ROWS))]
    fake = LargeAzure(names, machines=ROWS)
    return Source(
        "azure", fake, names, {"compute": ("azure_virtual_machine",)}, {}, fake.settings, fake.environment
    )


def _gcp(items: int) -> Source:
    """Return `items` instances in 5,000 projects, or fewer."""
    fake = LargeGcp(min(5_000, items), instances=max(1, items // 5_000))
    return Source(
        "gcp", fake, gcp(0.01).accounts, {"compute": ("gcp_compute_instance",)}, {}, fake.settings,
        fake.environment,
    )  # fmt: skip


def _members(items: int) -> Source:
    """Return groups of a thousand members each."""
    fake = FakeGoogleWorkspace()
    group, member = fake.groups[0], fake.members[fake.groups[0]["id"]][0]

    def a_group(number: int) -> dict[str, Any]:
        return {**group, "id": f"group{number:08}", "email": f"group-{number:06}@acme.example"}

    def a_member(number: int) -> dict[str, Any]:
        return {**member, "id": str(10**20 + number), "email": f"person-{number:06}@acme.example"}

    groups, members = Lazy(pages(items, CHILDREN), a_group), Lazy(min(items, CHILDREN), a_member)
    front(fake, f"GET {V1}/groups", partial(paged, groups, name="groups", most=200))

    def of_group(asked: Asked) -> Said:
        return paged(members, asked, "members", 200)

    front(fake, f"GET {V1}/groups/{{group}}/members", of_group)
    return Source(
        "google_workspace", fake, [CUSTOMER], {"api": ("google_workspace_group_member",)}, {}, fake.settings,
        fake.environment,
    )  # fmt: skip


TABLES: dict[str, Any] = {
    "okta_user": lambda items: _only(okta(items / 50_000), "okta_user"),
    "google_workspace_group_member": _members,
    "github_repository": lambda items: _only(github(items / 10_000), "github_repository"),
    "azure_virtual_machine": _azure,
    "gcp_compute_instance": _gcp,
    "aws_config_aggregate_resource": lambda items: aws(items / INVENTORY / 5_000),
    "azure_role_assignment": lambda items: _only(azure(items / 5_000), "azure_role_assignment"),
}
ALONE = ("azure_role_assignment",)
"""What has one item and one request for each subscription: asked for by --only, with 5,000."""


if __name__ == "__main__":
    main()
