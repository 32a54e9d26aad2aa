"""What the tests of the pages share."""

from tests.web.site import site

__all__ = ["site"]
