"""What a person does at Google so that we may read there, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from proofwatch.connectors.base import Document
from proofwatch.connectors.google.signin import SCOPE
from proofwatch.connectors.google_workspace.access import SCOPES

STEPS = """\
1. In the Google Cloud console choose (or make) a project, and switch on the "Admin SDK API":
   gcloud services enable admin.googleapis.com --project PROJECT
2. Make a service account without any role in the project, and a key for it:
   gcloud iam service-accounts create proofwatch --project PROJECT
   gcloud iam service-accounts keys create proofwatch.json \\
     --iam-account proofwatch@PROJECT.iam.gserviceaccount.com
   Put the file where Proofwatch runs, readable by its user only (chmod 400).
3. Note its client id (the number "client_id" in the file).
4. In the admin console (admin.google.com) open Security > Access and data control > API controls >
   Manage domain-wide delegation > Add new. Client id: the number. Scopes: the line of scopes.txt.
5. Make an account that the service account acts for, for example proofwatch@YOUR-DOMAIN, with a second
   factor, and under Account > Admin roles make a role that only reads, assigned to it:
   Admin API privileges: Users > Read, Groups > Read, Organizational Units > Read, Domain Management;
   Admin console privileges: Reports, Mobile Device Management > Manage devices (Google has no read-only
   privilege for devices and domains, so the scopes are what keeps those to reading).
   Roles and their assignments are shown to super administrators only: for these two tables the account
   must be one. Without it they are told as unread, and the rest works.
6. proofwatch connect google_workspace --key file:/path/to/proofwatch.json \\
     --admin-email proofwatch@YOUR-DOMAIN

Where mobile devices are not managed by Google: --mobile-devices false, and leave that scope out.
"""


def documents() -> Sequence[Document]:
    """Return the steps, and the scopes as the admin console wants them."""
    return (
        Document(
            "google-workspace-steps.txt",
            "How to let a service account read the directory and its reports, and nothing else.",
            STEPS,
        ),
        Document(
            "scopes.txt",
            "Scopes for domain-wide delegation; every one of them only reads.",
            ",".join(SCOPE + name for name in SCOPES) + "\n",
        ),
    )
