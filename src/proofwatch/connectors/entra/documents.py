"""What a person gives to Entra ID so that we may read there: the permissions as a manifest, and the steps."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proofwatch.connectors.base import Document, Table
from proofwatch.connectors.entra.access import GRAPH_APP

IDS = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Device.Read.All": "7438b122-aefc-4978-80ed-43db9fcc7715",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
"""Ids of Graph's application permissions, the same in every tenant (Microsoft: permissions reference)."""
STEPS = """Let Proofwatch read Microsoft Entra ID

1. entra.microsoft.com, Entra ID, App registrations, New registration. Name it Proofwatch, choose "Accounts in
   this organizational directory only", and leave the redirect address empty. Note both ids of its page.
2. Make a key and a certificate where Proofwatch runs; the key never leaves that machine:
     openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=proofwatch -keyout key.pem -out cert.pem
     cat key.pem cert.pem > proofwatch.pem && chmod 600 proofwatch.pem && rm key.pem
   Certificates & secrets, Certificates, Upload certificate: cert.pem. (A client secret works, too.)
3. API permissions, Add a permission, Microsoft Graph, Application permissions. Add these, and no other:
{permissions}
   Remove the delegated permission User.Read that Microsoft added.
4. Press "Grant admin consent". Give the application no role of the directory.
5. proofwatch connect entra NAME --tenant-id … --client-id … --client-certificate file:/path/proofwatch.pem

Each permission ends in Read: Proofwatch reads them from its own token and says so when one does not.
"""


def documents(tables: Sequence[Table]) -> list[Document]:
    """Return the steps, and the permissions as the application's manifest has them."""
    needed = sorted({name for table in tables for name in table.permissions})
    listed = "\n".join(f"     {name}" for name in needed)
    roles = [{"id": IDS[name], "type": "Role"} for name in needed]
    manifest = [{"resourceAppId": GRAPH_APP, "resourceAccess": roles}]
    return [
        Document("entra-steps.txt", "Follow it as an administrator", STEPS.replace("{permissions}", listed)),
        Document(
            "entra-required-resource-access.json",
            "The same permissions: put it into the application's manifest as requiredResourceAccess, or give "
            "it to `az ad app update --id CLIENT_ID --required-resource-accesses @FILE`",
            json.dumps(manifest, indent=2) + "\n",
        ),
    ]
