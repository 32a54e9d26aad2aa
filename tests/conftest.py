"""What several folders of tests share."""

from tests.companies import company, connected, undisturbed
from tests.databases import database_url, empty_url, postgres_server, postgres_template, sqlite_template

__all__ = [
    "company",
    "connected",
    "database_url",
    "empty_url",
    "postgres_server",
    "postgres_template",
    "sqlite_template",
    "undisturbed",
]
