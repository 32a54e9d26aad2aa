"""Where data lies: storage accounts, SQL, and key vaults."""

from __future__ import annotations

from proofwatch.connectors.azure.tables.shared import ask, resources
from proofwatch.connectors.rest.declare import Col

_SQL = "2021-11-01"
FIREWALL = "STRUCT(name VARCHAR, properties STRUCT(start_ip_address VARCHAR, end_ip_address VARCHAR))[]"

DATA = (
    resources(
        "azure_storage_account",
        "Storage accounts",
        "microsoft.storage/storageaccounts",
        (
            Col("kind"),
            Col("sku", path="sku.name"),
            Col("https_only", "BOOLEAN", path="properties.supportsHttpsTrafficOnly"),
            Col("minimum_tls_version", about="TLS1_0, … or NULL", path="properties.minimumTlsVersion"),
            Col(
                "allows_public_blobs",
                "BOOLEAN",
                "NULL where never set, which today means no",
                "properties.allowBlobPublicAccess",
            ),
            Col(
                "allows_shared_key",
                "BOOLEAN",
                "NULL where never set, which means yes",
                "properties.allowSharedKeyAccess",
            ),
            Col(
                "public_network_access",
                about="Enabled, Disabled, or NULL",
                path="properties.publicNetworkAccess",
            ),
            Col(
                "network_default_action", about="Allow, or Deny", path="properties.networkAcls.defaultAction"
            ),
            Col("network_bypass", path="properties.networkAcls.bypass"),
            Col(
                "infrastructure_encryption",
                "BOOLEAN",
                path="properties.encryption.requireInfrastructureEncryption",
            ),
            Col(
                "key_source",
                about="Microsoft.Storage, or Microsoft.Keyvault",
                path="properties.encryption.keySource",
            ),
            Col("private_endpoints", "VARCHAR[]", path="properties.privateEndpointConnections[].id"),
        ),
        "storage",
        (
            ask(
                "blobServices/default",
                "2023-05-01",
                "Microsoft.Storage/storageAccounts/blobServices/read",
                Col("blob_soft_delete", "BOOLEAN", path="properties.deleteRetentionPolicy.enabled"),
                Col("blob_soft_delete_days", "BIGINT", path="properties.deleteRetentionPolicy.days"),
                Col(
                    "container_soft_delete",
                    "BOOLEAN",
                    path="properties.containerDeleteRetentionPolicy.enabled",
                ),
                Col("blob_versioning", "BOOLEAN", path="properties.isVersioningEnabled"),
            ),
        ),
    ),
    resources(
        "azure_sql_server",
        "SQL servers",
        "microsoft.sql/servers",
        (
            Col("minimal_tls_version", about="1.2, None, …", path="properties.minimalTlsVersion"),
            Col("public_network_access", about="Enabled, or Disabled", path="properties.publicNetworkAccess"),
            Col("administrator_login", path="properties.administratorLogin"),
            Col("fully_qualified_domain_name", path="properties.fullyQualifiedDomainName"),
        ),
        "sql",
        (
            ask(
                "administrators",
                _SQL,
                "Microsoft.Sql/servers/administrators/read",
                Col("entra_administrators", "VARCHAR[]", path="items[].properties.login"),
                Col(
                    "entra_only",
                    "BOOLEAN[]",
                    "Whether passwords of its own are off",
                    "items[].properties.azureADOnlyAuthentication",
                ),
                pages=True,
            ),
            ask(
                "auditingSettings/default",
                _SQL,
                "Microsoft.Sql/servers/auditingSettings/read",
                Col("auditing_state", about="Enabled, or Disabled", path="properties.state"),
                Col("auditing_retention_days", "BIGINT", "0 is for ever", "properties.retentionDays"),
            ),
            ask(
                "firewallRules",
                _SQL,
                "Microsoft.Sql/servers/firewallRules/read",
                Col(
                    "firewall_rules",
                    FIREWALL,
                    path="items",
                ),
                pages=True,
            ),
        ),
    ),
    resources(
        "azure_sql_database",
        "SQL databases",
        "microsoft.sql/servers/databases",
        (
            Col("sku", path="sku.name"),
            Col("status", path="properties.status"),
            Col("zone_redundant", "BOOLEAN", path="properties.zoneRedundant"),
            Col("backup_storage", path="properties.currentBackupStorageRedundancy"),
        ),
        "sql",
        (
            ask(
                "transparentDataEncryption/current",
                _SQL,
                "Microsoft.Sql/servers/databases/transparentDataEncryption/read",
                Col("encryption_state", about="Enabled, or Disabled", path="properties.state"),
            ),
        ),
    ),
    resources(
        "azure_key_vault",
        "Key vaults",
        "microsoft.keyvault/vaults",
        (
            Col("soft_delete", "BOOLEAN", path="properties.enableSoftDelete"),
            Col("soft_delete_days", "BIGINT", path="properties.softDeleteRetentionInDays"),
            Col(
                "purge_protection",
                "BOOLEAN",
                "NULL where it was never turned on",
                "properties.enablePurgeProtection",
            ),
            Col("rbac", "BOOLEAN", "NULL where access policies hold", "properties.enableRbacAuthorization"),
            Col("public_network_access", path="properties.publicNetworkAccess"),
            Col("network_default_action", path="properties.networkAcls.defaultAction"),
            Col("network_bypass", path="properties.networkAcls.bypass"),
            Col("private_endpoints", "VARCHAR[]", path="properties.privateEndpointConnections[].id"),
        ),
        "keyvault",
    ),
)
