"""What our identity may do in a cluster: as the cluster itself answers, and nothing is written by asking.

One question (SelfSubjectRulesReview) lists the rules that hold in a namespace; those of the whole cluster are
among them. Beside it, each writing verb is asked about by itself (SelfSubjectAccessReview), because an
authorizer other than RBAC may allow without naming a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofwatch.connectors.base import ConnectorError, Permission, ReadOnlyProof, Unread
from proofwatch.connectors.kubernetes.access import WHAT_MAY_I, Access
from proofwatch.connectors.kubernetes.tables import TABLES
from proofwatch.connectors.kubernetes.tables.read import listed
from proofwatch.connectors.rest.collect import Place

READING = frozenset({"get", "list", "watch"})
MOST_NAMESPACES = 200
_MORE = 40
KINDS = (
    ("*", "*"), ("", "pods"), ("", "secrets"), ("", "configmaps"), ("", "services"), ("", "namespaces"),
    ("", "nodes"), ("", "serviceaccounts"), ("apps", "deployments"), ("apps", "daemonsets"),
    ("apps", "statefulsets"), ("batch", "jobs"), ("batch", "cronjobs"),
    ("networking.k8s.io", "networkpolicies"),
    ("rbac.authorization.k8s.io", "clusterroles"), ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "rolebindings"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
)  # fmt: skip
WRITES = (
    *((verb, group, kind, "") for group, kind in KINDS for verb in ("create", "update", "patch", "delete")),
    ("*", "*", "*", ""),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles", ""),
    ("bind", "rbac.authorization.k8s.io", "clusterroles", ""),
    ("impersonate", "", "users", ""), ("impersonate", "", "groups", ""),
    ("impersonate", "", "serviceaccounts", ""),
    ("create", "", "pods", "exec"), ("get", "", "pods", "exec"), ("create", "", "serviceaccounts", "token"),
    ("get", "", "nodes", "proxy"),
)  # fmt: skip
"""What is asked about, one by one: verb, group, kind, subresource."""
_THROUGH = frozenset(
    {
        "*",
        "*/*",
        "pods/exec",
        "pods/attach",
        "pods/portforward",
        "pods/proxy",
        "services/proxy",
        "nodes/proxy",
    }
)
"""Where `get` does more than read: it opens a way into containers, or to the node's own interface."""


def permissions(access: Access, tables: Sequence[str]) -> list[Permission]:
    """Ask the cluster about each permission that tables need."""
    needed: dict[str, list[str]] = {}
    for table in TABLES:
        if table.name in tables:
            for name in filter(None, (table.permission, *table.also)):
                needed.setdefault(name, []).append(table.name)
    found = []
    for name, users in sorted(needed.items()):
        verb, _, resource = name.partition(" ")
        kind, _, group = resource.partition(".")
        allowed: bool | None
        try:
            allowed = access.may(verb, kind, group)
            how = "the cluster allows it" if allowed else "the cluster denies it"
        except Unread as error:
            allowed, how = None, error.problem
        found.append(
            Permission(name, allowed, f"{how} (SelfSubjectAccessReview)", tuple(users), access.target.name)
        )
    return found


def prove(access: Access, place: Place) -> ReadOnlyProof:
    """Say what the identity could write, from the cluster's own answers."""
    method = f"SelfSubjectRulesReview in each namespace, and SelfSubjectAccessReview of {len(WRITES)} writes"
    try:
        asked = [_word(*item) for item in WRITES if access.may(item[0], item[2], item[1], item[3])]
        secrets = access.may("get", "secrets")
    except (Unread, ConnectorError) as error:
        return ReadOnlyProof(None, method, reason=error.problem)
    ruled, doubt, told = _ruled(access, place)
    evidence = {"secrets_readable": secrets, "asked": [_word(*item) for item in WRITES], "rules": told}
    writes = tuple(dict.fromkeys((*asked, *ruled)))
    if writes:
        return ReadOnlyProof(False, method, writes[:_MORE], "", evidence)
    if doubt:
        return ReadOnlyProof(None, method, (), doubt, evidence)
    return ReadOnlyProof(True, method, (), "", evidence)


def _word(verb: str, group: str, kind: str, sub: str) -> str:
    return f"{verb} {kind}{f'/{sub}' if sub else ''}{f'.{group}' if group else ''}"


def _ruled(access: Access, place: Place) -> tuple[list[str], str, dict[str, Any]]:
    """Return the writes among the rules, why they may not be all, and the rules by namespace."""
    try:
        names = [
            str(item["metadata"]["name"]) for item in listed(place, "/api/v1/namespaces", "list namespaces")
        ]
    except Unread as error:
        return [], f"in which namespaces there are rights cannot be told: {error.problem}", {}
    if len(names) > MOST_NAMESPACES:
        return [], f"there are {len(names)} namespaces; rules of at most {MOST_NAMESPACES} are asked for", {}
    writes: list[str] = []
    told: dict[str, Any] = {}
    doubt = "" if names else "there is no namespace, so there are no rules to be had"
    for name in names:
        try:
            status = access.review(
                WHAT_MAY_I, "SelfSubjectRulesReview", "authorization.k8s.io", {"namespace": name}
            )
        except Unread as error:
            return writes, f"the rules in namespace {name} are not told: {error.problem}", told
        rules = status.get("resourceRules")
        if not isinstance(rules, list) or status.get("incomplete") is not False:
            why = status.get("evaluationError") or "no reason is given"
            doubt = f"the cluster says that its list of our rules in namespace {name} is not complete: {why}"
        told[name] = rules
        others = status.get("nonResourceRules") or []
        words = [word for rule in rules or [] for word in written(rule)]
        words += [
            f"{verb} of {' '.join(rule.get('nonResourceURLs') or [])}"
            for rule in others
            for verb in rule.get("verbs") or []
            if verb not in ("get", "head", "options")
        ]
        writes += [f"{word} (namespace {name})" for word in words]
    return writes, doubt, told


def written(rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rule allows beyond reading."""
    groups, resources = rule.get("apiGroups") or [""], rule.get("resources") or []
    for verb in rule.get("verbs") or []:
        for resource in resources:
            about_ourselves = str(resource).startswith("selfsubject") and verb == "create"
            reads = verb in READING and not (verb == "get" and resource in _THROUGH)
            if not reads and not about_ourselves:
                group = str(groups[0])
                yield f"{verb} {resource}{f'.{group}' if group else ''}"
