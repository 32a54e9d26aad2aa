"""The runtime is tested on the same two real databases as the store."""

from tests.store.conftest import database_url, postgres_template, sqlite_template

__all__ = ["database_url", "postgres_template", "sqlite_template"]
