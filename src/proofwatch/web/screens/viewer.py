"""Who looks when a picture is taken: no account, no session, and nobody who could change anything.

The caller of our application, in the same process, puts `SEAL` into the environ of the request. It is known
by its identity, and what a network client sends reaches an environ only as text, under names that begin
with HTTP_: nobody can pretend to be the viewer from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from proofwatch.store.base import StoreError
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role

if TYPE_CHECKING:
    from django.http import HttpRequest

KEY: Final = "proofwatch.viewer"
SEAL: Final = object()
NAME: Final = "system:screenshots"
"""No person can be called so: a person's name has no colon."""
READS = ("SELECT", "EXPLAIN", "PRAGMA", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


def looks(request: HttpRequest) -> bool:
    """Tell whether this request is the viewer's; it only ever gets."""
    return request.method == "GET" and request.META.get(KEY) is SEAL


def person(now: datetime) -> Person:
    """Return the viewer as the pages know people; it is in no table, so nobody can sign in as it."""
    return Person(name=NAME, full_name="screenshots", role=Role.AUDITOR, zone="UTC", created_at=now)


@contextmanager
def only_reading() -> Iterator[None]:
    """Refuse every statement that is no reading of the state, whatever a page does."""
    with connection.execute_wrapper(_refuse):
        yield


def _refuse(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    if not str(sql).lstrip().upper().startswith(READS):
        raise StoreError("showing a page to the viewer", "it would change the state", "sign in as a person")
    return execute(sql, params, many, context)
