"""Okta's tables, by topic."""

from proofwatch.connectors.okta.tables.apps import APPS
from proofwatch.connectors.okta.tables.org import ORG
from proofwatch.connectors.okta.tables.people import PEOPLE
from proofwatch.connectors.okta.tables.policies import POLICIES
from proofwatch.connectors.rest.declare import RestTable

TABLES: tuple[RestTable, ...] = (*PEOPLE, *APPS, *POLICIES, *ORG)
