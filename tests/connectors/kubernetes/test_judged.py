"""Kubernetes' own schemas and its own client judge what our fake answers, what we ask, and our manifest.

`kubernetes-validate` holds the JSON schemas that are made from Kubernetes' OpenAPI description; strict ones
allow no member that is not described. The client is the one that the Kubernetes project makes for Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch.connectors.kubernetes import KubernetesConnector
from proofwatch.demo.fakes.kubernetes import CONTEXT, KINDS, USER, FakeKubernetes
from tests import servers
from tests.connectors.kubernetes.reading import TABLES, connector, read

SCHEMAS, CLIENT = "kubernetes-validate==1.37.0", "kubernetes==37.0.2"
VERSIONS = ("1.28", "1.33", "1.37")
VALIDATE = """
import json, sys
import kubernetes_validate as judge
wrong = []
for body in json.load(sys.stdin):
    try:
        judge.validate(body, sys.argv[1], strict=True)
    except judge.ValidationError as error:
        wrong.append(f"{body['kind']}: {list(error.path)} {error.message[:300]}")
print(json.dumps(wrong))
"""
ASK = """
import json, sys
from kubernetes import client, config
config.load_kube_config(sys.argv[1])
core, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
rights, net = client.RbacAuthorizationV1Api(), client.NetworkingV1Api()
hooks, mine = client.AdmissionregistrationV1Api(), client.AuthorizationV1Api()
calls = [
    core.list_namespace, core.list_node, core.list_pod_for_all_namespaces,
    core.list_service_account_for_all_namespaces, core.list_service_for_all_namespaces,
    apps.list_deployment_for_all_namespaces, apps.list_daemon_set_for_all_namespaces,
    apps.list_stateful_set_for_all_namespaces, apps.list_replica_set_for_all_namespaces,
    batch.list_cron_job_for_all_namespaces, batch.list_job_for_all_namespaces,
    rights.list_cluster_role, rights.list_role_for_all_namespaces, rights.list_cluster_role_binding,
    rights.list_role_binding_for_all_namespaces, net.list_network_policy_for_all_namespaces,
    net.list_ingress_for_all_namespaces, hooks.list_validating_webhook_configuration,
    hooks.list_mutating_webhook_configuration,
]
found = {}
for call in calls:
    names, following = [], None
    while following != "":
        page = call(limit=500, **({"_continue": following} if following else {}))
        names += [item.metadata.name for item in page.items]
        following = page.metadata._continue or ""
    found[type(page).__name__.removeprefix("V1")] = names
who = client.AuthenticationV1Api().create_self_subject_review(client.V1SelfSubjectReview())
asked = client.V1ResourceAttributes(verb="list", resource="deployments", group="apps")
spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=asked)
may = mine.create_self_subject_access_review(client.V1SelfSubjectAccessReview(spec=spec))
spec = client.V1SelfSubjectRulesReviewSpec(namespace="shop")
rules = mine.create_self_subject_rules_review(client.V1SelfSubjectRulesReview(spec=spec))
print(json.dumps({
    "found": found, "who": who.status.user_info.username, "may": may.status.allowed,
    "incomplete": rules.status.incomplete, "rules": len(rules.status.resource_rules),
    "version": client.VersionApi().get_code().git_version,
}))
"""


def installed(package: str) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", package]
    name = package.replace("==", "-")
    return servers._once(name, lambda fresh: servers._run([*pip, "--target", str(fresh)], fresh))


def run(package: str, script: str, argument: str, given: Any = None) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(installed(package)), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", script, argument]
    done = subprocess.run(
        command, env=environment, input=json.dumps(given), capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def judged(bodies: Sequence[Any], version: str) -> list[str]:
    found: list[str] = run(SCHEMAS, VALIDATE, version, bodies)
    return found


def told(cluster: FakeKubernetes) -> list[Any]:
    """Return every body that goes to and fro while everything is read."""
    bodies: list[Any] = []
    answer = cluster.answer

    def listening(asked: Any) -> Any:
        said = answer(asked)
        bodies.extend(body for body in (asked.json(), said.body) if isinstance(body, dict) and "kind" in body)
        return said

    cluster.answer = listening  # type: ignore[method-assign]
    made = connector(cluster)
    made.identity()
    made.prove_read_only()
    for name in TABLES:
        read(made, name)
    return list({json.dumps(body, sort_keys=True): body for body in bodies}.values())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_asked_and_answered_is_what_kubernetes_describes(
    cluster: FakeKubernetes, version: str
) -> None:
    bodies = told(cluster)
    assert {body["kind"] for body in bodies} == {
        *KINDS.values(), "SelfSubjectReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview",
    }  # fmt: skip
    assert judged(bodies, version) == []


def test_the_schemas_do_refuse_what_is_not_described() -> None:
    node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "a"}}
    assert judged([node], "1.37") == []
    [wrong] = judged([{**node, "spec": {"unschedulabel": True}}], "1.37")
    assert "unschedulabel" in wrong


@pytest.mark.parametrize("version", VERSIONS)
def test_our_manifest_is_what_kubernetes_describes(version: str) -> None:
    [document] = KubernetesConnector.documents()
    assert judged(list(yaml.safe_load_all(document.text)), version) == []


def test_kubernetes_own_client_reads_the_same_at_the_same_addresses(
    cluster: FakeKubernetes, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(cluster.environment()["DEMO_KUBERNETES_KUBECONFIG"], "utf-8")
    said = run(CLIENT, ASK, str(config))
    theirs = {(asked.method, asked.path.rstrip("/")) for asked in cluster.asked}
    cluster.asked.clear()
    made = connector(cluster, kubeconfig=str(config), context=CONTEXT)
    made.identity()
    made.prove_read_only()
    for name in TABLES:
        read(made, name)
    assert {(asked.method, asked.path) for asked in cluster.asked} == theirs
    assert said["found"] == {
        kind: [item["metadata"]["name"] for item in cluster.objects[path]] for path, kind in KINDS.items()
    }
    assert (said["who"], said["may"], said["incomplete"]) == (USER, True, False)
    assert said["rules"] == len(cluster.rules)
    assert said["version"] == "v1.37.1"
