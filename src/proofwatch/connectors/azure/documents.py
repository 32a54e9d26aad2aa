"""What a person gives to Azure so that we may read there."""

from __future__ import annotations

from proofwatch.connectors.base import Document

STEPS = """Let Proofwatch read Azure

1. Register an application in Entra ID, as for the connection to Microsoft Entra ID (the same one will do),
   with a certificate. It needs no permission of Microsoft Graph and no admin consent for Azure.
2. Give it the built-in role Reader, and nothing else. For every subscription there is and will be:
     az role assignment create --assignee CLIENT_ID --role Reader \\
       --scope /providers/Microsoft.Management/managementGroups/TENANT_ID
   (an administrator must first "elevate access" at the root once), or for chosen subscriptions:
     az role assignment create --assignee CLIENT_ID --role Reader --scope /subscriptions/SUBSCRIPTION_ID
   At the root, Proofwatch also sees whether a subscription is missing.
3. proofwatch connect azure NAME --tenant-id … --client-id … --client-certificate file:/path/proofwatch.pem

Reader allows */read: no keys, no secrets, no data inside storage accounts, databases and vaults. Security
Reader is not needed: what it reads, Reader reads, too, and it adds actions that are more than reading.
"""


def documents() -> list[Document]:
    """Return the steps."""
    return [Document("azure-steps.txt", "Follow it as an owner of the subscriptions", STEPS)]
