"""What a person does at Google Cloud so that we may read there, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofwatch.connectors.base import Document, Table
from proofwatch.connectors.gcp.access import SEARCH

BESIDE = ("resourcemanager.organizations.get", "resourcemanager.projects.get", SEARCH)
"""What the scope and the read-only proof need beside the tables."""
STEPS = """\
1. Choose a project for the monitor, and switch on what it asks:
   gcloud services enable cloudasset.googleapis.com cloudresourcemanager.googleapis.com \\
     securitycenter.googleapis.com --project PROJECT
2. Make a service account there:
   gcloud iam service-accounts create proofwatch --project PROJECT
3. Make the role of gcp-reader-role.yaml in the organisation, and bind it there:
   gcloud iam roles create proofwatchReader --organization ORGANISATION --file gcp-reader-role.yaml
   gcloud organizations add-iam-policy-binding ORGANISATION --condition None \\
     --member serviceAccount:proofwatch@PROJECT.iam.gserviceaccount.com \\
     --role organizations/ORGANISATION/roles/proofwatchReader
   Or bind Google's own roles, which read a little more: roles/cloudasset.viewer, roles/browser,
   roles/securitycenter.findingsViewer. Do not bind roles/viewer: it reads the data of many services.
4. Best without any key: workload identity federation with a token that stands in a file.
   gcloud iam workload-identity-pools create-cred-config PROVIDER --output-file proofwatch.json \\
     --service-account proofwatch@PROJECT.iam.gserviceaccount.com --credential-source-file /path/to/token
   Else a key, kept where Proofwatch runs and readable by its user only (chmod 400):
   gcloud iam service-accounts keys create proofwatch.json \\
     --iam-account proofwatch@PROJECT.iam.gserviceaccount.com
5. proofwatch connect gcp --key file:/path/to/proofwatch.json --organizations ORGANISATION

Without an organisation: make the role in each project (--project instead of --organization), bind it there,
and connect with --projects PROJECT,PROJECT. Where Security Command Center is not active:
--security-center false.
"""


def documents(tables: Iterable[Table]) -> Sequence[Document]:
    """Return the steps, and a role that holds what the tables need and nothing else."""
    needed = sorted({name for table in tables for name in table.permissions} | set(BESIDE))
    listed = "\n".join(f"- {name}" for name in needed)
    role = (
        "title: Proofwatch reader\n"
        "description: Reads what Proofwatch checks, and nothing else\n"
        f"stage: GA\nincludedPermissions:\n{listed}\n"
    )
    return (
        Document(
            "gcp-steps.txt", "How to let a service account read an organisation, and nothing else.", STEPS
        ),
        Document("gcp-reader-role.yaml", "A role with exactly the permissions that are needed.", role),
    )
