"""Web hooks: what a provider says has changed is checked, and becomes a hint for what to read again."""
