"""Gzip as Java's GZIPInputStream reads it, which Trino reads objects with: every member, and what is behind them.

A file may have several members (RFC 1952, section 2.2), which may split anywhere, inside a line too. Behind a member
whatever is no header of another is the end, and is not looked at.
https://docs.oracle.com/en/java/javase/24/docs/api/java.base/java/util/zip/GZIPInputStream.html
"""
from __future__ import annotations

import struct
import zlib

_MAGIC = b"\x1f\x8b\x08"
_CHECKED, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16  # the header's flags
_STEP = 512  # bytes that are inflated at once where it counts how far they reach


class Broken(Exception):
    """The bytes are no gzip, or end too early: Java's message, and how many bytes of text came before."""

    def __init__(self, message: str, came: int):
        super().__init__(message)
        self.message, self.came = message, came


def gunzip(body: bytes) -> bytes:
    """The text of a gzip file, of one member or more. Raises Broken."""
    text, at = bytearray(), _header_end(body, 0)
    if at is None:
        raise Broken("Not in GZIP format", 0)
    while at is not None:
        inflater, before = zlib.decompressobj(-zlib.MAX_WBITS), len(text)
        try:
            text += inflater.decompress(body[at:])
        except zlib.error as failed:
            raise Broken(str(failed).rpartition(": ")[2], before + _inflated(body[at:])) from None
        if not inflater.eof:
            raise Broken("Unexpected end of ZLIB input stream", len(text))
        at = len(body) - len(inflater.unused_data)
        trailer = body[at:at + 8]
        if len(trailer) < 8:
            raise Broken("null", len(text))
        if struct.unpack("<II", trailer) != (zlib.crc32(text[before:]), (len(text) - before) & 0xffffffff):
            raise Broken("Corrupt GZIP trailer", len(text))
        at = _header_end(body, at + 8)
    return bytes(text)


def _header_end(body: bytes, start: int) -> int | None:
    """The place behind a member's header; None where there is no whole one."""
    at = start + 10
    if body[start:start + 3] != _MAGIC or at > len(body):
        return None
    flags = body[start + 3]
    if flags & _EXTRA:
        at += 2 + int.from_bytes(body[at:at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            at = body.find(b"\0", at) + 1 or len(body) + 1
    if flags & _CHECKED:
        if body[at:at + 2] != (zlib.crc32(body[start:at]) & 0xffff).to_bytes(2, "little"):
            return None
        at += 2
    return at if at <= len(body) else None


def _inflated(data: bytes) -> int:
    """How many bytes come of deflated data before they are broken."""
    inflater, came = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        for start in range(0, len(data), _STEP):
            came += len(inflater.decompress(data[start:start + _STEP]))
    except zlib.error:
        pass
    return came
