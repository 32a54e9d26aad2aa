"""What runs, by what it is made from: pods come and go, and a finding shall not come and go with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from proofwatch.connectors.kubernetes.tables.pods import containers
from proofwatch.connectors.kubernetes.tables.read import controller, own
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

TEMPLATE = "spec.template.spec"
SOURCES = (
    ("Deployment", "/apis/apps/v1/deployments", "list deployments.apps", TEMPLATE),
    ("DaemonSet", "/apis/apps/v1/daemonsets", "list daemonsets.apps", TEMPLATE),
    ("StatefulSet", "/apis/apps/v1/statefulsets", "list statefulsets.apps", TEMPLATE),
    ("CronJob", "/apis/batch/v1/cronjobs", "list cronjobs.batch", "spec.jobTemplate.spec.template.spec"),
    ("Job", "/apis/batch/v1/jobs", "list jobs.batch", TEMPLATE),
    ("ReplicaSet", "/apis/apps/v1/replicasets", "list replicasets.apps", TEMPLATE),
    ("Pod", "/api/v1/pods", "list pods", "spec"),
)  # fmt: skip
"""Kind, listing, permission, and where the specification of its pods stands."""
LISTED = frozenset(kind for kind, *_ in SOURCES)
MADE = ("Job", "ReplicaSet", "Pod")
"""What others make again and again, under new names."""


def read_workloads(place: Place) -> Iterator[Raw]:
    """Yield one item for each container of each workload. Raises Unread where one kind cannot be listed."""
    for kind, path, permission, where in SOURCES:
        found: dict[tuple[str, str, str], list[Raw]] = {}
        for item in own(place, path, permission):
            owner = controller(item) if kind in MADE else None
            if not _over(kind, item) and (owner is None or owner[0] not in LISTED):
                found.setdefault(_name(kind, item, owner), []).append(item)
        for name, items in found.items():
            yield from _items(*name, items, where)


def _items(home: str, kind: str, name: str, items: list[Raw], where: str) -> Iterator[Raw]:
    """Yield the containers of one workload: of several pods alike, those of the newest."""
    variants: dict[str, dict[str, Raw]] = {}
    for item in sorted(items, key=_born):
        meta = item["metadata"]
        fixed = (
            {"labels": meta.get("labels"), "created": meta.get("creationTimestamp")} if kind in LISTED else {}
        )
        for container in containers(dig(item, where) or {}):
            made = {"namespace": home, "kind": kind, "name": name, **container, **fixed}
            variants.setdefault(container["container"], {})[_mark(container)] = made
    for title, alike in variants.items():
        for mark, made in alike.items():
            # Where an owner that we do not know makes pods that differ, each of them is judged.
            yield {**made, "as": title if len(alike) == 1 else f"{title}~{mark}"}


def _mark(container: Raw) -> str:
    judged = {name: value for name, value in container.items() if not name.startswith("image")}
    return hashlib.sha256(json.dumps(judged, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _name(kind: str, item: Raw, owner: tuple[str, str] | None) -> tuple[str, str, str]:
    meta = item["metadata"]
    home = str(meta.get("namespace"))
    # The pods that a node starts by itself have it as their owner, and lasting names of their own.
    if owner is not None and owner[0] != "Node":
        return home, owner[0], owner[1]
    return home, kind, str(meta.get("generateName") or meta["name"]).rstrip("-")


def _over(kind: str, item: Raw) -> bool:
    """Tell whether it runs no more."""
    status, spec = item.get("status") or {}, item.get("spec") or {}
    if kind == "Pod":
        return status.get("phase") in ("Succeeded", "Failed")
    if kind == "ReplicaSet":
        return spec.get("replicas") == 0
    if kind == "Job":
        ended = {
            str(one.get("type")) for one in status.get("conditions") or [] if one.get("status") == "True"
        }
        return bool(ended & {"Complete", "Failed"})
    return False


def _born(item: Raw) -> tuple[str, str]:
    meta = item["metadata"]
    return str(meta.get("creationTimestamp") or ""), str(meta["name"])


WORKLOADS = (
    RestTable(
        name="kubernetes_workload", service="workloads", reader=read_workloads,
        path="/apis/apps/v1/deployments", permission="list deployments.apps",
        also=tuple(permission for _, _, permission, _ in SOURCES[1:]),
        resource="{namespace}/{kind}/{name}/{as}",
        source="list Deployment, DaemonSet, StatefulSet, CronJob, Job, ReplicaSet, Pod",
        about="Containers of all that runs, by the workload that makes them.",
        columns=(
            Col("namespace"),
            Col("kind", about="Deployment, DaemonSet, …, Pod, or whatever else makes the pods"),
            Col("name"),
            Col("container"),
            Col("container_type", about="container, init or ephemeral"),
            Col("image"),
            Col("image_tag", about="Without tag and digest it is latest; empty where only a digest stands"),
            Col("image_digest", "BOOLEAN", "The image is named by its digest"),
            Col("privileged", "BOOLEAN"),
            Col("allow_privilege_escalation", "BOOLEAN", "As it comes out; allowed where nothing is said"),
            Col("run_as_non_root", "BOOLEAN", "Of container, else pod; false where nothing is said"),
            Col("run_as_user", "BIGINT", "Of the container, else of the pod; NULL: the image decides"),
            Col("read_only_root_filesystem", "BOOLEAN"),
            Col("capabilities_added", "VARCHAR[]"),
            Col("capabilities_dropped", "VARCHAR[]"),
            Col("seccomp_profile", about="RuntimeDefault, Localhost, Unconfined; NULL where nothing is said"),
            Col("host_network", "BOOLEAN"),
            Col("host_pid", "BOOLEAN"),
            Col("host_ipc", "BOOLEAN"),
            Col("host_paths", "VARCHAR[]", "Folders of the node that the pod mounts"),
            Col("host_ports", "BIGINT[]"),
            Col("cpu_limit"),
            Col("memory_limit"),
            Col("cpu_request"),
            Col("memory_request"),
            Col("service_account"),
            Col("automount_token", "BOOLEAN", "NULL: its service account decides"),
            Col("os", about="linux or windows"),
            Col("labels", "MAP(VARCHAR, VARCHAR)"),
            Col("created", "TIMESTAMPTZ"),
        ),
        drop=("as",),
    ),
)  # fmt: skip
