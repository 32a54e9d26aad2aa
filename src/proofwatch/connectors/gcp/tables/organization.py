"""What an organisation consists of, and the policies that hold for all of it."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.gcp.assets import LIST, WHERE, asset_table, listed, place_of, projects_of
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

MANAGER = "cloudresourcemanager.googleapis.com"


def _node(data: Raw) -> Raw:
    """Return what the versions of Resource Manager name differently."""
    parent = data.get("parent")
    if isinstance(parent, dict):
        parent = f"{parent.get('type')}s/{parent.get('id')}"
    title = data.get("displayName") or data.get("name")
    return {"state": data.get("lifecycleState") or data.get("state"), "parent": parent, "title": title}


def _policies(place: Place) -> Iterator[Raw]:
    projects = projects_of(place)
    for asset in listed(place, "gcp_org_policy", "ORG_POLICY"):
        for policy in asset.get("orgPolicy") or []:
            rule = policy.get("booleanPolicy")
            yield {
                **place_of(asset, projects),
                "resource": f"{asset['name']}#{policy.get('constraint')}",
                # An empty rule says "not enforced": Google leaves out what is false.
                "enforced": None if rule is None else bool(rule.get("enforced", False)),
                "policy": {key: value for key, value in policy.items() if key != "etag"},
            }


NODE = (
    Col("display_name", path="made.title"),
    Col("state", about="ACTIVE, or that it is being deleted", path="made.state"),
    Col("parent", path="made.parent"),
    Col("labels", "MAP(VARCHAR, VARCHAR)", path="data.labels"),
)
ORGANIZATION = (
    asset_table(
        "gcp_organization",
        "The organisation itself; a connection to single projects has none.",
        f"{MANAGER}/Organization",
        (Col("name", path="data.name"), NODE[0], NODE[1]),
        service="organization",
        shape=_node,
        where=(),
    ),
    asset_table(
        "gcp_folder",
        "Folders of the organisation.",
        f"{MANAGER}/Folder",
        (Col("name", path="data.name"), *NODE[:3]),
        service="organization",
        shape=_node,
        where=(),
    ),
    asset_table(
        "gcp_project",
        "Projects, with where they stand.",
        f"{MANAGER}/Project",
        (
            Col("project_id", path="data.projectId"),
            Col("project_number"),
            Col("ancestors", "VARCHAR[]", "Itself, its folders and its organisation, nearest first"),
            *NODE,
        ),
        service="organization",
        shape=_node,
        shared=True,
        where=(),
    ),
    RestTable(
        name="gcp_org_policy",
        about="Policies of the organisation as they are set, on the organisation, a folder or a project.",
        service="organization",
        path="/v1/{parent}/assets",
        rows="assets",
        omits_empty=True,
        resource="{resource}",
        permission=LIST["ORG_POLICY"],
        reader=_policies,
        source="cloudasset.assets.list with ORG_POLICY",
        drop=("resource", "node", "project_id", "project_number", "enforced"),
        columns=(
            *WHERE[:2],
            Col("asset", about="On what it is set"),
            Col("asset_type"),
            Col(
                "constraint_name", about="As constraints/compute.vmExternalIpAccess", path="policy.constraint"
            ),
            Col("enforced", "BOOLEAN", "Of a constraint that is on or off; NULL for one with values"),
            Col("all_values", about="ALLOW or DENY, where it is for all", path="policy.listPolicy.allValues"),
            Col("allowed_values", "VARCHAR[]", path="policy.listPolicy.allowedValues"),
            Col("denied_values", "VARCHAR[]", path="policy.listPolicy.deniedValues"),
            Col("inherits", "BOOLEAN", path="policy.listPolicy.inheritFromParent"),
        ),
    ),
)
