"""The members of a gzip file: what the function has compressed at a time, and Firehose has joined to one object.

Athena reads what follows a whole member only if it is another one. Whatever else stands there it passes over, and all
behind it, without a word; so here it is an error. https://www.rfc-editor.org/rfc/rfc1952#section-2.2
"""
from __future__ import annotations

import zlib
from collections.abc import Iterator

_GZIP = zlib.MAX_WBITS | 16  # zlib's notation for a gzip header and trailer around the data
_MAGIC = b"\x1f\x8b"
_STEP = 64 * 1024  # bytes that are handed to zlib at once, which copies what it does not use


class Broken(ValueError):
    """An object is no gzip file of whole members; the text says where."""


def members(body: bytes) -> Iterator[bytes]:
    """Yield the text of each member, decompressed and compared with its checksum. Raises Broken."""
    rest, number = memoryview(body), 1
    while rest:
        if rest[:2] != _MAGIC:
            raise Broken("it is no gzip file" if number == 1 else f"what follows member {number - 1} is no member")
        member, text = zlib.decompressobj(_GZIP), bytearray()
        while rest and not member.eof:
            step = rest[:_STEP]
            try:
                text += member.decompress(step)
            except zlib.error as error:
                raise Broken(f"member {number} is broken ({error})") from None
            rest = rest[len(step) - len(member.unused_data):]
        if not member.eof:
            raise Broken(f"its last member is cut off, number {number}")
        number += 1
        yield bytes(text)
