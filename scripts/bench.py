#!/usr/bin/env python3
"""Measure the workbook's design side by side with those that a reader would otherwise pick.

Prints tables of medians and ratios in one run, and leaves them with a chart in build/bench. Runs on a local AWS of its
own, which is gone afterwards.
"""
import argparse

import command

PARTS = ("function", "questions", "pipe")


def arguments(words: "list[str] | None" = None) -> argparse.Namespace:
    """The command line's options, or those in `words`."""
    parser = command.parser(__doc__, port=False)
    parser.add_argument("--quick", action="store_true",
                        help="within a minute: fewer turns, smaller loads")
    parser.add_argument("--only", choices=PARTS, action="append",
                        help="measure one part of the three alone (may be repeated)")
    return parser.parse_args(words)


def main() -> int:
    """Measure what was asked for; the exit status."""
    options = arguments()
    command.enter_environment()
    from bench_parts import run

    return run.run(options.only or PARTS, options.engine or "duckdb", options.quick)


if __name__ == "__main__":
    command.main(main)
