"""Trino's S3 as the caller of each query: one user of Trino's a caller, with that caller's keys for S3.

https://trino.io/docs/476/object-storage/file-system-s3.html#security-mapping. Trino reads the file of them anew for
each query. It takes no session tokens, so a caller with temporary credentials gets a second key for the same session.
"""
from __future__ import annotations

import json
import os
import secrets
import threading
from pathlib import Path

from local_aws.athena.callers import Caller
from local_aws.ministack_seam import sts


class TrinoUsers:
    """The callers met so far, in `file`. Users' names begin with `secret`, which is what Trino knows ours by."""

    def __init__(self, file: Path, secret: str):
        self.file, self.secret = file, secret
        self._known: dict[str, dict[str, str]] = {}  # by the callers' own access keys
        self._lock = threading.Lock()
        self._write()

    @property
    def catalog(self) -> dict[str, str]:
        """Properties for Trino's catalog. Its own keys are good for nothing: who is not in the file reads nothing."""
        return {"s3.aws-access-key": "none", "s3.aws-secret-key": "none", "s3.security-mapping.enabled": "true",
                "s3.security-mapping.config-file": str(self.file), "s3.security-mapping.refresh-period": "1ms"}

    def user(self, caller: Caller) -> str:
        """The user as whom Trino is to run a caller's query."""
        with self._lock:
            known = self._known.get(caller.access_key)
            if known is None or (caller.token is None and known["secretKey"] != caller.secret_key):
                key, secret = _without_token(caller)
                known = {"user": f"{self.secret}-{secrets.token_hex(8)}", "accessKey": key, "secretKey": secret}
                self._known[caller.access_key] = known
                self._write()
            return known["user"]

    def forget(self) -> None:
        """Remove the file."""
        self.file.unlink(missing_ok=True)

    def _write(self) -> None:
        half = self.file.with_suffix(".half")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump({"mappings": list(self._known.values())}, out)
        half.replace(self.file)


def _without_token(caller: Caller) -> tuple[str, str]:
    """A key and its secret that are the caller's and need no session token."""
    if caller.token is None:
        return caller.access_key, caller.secret_key
    key, secret = "ASLOCAL" + secrets.token_hex(8).upper(), secrets.token_hex(20)
    sts.register_session(key, {**sts._sessions[caller.access_key], "SecretAccessKey": secret, "SessionToken": None})
    return key, secret
