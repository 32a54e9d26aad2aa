"""A pod's specification, flattened to one item for each container, with Kubernetes' own defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.rest.declare import Raw

_KEPT = ("securityContext", "resources", "imagePullPolicy", "ports", "volumeMounts")
_DIGEST = re.compile(r"@[a-z0-9]+:[0-9a-f]{32,}\Z")
LISTS = (("containers", "container"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral"))


def containers(spec: Mapping[str, Any]) -> Iterator[Raw]:
    """Yield one item for each container of a pod's specification.

    Of a container only what is judged is taken: its environment, command and arguments may hold secrets.
    """
    pod = spec.get("securityContext") or {}
    paths = [
        str(volume["hostPath"].get("path"))
        for volume in spec.get("volumes") or []
        if isinstance(volume.get("hostPath"), Mapping)
    ]
    shared = {
        "host_network": bool(spec.get("hostNetwork")),
        "host_pid": bool(spec.get("hostPID")),
        "host_ipc": bool(spec.get("hostIPC")),
        "host_paths": sorted(set(paths)),
        "service_account": spec.get("serviceAccountName") or spec.get("serviceAccount") or "default",
        "automount_token": spec.get("automountServiceAccountToken"),
        "os": (spec.get("os") or {}).get("name") or "linux",
        "pod_security_context": pod,
    }
    for member, kind in LISTS:
        for container in spec.get(member) or []:
            yield {**shared, **_one(container, pod), "container_type": kind}


def _one(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Raw:
    own = container.get("securityContext") or {}
    added = [str(name).removeprefix("CAP_") for name in (own.get("capabilities") or {}).get("add") or []]
    dropped = [str(name).removeprefix("CAP_") for name in (own.get("capabilities") or {}).get("drop") or []]
    privileged = bool(own.get("privileged"))
    escalates = own.get("allowPrivilegeEscalation")
    resources = container.get("resources") or {}
    limits, asked = resources.get("limits") or {}, resources.get("requests") or {}
    ports = [port.get("hostPort") for port in container.get("ports") or [] if port.get("hostPort")]
    image = str(container.get("image") or "")
    return {
        "container": str(container.get("name")),
        "image": image,
        "image_tag": tag(image),
        "image_digest": bool(_DIGEST.search(image)),
        "privileged": privileged,
        # Left out, it is allowed; whoever is privileged or may administer the system can anyway.
        "allow_privilege_escalation": True
        if escalates is None or privileged or {"SYS_ADMIN", "ALL"} & set(added)
        else bool(escalates),
        "run_as_non_root": bool(_of(own, pod, "runAsNonRoot")),
        "run_as_user": _of(own, pod, "runAsUser"),
        "read_only_root_filesystem": bool(own.get("readOnlyRootFilesystem")),
        "capabilities_added": sorted(added),
        "capabilities_dropped": sorted(dropped),
        "seccomp_profile": (_of(own, pod, "seccompProfile") or {}).get("type"),
        "host_ports": sorted(set(ports)),
        "cpu_limit": limits.get("cpu"),
        "memory_limit": limits.get("memory"),
        "cpu_request": asked.get("cpu"),
        "memory_request": asked.get("memory"),
        "definition": {name: container[name] for name in _KEPT if name in container},
    }


def _of(own: Mapping[str, Any], pod: Mapping[str, Any], member: str) -> Any:
    """Return a container's own value, else its pod's."""
    return own[member] if own.get(member) is not None else pod.get(member)


def tag(image: str) -> str:
    """Return the tag of an image's name; without a tag and a digest it is `latest`."""
    name, _, digest = image.partition("@")
    last = name.rpartition("/")[2]
    _, colon, found = last.partition(":")
    return found if colon else ("" if digest else "latest")
