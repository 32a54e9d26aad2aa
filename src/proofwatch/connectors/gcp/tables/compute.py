"""Machines, disks, networks and firewalls.

Cloud Asset Inventory has written the members of Compute Engine in two ways: as its interface does
(`networkInterfaces`, `natIP`), and as its protocol buffers do (`networkInterface`, `externalIp`). Both are
read, so that a machine with an address of its own never looks like one without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.gcp.assets import asset_table, flag, last
from proofwatch.connectors.rest.declare import Col, Raw

SHOWN = frozenset(
    {
        "enable-oslogin", "enable-oslogin-2fa", "block-project-ssh-keys", "serial-port-enable",
        "disable-legacy-endpoints", "enable-guest-attributes", "google-compute-default-region",
    }
)  # fmt: skip
"""Metadata that settle how a machine behaves. Others may be scripts with secrets: only their names stay."""
LEFT_OUT = "(left out)"


def _either(data: Mapping[str, Any], *names: str) -> Any:
    """Return a member under whichever of its names it is written; None where under none."""
    return next((data[name] for name in names if data.get(name) is not None), None)


def _metadata(found: Any) -> dict[str, str | None] | None:
    """Return metadata as names with values; an empty one where there is none."""
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        return None
    items = _either(found, "items", "item") or []
    return {
        str(item.get("key")): str(item.get("value", "")) if item.get("key") in SHOWN else LEFT_OUT
        for item in items
        if isinstance(item, Mapping)
    }


def _instance(data: Raw) -> Raw:
    metadata = _metadata(data.get("metadata"))
    # What is not shown is kept nowhere: `raw` gets the same.
    if "metadata" in data:
        data["metadata"] = metadata
    interfaces = _either(data, "networkInterfaces", "networkInterface")
    accounts = _either(data, "serviceAccounts", "serviceAccount") or []
    shielded = data.get("shieldedInstanceConfig") or {}
    return {
        "metadata": metadata,
        "addresses": None if not interfaces else [ip for item in interfaces for ip in _external(item)],
        "networks": [last(item.get("network")) for item in interfaces or []],
        "accounts": [item.get("email") for item in accounts],
        "scopes": [scope for item in accounts for scope in _either(item, "scopes", "scope") or []],
        "machine_type": last(data.get("machineType")),
        "zone": last(data.get("zone")),
        "forward": flag(data, "canIpForward"),
        "secure_boot": flag(shielded, "enableSecureBoot"),
        "vtpm": flag(shielded, "enableVtpm"),
        "integrity": flag(shielded, "enableIntegrityMonitoring"),
        "confidential": flag(data, "confidentialInstanceConfig.enableConfidentialCompute"),
        "protected": flag(data, "deletionProtection"),
    }


def _external(interface: Any) -> list[str]:
    """Return the addresses of an interface that the internet reaches; an unnamed one counts, too."""
    found = []
    for config in _either(interface, "accessConfigs", "accessConfig") or []:
        found.append(str(_either(config, "natIP", "externalIp") or "none at the moment"))
    for config in _either(interface, "ipv6AccessConfigs", "ipv6AccessConfig") or []:
        found.append(str(_either(config, "externalIpv6") or "none at the moment"))
    return found


def _firewall(data: Raw) -> Raw:
    return {
        "network": last(data.get("network")),
        "disabled": flag(data, "disabled"),
        "direction": str(data.get("direction") or "INGRESS").upper(),
        "sources": _either(data, "sourceRanges", "sourceRange") or [],
        "allowed": _rules(_either(data, "allowed", "allow")),
        "denied": _rules(_either(data, "denied", "deny")),
        "logged": flag(data, "logConfig.enable"),
    }


def _rules(found: Any) -> list[Raw]:
    made = []
    for item in found or []:
        protocol = _either(item, "IPProtocol", "ipProtocol")
        if not isinstance(protocol, str):
            raise TypeError("a rule has no protocol")
        made.append({"protocol": protocol.lower(), "ports": list(_either(item, "ports", "port") or [])})
    return made


def _disk(data: Raw) -> Raw:
    key = data.get("diskEncryptionKey") or {}
    return {
        "own_key": bool(key.get("kmsKeyName") or key.get("sha256") or key.get("rsaEncryptedKey")),
        "type": last(data.get("type")),
        "users": [last(item) for item in _either(data, "users", "user") or []],
    }


def _settings(data: Raw) -> Raw:
    metadata = _metadata(data.get("commonInstanceMetadata"))
    if "commonInstanceMetadata" in data:
        data["commonInstanceMetadata"] = metadata
    return {"metadata": metadata}


RULES = "STRUCT(protocol VARCHAR, ports VARCHAR[])[]"
COMPUTE = (
    asset_table(
        "gcp_compute_instance",
        "Machines of Compute Engine.",
        "compute.googleapis.com/Instance",
        (
            Col("name", path="data.name"),
            Col("status", path="data.status"),
            Col("zone", path="made.zone"),
            Col("machine_type", path="made.machine_type"),
            Col("external_ips", "VARCHAR[]", "Addresses that the internet reaches", "made.addresses"),
            Col("networks", "VARCHAR[]", path="made.networks"),
            Col("service_accounts", "VARCHAR[]", "As whom it acts", "made.accounts"),
            Col("scopes", "VARCHAR[]", "What it may ask for as them", "made.scopes"),
            Col("can_ip_forward", "BOOLEAN", path="made.forward"),
            Col("secure_boot", "BOOLEAN", path="made.secure_boot"),
            Col("vtpm", "BOOLEAN", path="made.vtpm"),
            Col("integrity_monitoring", "BOOLEAN", path="made.integrity"),
            Col("confidential", "BOOLEAN", "Whether memory is encrypted", "made.confidential"),
            Col("deletion_protection", "BOOLEAN", path="made.protected"),
            Col("metadata", "MAP(VARCHAR, VARCHAR)", "Settings; other values are left out", "made.metadata"),
            Col("creation_timestamp", "TIMESTAMPTZ", path="data.creationTimestamp"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="data.labels"),
        ),
        service="compute",
        shape=_instance,
        drop=("lastStartTimestamp", "lastStopTimestamp", "fingerprint", "labelFingerprint", "cpuPlatform"),
    ),
    asset_table(
        "gcp_compute_disk",
        "Disks of Compute Engine.",
        "compute.googleapis.com/Disk",
        (
            Col("name", path="data.name"),
            Col("status", path="data.status"),
            Col("size_gb", "BIGINT", path="data.sizeGb"),
            Col("type", path="made.type"),
            Col(
                "has_own_key",
                "BOOLEAN",
                "Whether the key is yours: from KMS, or given by you",
                "made.own_key",
            ),
            Col("kms_key_name", path="data.diskEncryptionKey.kmsKeyName"),
            Col("users", "VARCHAR[]", "Machines that it is attached to", "made.users"),
            Col("creation_timestamp", "TIMESTAMPTZ", path="data.creationTimestamp"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="data.labels"),
        ),
        service="compute",
        shape=_disk,
        drop=("lastAttachTimestamp", "lastDetachTimestamp", "labelFingerprint"),
    ),
    asset_table(
        "gcp_compute_firewall",
        "Firewall rules of VPC networks.",
        "compute.googleapis.com/Firewall",
        (
            Col("name", path="data.name"),
            Col("network", path="made.network"),
            Col("direction", about="INGRESS or EGRESS", path="made.direction"),
            Col("priority", "BIGINT", path="data.priority"),
            Col("disabled", "BOOLEAN", path="made.disabled"),
            Col("source_ranges", "VARCHAR[]", path="made.sources"),
            Col("allowed", RULES, "Without ports: all of them", "made.allowed"),
            Col("denied", RULES, path="made.denied"),
            Col("target_tags", "VARCHAR[]", path="data.targetTags"),
            Col("target_service_accounts", "VARCHAR[]", path="data.targetServiceAccounts"),
            Col("log_enabled", "BOOLEAN", path="made.logged"),
        ),
        service="compute",
        shape=_firewall,
    ),
    asset_table(
        "gcp_compute_network",
        "VPC networks.",
        "compute.googleapis.com/Network",
        (
            Col("name", path="data.name"),
            Col("auto_create_subnetworks", "BOOLEAN", path="data.autoCreateSubnetworks"),
            Col("subnetworks", "VARCHAR[]", path="data.subnetworks"),
            Col("routing_mode", path="data.routingConfig.routingMode"),
        ),
        service="compute",
        drop=("selfLinkWithId",),
    ),
    asset_table(
        "gcp_compute_project",
        "Settings of Compute Engine for a whole project; there where it is switched on.",
        "compute.googleapis.com/Project",
        (
            Col("name", path="data.name"),
            Col("metadata", "MAP(VARCHAR, VARCHAR)", "Settings; other values are left out", "made.metadata"),
            Col("default_service_account", path="data.defaultServiceAccount"),
        ),
        service="compute",
        shape=_settings,
        drop=("quotas",),
    ),
)
