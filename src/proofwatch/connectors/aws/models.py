"""botocore's own descriptions of AWS's services, each parsed once for all threads and clients.

Making a session and parsing a description cost up to a second, and the threads of a table ask all at once.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

_LOCK = threading.RLock()


def loader() -> Any:
    """Return the one loader of botocore's data files; it keeps what it has read."""
    with _LOCK:
        return _session().get_component("data_loader")


def paginators(service: str) -> dict[str, Any]:
    """Return how the listings of a service are continued, by operation; {} where botocore does not say."""
    from botocore.exceptions import DataNotFoundError

    with _LOCK:
        try:
            found: dict[str, Any] = loader().load_service_model(service, "paginators-1")["pagination"]
        except DataNotFoundError:
            return {}
        return found


def operation(service: str, op: str) -> Any:
    """Return botocore's model of an operation."""
    with _LOCK:
        return _service(service).operation_model(op)


@lru_cache(maxsize=1)
def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


@lru_cache(maxsize=16)
def _service(name: str) -> Any:
    return _session().get_service_model(name)
