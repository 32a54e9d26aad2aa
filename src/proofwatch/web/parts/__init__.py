"""Parts of pages: statuses, tables, charts."""
