"""The connector against the fake over HTTP: who, what may be done, every table, all pages."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from proofwatch.connectors.base import ConnectorError, ReadStats
from proofwatch.connectors.kubernetes import KubernetesConnector
from proofwatch.demo.fakes.kubernetes import CONTEXT, USER, FakeKubernetes
from proofwatch.demo.fakes.kubernetes_shapes import container, owned, pod, pod_spec, rule
from tests.connectors.kubernetes.reading import TABLES, connector, read

ROWS = {
    "kubernetes_admission_webhook": 2, "kubernetes_ingress": 1, "kubernetes_namespace": 3,
    "kubernetes_network_policy": 2, "kubernetes_node": 3,
    "kubernetes_role": 6, "kubernetes_role_binding": 9,
    "kubernetes_service": 3, "kubernetes_service_account": 4,
    "kubernetes_version": 1, "kubernetes_workload": 9,
}  # fmt: skip


def test_it_says_who_it_is_and_until_when(cluster: FakeKubernetes) -> None:
    found = connector(cluster).identity()
    assert (found.account_id, found.principal) == (CONTEXT, USER)
    assert found.details["version"] == "v1.37.1"
    assert found.details["credential_expires_at"].endswith("Z")
    assert "system:authenticated" in found.details["groups"]


def test_a_cluster_that_cannot_say_who_we_are_tells_its_version(cluster: FakeKubernetes) -> None:
    cluster.reviews = False
    found = connector(cluster).identity()
    assert found.principal == "not told by this version of Kubernetes"
    assert found.details["version"] == "v1.37.1"


def test_a_token_that_is_not_taken_is_no_identity_even_without_a_review(cluster: FakeKubernetes) -> None:
    made = connector(cluster)
    cluster.reviews, cluster.token = False, "another"
    with pytest.raises(ConnectorError, match="does not accept the credential"):
        made.identity()


def test_every_permission_is_asked_for_and_a_missing_one_is_named(cluster: FakeKubernetes) -> None:
    cluster.rules = [one for one in cluster.rules if "pods" not in one["resources"]]
    found = {item.name: item for item in connector(cluster).permissions(TABLES)}
    assert found["list pods"].allowed is False
    assert found["list pods"].tables == ("kubernetes_workload",)
    assert {item.allowed for name, item in found.items() if name != "list pods"} == {True}
    assert not [asked for asked in cluster.asked if asked.method == "GET"]


def test_the_steps_give_exactly_what_the_tables_need() -> None:
    [document] = KubernetesConnector.documents()
    role = next(one for one in yaml.safe_load_all(document.text) if one["kind"] == "ClusterRole")
    given = {
        f"list {kind}{f'.{group}' if group else ''}"
        for one in role["rules"] for group in one["apiGroups"] for kind in one["resources"]
    }  # fmt: skip
    needed = {name for table in KubernetesConnector.tables().values() for name in table.permissions}
    assert given == needed
    assert {tuple(one["verbs"]) for one in role["rules"]} == {("get", "list")}
    assert "secrets" not in document.text.partition("rules:")[2]


def test_the_steps_are_enough_and_proven_to_only_read(cluster: FakeKubernetes) -> None:
    [document] = KubernetesConnector.documents()
    role = next(one for one in yaml.safe_load_all(document.text) if one["kind"] == "ClusterRole")
    cluster.rules = [*cluster.rules[:2], *role["rules"]]
    made = connector(cluster)
    assert made.prove_read_only().read_only is True
    assert {name: len(read(made, name)) for name in TABLES} == ROWS


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (rule("patch", "deployments", "apps"), "patch deployments.apps"),
        (rule("delete", "widgets", "acme.example"), "delete widgets.acme.example (namespace default)"),
        (rule("create", "pods/exec"), "create pods/exec"),
        (rule("get", "nodes/proxy"), "get nodes/proxy"),
        (rule("impersonate", "groups"), "impersonate groups"),
        (rule("get list", "*"), "get * (namespace default)"),
    ],
)
def test_whatever_it_may_write_is_named(cluster: FakeKubernetes, given: Any, word: str) -> None:
    cluster.rules.append(given)
    proof = connector(cluster).prove_read_only()
    assert proof.read_only is False
    assert word in proof.writes


def test_what_the_cluster_does_not_tell_whole_is_not_proven(cluster: FakeKubernetes) -> None:
    cluster.incomplete = "webhook authorizer does not support user rule resolution"
    proof = connector(cluster).prove_read_only()
    assert proof.read_only is None
    assert "webhook authorizer does not support" in proof.reason


def test_that_secrets_can_be_read_is_evidence(cluster: FakeKubernetes) -> None:
    assert connector(cluster).prove_read_only().evidence["secrets_readable"] is False
    cluster.rules.append(rule("get list", "secrets"))
    assert connector(cluster).prove_read_only().evidence["secrets_readable"] is True


def test_every_table_is_read_whole_by_pages(cluster: FakeKubernetes) -> None:
    made, stats = connector(cluster), ReadStats()
    found = {name: read(made, name, stats) for name in TABLES}
    assert {name: len(rows) for name, rows in found.items()} == ROWS
    for name, rows in found.items():
        assert len({row["resource"] for row in rows}) == len(rows), name
        assert not any(row["_unread"] for row in rows), name
    assert any("continue" in asked.query for asked in cluster.asked)
    assert {asked.query["limit"] for asked in cluster.asked if asked.query} == {"500"}


def test_nothing_that_is_secret_is_kept(cluster: FakeKubernetes) -> None:
    made = connector(cluster)
    kept = repr([read(made, name) for name in TABLES])
    assert "DEMO-worthless-password" not in kept and "DB_PASSWORD" not in kept
    assert not any("secrets" in asked.path or "configmaps" in asked.path for asked in cluster.asked)
    assert not any(word in kept for word in ("managedFields", "resourceVersion", "lastHeartbeatTime"))


def test_a_workload_is_known_by_what_makes_its_pods(cluster: FakeKubernetes) -> None:
    before = {row["resource"]: row["raw"] for row in read(connector(cluster), "kubernetes_workload")}
    assert "shop/Deployment/shop/migrate" in before
    assert "shop/Rollout/canary/shop" in before
    assert "kube-system/Pod/kube-apiserver-node-1/kube-apiserver" in before
    spec = pod_spec("shop", container("shop"))
    cluster.objects["/api/v1/pods"] = [
        item for item in cluster.objects["/api/v1/pods"] if "shop-7d9f" not in item["metadata"]["name"]
    ] + [
        pod(owned(f"shop-7d9f-{end}", "shop", "ReplicaSet", "shop-7d9f"), spec) for end in ("aaaaa", "bbbbb")
    ]
    after = {row["resource"]: row["raw"] for row in read(connector(cluster), "kubernetes_workload")}
    assert before == after


def test_pods_of_an_unknown_owner_are_one_unless_they_differ(cluster: FakeKubernetes) -> None:
    def made(name: str, **more: Any) -> Any:
        context = {"privileged": False, **more}
        spec = pod_spec("shop", container("db", context=context))
        return pod(owned(name, "shop", "Database", "main", "acme.example/v1"), spec)

    cluster.objects["/api/v1/pods"] = [made("main-1"), made("main-2")]
    names = [row["resource"] for row in read(connector(cluster), "kubernetes_workload")]
    assert [name for name in names if "Database" in name] == ["shop/Database/main/db"]
    cluster.objects["/api/v1/pods"].append(made("main-3", privileged=True))
    rows = [row for row in read(connector(cluster), "kubernetes_workload") if row["kind"] == "Database"]
    assert sorted(row["privileged"] for row in rows) == [False, True]
    assert len({row["resource"] for row in rows}) == 2


def test_a_namespace_that_is_left_out_is_a_gap_with_its_reason(cluster: FakeKubernetes) -> None:
    made = connector(cluster, exclude_namespaces=[{"id": "kube-system", "reason": "run by the provider"}])
    assert [(place.account_id, place.gap) for place in made.scope().places] == [
        (CONTEXT, ""), (f"{CONTEXT}.kube-system", "run by the provider"),
    ]  # fmt: skip
    assert {row["name"] for row in read(made, "kubernetes_namespace")} == {"default", "shop"}
    assert {row["namespace"] for row in read(made, "kubernetes_workload")} == {"shop"}
    shards = made.shards(made.scope(), TABLES)
    assert {shard.account_id for shard in shards} == {CONTEXT}


def test_a_binding_in_a_namespace_names_it(cluster: FakeKubernetes) -> None:
    rows = {row["resource"]: row for row in read(connector(cluster), "kubernetes_role_binding")}
    row = rows["RoleBinding/shop/deployers/ServiceAccount:shop/shop"]
    assert (row["namespace"], row["role_kind"], row["role_name"]) == ("shop", "Role", "deployer")
    assert rows["ClusterRoleBinding/cluster-admin/Group:system:masters"]["is_default"] is True


def test_an_answer_that_authorizers_failed_at_is_unknown(cluster: FakeKubernetes) -> None:
    cluster._may = lambda asked: cluster._review(  # type: ignore[method-assign]
        asked, {"allowed": False, "evaluationError": "no webhook"}
    )
    cluster.route("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", cluster._may)
    cluster._routes.insert(0, cluster._routes.pop())
    made = connector(cluster)
    assert {item.allowed for item in made.permissions(["kubernetes_node"])} == {None}
    assert made.prove_read_only().read_only is None
