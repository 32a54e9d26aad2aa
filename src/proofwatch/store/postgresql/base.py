"""Django's PostgreSQL, which opens a new connection once the server has ended the old one.

Django itself looks only between two requests of the pages. A worker has no requests: after a restart of the
server it would ask over its dead connection for ever.
"""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is replaced when it is found to be dead, but never within a transaction."""

    def ensure_connection(self) -> None:
        """Connect where there is no connection, or only a dead one.

        Within a transaction the dead one stays, and every further query fails: what was written before is
        lost, so what follows must not be written alone. The end of the transaction lets go of it.
        """
        if self.connection is not None and self.connection.closed and not self.in_atomic_block:
            self.close()
        super().ensure_connection()
