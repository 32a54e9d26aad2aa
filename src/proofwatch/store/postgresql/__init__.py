"""Django's backend for PostgreSQL, for processes that outlive a connection."""
