"""Fixtures of the tests with a browser."""

from tests.web.browser.kit import browser, served, served_port  # noqa: F401
