"""Every table of Entra ID, by topic."""

from proofwatch.connectors.entra.tables.access import ACCESS
from proofwatch.connectors.entra.tables.applications import APPLICATIONS
from proofwatch.connectors.entra.tables.people import PEOPLE
from proofwatch.connectors.entra.tables.policies import POLICIES

TABLES = (*PEOPLE, *ACCESS, *POLICIES, *APPLICATIONS)
