"""The cluster itself: its version, nodes, namespaces, and what is asked before anything is admitted."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.kubernetes.tables.read import listed, own, plain
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

ADMISSION = "admissionregistration.k8s.io"
_OF_NODE = (
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "operatingSystem",
    "architecture",
)
_PRESSURE = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def read_namespaces(place: Place) -> Iterator[Raw]:
    """Yield the namespaces that were not left out."""
    for item in listed(place, "/api/v1/namespaces", "list namespaces"):
        if item["metadata"]["name"] not in place.names["excluded"]:
            yield {**item, "levels": _levels(item)}


def _levels(item: Raw) -> Raw:
    labels = item["metadata"].get("labels") or {}
    return {mode: labels.get(f"pod-security.kubernetes.io/{mode}") for mode in ("enforce", "audit", "warn")}


def node(item: Raw) -> Raw:
    """Return what of a node lasts longer than its next heartbeat."""
    status, spec, meta = item.get("status") or {}, item.get("spec") or {}, item["metadata"]
    info = status.get("nodeInfo") or {}
    conditions = {str(one.get("type")): str(one.get("status")) for one in status.get("conditions") or []}
    said = {"True": True, "False": False}
    return {
        "name": meta["name"], "labels": meta.get("labels"), "created": meta.get("creationTimestamp"),
        "info": {name: info[name] for name in _OF_NODE if name in info},
        "conditions": conditions, "ready": said.get(conditions.get("Ready", "")),
        "pressures": sorted(name for name in _PRESSURE if conditions.get(name) == "True"),
        "unschedulable": bool(spec.get("unschedulable")), "taints": spec.get("taints"),
    }  # fmt: skip


def read_webhooks(place: Place) -> Iterator[Raw]:
    """Yield one item for each webhook of each configuration."""
    for kind in ("Validating", "Mutating"):
        name = f"{kind.lower()}webhookconfigurations"
        for item in own(place, f"/apis/{ADMISSION}/v1/{name}", f"list {name}.{ADMISSION}"):
            for hook in item.get("webhooks") or []:
                client = {
                    key: value for key, value in (hook.get("clientConfig") or {}).items() if key != "caBundle"
                }
                yield {
                    **hook,
                    "clientConfig": client,
                    "kind": kind,
                    "configuration": item["metadata"]["name"],
                }


CLUSTER = (
    RestTable(
        name="kubernetes_version", service="cluster", path="/version", single=True,
        resource="{account}", about="Which version of Kubernetes the API server is.",
        columns=(
            Col("version", about="As in v1.37.0", path="gitVersion"),
            Col("major"),
            Col("minor", about="A provider may add a sign, as in 34+"),
            Col("platform"),
            Col("build_date", "TIMESTAMPTZ", path="buildDate"),
        ),
    ),
    RestTable(
        name="kubernetes_namespace", service="cluster", path="/api/v1/namespaces",
        permission="list namespaces", reader=read_namespaces, resource="{metadata.name}",
        source="list Namespace",
        about="Namespaces, and which Pod Security Standard each enforces.",
        columns=(
            Col("name", path="metadata.name"),
            Col("status", about="Active or Terminating", path="status.phase"),
            Col("pod_security_enforce", about="privileged, baseline, restricted; NULL: nothing is said",
                path="levels.enforce"),
            Col("pod_security_audit", path="levels.audit"),
            Col("pod_security_warn", path="levels.warn"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="metadata.labels"),
            Col("annotations", "MAP(VARCHAR, VARCHAR)", path="metadata.annotations"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
        drop=("levels",),
    ),
    RestTable(
        name="kubernetes_node", service="cluster", path="/api/v1/nodes", permission="list nodes",
        reader=plain("/api/v1/nodes", "list nodes", node), resource="{name}", source="list Node",
        about="Nodes, their versions, and how they are.",
        columns=(
            Col("name"),
            Col("kubelet_version", path="info.kubeletVersion"),
            Col("os_image", path="info.osImage"),
            Col("kernel_version", path="info.kernelVersion"),
            Col("container_runtime", path="info.containerRuntimeVersion"),
            Col("operating_system", path="info.operatingSystem"),
            Col("architecture", path="info.architecture"),
            Col("ready", "BOOLEAN", "NULL where the node has not been heard of lately"),
            Col("pressures", "VARCHAR[]", "What it is short of: MemoryPressure, DiskPressure, …"),
            Col("unschedulable", "BOOLEAN", "Nothing new is started there"),
            Col("conditions", "MAP(VARCHAR, VARCHAR)"),
            Col("labels", "MAP(VARCHAR, VARCHAR)"),
            Col("created", "TIMESTAMPTZ"),
        ),
    ),
    RestTable(
        name="kubernetes_admission_webhook", service="cluster", reader=read_webhooks,
        path=f"/apis/{ADMISSION}/v1/validatingwebhookconfigurations",
        permission=f"list validatingwebhookconfigurations.{ADMISSION}",
        also=(f"list mutatingwebhookconfigurations.{ADMISSION}",),
        resource="{kind}/{configuration}/{name}",
        source="list ValidatingWebhookConfiguration, list MutatingWebhookConfiguration",
        about="Who is asked before an object is admitted or changed.",
        columns=(
            Col("kind", about="Validating or Mutating"),
            Col("configuration"),
            Col("name"),
            Col("failure_policy", about="Fail, or Ignore: let in where nobody answers", path="failurePolicy"),
            Col("timeout_seconds", "BIGINT", path="timeoutSeconds"),
            Col("side_effects", path="sideEffects"),
            Col("service_namespace", path="clientConfig.service.namespace"),
            Col("service_name", path="clientConfig.service.name"),
            Col("url", about="Where it is asked outside the cluster", path="clientConfig.url"),
            Col("rules", "JSON"),
            Col("namespace_selector", "JSON", path="namespaceSelector"),
        ),
    ),
)  # fmt: skip
