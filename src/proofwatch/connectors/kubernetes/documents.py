"""What a person gives to a cluster so that we may read there, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from proofwatch.connectors.base import Document
from proofwatch.connectors.kubernetes.tables import TABLES

_STEPS = """\
# Lets Proofwatch read this cluster, and nothing else. No Secret and no ConfigMap is readable by it.
#
# 1. kubectl apply -f proofwatch-kubernetes.yaml
# 2. kubectl -n proofwatch create token proofwatch --duration=2160h > proofwatch.token
#    The API server may give a shorter one than it was asked for; Proofwatch warns before it ends.
# 3. The cluster's certificate authority, as PEM:
#    kubectl -n proofwatch get configmap kube-root-ca.crt -o jsonpath='{.data.ca\\.crt}' > proofwatch-ca.pem
# 4. Give Proofwatch api_url (kubectl cluster-info shows it), token (file:/…/proofwatch.token) and ca_file.
#
# Where Proofwatch runs in the cluster itself, let its pod use this service account, and give api_url
# https://kubernetes.default.svc and token and ca_file below /var/run/secrets/kubernetes.io/serviceaccount/.
apiVersion: v1
kind: Namespace
metadata:
  name: proofwatch
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: proofwatch
  namespace: proofwatch
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: proofwatch-read
rules:
"""
_BINDING = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: proofwatch-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: proofwatch-read
subjects:
  - kind: ServiceAccount
    name: proofwatch
    namespace: proofwatch
"""


def documents() -> Sequence[Document]:
    """Return the manifest, and at its top how to use it."""
    groups: dict[str, set[str]] = {}
    for table in TABLES:
        for name in filter(None, (table.permission, *table.also)):
            kind, _, group = name.removeprefix("list ").partition(".")
            groups.setdefault(group, set()).add(kind)
    rules = "".join(
        f'  - apiGroups: ["{group}"]\n    resources: [{", ".join(sorted(kinds))}]\n    verbs: [get, list]\n'
        for group, kinds in sorted(groups.items())
    )
    about = "Service account, role and binding that only read, and how to make its token"
    return (Document("proofwatch-kubernetes.yaml", about, _STEPS + rules + _BINDING),)
