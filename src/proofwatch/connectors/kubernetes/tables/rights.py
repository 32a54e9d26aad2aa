"""Who may do what: roles, bindings, service accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofwatch.connectors.kubernetes.tables.read import own, plain
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

GROUP = "rbac.authorization.k8s.io"
BASE = f"/apis/{GROUP}/v1"
DEFAULT = "kubernetes.io/bootstrapping"
"""Label of what every cluster has from its first start."""
READS = frozenset({"get", "list", "watch", "*"})
BEYOND = frozenset({"escalate", "bind", "impersonate", "*"})


def read_roles(place: Place) -> Iterator[Raw]:
    """Yield cluster roles and roles, judged by their rules."""
    for kind in ("ClusterRole", "Role"):
        for item in own(place, f"{BASE}/{kind.lower()}s", f"list {kind.lower()}s.{GROUP}"):
            yield role(kind, item)


def role(kind: str, item: Raw) -> Raw:
    """Return a role with what its rules allow."""
    rules: list[Mapping[str, Any]] = item.get("rules") or []
    verbs = {str(verb) for rule in rules for verb in rule.get("verbs") or [] if rule.get("resources")}
    resources = {str(name) for rule in rules for name in rule.get("resources") or []}
    meta = item["metadata"]
    return {
        **item, "kind": kind, "place": meta.get("namespace") or "",
        "at": f"{meta['namespace']}/" if meta.get("namespace") else "",
        "is_default": (meta.get("labels") or {}).get(DEFAULT) == "rbac-defaults",
        "verbs": sorted(verbs), "resources": sorted(resources),
        "wildcard_verbs": "*" in verbs, "wildcard_resources": "*" in resources,
        "reads_secrets": _allow(rules, "", ("secrets",), READS),
        "raises_rights": _raises(rules),
        "enters_pods": _allow(rules, "", ("pods/exec", "pods/attach"), frozenset({"create", "get", "*"})),
        "reaches_nodes": _allow(rules, "", ("nodes/proxy",), frozenset({"create", "get", "*"})),
        "aggregated": bool(item.get("aggregationRule")),
    }  # fmt: skip


def _allow(
    rules: Sequence[Mapping[str, Any]], group: str, resources: Sequence[str], verbs: frozenset[str]
) -> bool:
    """Tell whether rules allow one of the verbs on one of the resources, in any object."""
    subs = {f"*/{name.partition('/')[2]}" for name in resources if "/" in name}
    wanted = {*resources, *subs, "*"}
    return any(
        {group, "*"} & set(rule.get("apiGroups") or [])
        and wanted & set(rule.get("resources") or [])
        and verbs & set(rule.get("verbs") or [])
        # A rule for named objects is what was meant to be given.
        and not rule.get("resourceNames")
        for rule in rules
    )


def _raises(rules: Sequence[Mapping[str, Any]]) -> bool:
    roles = ("clusterroles", "roles")
    people = ("users", "groups", "serviceaccounts")
    return _allow(rules, GROUP, roles, frozenset({"escalate", "bind", "*"})) or any(
        _allow(rules, group, people, frozenset({"impersonate", "*"}))
        for group in ("", "authentication.k8s.io")
    )


def read_bindings(place: Place) -> Iterator[Raw]:
    """Yield one item for each binding and each whom it gives a role. A binding without anybody has none."""
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for item in own(place, f"{BASE}/{kind.lower()}s", f"list {kind.lower()}s.{GROUP}"):
            seen = set()
            for subject in item.get("subjects") or []:
                name = str(subject.get("name"))
                home = subject.get("namespace") if subject.get("kind") == "ServiceAccount" else None
                who = f"{subject.get('kind')}:{f'{home}/' if home else ''}{name}"
                # One may stand there twice.
                if who not in seen:
                    seen.add(who)
                    place_of = item["metadata"].get("namespace") or ""
                    yield {
                        "metadata": item["metadata"], "roleRef": item.get("roleRef"), "subject": subject,
                        "kind": kind, "place": place_of, "who": who, "home": home,
                        "at": f"{place_of}/" if place_of else "",
                        "is_default": (item["metadata"].get("labels") or {}).get(DEFAULT) == "rbac-defaults",
                    }  # fmt: skip


def account(item: Raw) -> Raw:
    """Return a service account, with Kubernetes' own default for the token."""
    mounts = item.get("automountServiceAccountToken")
    return {**item, "automount": True if mounts is None else mounts}


RIGHTS = (
    RestTable(
        name="kubernetes_role", service="rights", path=f"{BASE}/clusterroles", reader=read_roles,
        permission=f"list clusterroles.{GROUP}", also=(f"list roles.{GROUP}",),
        resource="{kind}/{at}{metadata.name}", source="list ClusterRole, list Role",
        about="Roles of the cluster and of its namespaces, with what their rules allow.",
        columns=(
            Col("kind", about="ClusterRole or Role"),
            Col("name", path="metadata.name"),
            Col("namespace", about="Empty for a ClusterRole", path="place"),
            Col("is_default", "BOOLEAN", "Every cluster has it from its first start"),
            Col("aggregated", "BOOLEAN", "Its rules are put together from other roles"),
            Col("verbs", "VARCHAR[]", "Of all rules about resources"),
            Col("resources", "VARCHAR[]", "Of all rules"),
            Col("wildcard_verbs", "BOOLEAN", "A rule allows every verb"),
            Col("wildcard_resources", "BOOLEAN", "A rule is about every resource of a group"),
            Col("reads_secrets", "BOOLEAN", "It allows reading any Secret"),
            Col("raises_rights", "BOOLEAN", "It allows escalate, bind or impersonate"),
            Col("enters_pods", "BOOLEAN", "It allows running commands in any pod"),
            Col("reaches_nodes", "BOOLEAN", "It allows the interface of the nodes (nodes/proxy)"),
            Col("rules", "JSON"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="metadata.labels"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
    ),
    RestTable(
        name="kubernetes_role_binding", service="rights", path=f"{BASE}/clusterrolebindings",
        reader=read_bindings,
        permission=f"list clusterrolebindings.{GROUP}", also=(f"list rolebindings.{GROUP}",),
        resource="{kind}/{at}{metadata.name}/{who}", source="list ClusterRoleBinding, list RoleBinding",
        about="Who has which role: one row for each binding and each subject of it.",
        columns=(
            Col("kind", about="ClusterRoleBinding or RoleBinding"),
            Col("name", path="metadata.name"),
            Col("namespace", about="Where it holds; empty for the whole cluster", path="place"),
            Col("is_default", "BOOLEAN", "Every cluster has it from its first start"),
            Col("role_kind", about="ClusterRole or Role", path="roleRef.kind"),
            Col("role_name", path="roleRef.name"),
            Col("subject_kind", about="User, Group or ServiceAccount", path="subject.kind"),
            Col("subject_name", path="subject.name"),
            Col("subject_namespace", about="Of a service account", path="home"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
    ),
    RestTable(
        name="kubernetes_service_account", service="rights", path="/api/v1/serviceaccounts",
        permission="list serviceaccounts",
        reader=plain("/api/v1/serviceaccounts", "list serviceaccounts", account),
        resource="{metadata.namespace}/{metadata.name}", source="list ServiceAccount",
        about="Service accounts: the identities of what runs in the cluster.",
        columns=(
            Col("name", path="metadata.name"),
            Col("namespace", path="metadata.namespace"),
            Col("automount_token", "BOOLEAN", "Its token is put into its pods, unless a pod says no",
                path="automount"),
            Col("secrets", "JSON", "Names of Secrets with tokens that never end (before 1.24)"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="metadata.labels"),
            Col("annotations", "MAP(VARCHAR, VARCHAR)", path="metadata.annotations"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
        drop=("automount",),
    ),
)  # fmt: skip
