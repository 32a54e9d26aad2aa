"""The Kubernetes cluster of the simulated company. All of it is DEMO DATA.

Three namespaces: default, kube-system and shop. Deliberate faults: Mary, who left, may still do everything in
the whole cluster; and the old report runs as a privileged container.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import yaml

from proofwatch.demo.fakes import kubernetes_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.fakes.kubernetes_shapes import RBAC, SYSTEM, Item, rule
from proofwatch.demo.staff import LEAVER

CONTEXT = "acme-prod"
USER = "system:serviceaccount:proofwatch:proofwatch"
PAGE = 2
"""Objects of a page, whatever is asked for: so that there are pages."""
DAYS = 80
"""How long the token is good for."""
HOOKS = "/apis/admissionregistration.k8s.io/v1"
KINDS = {
    "/api/v1/namespaces": "NamespaceList", "/api/v1/nodes": "NodeList", "/api/v1/pods": "PodList",
    "/api/v1/serviceaccounts": "ServiceAccountList", "/api/v1/services": "ServiceList",
    "/apis/apps/v1/deployments": "DeploymentList", "/apis/apps/v1/daemonsets": "DaemonSetList",
    "/apis/apps/v1/statefulsets": "StatefulSetList", "/apis/apps/v1/replicasets": "ReplicaSetList",
    "/apis/batch/v1/jobs": "JobList", "/apis/batch/v1/cronjobs": "CronJobList",
    f"/apis/{RBAC}/v1/clusterroles": "ClusterRoleList", f"/apis/{RBAC}/v1/roles": "RoleList",
    f"/apis/{RBAC}/v1/clusterrolebindings": "ClusterRoleBindingList",
    f"/apis/{RBAC}/v1/rolebindings": "RoleBindingList",
    "/apis/networking.k8s.io/v1/networkpolicies": "NetworkPolicyList",
    "/apis/networking.k8s.io/v1/ingresses": "IngressList",
    f"{HOOKS}/validatingwebhookconfigurations": "ValidatingWebhookConfigurationList",
    f"{HOOKS}/mutatingwebhookconfigurations": "MutatingWebhookConfigurationList",
}  # fmt: skip
REVIEWS = {
    "selfsubjectreviews": "SelfSubjectReview",
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
    "selfsubjectrulesreviews": "SelfSubjectRulesReview",
}

CARELESS = ("mary-debug", "old-report")
"""What a well-kept cluster does not have."""


class FakeKubernetes(Fake):
    """The company's cluster.

    Args:
        kept: whether only the faults that `seeds.kept` lists are left.

    Attributes:
        objects: path of a listing → its objects.
        rules: what our identity may do; nothing else is allowed.
        reviews: whether the cluster is new enough to say who we are.
        incomplete: why its list of our rules is not whole, as on a cluster with an authorizer of its own.
    """

    def __init__(self, kept: bool = False) -> None:
        super().__init__()
        self.reviews, self.incomplete = True, ""
        self.ends = int(time.time()) + DAYS * 86400
        self.token = _token(self.ends)
        self.rules = [
            rule("create", "selfsubjectreviews", "authentication.k8s.io"),
            rule("create", "selfsubjectaccessreviews selfsubjectrulesreviews", "authorization.k8s.io"),
            *(rule("get list", path.rpartition("/")[2], _group(path)) for path in KINDS),
        ]
        self.objects: dict[str, list[Item]] = {path: [] for path in KINDS} | objects()
        if kept:
            for path in ("/apis/apps/v1/deployments", f"/apis/{shapes.RBAC}/v1/clusterrolebindings"):
                self.objects[path] = [
                    item for item in self.objects[path] if item["metadata"]["name"] not in CARELESS
                ]
        for path in KINDS:
            self.route(f"GET {path}", self._listed)
        for path in ("/version", "/version/"):
            self.route(f"GET {path}", lambda asked: Said(VERSION))
        self.route("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", self._who)
        self.route("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self._may)
        self.route("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", self._rules)

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {"kubeconfig": "env:DEMO_KUBERNETES_KUBECONFIG", "requests_per_minute": 60_000}

    def environment(self) -> dict[str, str]:
        """Return the variable that its settings name: a kubeconfig, as kubectl takes it."""
        return {"DEMO_KUBERNETES_KUBECONFIG": yaml.safe_dump(kubeconfig(self.url, {"token": self.token}))}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever brings the token."""
        if asked.path != "/version" and asked.headers.get("authorization") != f"Bearer {self.token}":
            self.asked.append(asked)
            return refused(401, "Unauthorized", "Unauthorized")
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as an API server does for what it does not have."""
        return refused(404, "NotFound", "the server could not find the requested resource")

    def _listed(self, asked: Asked) -> Said:
        resource, group = asked.path.rpartition("/")[2], _group(asked.path)
        if not self._allowed("list", resource, group):
            text = f'{resource} is forbidden: User "{USER}" cannot list resource "{resource}"'
            return refused(403, "Forbidden", f'{text} in API group "{group}" at the cluster scope')
        items = self.objects[asked.path]
        at = json.loads(b64decode(asked.query["continue"]))["start"] if "continue" in asked.query else 0
        size = min(int(asked.query.get("limit", "500")), PAGE)
        meta: Item = {"resourceVersion": "48213"}
        if at + size < len(items):
            mark = {"v": "meta.k8s.io/v1", "rv": 48213, "start": at + size}
            meta |= {
                "continue": b64encode(json.dumps(mark).encode()).decode(),
                "remainingItemCount": len(items) - at - size,
            }
        version = asked.path.removeprefix("/api/").removeprefix("/apis/").rpartition("/")[0]
        body = {
            "kind": KINDS[asked.path],
            "apiVersion": version,
            "metadata": meta,
            "items": items[at : at + size],
        }
        return Said(body)

    def _who(self, asked: Asked) -> Said:
        if not self.reviews:
            return self.unknown(asked)
        groups = ["system:serviceaccounts", "system:serviceaccounts:proofwatch", "system:authenticated"]
        return self._review(asked, {"userInfo": {"username": USER, "uid": "DEMO", "groups": groups}})

    def _may(self, asked: Asked) -> Said:
        wanted = asked.json()["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (wanted.get("resource"), wanted.get("subresource"))))
        return self._review(
            asked, {"allowed": self._allowed(wanted["verb"], resource, wanted.get("group", ""))}
        )

    def _rules(self, asked: Asked) -> Said:
        urls = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/version", "/version/"]}]
        status: Item = {
            "resourceRules": self.rules,
            "nonResourceRules": urls,
            "incomplete": bool(self.incomplete),
        }
        if self.incomplete:
            status["evaluationError"] = self.incomplete
        return self._review(asked, status)

    def _review(self, asked: Asked, status: Mapping[str, Any]) -> Said:
        given = asked.json()
        spec = {"spec": given["spec"]} if "spec" in given else {}
        # An API server knows from the path what it is asked, and needs neither of them.
        _, _, group, version, plural = asked.path.split("/")
        made = {"kind": REVIEWS[plural], "apiVersion": f"{group}/{version}", "metadata": {}}
        return Said({**made, **spec, "status": dict(status)}, 201)

    def _allowed(self, verb: str, resource: str, group: str) -> bool:
        return any(
            {verb, "*"} & set(one["verbs"]) and {resource, "*"} & set(one["resources"])
            and {group, "*"} & set(one["apiGroups"])
            for one in self.rules
        )  # fmt: skip


VERSION = {
    "major": "1", "minor": "37", "gitVersion": "v1.37.1", "gitCommit": "0" * 40, "gitTreeState": "clean",
    "buildDate": "2026-09-16T10:00:00Z", "goVersion": "go1.26.1", "compiler": "gc", "platform": "linux/arm64",
}  # fmt: skip


def kubeconfig(server: str, user: Mapping[str, Any], **cluster: Any) -> Item:
    """Return a kubeconfig with one context."""
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": "acme", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "proofwatch", "user": dict(user)}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "acme", "user": "proofwatch"}}],
    }  # fmt: skip


def refused(status: int, reason: str, message: str) -> Said:
    """Return a refusal in the form of an API server."""
    return Said(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
         "reason": reason, "code": status},
        status,
    )  # fmt: skip


def objects() -> dict[str, list[Item]]:
    """Return the cluster's objects by the path of their listing."""
    return _cluster() | _rights() | _running() | _network()


def _cluster() -> dict[str, list[Item]]:
    levels = {"default": "restricted", SYSTEM: "privileged", "shop": "baseline"}
    return {
        "/api/v1/namespaces": [shapes.namespace(name, level) for name, level in levels.items()],
        "/api/v1/nodes": [shapes.node(f"node-{number}") for number in (1, 2, 3)],
        f"{HOOKS}/validatingwebhookconfigurations": [shapes.webhooks("policy", "images.policy.example")],
        f"{HOOKS}/mutatingwebhookconfigurations": [shapes.webhooks("policy", "labels.policy.example")],
        "/api/v1/serviceaccounts": [
            {"metadata": shapes.meta(name, home), "automountServiceAccountToken": False}
            for home, name in (
                ("default", "default"),
                (SYSTEM, "default"),
                ("shop", "default"),
                ("shop", "shop"),
            )
        ],
    }


def _rights() -> dict[str, list[Item]]:
    base, person = f"/apis/{RBAC}/v1", shapes.person
    masters, everybody = person("system:masters", "Group"), person("system:authenticated", "Group")
    anybody = person("system:unauthenticated", "Group")
    engineers = person("engineering", "Group")
    own, shop = shapes.account("proofwatch", "proofwatch"), shapes.account("shop", "shop")
    roles = [
        shapes.role(
            "cluster-admin", [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}], default=True
        ),
        shapes.role("view", [rule("get list watch", "pods services configmaps")], default=True),
        shapes.role(
            "system:discovery", [{"verbs": ["get"], "nonResourceURLs": ["/api", "/version"]}], default=True
        ),
        shapes.role(
            "system:public-info-viewer", [{"verbs": ["get"], "nonResourceURLs": ["/version"]}], default=True
        ),
        shapes.role("proofwatch-read", [rule("get list", "pods namespaces nodes services serviceaccounts")]),
    ]
    cluster = "ClusterRole"
    return {
        f"{base}/clusterroles": roles,
        f"{base}/roles": [shapes.role("deployer", [rule("get list patch", "deployments", "apps")], "shop")],
        f"{base}/clusterrolebindings": [
            shapes.binding("cluster-admin", (cluster, "cluster-admin"), masters, default=True),
            shapes.binding("system:discovery", (cluster, "system:discovery"), everybody, default=True),
            shapes.binding(
                "system:public-info-viewer", (cluster, "system:public-info-viewer"), everybody, anybody,
                default=True,
            ),
            shapes.binding("engineers-look", (cluster, "view"), engineers),
            shapes.binding("mary-debug", (cluster, "cluster-admin"), person(LEAVER.email)),
            shapes.binding("proofwatch", (cluster, "proofwatch-read"), own),
        ],
        f"{base}/rolebindings": [
            shapes.binding("deployers", ("Role", "deployer"), shop, engineers, home="shop")
        ],
    }  # fmt: skip


def _running() -> dict[str, list[Item]]:
    apps, made = "/apis/apps/v1", shapes.workload
    shop = shapes.pod_spec("shop", shapes.container("shop"), initContainers=[shapes.container("migrate")])
    report = shapes.pod_spec("shop", shapes.container("old-report", context=shapes.tidy(
        privileged=True, allowPrivilegeEscalation=True)))  # fmt: skip
    api = shapes.container("kube-apiserver", "v1.37.1", {"privileged": False})
    proxy = shapes.pod_spec(
        "kube-proxy",
        shapes.container("kube-proxy", "v1.37.1", {"privileged": True}),
        hostNetwork=True,
        volumes=[{"name": "modules", "hostPath": {"path": "/lib/modules"}}],
    )
    replica = shapes.owned("shop-7d9f", "shop", "Deployment", "shop")
    canary = shapes.owned("canary-5c6b", "shop", "Rollout", "canary", "argoproj.io/v1alpha1")
    batch = shapes.pod_spec("shop", shapes.container("close-books"))
    pods = [
        shapes.pod(shapes.owned(f"shop-7d9f-{end}", "shop", "ReplicaSet", "shop-7d9f"), shop)
        for end in ("2xkqp", "9rtzl")
    ]
    night = shapes.owned("close-books-29", "shop", "CronJob", "close-books", "batch/v1")
    done = shapes.owned("close-books-29-x", "shop", "Job", "close-books-29", "batch/v1")
    mirror = shapes.owned("kube-apiserver-node-1", SYSTEM, "Node", "node-1", "v1")
    return {
        f"{apps}/deployments": [made("shop", "shop", shop), made("old-report", "shop", report)],
        f"{apps}/daemonsets": [made("kube-proxy", SYSTEM, proxy, "DaemonSet")],
        f"{apps}/statefulsets": [
            made("queue", "shop", shapes.pod_spec("shop", shapes.container("queue")), "StatefulSet")
        ],
        f"{apps}/replicasets": [_replicas(replica, shop), _replicas(canary, shop)],
        "/apis/batch/v1/cronjobs": [shapes.cron_job("close-books", "shop", batch)],
        "/apis/batch/v1/jobs": [
            shapes.job(night, batch, True),
            shapes.job(shapes.meta("import-2024", "shop"), batch, True),
        ],
        "/api/v1/pods": [
            *pods,
            shapes.pod(mirror, shapes.pod_spec("default", api, hostNetwork=True)),
            shapes.pod(done, batch, "Succeeded"),
            shapes.pod(shapes.owned("canary-5c6b-aaaaa", "shop", "ReplicaSet", "canary-5c6b"), shop),
        ],
    }  # fmt: skip


def _replicas(metadata: Item, spec: Item) -> Item:
    labels = metadata["labels"]
    inner = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "metadata": metadata,
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": inner},
        "status": {"replicas": 2},
    }


def _network() -> dict[str, list[Item]]:
    net = "/apis/networking.k8s.io/v1"
    shut = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    let_in = {
        "podSelector": {"matchLabels": {"app": "shop"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    }
    return {
        f"{net}/networkpolicies": [
            shapes.policy("shut", "shop", shut),
            shapes.policy("let-in", "shop", let_in),
        ],
        f"{net}/ingresses": [shapes.ingress("shop", "shop", "shop.acme-robotics.example")],
        "/api/v1/services": [
            shapes.service(name, home)
            for name, home in (("kubernetes", "default"), ("kube-dns", SYSTEM), ("shop", "shop"))
        ],
    }  # fmt: skip


def _group(path: str) -> str:
    return path.split("/")[2] if path.startswith("/apis/") else ""


def _token(ends: int) -> str:
    """Return a token in the form of a service account's, signed by nobody."""
    claims = {"exp": ends, "iss": "https://kubernetes.default.svc", "sub": USER}
    head, body = ({"alg": "RS256", "kid": "DEMO"}, claims)
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    return ".".join((*parts, "DEMO-worthless"))
