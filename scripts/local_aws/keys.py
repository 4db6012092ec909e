"""The local root's keys: random for each state, and kept where its owner alone can read them.

Requests to `/_local/…` and `/_ministack/…` are signed with them like any request to AWS, for a service called `local`.
The signature is Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html),
so that `curl --aws-sigv4` and botocore can make it, too, and the secret itself is never sent: another program that has
taken the port learns nothing. Standard library only.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from environments import SetupError

REGION = "us-east-1"
SERVICE = "local"
PREFIX = "AKLOCAL"  # not AKIA: nobody who finds it should take it for the key of an AWS account


@dataclass(frozen=True)
class Keys:
    """An access key, as status, env and the environment variables name its two parts."""

    access_key_id: str
    secret_access_key: str

    def of_role(self, *purpose: str) -> dict[str, str]:
        """Temporary credentials for one purpose, by the names of their environment variables: always the same, and to
        be computed by nobody who does not know the root's secret."""
        key, secret, token = (_hmac(self.secret_access_key.encode(), "\n".join((part, *purpose))).hex()
                              for part in ("key", "secret", "token"))
        return {"AWS_ACCESS_KEY_ID": f"ASIA{key[:16].upper()}", "AWS_SECRET_ACCESS_KEY": secret[:40],
                "AWS_SESSION_TOKEN": token}


def private(folder: Path) -> None:
    """Make the folder, or find it, and let nobody but its owner in. Raises SetupError where it is another user's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise SetupError(f"{folder} belongs to another user, who could read what the local AWS keeps there: choose "
                         "another folder with --state.")
    folder.chmod(0o700)


def read(state: Path) -> Keys | None:
    """The keys of a state; None where there are none, or where this user may not read them."""
    try:
        return Keys(**json.loads((state / "root_keys.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def ensure(state: Path) -> Keys:
    """The keys of a state, made now if there are none."""
    if found := read(state):
        return found
    # 40 characters of base64, as AWS's have, without those that a shell or a URL would want quoted
    made = Keys(PREFIX + base64.b32encode(secrets.token_bytes(8)).decode()[:13], secrets.token_urlsafe(30))
    file = state / "root_keys.json"
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as words:
        json.dump(asdict(made), words)
    return made


def signed(url: str, keys: Keys, method: str = "GET") -> urllib.request.Request:
    """A request without a body, signed."""
    parts, now = urlsplit(url), time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{REGION}/{SERVICE}/aws4_request"
    names = "host;x-amz-date"
    canonical = "\n".join([method, parts.path, parts.query, f"host:{parts.netloc}", f"x-amz-date:{now}", "", names,
                           hashlib.sha256(b"").hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + keys.secret_access_key.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return urllib.request.Request(url, method=method, headers={
        "X-Amz-Date": now, "Authorization": f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{scope}, "
                                            f"SignedHeaders={names}, Signature={_hmac(key, to_sign).hex()}"})


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
