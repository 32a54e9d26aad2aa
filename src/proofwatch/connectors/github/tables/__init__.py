"""The tables, by topic."""

from proofwatch.connectors.github.tables.alerts import ALERTS
from proofwatch.connectors.github.tables.changes import CHANGES
from proofwatch.connectors.github.tables.organization import ORGANIZATION
from proofwatch.connectors.github.tables.people import PEOPLE
from proofwatch.connectors.github.tables.repositories import REPOSITORIES

TABLES = (*ORGANIZATION, *PEOPLE, *REPOSITORIES, *ALERTS, *CHANGES)
