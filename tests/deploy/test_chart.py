"""The Helm chart: linted and rendered by Helm's own code, held against Kubernetes' schemas and our checks.

Helm's Go code comes from PyPI, as a library (`helm-python-sdk`). No cluster takes what is rendered here.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch.config import VARIABLES
from proofwatch.demo.fakes.kubernetes import KINDS, FakeKubernetes
from tests.connectors.kubernetes.conftest import cluster
from tests.connectors.kubernetes.reading import connector
from tests.connectors.kubernetes.test_judged import VERSIONS, judged, run
from tests.connectors.verdicts import verdicts

__all__ = ["cluster"]
CHART = Path(__file__).parent.parent.parent / "deploy" / "helm" / "proofwatch"
HELM = "helm-python-sdk==0.2.2"
RELEASE, NAMESPACE = "demo", "evidence"
LEAST = {"image": {"digest": f"sha256:{'a' * 64}"}}
FULL: dict[str, Any] = {
    **LEAST,
    "url": "https://proofwatch.example.com",
    "organization": "Acme",
    "objects": {"url": "s3://evidence/acme", "endpoint": "https://s3.example.com"},
    "metrics": {"existingSecret": "proofwatch-metrics"},
    "settings": {"PROOFWATCH_REQUIRE_MFA": "1"},
    "envFrom": ["proofwatch-credentials"],
    "dask": {"enabled": True},
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/P"}},
    "ingress": {"enabled": True, "host": "proofwatch.example.com", "tlsSecret": "tls", "className": "nginx"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "evidence", "operator": "Exists", "effect": "NoSchedule"}],
}
ONE = {**LEAST, "web": {"replicas": 1}, "worker": {"replicas": 1}}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no digest": ({}, "image.digest must be set"),
    "a tag for a digest": ({"image": {"digest": "latest"}}, "/image/digest"),
    "a value that there is not": ({**LEAST, "replicas": 3}, "replicas"),
    "objects in a pod": ({**LEAST, "objects": {"url": "/data/objects"}}, "/objects/url"),
    "a secret among settings": ({**LEAST, "settings": {"PASSWORD": "x"}}, "PASSWORD"),
    "pages without TLS": ({**LEAST, "ingress": {"enabled": True, "host": "a.b"}}, "never served without TLS"),
}
ASK = """
import json, sys
import helm_python as helm
made = {"version": helm.helm_sdk_version(), "lint": {}, "rendered": {}}
for name, values in json.load(sys.stdin).items():
    made["lint"][name] = helm.lint(sys.argv[1], values, strict=True)
    with helm.Chart.load(sys.argv[1]) as chart:
        try:
            chart.validate_schema(chart.merge_values(values))
            made["rendered"][name] = chart.render(values, name="demo", namespace="evidence")
        except helm.HelmError as error:
            made["rendered"][name] = str(error)
print(json.dumps(made))
"""


@pytest.fixture(scope="module")
def helm() -> Any:
    asked = {"least": LEAST, "full": FULL, "one": ONE} | {name: values for name, (values, _) in WRONG.items()}
    return run(HELM, ASK, str(CHART), asked)


def objects(helm: Any, name: str) -> list[dict[str, Any]]:
    texts = [text for file, text in helm["rendered"][name].items() if file.endswith(".yaml")]
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


def pods(rendered: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]
        for item in rendered
        if item["kind"] in ("Deployment", "Job")
    }


@pytest.mark.parametrize("name", ["least", "full", "one"])
def test_helm_lints_and_renders_it(helm: Any, name: str) -> None:
    found = helm["lint"][name]
    assert not found["errors"]
    assert [item["error"] for item in found["messages"]] == ["icon is recommended"]
    kinds = [item["kind"] for item in objects(helm, name)]
    assert kinds.count("Deployment") == (4 if name == "full" else 2)
    assert kinds.count("PodDisruptionBudget") == (0 if name == "one" else 2)
    assert ("Ingress" in kinds) == (name == "full")


@pytest.mark.parametrize("name", WRONG)
def test_values_that_would_not_do_are_refused_in_words(helm: Any, name: str) -> None:
    said = helm["rendered"][name]
    assert isinstance(said, str) and WRONG[name][1] in said, said


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_kubernetes_knows_every_member(helm: Any, version: str) -> None:
    every = [item for name in ("least", "full", "one") for item in objects(helm, name)]
    assert judged(every, version) == []


def test_our_own_checks_of_kubernetes_find_nothing(
    helm: Any, cluster: FakeKubernetes, tmp_path: Path
) -> None:
    """What the chart makes is all that stands in its namespace; it is judged as any company's cluster is."""
    by_kind: dict[str, list[Any]] = {}
    for number, item in enumerate(objects(helm, "full")):
        item["metadata"] |= {"uid": f"made-{number}", "creationTimestamp": "2026-11-01T12:00:00Z"}
        by_kind.setdefault(f"{item['kind']}List", []).append(item)
    space = {
        "apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"},
        "metadata": {
            "name": NAMESPACE, "uid": "ns", "creationTimestamp": "2026-11-01T12:00:00Z",
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }  # fmt: skip
    by_kind["NamespaceList"] = [space]
    loose = copy.deepcopy(by_kind["DeploymentList"][0])
    loose["metadata"] |= {"name": "loose", "uid": "loose"}
    loose["spec"]["template"]["spec"] |= {"hostNetwork": True, "securityContext": {}}
    by_kind["DeploymentList"].append(loose)
    for path, kind in KINDS.items():
        cluster.objects[path] = by_kind.get(kind, [])
    found = verdicts(connector(cluster), tmp_path)
    workload = {name: by for name, by in found.items() if ".workload." in name}
    assert len(workload) >= 13
    other = [
        (name, status, one)
        for name, by in workload.items()
        for status, resources in by.items()
        for one in resources
        if status not in ("pass", "not_applicable") and "/loose/" not in one
    ]
    assert other == []
    passed = sum(len(by.get("pass", ())) for by in workload.values())
    assert passed > 60, "five kinds of pods, three of them with two containers, and nearly every check"
    for name in ("no-host-namespaces", "not-root", "seccomp-set"):
        assert all("/loose/" in one for one in workload[f"kubernetes.workload.{name}"]["fail"])
    for name in ("kubernetes.network.ingress-tls", "kubernetes.network.no-node-port",
                 "kubernetes.namespace.pod-security-enforced"):  # fmt: skip
        assert set(found[name]) == {"pass"}, (name, found[name])


def test_nothing_is_writable_but_the_work_folders(helm: Any) -> None:
    for name, pod in pods(objects(helm, "full")).items():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["automountServiceAccountToken"] is False
        kinds = {volume["name"]: next(iter(set(volume) - {"name"})) for volume in pod["volumes"]}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name  # fmt: skip
            for mount in container["volumeMounts"]:
                assert (kinds[mount["name"]] == "secret") == mount.get("readOnly", False), (name, mount)


def test_variables_are_those_that_proofwatch_reads_and_no_secret_is_among_them(helm: Any) -> None:
    read = {
        item["name"]: item["value"]
        for pod in pods(objects(helm, "full")).values()
        for container in pod["containers"]
        for item in container.get("env", [])
    }
    assert set(read) <= set(VARIABLES), set(read) - set(VARIABLES)
    assert read["DATABASE_URL"].startswith("file:") and read["PROOFWATCH_METRICS_TOKEN"].startswith("file:")
    assert not [item for item in objects(helm, "full") if item["kind"] == "Secret"]


def test_policies_select_the_pods_that_there_are(helm: Any) -> None:
    """A policy whose labels meet no pod protects nothing."""
    rendered = objects(helm, "full")
    labels = [
        item["spec"]["template"]["metadata"]["labels"] for item in rendered if item["kind"] == "Deployment"
    ]
    policies = [item for item in rendered if item["kind"] == "NetworkPolicy"]
    assert len(policies) == 3
    for item in [*policies, *(one for one in rendered if one["kind"] in ("Service", "PodDisruptionBudget"))]:
        spec = item["spec"]
        wanted = spec.get("podSelector") or spec["selector"]
        wanted = wanted.get("matchLabels", wanted)
        assert [one for one in labels if wanted.items() <= one.items()], item["metadata"]["name"]
    first = policies[0]["spec"]
    assert first["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in first
    assert all(first["podSelector"]["matchLabels"].items() <= one.items() for one in labels)


def test_every_value_is_described_and_used() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    assert set(values) == set(schema["properties"]) - {"global"}
    templates = "".join(path.read_text("utf-8") for path in (CHART / "templates").iterdir())
    for group, inner in values.items():
        used = set(re.findall(rf"\.Values\.{group}\b", templates)) or f'"{group}"' in templates
        assert used, group
        if isinstance(inner, dict) and inner and group not in ("web", "worker", "dask"):
            for key in inner:
                assert re.search(rf"\.Values\.{group}\.{key}\b", templates), f"{group}.{key}"
