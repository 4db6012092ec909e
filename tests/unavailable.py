"""What a test does where Trino cannot be had: it is skipped with the reason, or fails where Trino is insisted on."""
from __future__ import annotations

import os
from typing import NoReturn

import pytest

INSISTS = "1" in (os.environ.get("AUDIT_REQUIRE_TRINO"), os.environ.get("AUDIT_FULL"))


def without_trino(why: str) -> NoReturn:
    """End the test (and all others that need the same fixture) because Trino cannot be had."""
    (pytest.fail if INSISTS else pytest.skip)(f"Trino cannot be had here, so nothing is asked of it: {why}")
