"""What a person does at Okta so that we may read there, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proofwatch.connectors.base import Document
from proofwatch.connectors.okta.settings import SCOPES

_GRANTED = "".join(f"     {name}\n" for name in SCOPES)
STEPS = f"""\
Connect Okta with an API service app (recommended)

1. Admin Console, Applications, Applications, Create App Integration: API Services. Name it Proofwatch.
2. General, Client Credentials, Edit: Public key / Private key. Add key, Generate new key, copy the private
   key as PEM or JWK into a file that only Proofwatch reads. Save.
3. General, General Settings, Edit: turn off "Require Demonstrating Proof of Possession (DPoP) header in token
   requests". Save.
4. Okta API Scopes: grant exactly these, each of which only reads:
{_GRANTED}\
5. Admin roles, Edit assignments, Add assignment: Read-only Administrator. Where the tables of admin roles
   stay unread, add a custom role with the one permission "View roles, resources, and admin assignments"
   (okta.iam.read) on the resource set of all identity and access management resources.
6. Give Proofwatch org_url (https://acme.okta.com, not acme-admin), client_id and private_key.

Or with an API token

1. Make a user for Proofwatch alone, with the role Read-only Administrator and a second factor.
2. Signed in as that user: Admin Console, Security, API, Tokens, Create token. Let it be used only from the
   network zone in which Proofwatch runs.
3. Give Proofwatch org_url and api_token. The token has all rights of its owner: what the proof shows.
"""


def documents() -> Sequence[Document]:
    """Return the steps, and the scopes as JSON."""
    scopes = json.dumps({"scopes": list(SCOPES), "admin_role": "READ_ONLY_ADMIN"}, indent=2)
    return (
        Document("okta-read-only-app.txt", "How to make the identity that only reads", STEPS),
        Document("okta-read-only-scopes.json", "What the app is granted", f"{scopes}\n"),
    )
