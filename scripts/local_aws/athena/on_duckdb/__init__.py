"""The embedded engine: Athena's SQL, compiled for DuckDB; whatever is not verified to answer as Trino is refused."""
