"""What runs: virtual machines and their disks, web apps, Kubernetes."""

from __future__ import annotations

from proofwatch.connectors.azure.tables.shared import ask, resources
from proofwatch.connectors.rest.declare import Col

COMPUTE = (
    resources(
        "azure_virtual_machine",
        "Virtual machines",
        "microsoft.compute/virtualmachines",
        (
            Col("size", path="properties.hardwareProfile.vmSize"),
            Col("os_type", path="properties.storageProfile.osDisk.osType"),
            Col(
                "os_disk_id",
                about="NULL where it is no managed disk",
                path="properties.storageProfile.osDisk.managedDisk.id",
            ),
            Col(
                "os_disk_vhd",
                about="Of a disk that is not managed",
                path="properties.storageProfile.osDisk.vhd.uri",
            ),
            Col(
                "encryption_at_host",
                "BOOLEAN",
                "NULL where never set, which means no",
                "properties.securityProfile.encryptionAtHost",
            ),
            Col("security_type", about="TrustedLaunch, …", path="properties.securityProfile.securityType"),
            Col("secure_boot", "BOOLEAN", path="properties.securityProfile.uefiSettings.secureBootEnabled"),
            Col(
                "password_login_disabled",
                "BOOLEAN",
                path="properties.osProfile.linuxConfiguration.disablePasswordAuthentication",
            ),
            Col("identity_type", path="identity.type"),
        ),
        "compute",
    ),
    resources(
        "azure_disk",
        "Managed disks",
        "microsoft.compute/disks",
        (
            Col("size_gb", "BIGINT", path="properties.diskSizeGB"),
            Col("disk_state", about="Attached, Unattached, …", path="properties.diskState"),
            Col("managed_by", path="managedBy"),
            Col(
                "encryption_type",
                about="…WithPlatformKey, …WithCustomerKey, …",
                path="properties.encryption.type",
            ),
            Col(
                "network_access_policy",
                about="AllowAll, AllowPrivate, DenyAll",
                path="properties.networkAccessPolicy",
            ),
            Col("public_network_access", path="properties.publicNetworkAccess"),
        ),
        "compute",
    ),
    resources(
        "azure_web_app",
        "Web apps and functions",
        "microsoft.web/sites",
        (
            Col("kind"),
            Col("state", path="properties.state"),
            Col("https_only", "BOOLEAN", path="properties.httpsOnly"),
            Col(
                "identity_type",
                about="SystemAssigned, UserAssigned, None, or NULL for none",
                path="identity.type",
            ),
            Col("public_network_access", path="properties.publicNetworkAccess"),
            Col("client_certificates", "BOOLEAN", path="properties.clientCertEnabled"),
        ),
        "web",
        (
            ask(
                "config/web",
                "2023-12-01",
                "Microsoft.Web/sites/config/read",
                Col("minimum_tls_version", path="properties.minTlsVersion"),
                Col("ftps_state", about="AllAllowed, FtpsOnly, Disabled", path="properties.ftpsState"),
                Col("remote_debugging", "BOOLEAN", path="properties.remoteDebuggingEnabled"),
                Col("http_logging", "BOOLEAN", path="properties.httpLoggingEnabled"),
            ),
        ),
    ),
    resources(
        "azure_kubernetes_cluster",
        "Kubernetes clusters",
        "microsoft.containerservice/managedclusters",
        (
            Col("kubernetes_version", path="properties.kubernetesVersion"),
            Col("rbac", "BOOLEAN", path="properties.enableRBAC"),
            Col("local_accounts_disabled", "BOOLEAN", "NULL means no", "properties.disableLocalAccounts"),
            Col("private_cluster", "BOOLEAN", path="properties.apiServerAccessProfile.enablePrivateCluster"),
            Col(
                "authorized_ip_ranges",
                "VARCHAR[]",
                path="properties.apiServerAccessProfile.authorizedIPRanges",
            ),
            Col("entra_managed", "BOOLEAN", path="properties.aadProfile.managed"),
            Col("network_policy", path="properties.networkProfile.networkPolicy"),
        ),
        "compute",
    ),
)
