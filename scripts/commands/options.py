"""The options that all commands have."""
from __future__ import annotations

import argparse


def command_parser(description: str | None, port: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that all commands have: what answers the local AWS's SQL and, with `port`, where it
    listens. `description` is the command's docstring."""
    made = argparse.ArgumentParser(description=description, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--engine", choices=("duckdb", "trino"),
                      help="what answers SQL on the local AWS: duckdb (default; embedded; what it is not verified to "
                           "answer as Athena does it hands on to Trino, where that is set up) or trino (exact; set up "
                           "on first use)")
    if port:
        made.add_argument("--port", type=int, help="where the local AWS listens on 127.0.0.1 (default 4566)")
    return made
