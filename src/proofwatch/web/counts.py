"""What the sign-in counts: failed attempts, used one-time codes; in the database, for all servers together.

A cache of Django's, of values that JSON can say. Each server counting by itself would give a guesser as many
attempts as there are servers, and let a one-time code be used once at each. Keys are kept as their hashes:
they may hold addresses.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from proofwatch.web.models import Counted


class Counts(BaseCache):
    """Rows that end by themselves. `add` is true for one of all who add a key at once."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Keep a value unless there is one; return whether it was kept."""
        Counted.objects.filter(key=self._hash(key, version), until__lte=datetime.now(UTC)).delete()
        row = {"value": value, "until": self._until(timeout)}
        return Counted.objects.get_or_create(key=self._hash(key, version), defaults=row)[1]

    def get(self, key: str, default: Any = None, version: Any = None) -> Any:
        """Return a value that has not ended, else `default`."""
        row = Counted.objects.filter(key=self._hash(key, version), until__gt=datetime.now(UTC)).first()
        return default if row is None else row.value

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        """Keep a value, and forget all that have ended."""
        Counted.objects.filter(until__lte=datetime.now(UTC)).delete()
        row = {"value": value, "until": self._until(timeout)}
        Counted.objects.update_or_create(key=self._hash(key, version), defaults=row)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        """Let a value end at another time; return whether there was one."""
        rows = Counted.objects.filter(key=self._hash(key, version), until__gt=datetime.now(UTC))
        return bool(rows.update(until=self._until(timeout)))

    def delete(self, key: str, version: Any = None) -> bool:
        """Forget a value; return whether there was one."""
        return bool(Counted.objects.filter(key=self._hash(key, version)).delete()[0])

    def clear(self) -> None:
        """Forget everything."""
        Counted.objects.all().delete()

    def _hash(self, key: str, version: Any) -> str:
        return hashlib.sha256(self.make_key(key, version).encode()).hexdigest()

    def _until(self, timeout: Any) -> datetime:
        end = self.get_backend_timeout(timeout)
        return datetime.max.replace(tzinfo=UTC) if end is None else datetime.fromtimestamp(end, UTC)
