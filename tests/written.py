"""What is written from something else, so that it cannot say otherwise."""
from __future__ import annotations

from pathlib import Path

import pytest


def keep_written(fresh: dict[Path, str]) -> None:
    """Write the files anew whose text is not the one in `fresh`, and fail if there were any."""
    stale = [path for path, text in fresh.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        path.write_text(fresh[path], encoding="utf-8")
    if stale:
        pytest.fail(f"{', '.join(path.name for path in stale)} said otherwise and has been written anew: read the "
                    "difference, commit")
