#!/usr/bin/env python3
"""Open the workbook in JupyterLab.

Starts the local AWS unless it is up, and JupyterLab on this machine's loopback only. Ctrl-C stops what this started;
what the local AWS holds is kept, so that you can go on tomorrow.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from commands.ending import interrupts_ignored, run_to_end
from commands.local_aws_process import local_aws, variables
from commands.options import command_parser
from environments import ROOT, enter_environment

START = "notebooks/00_start_here.ipynb"
# JupyterLab asks the network for nothing, and the learner not whether it may
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def arguments() -> argparse.Namespace:
    """The command line's options."""
    parser = command_parser(__doc__)
    parser.add_argument("--target", choices=("local", "aws"), default="local",
                        help="where the notebooks make their resources: on the local AWS (default) or in your account")
    parser.add_argument("--lab-port", type=int, default=8888, metavar="PORT",
                        help="where JupyterLab listens on 127.0.0.1 (default 8888, or the next that is free)")
    parser.add_argument("--no-browser", action="store_true", help="print JupyterLab's address instead of opening it")
    return parser.parse_args()


def main() -> int:
    """Open JupyterLab, and return its exit status when it has ended."""
    options = arguments()
    enter_environment()
    if options.target == "aws":
        os.environ["AUDIT_TARGET"] = "aws"
        return _jupyterlab(options)
    with local_aws(options.engine, options.port) as status:
        os.environ.update(variables(status))
        return _jupyterlab(options)


def _jupyterlab(options: argparse.Namespace) -> int:
    """JupyterLab until it ends or Ctrl-C ends it; its kernels end with it."""
    settings = Path(sys.prefix, "share", "jupyter", "lab", "settings", "overrides.json")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(QUIET))
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", "--ServerApp.ip=127.0.0.1",
         f"--ServerApp.port={options.lab_port}", f"--LabApp.default_url=/lab/tree/{START}",
         # Said: the address. Not asked: whether to stop at Ctrl-C, nor not to be root, as in a container
         "--log-level=ERROR", "--ServerApp.answer_yes=True", "--allow-root",
         *(["--no-browser"] if options.no_browser else [])], cwd=ROOT)
    try:
        return server.wait()
    except KeyboardInterrupt:  # the usual way to end
        print("\nJupyterLab has ended.", file=sys.stderr)
        return 0
    finally:
        with interrupts_ignored():  # it got the Ctrl-C as well, unless only this process was told to end
            with contextlib.suppress(ProcessLookupError):
                server.terminate()
            server.wait()


if __name__ == "__main__":
    run_to_end(main)
