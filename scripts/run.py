#!/usr/bin/env python3
"""Run the workbook from the empty table to the charts, and leave a report.

Executes the numbered notebooks in order on the local AWS, which is set up and started if need be and stopped again if
this started it; its state stays, so that you can go on in JupyterLab (scripts/lab.py).
"""
import argparse
import os
import sys
import time

from commands.ending import run_to_end
from commands.local_aws_process import local_aws, variables
from commands.options import command_parser
from environments import ROOT, SetupError, enter_environment

CLEAN_UP = "99_clean_up.ipynb"


def arguments() -> argparse.Namespace:
    """The command line's options."""
    parser = command_parser(__doc__)
    parser.add_argument("--target", choices=("local", "aws"), default="local",
                        help="where the resources are made: on the local AWS (default) or in your AWS account")
    parser.add_argument("--yes", action="store_true", help="with --target aws: do not ask before making anything")
    parser.add_argument("--clean", action="store_true",
                        help=f"also run {CLEAN_UP} at the end, even after an error, so that nothing is left")
    return parser.parse_args()


def main() -> int:
    """Run the notebooks; the exit status is 1 where one fails."""
    options = arguments()
    began = time.monotonic()
    enter_environment()
    if options.target == "aws":
        _agree(options)
        os.environ["AUDIT_TARGET"] = "aws"
        return _run(options, "your AWS account", began)
    with local_aws(options.engine, options.port) as status:
        os.environ.update(variables(status))
        return _run(options, f"the local AWS at {status['endpoint']}, SQL by {status['engine']}", began)


def _run(options: argparse.Namespace, where: str, began: float) -> int:
    from commands import report
    from commands.execution import execute_in_order

    notebooks = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    chosen = [path for path in notebooks if path.name != CLEAN_UP]
    last = [path for path in notebooks if path.name == CLEAN_UP] if options.clean else []
    print(f"Running {len(chosen) + len(last)} notebooks on {where}", file=sys.stderr)
    results = execute_in_order(chosen, last, ROOT / "build")
    index = report.write(results, ROOT / "build", where)
    errors = [result.error for result in results if result.error]
    if summary := report.summary(results):
        print(f"\n{summary}")
    print(f"\n{len(results)} notebooks, {len(errors)} error{'' if len(errors) == 1 else 's'}, "
          f"{time.monotonic() - began:.0f} s: "
          f"{index.relative_to(ROOT)}")
    for error in errors:
        print(f"\n{error}", file=sys.stderr)
    return 1 if errors else 0


def _agree(options: argparse.Namespace) -> None:
    """Show who will make what where in a real account, and go on only with a yes."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session()
    region = session.region_name or os.environ.get("AWS_REGION")
    if not region:
        raise SetupError("No AWS region is set: set AWS_DEFAULT_REGION, for example to us-east-1.")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        identity = session.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise SetupError(f"AWS does not accept your credentials: {error} "
                                 "Sign in again, or set AWS_PROFILE to a profile that works.") from error
    print(f"Identity  {identity['Arn']}\nAccount   {identity['Account']}\nRegion    {region}\n"
          "The notebooks make a table, a function, a delivery stream, a bucket and what belongs to them there, "
          "at a cost of cents; --clean removes them at the end.", file=sys.stderr)
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise SetupError("Nothing was made: say --yes to go on where nobody can be asked.")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise SetupError("Nothing was made.")


if __name__ == "__main__":
    run_to_end(main)
