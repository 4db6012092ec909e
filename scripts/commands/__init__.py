"""What run.py, lab.py, test.py and bench.py share. To import any of it is to be told first where Python is too old."""
import sys

if sys.version_info < (3, 10):  # noqa: UP036 -- said, not assumed
    sys.exit(f"This needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}: run it with a newer "
             "one, for example python3.12.")
