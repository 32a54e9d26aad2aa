"""What several folders of tests share."""

import signal

from tests import web_settings  # noqa: F401 – before anything uses the models
from tests.catalogs import validated, warm_home
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
    "validated",
    "warm_home",
]

# A shell that runs the suite in the background lets it ignore Ctrl-C, and with it all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
