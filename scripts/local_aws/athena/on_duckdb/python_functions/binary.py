"""Bytes: encodings, checksums, and big-endian numbers."""
from __future__ import annotations

import base64
import hashlib
import re
import zlib
from hmac import digest as hmac_digest

from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function


@function("BLOB -> VARCHAR")
def from_utf8(value: bytes) -> str:
    return value.decode("utf-8", "replace")


@function("VARCHAR -> BLOB")
def from_hex(text: str) -> bytes:
    if len(text) % 2:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "String must have an even number of characters, but was: "
                                                      f"{len(text)}")
    if not re.fullmatch(r"[0-9A-Fa-f]*", text):
        wrong = re.search(r"[^0-9A-Fa-f]", text)
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Invalid hex character: {wrong and wrong[0]}")
    return bytes.fromhex(text)


@function("VARCHAR -> BLOB")
def from_base64(text: str) -> bytes:
    try:
        bare = text.rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Illegal base64 character in {text}") from None


@function("BLOB -> VARCHAR")
def to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


@function("BLOB, VARCHAR -> BLOB")
def hash(value: bytes, name: str) -> bytes:  # noqa: A001
    return hashlib.new(name, value).digest()


@function("BLOB, BLOB, VARCHAR -> BLOB")
def hmac(value: bytes, key: bytes, name: str) -> bytes:
    return hmac_digest(key, value, name)


@function("BLOB -> BIGINT")
def crc32(value: bytes) -> int:
    return zlib.crc32(value)


@function("BIGINT -> BLOB")
def to_big_endian_64(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


@function("INTEGER -> BLOB")
def to_big_endian_32(value: int) -> bytes:
    return value.to_bytes(4, "big", signed=True)


@function("BLOB -> BIGINT")
def from_big_endian_64(value: bytes) -> int:
    if len(value) != 8:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"expected 8-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


@function("BLOB -> INTEGER")
def from_big_endian_32(value: bytes) -> int:
    if len(value) != 4:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"expected 4-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)
