"""The clouds among the large sources of `benchmarks.connectors`: GCP, Azure, AWS Config's inventory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.connector_sources import Lazy, Source, body_of, front, pages
from proofwatch.demo.fakes import gcp_assets as assets
from proofwatch.demo.fakes.azure import FakeAzure
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.fakes.gcp import FakeGcp
from proofwatch.demo.fakes.google import paged
from proofwatch.demo.fakes.microsoft_login import guid

EACH = {"Project": 1, "ServiceAccount": 2, "Bucket": 3, "Instance": 4}
"""Resources of each type in one project at Google."""
MEMBERS, ROLES = 2, 5
MACHINES, VAULTS = 4, 2
"""Resources in one subscription at Microsoft."""
INVENTORY = 20
"""Resources in one account at Amazon."""
REGION = "eu-west-1"


class LargeGcp(FakeGcp):
    """An organisation of many projects, read by Cloud Asset Inventory a thousand assets at a time."""

    def __init__(self, projects: int, instances: int = EACH["Instance"]) -> None:
        super().__init__()
        self.count, self.each = projects, {**EACH, "Instance": instances}
        shapes: dict[str, Any] = {}
        for item in self.assets:
            host, _, short = item["assetType"].partition("/")
            if short in EACH and not (short == "Instance" and "sql" in host):
                shapes.setdefault(short, item)
        self.shapes = shapes

    def _assets(self, asked: Asked, kind: str) -> Said:
        if asked.query.get("contentType") == "IAM_POLICY":
            items = Lazy(self.count, self._policy)
        else:
            short = asked.query.get("assetTypes", "").partition("/")[2]
            each = self.each[short]
            items = Lazy(self.count * each, partial(self._asset, short, each))
        return paged(items, asked, "assets", 1000, "pageSize")

    def _asset(self, short: str, each: int, number: int) -> dict[str, Any]:
        project, shape = 10**11 + number // each, self.shapes[short]
        resource = shape["resource"]
        data = {**resource["data"], "name": f"{short.lower()}-{number}"}
        if short == "Project":
            data |= {"projectId": f"acme-{number:05}", "projectNumber": str(project)}
        return {
            **shape, "name": f"{shape['name']}-{number}", "resource": {**resource, "data": data},
            "ancestors": [f"projects/{project}", f"organizations/{assets.ORGANIZATION}"],
        }  # fmt: skip

    def _policy(self, number: int) -> dict[str, Any]:
        members = [f"user:person-{place}@acme.example" for place in range(MEMBERS)]
        return {
            "name": f"//{assets.MANAGER}/projects/{10**11 + number}",
            "assetType": f"{assets.MANAGER}/Project",
            "ancestors": [f"projects/{10**11 + number}", f"organizations/{assets.ORGANIZATION}"],
            "iamPolicy": {
                "bindings": [
                    {"role": f"roles/service{place}.viewer", "members": members} for place in range(ROLES)
                ]
            },
        }


def gcp(scale: float) -> Source:
    """Return 5,000 projects, each with a few things."""
    projects = max(20, int(5_000 * scale))
    fake = LargeGcp(projects)
    return Source(
        "gcp", fake, [assets.ORGANIZATION],
        {
            "organization": ("gcp_project",),
            "iam": ("gcp_iam_binding", "gcp_service_account"),
            "data": ("gcp_storage_bucket",),
            "compute": ("gcp_compute_instance",),
        },
        {
            "gcp_project": (pages(projects, 1000), "⌈projects / 1000⌉"),
            "gcp_iam_binding": (pages(projects, 1000), "⌈policies / 1000⌉"),
            **{
                table: (pages(projects * EACH[short], 1000), "⌈resources / 1000⌉")
                for table, short in (
                    ("gcp_service_account", "ServiceAccount"), ("gcp_storage_bucket", "Bucket"),
                    ("gcp_compute_instance", "Instance"),
                )
            },
        },
        fake.settings, fake.environment,
    )  # fmt: skip


class LargeAzure(FakeAzure):
    """A tenant of many subscriptions, with machines and vaults in each."""

    def __init__(self, subscriptions: Sequence[str], machines: int = MACHINES) -> None:
        super().__init__()
        self.all, self.machines = subscriptions, machines
        self.shapes = {name: rows[0] for name, rows in self.data.rows.items()}
        self.one = next(iter(self.data.subscriptions.values()))
        self.role = next(iter(self.data.lists["/Microsoft.Authorization/roleAssignments"].values()))[0]
        provider = "GET /subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"
        front(self, provider, self._roles)
        front(self, "GET /subscriptions", self._subscriptions)

    def _graph(self, asked: Asked) -> Said:
        body = body_of(asked)
        kind = body["query"].partition("type =~ '")[2].partition("'")[0].lower()
        owners, options = body["subscriptions"], body["options"]
        each = self.machines if kind.endswith("virtualmachines") else VAULTS if kind.endswith("vaults") else 1
        rows = Lazy(len(owners) * each, lambda number: self._row(kind, owners[number // each], number))
        at, size = int(options.get("$skipToken", "0")), min(int(options.get("$top", 100)), 1000)
        page = rows[at : at + size]
        said: dict[str, Any] = {"totalRecords": len(rows), "count": len(page), "data": page}
        if at + size < len(rows):
            said["$skipToken"] = str(at + size)
        return Said(said)

    def _row(self, kind: str, owner: str, number: int) -> dict[str, Any]:
        group = f"/subscriptions/{owner}/resourceGroups/rg/providers/{kind}/thing-{number}"
        whole = f"/subscriptions/{owner}"
        own = whole if kind.endswith("/subscriptions") else group
        return {**self.shapes[kind], "id": own, "name": f"thing-{number}", "subscriptionId": owner}

    def _subscriptions(self, asked: Asked) -> Said:
        return Said({"value": [{**self.one, "subscriptionId": name, "id": name} for name in self.all]})

    def _below(self, asked: Asked) -> Said:
        return Said({"value": []})

    def _roles(self, asked: Asked) -> Said:
        path = f"{asked.path}/{guid(1)}"
        return Said({"value": [{**self.role, "id": path}]})


def azure(scale: float) -> Source:
    """Return 5,000 subscriptions."""
    count = max(20, int(5_000 * scale))
    names = [guid(10**6 + number) for number in range(count)]
    fake = LargeAzure(names)
    batches = pages(count, 1000)
    which = (batches, "⌈subscriptions / 1000⌉")
    return Source(
        "azure", fake, names,
        {
            "subscription": ("azure_subscription",),
            "compute": ("azure_virtual_machine",),
            "keyvault": ("azure_key_vault",),
            "authorization": ("azure_role_assignment",),
        },
        {
            "azure_subscription": which,
            "azure_virtual_machine": (pages(count * MACHINES, 1000) + which[0], "⌈rows / 1000⌉ + the same"),
            "azure_key_vault": (pages(count * VAULTS, 1000) + which[0], "⌈rows / 1000⌉ + the same"),
            "azure_role_assignment": (count, "1 for each subscription"),
        },
        fake.settings, fake.environment,
    )  # fmt: skip


class AggregateConfig(Fake):
    """AWS Config's aggregator, in the one action that reads the inventory, and STS."""

    def __init__(self, accounts: int) -> None:
        super().__init__()
        self.rows = Lazy(accounts * INVENTORY, self._row)
        self.route("POST /", self._action)

    def _action(self, asked: Asked) -> Said:
        action = asked.headers.get("x-amz-target", "").rpartition(".")[2]
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        if action == "DescribeConfigurationAggregators":
            return Said({"ConfigurationAggregators": [{"ConfigurationAggregatorName": "all"}]}, 200, headers)
        given = body_of(asked)
        at, size = int(given.get("NextToken", "0")), min(given.get("Limit", 25), 100)
        said: dict[str, Any] = {"Results": self.rows[at : at + size]}
        if at + size < len(self.rows):
            said["NextToken"] = str(at + size)
        return Said(said, 200, headers)

    def _row(self, number: int) -> str:
        account, name = f"{10**11 + number // INVENTORY}", f"vol-{number:017x}"
        return json.dumps(
            {
                "accountId": account, "awsRegion": REGION, "resourceType": "AWS::EC2::Volume",
                "resourceId": name, "resourceName": name,
                "arn": f"arn:aws:ec2:{REGION}:{account}:volume/{name}",
                "configurationItemCaptureTime": "2026-11-01T10:00:00.000Z",
            }
        )  # fmt: skip


def aws(scale: float) -> Source:
    """Return AWS Config's aggregate inventory of 5,000 accounts."""
    accounts = max(20, int(5_000 * scale))
    fake = AggregateConfig(accounts)
    table = "aws_config_aggregate_resource"
    return Source(
        "aws",
        fake,
        ["123456789012"],
        {"config": (table,)},
        {table: (pages(accounts * INVENTORY, 100) + 1, "⌈resources / 100⌉ + ⌈aggregators / 25⌉")},
        lambda: {
            "endpoint_url": fake.url,
            "regions": [REGION],
            "config_inventory": True,
            "requests_per_second": 1000,
        },
        lambda: {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"},
        region=REGION,
    )
