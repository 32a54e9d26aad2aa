"""The declared tables, one file per service; each module has `TABLES: tuple[AwsTable, ...]`."""
