"""Acme Robotics at Google Cloud. All of it is DEMO DATA.

Faults on purpose: a firewall rule of the development project lets everyone reach SSH, and Security Command
Center says so; a bucket there is public, because the policy against it was switched off for that project; the
deployment account has a key that somebody has held for more than a year; the database takes connections
without TLS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.gcp_assets import (
    NUMBERS,
    ORGANIZATION,
    READER,
    audit_policies,
    finding,
    org_policies,
    policies,
    resources,
)
from proofwatch.demo.fakes.google import FakeGoogle, paged, refusal
from proofwatch.demo.staff import DOMAIN


class FakeGcp(FakeGoogle):
    """An organisation with a folder and three projects; pages of two.

    Args:
        now: the time that ages are counted from; the real one by default.
        kept: whether only the faults that `seeds.kept` lists are left.

    Attributes:
        assets: resources as Cloud Asset Inventory lists them.
        held: permissions that the monitor has, by organisation or project.
    """

    def __init__(self, now: datetime | None = None, kept: bool = False) -> None:
        super().__init__(READER, [""], ["cloud-platform.read-only"])
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.assets = resources(self.now)
        self.policies = [*policies(), *audit_policies()]
        self.org_policies = org_policies()
        self.findings = [finding(number, self.now) for number in range(3)]
        if kept:
            self._tidy()
        self.held: dict[str, set[str]] = {}
        self.visible = [ORGANIZATION]
        for line in ("organizations", "projects"):
            self.route(f"GET /v1/{line}/{{name}}/assets", partial(self._assets, kind=line))
            self.route(f"GET /v1/{line}/{{name}}/sources/-/findings", self._findings)
            self.route(f"POST /v3/{line}/{{name}}", partial(self._tested, kind=line))
            self.route(f"GET /v1/{line}/{{name}}", partial(self._searched, kind=line))
        self.route("POST /v3/folders/{name}", partial(self._tested, kind="folders"))
        self.route("GET /v3/organizations:search", self._organizations)
        self.route("GET /v3/projects:search", self._projects)

    def _tidy(self) -> None:
        """Mend what is not as it should be; the old key stays."""
        for item in self.assets:
            data = item["resource"]["data"]
            if data.get("name") == "debugging":
                data["sourceRanges"] = ["198.51.100.0/24"]
            if item["assetType"] == "storage.googleapis.com/Bucket":
                data["iamConfiguration"]["publicAccessPrevention"] = "enforced"
            if item["assetType"] == "sqladmin.googleapis.com/Instance":
                data["settings"]["ipConfiguration"]["sslMode"] = "ENCRYPTED_ONLY"
        self.policies = [item for item in self.policies if "storage.googleapis" not in item["name"]]
        self.org_policies = [item for item in self.org_policies if "/organizations/" in item["name"]]
        self.findings = [item for item in self.findings if item["finding"]["severity"] == "LOW"]

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        names = ("asset_url", "resource_manager_url", "security_center_url", "iam_credentials_url")
        return {
            "key": "env:DEMO_GCP_KEY",
            "requests_per_minute": 6000,
            "token_url": f"{self.url}/token",
            "tokeninfo_url": f"{self.url}/tokeninfo",
            "sts_url": f"{self.url}/sts",
            **dict.fromkeys(names, self.url),
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that the settings name."""
        return {"DEMO_GCP_KEY": self.key()}

    def _below(self, asked: Asked, kind: str, items: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """Return the items of an organisation or project; None where it is none of ours."""
        name = asked.parts["name"].partition(":")[0]
        node = f"{kind}/{NUMBERS.get(name, name)}"
        if node != f"organizations/{ORGANIZATION}" and name not in NUMBERS:
            return None
        return [item for item in items if node in item["ancestors"]]

    def _assets(self, asked: Asked, kind: str) -> Said:
        types = set(asked.every.get("assetTypes", ()))
        content = asked.query.get("contentType", "")
        known = {"RESOURCE": self.assets, "IAM_POLICY": self.policies, "ORG_POLICY": self.org_policies}
        found = self._below(asked, kind, known.get(content, []))
        if found is None:
            return _denied(asked)
        chosen = [item for item in found if not types or item["assetType"] in types]
        said = paged(chosen, asked, "assets", 2, "pageSize")
        return Said({"readTime": _moment(self.now), **said.body})

    def _searched(self, asked: Asked, kind: str) -> Said:
        if not asked.parts["name"].endswith(":searchAllIamPolicies"):
            return self.unknown(asked)
        found = self._below(asked, kind, self.policies)
        wanted = re.fullmatch(r'policy:"(.+)"', asked.query.get("query", ""))
        if found is None or wanted is None:
            return _denied(asked)
        results = []
        for item in found:
            kept = [
                binding
                for binding in item["iamPolicy"].get("bindings", [])
                if any(wanted[1] in member for member in binding["members"])
            ]
            if kept:
                results.append({"resource": item["name"], "policy": {"bindings": kept}})
        return paged(results, asked, "results", 2, "pageSize")

    def _tested(self, asked: Asked, kind: str) -> Said:
        name, _, verb = asked.parts["name"].partition(":")
        if verb != "testIamPermissions":
            return self.unknown(asked)
        held = self.held.get(f"{kind}/{name}", set())
        found = [item for item in asked.json()["permissions"] if item in held]
        return Said({"permissions": found} if found else {})

    def _findings(self, asked: Asked) -> Said:
        said = paged(self.findings, asked, "listFindingsResults", 2, "pageSize")
        return Said({"totalSize": len(self.findings), "readTime": _moment(self.now), **said.body})

    def _organizations(self, asked: Asked) -> Said:
        items = [
            {"name": f"organizations/{name}", "displayName": DOMAIN, "state": "ACTIVE"}
            for name in self.visible
        ]
        return paged(items, asked, "organizations", 2, "pageSize")

    def _projects(self, asked: Asked) -> Said:
        items = [
            {"name": f"projects/{number}", "projectId": name, "state": "ACTIVE", "displayName": name}
            for name, number in NUMBERS.items()
        ]
        return paged(items, asked, "projects", 2, "pageSize")


def _denied(asked: Asked) -> Said:
    name: Mapping[str, str] = asked.parts
    words = f"The caller does not have permission on {name['name']}"
    return refusal(403, "PERMISSION_DENIED", words)


def _moment(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
