"""What several folders of tests share."""

from tests.databases import database_url, empty_url, postgres_server, postgres_template, sqlite_template

__all__ = ["database_url", "empty_url", "postgres_server", "postgres_template", "sqlite_template"]
