#!/usr/bin/env python3
"""Measure the workbook's design side by side with those that a reader would otherwise pick.

Prints tables of medians and ratios in one run, and leaves them with a chart in build/bench. Runs on a local AWS of its
own, which is gone afterwards.
"""
import argparse

from commands.ending import run_to_end
from commands.options import command_parser
from environments import enter_environment

PARTS = ("function", "bill", "questions", "end_to_end")


def arguments(words: "list[str] | None" = None) -> argparse.Namespace:
    """The command line's options, or those in `words`."""
    parser = command_parser(__doc__, port=False)
    parser.add_argument("--quick", action="store_true",
                        help="within a minute: fewer turns, smaller loads")
    parser.add_argument("--only", choices=PARTS, action="append",
                        help="measure one part of the four alone (may be repeated)")
    parser.add_argument("--write", action="store_true",
                        help="also put the tables into scripts/bench.md; of a full run alone, with --engine trino")
    options = parser.parse_args(words)
    if options.write and (options.quick or options.only or options.engine != "trino"):
        parser.error("--write is for a full run: --engine trino, without --quick and --only")
    return options


def main() -> int:
    """Measure what was asked for; the exit status."""
    options = arguments()
    enter_environment()
    from bench_parts import run

    return run.run(options.only or PARTS, options.engine or "duckdb", options.quick, options.write)


if __name__ == "__main__":
    run_to_end(main)
