"""What the Terraform modules take from the connectors; `python -m tests.deploy.terraform` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from proofwatch.connectors.aws.template import cloudformation, policy_documents
from proofwatch.connectors.base import Table
from proofwatch.connectors.registry import connector_class

MODULES = Path(__file__).parent.parent.parent / "deploy" / "terraform"


def tables(kind: str) -> list[Table]:
    return list(connector_class(kind).tables().values())


def document(kind: str, name: str) -> str:
    return next(item.text for item in connector_class(kind).documents() if item.name == name)


def files() -> dict[str, Any]:
    """Return path below the modules → what stands in it."""
    policies = policy_documents(tables("aws"))
    made: dict[str, Any] = {f"aws/policy-{number}.json": one for number, one in enumerate(policies, 1)}
    made["aws-organization/member-role.json"] = member_role()
    role = yaml.safe_load(document("gcp", "gcp-reader-role.yaml"))
    made["gcp/permissions.json"] = role["includedPermissions"]
    [graph] = json.loads(document("entra", "entra-required-resource-access.json"))
    needed = sorted({name for table in tables("entra") for name in table.permissions})
    ids = [item["id"] for item in graph["resourceAccess"]]
    made["azure/graph-permissions.json"] = {
        "resourceAppId": graph["resourceAppId"],
        "resourceAccess": dict(zip(needed, ids, strict=True)),
    }
    return made


def member_role() -> dict[str, Any]:
    """Return our own template of the role, with its name as a parameter."""
    made = cloudformation(tables("aws"))
    made["Parameters"] |= {"RoleName": {"Type": "String", "Description": "Name of the role"}}
    made["Resources"]["Role"]["Properties"]["RoleName"] = {"Ref": "RoleName"}
    return made


def text(body: Any) -> str:
    return json.dumps(body, indent=2) + "\n"


if __name__ == "__main__":
    for path in MODULES.glob("*/*.json"):
        path.unlink()
    for name, body in files().items():
        (MODULES / name).write_text(text(body), "utf-8")
