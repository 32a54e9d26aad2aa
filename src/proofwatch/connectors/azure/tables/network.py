"""The boundary: network security groups and public addresses."""

from __future__ import annotations

from proofwatch.connectors.azure.tables.shared import resources
from proofwatch.connectors.rest.declare import Col

RULES = (
    "STRUCT(name VARCHAR, properties STRUCT(access VARCHAR, direction VARCHAR, protocol VARCHAR, "
    "priority BIGINT, source_address_prefix VARCHAR, source_address_prefixes VARCHAR[], "
    "destination_address_prefix VARCHAR, destination_port_range VARCHAR, "
    "destination_port_ranges VARCHAR[]))[]"
)

NETWORK = (
    resources(
        "azure_network_security_group",
        "Network security groups with their rules",
        "microsoft.network/networksecuritygroups",
        (
            Col("rules", RULES, "Own rules", "properties.securityRules"),
            Col("default_rules", RULES, path="properties.defaultSecurityRules"),
            Col("subnets", "VARCHAR[]", path="properties.subnets[].id"),
            Col("network_interfaces", "VARCHAR[]", path="properties.networkInterfaces[].id"),
        ),
        "network",
    ),
    resources(
        "azure_public_ip",
        "Public addresses",
        "microsoft.network/publicipaddresses",
        (
            Col("sku", path="sku.name"),
            Col("ip_address", path="properties.ipAddress"),
            Col("allocation", path="properties.publicIPAllocationMethod"),
            Col(
                "attached_to", about="NULL where it belongs to nothing", path="properties.ipConfiguration.id"
            ),
            Col("nat_gateway", path="properties.natGateway.id"),
            Col("ddos_protection", path="properties.ddosSettings.protectionMode"),
        ),
        "network",
    ),
)
