"""Objects of the simulated company's cluster in Kubernetes' own shapes. All of it is DEMO DATA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

BORN = "2024-02-05T09:00:00Z"
REGISTRY = "registry.acme-robotics.example"
SYSTEM = "kube-system"
DEFAULTS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
RBAC = "rbac.authorization.k8s.io"
Item = dict[str, Any]


def meta(name: str, namespace: str = "", **more: Any) -> Item:
    """Return what every object has, with what changes by itself, too."""
    uid = UUID(bytes=sha256(f"{namespace}/{name}".encode()).digest()[:16], version=4)
    made: Item = {"name": name, "uid": str(uid), "resourceVersion": "48213", "creationTimestamp": BORN}
    managed = {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
               "fieldsV1": {}, "time": BORN}  # fmt: skip
    return made | ({"namespace": namespace} if namespace else {}) | {"managedFields": [managed]} | more


def namespace(name: str, level: str | None) -> Item:
    """Return a namespace that enforces a Pod Security Standard."""
    labels = {"kubernetes.io/metadata.name": name}
    if level:
        labels["pod-security.kubernetes.io/enforce"] = level
    return {
        "metadata": meta(name, labels=labels),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def tidy(**more: Any) -> Item:
    """Return the security context of a container that may do little."""
    return {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}, **more,
    }  # fmt: skip


def container(name: str, version: str = "1.4.2", context: Mapping[str, Any] | None = None) -> Item:
    """Return a container; its environment holds what we must never keep."""
    digest = sha256(name.encode()).hexdigest()
    return {
        "name": name, "image": f"{REGISTRY}/{name}:{version}@sha256:{digest}",
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "DB_PASSWORD", "value": "DEMO-worthless-password"}],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {
            "limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"},
        },
        "securityContext": tidy() if context is None else dict(context),
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    }  # fmt: skip


def pod_spec(account: str, *containers: Item, **more: Any) -> Item:
    """Return the specification of a pod."""
    return {
        "containers": list(containers), "serviceAccountName": account, "serviceAccount": account,
        "automountServiceAccountToken": False, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
        "securityContext": {}, **more,
    }  # fmt: skip


def workload(name: str, home: str, spec: Item, kind: str = "Deployment") -> Item:
    """Return a Deployment, DaemonSet or StatefulSet."""
    labels = {"app": name}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"env":"DEMO-worthless-password"}'}
    own: Item = {} if kind == "DaemonSet" else {"replicas": 2}
    status: Item = {"observedGeneration": 1}
    if kind == "DaemonSet":
        status |= dict.fromkeys(
            ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 2
        )
    if kind == "StatefulSet":
        own["serviceName"] = name
        status["replicas"] = 2
    return {
        "metadata": meta(name, home, labels=labels, annotations=applied, generation=3),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            **own,
        },
        "status": status,
    }


def owned(name: str, home: str, kind: str, owner: str, group: str = "apps/v1") -> Item:
    """Return what an object has that another one made."""
    uid = meta(owner, home)["uid"]
    reference = {"apiVersion": group, "kind": kind, "name": owner, "uid": uid, "controller": True,
                 "blockOwnerDeletion": True}  # fmt: skip
    return meta(name, home, labels={"app": owner}, ownerReferences=[reference])


def pod(metadata: Item, spec: Item, phase: str = "Running") -> Item:
    """Return a pod."""
    return {"metadata": metadata, "spec": {**spec, "nodeName": "node-1"}, "status": {"phase": phase}}


def job(metadata: Item, spec: Item, done: bool) -> Item:
    """Return a job."""
    ended = [{"type": "Complete", "status": "True", "lastTransitionTime": BORN}] if done else []
    inner = {"metadata": {"labels": {"app": "job"}}, "spec": {**spec, "restartPolicy": "Never"}}
    return {"metadata": metadata, "spec": {"template": inner}, "status": {"conditions": ended}}


def cron_job(name: str, home: str, spec: Item) -> Item:
    """Return a cron job."""
    inner = {"spec": {"template": {"spec": {**spec, "restartPolicy": "OnFailure"}}}}
    return {
        "metadata": meta(name, home),
        "spec": {"schedule": "0 3 * * *", "concurrencyPolicy": "Forbid", "jobTemplate": inner},
        "status": {"lastScheduleTime": BORN},
    }


def role(name: str, rules: Sequence[Item], home: str = "", default: bool = False) -> Item:
    """Return a role, of a namespace or of the cluster."""
    labels = {"labels": DEFAULTS} if default else {}
    return {"metadata": meta(name, home, **labels), "rules": list(rules)}


def rule(verbs: str, resources: str, group: str = "") -> Item:
    """Return a rule; verbs and resources are words."""
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}


def binding(name: str, to: tuple[str, str], *subjects: Item, home: str = "", default: bool = False) -> Item:
    """Return a binding of a role (kind, name) to subjects."""
    labels = {"labels": DEFAULTS} if default else {}
    return {
        "metadata": meta(name, home, **labels),
        "roleRef": {"apiGroup": RBAC, "kind": to[0], "name": to[1]},
        "subjects": list(subjects),
    }


def person(name: str, kind: str = "User") -> Item:
    """Return a user or a group as a subject."""
    return {"kind": kind, "apiGroup": RBAC, "name": name}


def account(name: str, home: str) -> Item:
    """Return a service account as a subject."""
    return {"kind": "ServiceAccount", "name": name, "namespace": home}


def node(name: str) -> Item:
    """Return a node that is well."""
    said = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    info = {
        "architecture": "arm64", "bootID": f"boot-{name}", "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.12.40", "kubeProxyVersion": "", "kubeletVersion": "v1.37.1",
        "machineID": f"machine-{name}", "operatingSystem": "linux", "osImage": "Bottlerocket OS 1.45.0",
        "systemUUID": f"system-{name}",
    }  # fmt: skip
    conditions = [
        {"type": kind, "status": status, "lastHeartbeatTime": BORN, "lastTransitionTime": BORN,
         "reason": "KubeletReady", "message": "kubelet says so"}
        for kind, status in said.items()
    ]  # fmt: skip
    return {
        "metadata": meta(name, labels={"kubernetes.io/hostname": name}),
        "spec": {"providerID": f"demo:///{name}"},
        "status": {"conditions": conditions, "nodeInfo": info, "capacity": {"cpu": "4", "memory": "16Gi"}},
    }


def policy(name: str, home: str, spec: Item) -> Item:
    """Return a network policy."""
    return {"metadata": meta(name, home), "spec": spec}


def service(name: str, home: str) -> Item:
    """Return a service that is reached from inside only."""
    return {
        "metadata": meta(name, home),
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster", "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    }  # fmt: skip


def ingress(name: str, home: str, host: str) -> Item:
    """Return an ingress with a certificate."""
    backend = {"service": {"name": name, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "metadata": meta(name, home),
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": host, "http": {"paths": paths}}],
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}},
    }


def webhooks(name: str, hook: str) -> Item:
    """Return a configuration of one webhook that refuses where it cannot be asked."""
    return {
        "metadata": meta(name),
        "webhooks": [{
            "name": hook, "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 10,
            "admissionReviewVersions": ["v1"], "matchPolicy": "Equivalent",
            "clientConfig": {
                "service": {"name": "policy", "namespace": SYSTEM, "port": 443}, "caBundle": "REVNTw==",
            },
            "rules": [{"operations": ["CREATE", "UPDATE"], "apiGroups": [""], "apiVersions": ["v1"],
                       "resources": ["pods"], "scope": "*"}],
            "namespaceSelector": {}, "objectSelector": {},
        }],
    }  # fmt: skip
