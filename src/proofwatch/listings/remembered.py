"""What is dear to make is made once, as long as the log says that nothing happened and no minute passed.

Every change is an entry of the log, so its size tells whether a value is still true; the minute stands
for what follows from the clock alone, as a pass that became too old.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from django.db import connection

from proofwatch.store.models import LogHead

Value = TypeVar("Value")
MOST = 64
_kept: dict[Hashable, tuple[Hashable, Any]] = {}
_lock = Lock()


def remembered(name: Hashable, now: datetime, make: Callable[[], Value]) -> Value:
    """Return what `make` returns, from memory while it must still be the same.

    Args:
        name: of the value.
        now: what the value takes for now.
        make: makes it; asked again after any change.
    """
    database = str(connection.settings_dict["NAME"])
    size = LogHead.objects.values_list("size", flat=True).get(pk=1)
    state = (size, now.replace(second=0, microsecond=0))
    found = _kept.get((database, name))
    if found is not None and found[0] == state:
        return found[1]
    value = make()
    with _lock:
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[(database, name)] = (state, value)
    return value
