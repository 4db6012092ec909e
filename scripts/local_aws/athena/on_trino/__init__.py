"""The exact engine: Trino itself, on which Athena's engine version 3 is built, in a process of its own."""
