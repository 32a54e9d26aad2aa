"""What is in the simulated company's subscriptions, in the shapes of Azure. All of it is DEMO DATA."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proofwatch.demo.fakes.microsoft_login import TENANT, guid

PRODUCTION = "6b1d2c3e-4f50-4a6b-8c7d-9e0f1a2b3c4d"
DEVELOPMENT = "7c2e3d4f-5061-4b7c-9d8e-0f1a2b3c4d5e"
SANDBOX = "8d3f4e50-6172-4c8d-8e9f-1a2b3c4d5e6f"
ROOT = f"/providers/Microsoft.Management/managementGroups/{TENANT}"
OPENED = (("web-nsg", "443", "Internet"), ("jump-nsg", "3389", "*"), ("db-nsg", "1433", "10.0.0.0/8"))
GROUP = f"/subscriptions/{PRODUCTION}/resourceGroups/rg-production"
STORAGE = (
    ("acmebackups", PRODUCTION), ("acmelogs", PRODUCTION), ("acmelegacy", PRODUCTION),
    ("acmedev", DEVELOPMENT),
)  # fmt: skip
Item = dict[str, Any]


class Cloud:
    """The subscriptions at a time.

    Attributes:
        subscriptions: those where the application holds a role, by id.
        below: what stands below the root management group.
        rows: of Resource Graph, by type in lower case.
        lists: of Resource Manager, by path below /providers and subscription.
        details: what one resource answers, by its path in lower case; lists are pages.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.subscriptions = {
            PRODUCTION: _subscription(PRODUCTION, "production"),
            DEVELOPMENT: _subscription(DEVELOPMENT, "development"),
        }
        named = {PRODUCTION: "production", DEVELOPMENT: "development", SANDBOX: "sandbox"}
        self.below: list[Item] = [
            {
                "id": f"/subscriptions/{number}", "name": number,
                "type": "Microsoft.Management/managementGroups/subscriptions",
                "properties": {"displayName": name, "parent": {"id": ROOT}},
            }
            for number, name in named.items()
        ]  # fmt: skip
        self.rows: dict[str, list[Item]] = {}
        self.details: dict[str, Any] = {}
        self._containers()
        self._storage()
        self._sql()
        self._vaults()
        self._network()
        self._machines()
        self._web()
        self.lists: dict[str, dict[str, list[Item]]] = {}

    def tidy(self) -> None:
        """Mend what is not as it should be."""
        for row in self.rows["microsoft.storage/storageaccounts"]:
            row["properties"] |= {"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
        for row in self.rows["microsoft.keyvault/vaults"]:
            row["properties"]["enablePurgeProtection"] = True
        for row in self.rows["microsoft.security/pricings"]:
            row["properties"]["pricingTier"] = "Standard"
        for row in self.rows["microsoft.network/networksecuritygroups"]:
            for rule in row["properties"]["securityRules"]:
                if rule["properties"]["destinationPortRange"] == "3389":
                    rule["properties"]["sourceAddressPrefix"] = "10.0.0.0/8"

    def ago(self, days: float) -> str:
        """Return a moment so many days ago, as Azure writes it."""
        return (self.now - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    def add(
        self, type_: str, name: str, properties: Item, subscription: str = PRODUCTION, **more: Any
    ) -> str:
        """Add a resource as Resource Graph has it; return its id."""
        group = more.pop("group", "rg-production" if subscription == PRODUCTION else "rg-development")
        path = more.pop("path", f"{type_}/{name}")
        number = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{path}"
        row = {
            "id": number, "name": name, "type": type_.lower(), "location": "westeurope", "kind": "",
            "subscriptionId": subscription, "resourceGroup": group.lower(), "sku": None, "identity": None,
            "tags": {"owner": "platform"}, "managedBy": "", "properties": properties, **more,
        }  # fmt: skip
        self.rows.setdefault(type_.lower(), []).append(row)
        return number

    def _containers(self) -> None:
        self.rows["microsoft.resources/subscriptions"] = [
            {
                "id": f"/subscriptions/{number}", "name": item["displayName"], "subscriptionId": number,
                "tenantId": TENANT, "tags": {},
                "properties": {
                    "state": "Enabled",
                    "managementGroupAncestorsChain": [{"name": TENANT, "displayName": "Root"}],
                },
            }
            for number, item in self.subscriptions.items()
        ]  # fmt: skip

    def _storage(self) -> None:
        for name, where in STORAGE:
            bad = name == "acmelegacy"
            number = self.add(
                "Microsoft.Storage/storageAccounts", name,
                {
                    "provisioningState": "Succeeded", "creationTime": self.ago(700),
                    "supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_0" if bad else "TLS1_2",
                    "allowBlobPublicAccess": bad, "allowSharedKeyAccess": False,
                    "publicNetworkAccess": "Enabled", "privateEndpointConnections": [],
                    "networkAcls": {
                        "defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [],
                        "virtualNetworkRules": [],
                    },
                    "encryption": {
                        "keySource": "Microsoft.Storage", "requireInfrastructureEncryption": True,
                        "services": {"blob": {"enabled": True, "keyType": "Account"}},
                    },
                    "primaryEndpoints": {"blob": f"https://{name}.blob.core.windows.net/"},
                },
                where, kind="StorageV2", sku={"name": "Standard_ZRS", "tier": "Standard"},
            )  # fmt: skip
            path = f"{number}/blobServices/default"
            kept = {"enabled": True, "days": 30}
            self.details[path.lower()] = {
                "id": path, "name": "default", "type": "Microsoft.Storage/storageAccounts/blobServices",
                "properties": {
                    "deleteRetentionPolicy": {**kept, "allowPermanentDelete": False},
                    "containerDeleteRetentionPolicy": kept, "isVersioningEnabled": True,
                    "cors": {"corsRules": []},
                },
            }  # fmt: skip

    def _sql(self) -> None:
        server = self.add(
            "Microsoft.Sql/servers", "acme-sql",
            {
                "administratorLogin": "acmeadmin", "version": "12.0", "state": "Ready",
                "minimalTlsVersion": "1.2",
                "publicNetworkAccess": "Disabled", "restrictOutboundNetworkAccess": "Disabled",
                "fullyQualifiedDomainName": "acme-sql.database.windows.net",
            },
            kind="v12.0",
        )  # fmt: skip
        kinds, base = "Microsoft.Sql/servers", server.lower()
        self.details[f"{base}/administrators"] = [
            {
                "id": f"{server}/administrators/ActiveDirectory", "name": "ActiveDirectory",
                "type": f"{kinds}/administrators",
                "properties": {
                    "administratorType": "ActiveDirectory", "login": "Role: databases", "sid": guid(11),
                    "tenantId": TENANT, "azureADOnlyAuthentication": True,
                },
            }
        ]  # fmt: skip
        self.details[f"{base}/auditingsettings/default"] = {
            "id": f"{server}/auditingSettings/default", "name": "default",
            "type": f"{kinds}/auditingSettings",
            "properties": {"state": "Enabled", "retentionDays": 0, "isAzureMonitorTargetEnabled": True},
        }  # fmt: skip
        self.details[f"{base}/firewallrules"] = []
        for name in ("master", "billing", "fleet"):
            number = self.add(
                "Microsoft.Sql/servers/databases", name,
                {
                    "status": "Online", "zoneRedundant": name != "master", "databaseId": guid(len(name)),
                    "currentBackupStorageRedundancy": "Zone",
                },
                path=f"Microsoft.Sql/servers/acme-sql/databases/{name}",
                sku={"name": "GP_Gen5", "tier": "GeneralPurpose"},
            )  # fmt: skip
            self.details[f"{number}/transparentDataEncryption/current".lower()] = {
                "id": f"{number}/transparentDataEncryption/current", "name": "current",
                "type": "Microsoft.Sql/servers/databases/transparentDataEncryption",
                "properties": {"state": "Disabled" if name == "master" else "Enabled"},
            }  # fmt: skip

    def _vaults(self) -> None:
        for name, where in (("acme-vault", PRODUCTION), ("acme-dev-vault", DEVELOPMENT)):
            safe = {"enablePurgeProtection": True} if where == PRODUCTION else {}
            self.add(
                "Microsoft.KeyVault/vaults", name,
                {
                    "tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": [],
                    "enableSoftDelete": True, "softDeleteRetentionInDays": 90,
                    "enableRbacAuthorization": True,
                    "publicNetworkAccess": "Disabled", "vaultUri": f"https://{name}.vault.azure.net/",
                    "provisioningState": "Succeeded", **safe,
                    "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
                },
                where,
            )  # fmt: skip

    def _network(self) -> None:
        kind = "Microsoft.Network/networkSecurityGroups"
        for name, port, source in OPENED:
            rule = {
                "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": 100,
                "sourceAddressPrefix": source, "sourceAddressPrefixes": [], "sourcePortRange": "*",
                "sourcePortRanges": [], "destinationAddressPrefix": "*", "destinationAddressPrefixes": [],
                "destinationPortRange": port, "destinationPortRanges": [], "provisioningState": "Succeeded",
            }  # fmt: skip
            deny = {**rule, "access": "Deny", "priority": 65500, "protocol": "*", "destinationPortRange": "*",
                    "sourceAddressPrefix": "*"}  # fmt: skip
            self.add(
                kind, name,
                {
                    "provisioningState": "Succeeded", "resourceGuid": guid(12), "subnets": [],
                    "securityRules": [{"name": "allow", "properties": rule, "type": f"{kind}/securityRules"}],
                    "defaultSecurityRules": [
                        {"name": "DenyAllInBound", "properties": deny, "type": f"{kind}/defaultSecurityRules"}
                    ],
                },
            )  # fmt: skip
        for name in ("web-ip", "nat-ip"):
            self.add(
                "Microsoft.Network/publicIPAddresses", name,
                {
                    "ipAddress": "203.0.113.20", "publicIPAllocationMethod": "Static",
                    "publicIPAddressVersion": "IPv4", "provisioningState": "Succeeded",
                    "ipConfiguration": {"id": f"{GROUP}/loadBalancers/web/frontendIPConfigurations/{name}"},
                },
                sku={"name": "Standard", "tier": "Regional"},
            )  # fmt: skip

    def _machines(self) -> None:
        for name in ("fleet-vm-1", "fleet-vm-2"):
            machine = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}"
            disk = self.add(
                "Microsoft.Compute/disks", f"{name}-os",
                {
                    "diskSizeGB": 64, "diskState": "Attached", "osType": "Linux",
                    "timeCreated": self.ago(300),
                    "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
                    "networkAccessPolicy": "DenyAll",
                    "publicNetworkAccess": "Disabled", "provisioningState": "Succeeded",
                    "creationData": {"createOption": "FromImage"},
                },
                managedBy=machine, sku={"name": "Premium_LRS", "tier": "Premium"},
            )  # fmt: skip
            self.add(
                "Microsoft.Compute/virtualMachines", name,
                {
                    "vmId": guid(13), "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
                    "storageProfile": {
                        "osDisk": {
                            "osType": "Linux", "name": f"{name}-os", "createOption": "FromImage",
                            "managedDisk": {"id": disk, "storageAccountType": "Premium_LRS"},
                        },
                        "dataDisks": [],
                    },
                    "osProfile": {
                        "computerName": name, "adminUsername": "acme",
                        "linuxConfiguration": {"disablePasswordAuthentication": True},
                    },
                    "securityProfile": {
                        "encryptionAtHost": True, "securityType": "TrustedLaunch",
                        "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
                    },
                    "provisioningState": "Succeeded",
                },
                identity={"type": "SystemAssigned", "principalId": guid(14), "tenantId": TENANT},
            )  # fmt: skip

    def _web(self) -> None:
        for name, where in (("acme-shop", PRODUCTION), ("acme-shop-dev", DEVELOPMENT)):
            number = self.add(
                "Microsoft.Web/sites", name,
                {
                    "state": "Running", "httpsOnly": True, "clientCertEnabled": False, "enabled": True,
                    "defaultHostName": f"{name}.azurewebsites.net", "publicNetworkAccess": "Enabled",
                },
                where, kind="app,linux",
                identity={"type": "SystemAssigned", "principalId": guid(15), "tenantId": TENANT},
            )  # fmt: skip
            self.details[f"{number}/config/web".lower()] = {
                "id": f"{number}/config/web", "name": name, "type": "Microsoft.Web/sites/config",
                "properties": {
                    "minTlsVersion": "1.2", "ftpsState": "Disabled", "remoteDebuggingEnabled": False,
                    "httpLoggingEnabled": True, "http20Enabled": True,
                },
            }  # fmt: skip
        self.add(
            "Microsoft.ContainerService/managedClusters", "acme-aks",
            {
                "kubernetesVersion": "1.33", "enableRBAC": True, "disableLocalAccounts": True,
                "aadProfile": {"managed": True, "enableAzureRBAC": True, "tenantID": TENANT},
                "apiServerAccessProfile": {"enablePrivateCluster": True}, "provisioningState": "Succeeded",
                "networkProfile": {"networkPlugin": "azure", "networkPolicy": "cilium"},
            },
        )  # fmt: skip


def _subscription(number: str, name: str) -> Item:
    return {
        "id": f"/subscriptions/{number}", "subscriptionId": number, "tenantId": TENANT, "displayName": name,
        "state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "spendingLimit": "Off"},
    }  # fmt: skip
