"""Who may do what: every binding of every resource, service accounts and their keys, audit of data access."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from proofwatch.connectors.gcp.assets import (
    LIST,
    NODES,
    WHERE,
    asset_table,
    listed,
    odd,
    place_of,
    projects_of,
)
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable


def _bindings(place: Place) -> Iterator[Raw]:
    projects = projects_of(place)
    for asset in listed(place, "gcp_iam_binding", "IAM_POLICY"):
        policy = asset.get("iamPolicy") or {}
        where = place_of(asset, projects)
        for binding in policy.get("bindings") or []:
            role, condition = binding.get("role"), binding.get("condition") or {}
            if not isinstance(role, str):
                raise odd(place, "gcp_iam_binding", f"a binding of {asset['name'][:200]} has no role")
            mark = _mark(condition)
            for member in dict.fromkeys(map(str, binding.get("members") or [])):
                kind, _, rest = member.removeprefix("deleted:").partition(":")
                yield {
                    **where,
                    "resource": f"{asset['name']}#{role}#{member}{mark}",
                    "role": role,
                    "member": member,
                    "member_type": "deleted" if member.startswith("deleted:") else kind,
                    "member_domain": rest.partition("?")[0].rpartition("@")[2].lower() or None,
                    "condition": condition or None,
                }


def _mark(condition: Raw) -> str:
    """Tell apart the bindings of one role to one member under several conditions."""
    text = str(condition.get("expression") or "")
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:12]}" if text else ""


def _audits(place: Place) -> Iterator[Raw]:
    projects = projects_of(place)
    for asset in listed(place, "gcp_audit_config", "IAM_POLICY", NODES):
        for config in (asset.get("iamPolicy") or {}).get("auditConfigs") or []:
            for entry in config.get("auditLogConfigs") or []:
                service, kind = config.get("service"), entry.get("logType")
                yield {
                    **place_of(asset, projects),
                    "resource": f"{asset['name']}#{service}#{kind}",
                    "service": service,
                    "log_type": kind,
                    "exempted_members": entry.get("exemptedMembers") or [],
                }


def _account(data: Raw) -> Raw:
    email = str(data.get("email") or "")
    default = email.endswith(("-compute@developer.gserviceaccount.com", "@appspot.gserviceaccount.com"))
    return {"disabled": data.get("disabled", False), "default": default if email else None}


def _key(data: Raw) -> Raw:
    parts = str(data.get("name") or "").split("/")
    known = len(parts) == 6 and parts[2] == "serviceAccounts"
    return {
        "email": parts[3] if known else None,
        "id": parts[5] if known else None,
        "disabled": data.get("disabled", False),
    }


IAM = (
    RestTable(
        name="gcp_iam_binding",
        about="Every role that is bound to somebody: one row for each resource, role and member.",
        service="iam",
        path="/v1/{parent}/assets",
        rows="assets",
        omits_empty=True,
        resource="{resource}",
        permission=LIST["IAM_POLICY"],
        reader=_bindings,
        source="cloudasset.assets.list with IAM_POLICY",
        drop=(
            "resource",
            "node",
            "project_id",
            "project_number",
            "role",
            "member",
            "member_type",
            "member_domain",
        ),
        columns=(
            *WHERE[:2],
            Col("asset", about="Full name of the resource that it is bound on"),
            Col("asset_type"),
            Col("role"),
            Col("member"),
            Col("member_type", about="user, group, serviceAccount, domain, allUsers, …, or deleted"),
            Col("member_domain", about="What stands behind the @ of a member"),
            Col("condition_title", path="condition.title"),
            Col("condition_expression", path="condition.expression"),
            Col("ancestors", "VARCHAR[]"),
        ),
    ),
    RestTable(
        name="gcp_audit_config",
        about="Where access to data is logged: one row for each resource, service and kind of access.",
        service="iam",
        path="/v1/{parent}/assets",
        rows="assets",
        omits_empty=True,
        resource="{resource}",
        permission=LIST["IAM_POLICY"],
        reader=_audits,
        source="cloudasset.assets.list with IAM_POLICY",
        drop=("resource", "project_id", "project_number", "node"),
        columns=(
            *WHERE[:2],
            Col("asset", about="Organisation, folder or project"),
            Col("asset_type"),
            Col("node", about="The same as `ancestors` of a project names it"),
            Col("service", about="allServices, or one service"),
            Col("log_type", about="ADMIN_READ, DATA_READ or DATA_WRITE"),
            Col("exempted_members", "VARCHAR[]", "Whose access is not logged"),
        ),
    ),
    asset_table(
        "gcp_service_account",
        "Service accounts.",
        "iam.googleapis.com/ServiceAccount",
        (
            Col("email", path="data.email"),
            Col("unique_id", path="data.uniqueId"),
            Col("display_name", path="data.displayName"),
            Col("disabled", "BOOLEAN", path="made.disabled"),
            Col("is_default", "BOOLEAN", "Whether Google made it for Compute or App Engine", "made.default"),
        ),
        service="iam",
        shape=_account,
    ),
    asset_table(
        "gcp_service_account_key",
        "Keys of service accounts, those that Google keeps and those that people hold.",
        "iam.googleapis.com/ServiceAccountKey",
        (
            Col("name", path="data.name"),
            Col("key_id", path="made.id"),
            Col("service_account", path="made.email"),
            Col("key_type", about="USER_MANAGED where somebody holds it", path="data.keyType"),
            Col("key_origin", path="data.keyOrigin"),
            Col("key_algorithm", path="data.keyAlgorithm"),
            Col("disabled", "BOOLEAN", path="made.disabled"),
            Col("valid_after_time", "TIMESTAMPTZ", "When it was made", "data.validAfterTime"),
            Col("valid_before_time", "TIMESTAMPTZ", "9999 where it never ends", "data.validBeforeTime"),
        ),
        service="iam",
        shape=_key,
    ),
)
