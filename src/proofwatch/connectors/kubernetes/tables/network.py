"""What can be reached, from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.kubernetes.tables.read import plain
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

NET = "networking.k8s.io"


def policy(item: Raw) -> Raw:
    """Return a network policy with the directions in which it lets nothing through."""
    spec: Mapping[str, Any] = item.get("spec") or {}
    chosen = spec.get("podSelector") or {}
    every = not chosen.get("matchLabels") and not chosen.get("matchExpressions")
    # Kubernetes' own rule where the types are left out.
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") is not None else [])]
    return {
        **item, "every": every, "types": types,
        "no_in": every and "Ingress" in types and not spec.get("ingress"),
        "no_out": every and "Egress" in types and not spec.get("egress"),
    }  # fmt: skip


def service(item: Raw) -> Raw:
    """Return a service; with what an outside load balancer was given left out, since that may change."""
    spec = item.get("spec") or {}
    ports = [port.get("port") for port in spec.get("ports") or []]
    node_ports = [port["nodePort"] for port in spec.get("ports") or [] if port.get("nodePort")]
    kept = {name: value for name, value in item.items() if name != "status"}
    return {**kept, "port_numbers": ports, "node_ports": node_ports}


def ingress(item: Raw) -> Raw:
    """Return an ingress with the hosts that no entry of its TLS section covers."""
    spec = item.get("spec") or {}
    hosts = {str(rule.get("host") or "*") for rule in spec.get("rules") or []}
    if spec.get("defaultBackend"):
        hosts.add("*")
    covered: set[str] = set()
    for entry in spec.get("tls") or []:
        # Without hosts, it is the certificate of every host of this ingress.
        covered |= {str(host) for host in entry.get("hosts") or hosts}
    plain_hosts = {host for host in hosts if not _covers(covered, host)}
    kept = {name: value for name, value in item.items() if name != "status"}
    return {**kept, "hosts": sorted(hosts), "plain_hosts": sorted(plain_hosts)}


def _covers(covered: set[str], host: str) -> bool:
    return host in covered or f"*.{host.partition('.')[2]}" in covered


NETWORK = (
    RestTable(
        name="kubernetes_network_policy", service="network", path=f"/apis/{NET}/v1/networkpolicies",
        permission=f"list networkpolicies.{NET}",
        reader=plain(f"/apis/{NET}/v1/networkpolicies", f"list networkpolicies.{NET}", policy),
        resource="{metadata.namespace}/{metadata.name}", source="list NetworkPolicy",
        about="Network policies, and whether each shuts its whole namespace.",
        columns=(
            Col("name", path="metadata.name"),
            Col("namespace", path="metadata.namespace"),
            Col("selects_all", "BOOLEAN", "It is about every pod of the namespace", "every"),
            Col("types", "VARCHAR[]", "Ingress, Egress"),
            Col("denies_ingress", "BOOLEAN", "It lets nothing in, to any pod", "no_in"),
            Col("denies_egress", "BOOLEAN", "It lets nothing out, from any pod", "no_out"),
            Col("ingress", "JSON", path="spec.ingress"),
            Col("egress", "JSON", path="spec.egress"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
        drop=("every", "types", "no_in", "no_out"),
    ),
    RestTable(
        name="kubernetes_service", service="network", path="/api/v1/services", permission="list services",
        reader=plain("/api/v1/services", "list services", service),
        resource="{metadata.namespace}/{metadata.name}", source="list Service",
        about="Services: by which name and port pods are reached, and whether from outside.",
        columns=(
            Col("name", path="metadata.name"),
            Col("namespace", path="metadata.namespace"),
            Col("type", about="ClusterIP, NodePort, LoadBalancer or ExternalName", path="spec.type"),
            Col("ports", "BIGINT[]", path="port_numbers"),
            Col("node_ports", "BIGINT[]"),
            Col("external_ips", "VARCHAR[]", path="spec.externalIPs"),
            Col("source_ranges", "VARCHAR[]", "Who may reach the load balancer; NULL where nothing is said",
                "spec.loadBalancerSourceRanges"),
            Col("annotations", "MAP(VARCHAR, VARCHAR)", path="metadata.annotations"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
        drop=("port_numbers", "node_ports"),
    ),
    RestTable(
        name="kubernetes_ingress", service="network", path=f"/apis/{NET}/v1/ingresses",
        permission=f"list ingresses.{NET}",
        reader=plain(f"/apis/{NET}/v1/ingresses", f"list ingresses.{NET}", ingress),
        resource="{metadata.namespace}/{metadata.name}", source="list Ingress",
        about="Ingresses: which hosts are served to the outside, and which of them without TLS.",
        columns=(
            Col("name", path="metadata.name"),
            Col("namespace", path="metadata.namespace"),
            Col("class_name", path="spec.ingressClassName"),
            Col("hosts", "VARCHAR[]", "* where a rule names no host"),
            Col("plain_hosts", "VARCHAR[]", "Hosts that its TLS section does not name"),
            Col("annotations", "MAP(VARCHAR, VARCHAR)", path="metadata.annotations"),
            Col("created", "TIMESTAMPTZ", path="metadata.creationTimestamp"),
        ),
        drop=("hosts", "plain_hosts"),
    ),
)  # fmt: skip
