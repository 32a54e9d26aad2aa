"""What the checks make of the simulated company's cluster: its two faults, and nothing else."""

from __future__ import annotations

from pathlib import Path

from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.kubernetes import FakeKubernetes
from proofwatch.demo.staff import LEAVER
from tests.connectors.kubernetes.reading import connector
from tests.connectors.verdicts import failing, verdicts

OLD = "shop/Deployment/old-report/old-report"


def test_the_faults_are_found_and_nothing_else(cluster: FakeKubernetes, tmp_path: Path) -> None:
    found = verdicts(connector(cluster), tmp_path)
    assert failing(found) == {
        "kubernetes.rbac.cluster-admin-limited": [f"ClusterRoleBinding/mary-debug/User:{LEAVER.email}"],
        "kubernetes.rbac.secrets-readable-by-few": [f"ClusterRoleBinding/mary-debug/User:{LEAVER.email}"],
        "kubernetes.workload.no-privilege-escalation": [OLD],
        "kubernetes.workload.not-privileged": [OLD],
    }
    assert not [name for name, status in found.items() if "inconclusive" in status]


def test_a_namespace_that_lost_its_policy_is_open(cluster: FakeKubernetes, tmp_path: Path) -> None:
    policies = cluster.objects["/apis/networking.k8s.io/v1/networkpolicies"]
    cluster.objects["/apis/networking.k8s.io/v1/networkpolicies"] = policies[1:]
    assert failing(verdicts(connector(cluster), tmp_path))["kubernetes.namespace.default-deny"] == ["shop"]


def test_a_binding_to_a_role_that_is_gone_is_found(cluster: FakeKubernetes, tmp_path: Path) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/roles"
    cluster.objects[roles] = []
    found = failing(verdicts(connector(cluster), tmp_path))["kubernetes.rbac.binding-role-exists"]
    assert found == [
        "RoleBinding/shop/deployers/Group:engineering", "RoleBinding/shop/deployers/ServiceAccount:shop/shop",
    ]  # fmt: skip


def test_workloads_that_cannot_be_read_are_judged_by_no_check(
    cluster: FakeKubernetes, tmp_path: Path
) -> None:
    cluster.broken["/api/v1/pods"] = Said({"message": "no"}, 403)
    found = verdicts(connector(cluster), tmp_path)
    assert not [name for name in found if ".workload." in name or name.endswith("default-deny")]
