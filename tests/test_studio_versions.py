"""The notebooks in SageMaker Studio: with exactly the versions of SageMaker Distribution 4.4.1, they put out the same.

The versions are those of the image's own list, build_artifacts/v4/v4.4/v4.4.1/cpu.env.out in
https://github.com/aws/sagemaker-distribution; nbval alone is not in the image. Needs Python 3.12, as the image has.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from environments import ROOT, SetupError, ensure
from unavailable import unavailable

pytestmark = pytest.mark.studio

PYTHON = (3, 12)
DISTRIBUTION = [
    "awswrangler==3.17.1",
    "boto3==1.43.46",
    "botocore==1.43.46",
    "comm==0.2.3",
    "ipykernel==7.3.0",
    "ipython==8.37.0",
    "ipywidgets==8.1.8",
    "jupyter-client==8.9.1",
    "jupyter-core==5.9.1",
    "jupyterlab==4.5.10",
    "matplotlib==3.10.9",
    "matplotlib-inline==0.2.2",
    "nbclient==0.11.0",
    "nbconvert==7.17.1",
    "nbformat==5.11.0",
    "numpy==1.26.4",
    "packaging==25.0",
    "pandas==2.3.3",
    "pillow==11.3.0",
    "pyarrow==21.0.0",
    "python-dateutil==2.9.0.post0",
    "pytz==2024.2",
    "pyzmq==26.4.0",
    "s3transfer==0.19.2",
    "tornado==6.5.8",
    "tqdm==4.70.0",
    "traitlets==5.16.1",
    "urllib3==1.26.20",
]
TESTING = ["nbval==0.11.0", "pytest==9.1.1"]


@pytest.fixture(scope="module")
def studio() -> Path:
    """A Python that holds what Studio's does."""
    python = _python()
    if not python:
        unavailable("Not run with Studio's versions", f"there is no Python {'.'.join(map(str, PYTHON))} here")
    try:
        return ensure(ROOT / ".venv-studio", DISTRIBUTION + TESTING, "SageMaker Distribution 4.4.1's versions", python)
    except SetupError as error:
        unavailable("Not run with Studio's versions", error)


def _python() -> str | None:
    """A Python of Studio's version: this one, one on the PATH, or one that uv or pyenv keeps elsewhere."""
    version = ".".join(map(str, PYTHON))
    uv = subprocess.run([sys.executable, "-m", "uv", "python", "find", version], capture_output=True, text=True)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [sys.executable, shutil.which(f"python{version}"), uv.stdout.strip(),
              *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))]
    return next((python for python in places if python and _version(python) == version), None)


def _version(python: str) -> str | None:
    """What the interpreter itself says: pyenv's stand-ins are on the PATH also for versions that are not there."""
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", say], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def test_the_versions_are_the_distributions(studio):
    names = [requirement.partition("==")[0] for requirement in DISTRIBUTION]
    say = "import importlib.metadata as m, sys; print(*(f'{n}=={m.version(n)}' for n in sys.argv[1:]), sep='\\n')"
    found = subprocess.run([studio, "-c", say, *names], capture_output=True, text=True, check=True).stdout.split()
    assert found == DISTRIBUTION


def test_all_notebooks_put_out_the_same_as_stored(studio, record_property):
    began = time.monotonic()
    done = subprocess.run([studio, "-m", "pytest", "--nbval", "notebooks", "-q", "-p", "no:cacheprovider"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    (cells,) = re.findall(r"(\d+) passed", done.stdout)
    record_property("measured", f"SageMaker Distribution 4.4.1's versions: {cells} cells put out what is stored, "
                                f"in {time.monotonic() - began:.0f} s")
