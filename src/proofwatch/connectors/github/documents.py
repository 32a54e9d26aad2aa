"""What a person does at GitHub so that we may read there, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from proofwatch.connectors.base import Document, Table

NAMES = {
    "Organization administration": "organization_administration",
    "Organization webhooks": "organization_hooks",
    "Members": "members",
    "Metadata": "metadata",
    "Administration": "administration",
    "Contents": "contents",
    "Dependabot alerts": "vulnerability_alerts",
    "Code scanning alerts": "security_events",
    "Secret scanning alerts": "secret_scanning_alerts",
    "Environments": "environments",
    "Webhooks": "repository_hooks",
    "Pull requests": "pull_requests",
    "Checks": "checks",
    "Commit statuses": "statuses",
}
"""A permission as GitHub's pages name it → as its interface names it."""

STEPS = """\
1. Open https://github.com/organizations/YOUR-ORGANISATION/settings/apps/new
   (on a server of your own: its address instead of github.com).
2. Name it, for example "Proofwatch". Homepage: the address of your Proofwatch. Switch Webhook → Active off.
3. Give these permissions, each as Read-only, and no others:
{permissions}
4. Where can it be installed: Only on this account. Create it.
5. Note the App ID. Under "Private keys", Generate a private key; put the file where Proofwatch runs,
   readable by its user only (chmod 400).
6. Under "Install App", install it in the organisation for All repositories: for selected ones, the others
   show as a gap in coverage.
7. proofwatch connect github --app-id APP-ID --private-key file:/path/to/key.pem \\
     --organizations YOUR-ORGANISATION

GitHub shows second factors of members to owners only. Whoever wants that check reads with a fine-grained
token of an owner instead (the same permissions as above, each read-only), or relies on the organisation's
requirement of two factors, which the App can see.
A token: https://github.com/settings/personal-access-tokens/new, resource owner YOUR-ORGANISATION, All
repositories, an expiry of at most 90 days; then: proofwatch connect github --token env:GITHUB_TOKEN
"""


def documents(tables: Iterable[Table]) -> Sequence[Document]:
    """Return the steps in words, and the manifest from which GitHub makes the App with one click."""
    needed = sorted({name for table in tables for name in table.permissions})
    parts = [name.rpartition(": ") for name in needed]
    manifest = {
        "name": "Proofwatch",
        "url": "https://proofwatch.example",
        "public": False,
        "default_events": [],
        "default_permissions": {NAMES[name]: level for name, _, level in parts},
    }
    listed = "\n".join(f"   - {name}: Read-only" for name, _, _ in parts)
    return (
        Document(
            "github-app-steps.txt",
            "How to make a GitHub App that may read what the tables need, and nothing else.",
            STEPS.format(permissions=listed),
        ),
        Document(
            "github-app-manifest.json",
            "The same App as a manifest, for GitHub's manifest flow.",
            json.dumps(manifest, indent=2) + "\n",
        ),
    )
