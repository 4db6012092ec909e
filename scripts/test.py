#!/usr/bin/env python3
"""Check everything: lint, tests, and every notebook against its stored outputs."""
import os
import subprocess
import sys

import command

EPILOG = """\
Whatever else you give goes to pytest, which then runs just that, for example:
  python3 scripts/test.py tests/test_orders.py -k seeded
  python3 scripts/test.py notebooks -x
The local AWS that the tests use has a port and a state of its own, and is gone afterwards.
"""


def arguments() -> tuple:
    parser = command.parser(__doc__, port=False)
    parser.epilog = EPILOG
    parser.add_argument("--update", action="store_true",
                        help="execute the notebooks on a clean local AWS and store their outputs, instead of checking")
    parser.add_argument("--full", action="store_true",
                        help="also what takes minutes: JupyterLab in a browser, and the notebooks with SageMaker's "
                             "versions; and Trino must be there")
    parser.add_argument("--soak", type=int, metavar="N",
                        help="send N changes through the local AWS under mixed faults, and prove the audit, instead")
    return parser.parse_known_args()


def main() -> int:
    options, for_pytest = arguments()
    command.enter_environment()
    if options.engine:
        os.environ["AUDIT_LOCAL_ENGINE"] = options.engine
    if options.update:
        return _update(for_pytest)
    if options.soak:
        os.environ["AUDIT_SOAK"] = str(options.soak)
        return _run("pytest", "-s", "tests/test_soak.py", *for_pytest)
    if options.full:
        os.environ["AUDIT_FULL"] = "1"  # where Trino cannot be had, its tests fail instead of being skipped
    lint = _run("ruff", "check", "--quiet", ".")
    tests = _run("pytest", "--nbval", *_whole(for_pytest, options.full), *for_pytest)
    return lint or tests


def _whole(words: list, full: bool) -> list:
    """What pytest is told beyond `words`: to run everything, unless they name a part of it."""
    if any((command.ROOT / word.partition("::")[0]).exists() for word in words):
        return []
    # The notebooks go side by side with the rest: they wait more than they compute
    return ["tests", "notebooks", *([] if full else ["-m", "not browser and not studio"]),
            *([] if words else ["--numprocesses", "2", "--dist", "loadgroup"])]


def _update(names: list) -> int:
    """Execute the notebooks in order, as they depend on each other, and store the outputs of all or of those named."""
    from pathlib import Path

    import nbformat
    from execute import CellFailed, execute, store

    chosen = [Path(name).resolve() for name in names]
    with command.clean_local_aws(os.environ.get("AUDIT_LOCAL_ENGINE")) as status:
        os.environ.update(command.variables(status))
        for path in sorted((command.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            print(path.name, file=sys.stderr, flush=True)
            try:
                execute(path, notebook, lambda: None)
            except CellFailed as error:
                raise command.SetupError(f"{error}\n\nIt and those after it were left as they were.") from error
            if not chosen or path in chosen:
                store(path, notebook)
    return 0


def _run(module: str, *words: str) -> int:
    return subprocess.run([sys.executable, "-m", module, *words], cwd=command.ROOT).returncode


if __name__ == "__main__":
    command.main(main)
