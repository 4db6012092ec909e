"""What a test does where what it needs cannot be had: it is skipped with the reason, or fails where that is insisted
on, as by `test.py --full`."""
from __future__ import annotations

import os
from typing import NoReturn

import pytest


def unavailable(what: str, why: object) -> NoReturn:
    """End the test (and all others that need the same fixture): `what` is not done, because of `why`."""
    _end("AUDIT_FULL")(f"{what}: {why}")


def without_trino(why: object) -> NoReturn:
    """The same, because Trino cannot be had; CI insists on it alone."""
    _end("AUDIT_FULL", "AUDIT_REQUIRE_TRINO")(f"Trino cannot be had here, so nothing is asked of it: {why}")


def _end(*insisting: str):
    return pytest.fail if "1" in map(os.environ.get, insisting) else pytest.skip
