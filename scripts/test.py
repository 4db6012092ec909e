#!/usr/bin/env python3
"""Check everything: lint, tests, and every notebook against its stored outputs."""
import os
import shutil
import subprocess
import sys
import tempfile
from typing import IO

from commands.ending import interrupts_ignored, run_to_end
from commands.local_aws_process import clean_local_aws, variables
from commands.options import command_parser
from environments import ROOT, SetupError, enter_environment

EPILOG = """\
Whatever else you give goes to pytest, which then runs just that, for example:
  python3 scripts/test.py tests/test_orders.py -k seeded
  python3 scripts/test.py notebooks -x
The local AWS that the tests use has a port and a state of its own, and is gone afterwards.
"""
NOTHING_CHOSEN = 5  # pytest, where a -k fits none of its tests
# They judge what the notebooks did, so they run where those ran
AFTER_NOTEBOOKS = ["tests/notebooks/test_clean_up.py", "tests/notebooks/test_least_privilege.py"]


def arguments() -> tuple:
    """The command line's options, and the words that go to pytest."""
    parser = command_parser(__doc__, port=False)
    parser.epilog = EPILOG
    parser.add_argument("--update", action="store_true",
                        help="execute the notebooks on a clean local AWS and store their outputs, instead of checking")
    parser.add_argument("--full", action="store_true",
                        help="also what takes minutes: JupyterLab in a browser, the notebooks with SageMaker's "
                             "versions and without each permission in turn; what cannot be had fails then, where it "
                             "is skipped otherwise")
    parser.add_argument("--soak", type=int, metavar="N",
                        help="instead, send N changes through the whole audit under mixed faults, and prove that none "
                             "is lost, doubled or out of order")
    return parser.parse_known_args()


def main() -> int:
    """Check, update or soak; the exit status of what fails first."""
    options, for_pytest = arguments()
    enter_environment()
    if options.engine:
        os.environ["AUDIT_LOCAL_ENGINE"] = options.engine
    if options.update:
        return _update(for_pytest)
    if options.full:
        os.environ["AUDIT_FULL"] = "1"  # where Trino cannot be had, its tests fail instead of being skipped
    if options.soak:
        os.environ["AUDIT_SOAK"] = str(options.soak)
        return _end(_start("pytest", "-q", "--capture=no", "tests/test_soak.py", *for_pytest))
    wrong = _lint_and_types()
    if any((ROOT / word.partition("::")[0]).exists() for word in for_pytest):
        return wrong or _end(_start("pytest", "--nbval", *for_pytest))
    chosen = [] if options.full else ["-m", "not browser and not studio and not soak and not removals"]
    return wrong or _side_by_side(
        ["--nbval", "--keep-duplicates", *_walk(), *AFTER_NOTEBOOKS, *for_pytest],
        ["tests", "--numprocesses=2", *(f"--ignore={file}" for file in AFTER_NOTEBOOKS), *chosen, *for_pytest])


def _lint_and_types() -> int:
    """Lint and the type checker, at once; the exit status of the first that finds something."""
    types = ["pyrefly", "check", "--config=.pyrefly.toml", "--python-interpreter-path", sys.executable,
             "--output-format=min-text", "--summary=none"]
    return max([_end(process) for process in (_start("ruff", "check", "--quiet", "."), _start(*types))])


def _walk() -> list:
    """The notebooks in order, but Parts 1 to 5 twice in a row, and the clean-up again when there is nothing left."""
    start, *parts, clean_up = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return [start, *parts[:5], *parts, clean_up, clean_up]


def _side_by_side(notebooks: list, tests: list) -> int:
    """All of them wait more than they compute, so the notebooks run beside the tests; what they say comes after."""
    with tempfile.TemporaryFile() as said:
        beside = _start("pytest", *notebooks, into=said)
        try:
            status = _end(_start("pytest", *tests))
        finally:
            status_beside = _end(beside)
            said.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(said, sys.stdout.buffer)
    return max({status, status_beside} - {NOTHING_CHOSEN}, default=NOTHING_CHOSEN)


def _start(module: str, *words: str, into: "IO[bytes] | None" = None) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, stdout=into,
                            stderr=subprocess.STDOUT if into else None)


def _end(process: subprocess.Popen) -> int:
    """Its status. A Ctrl-C reaches it as well, and it is given the time to stop what it started."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        with interrupts_ignored():
            process.wait()
        raise


def _update(names: list) -> int:
    """Execute the notebooks in order, as they depend on each other, and store the outputs of all or of those named."""
    from pathlib import Path

    from commands.execution import CellFailed, execute, read, store

    chosen = [Path(name).resolve() for name in names]
    with clean_local_aws(os.environ.get("AUDIT_LOCAL_ENGINE")) as status:
        os.environ.update(variables(status))
        for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            notebook = read(path)
            print(path.name, file=sys.stderr, flush=True)
            try:
                execute(path, notebook, lambda: None)
            except CellFailed as error:
                raise SetupError(f"{error}\n\nIt and those after it were left as they were.") from error
            if not chosen or path in chosen:
                store(path, notebook)
    return 0


if __name__ == "__main__":
    run_to_end(main)
