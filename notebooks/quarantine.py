"""Objects that Athena cannot read: which they are, and how to set them aside, whole.

One such object fails every query about its day; or, worse, queries pass over a part of it and say nothing. Setting it
aside loses nothing: it is copied first, and the bucket keeps the version that was at the old place.
https://docs.aws.amazon.com/athena/latest/ug/json-serde.html
"""
from __future__ import annotations

import json

from members import Broken, members
from seals import S3Client, keys, read

ASIDE = "set-aside/"


def unreadable(s3: S3Client, bucket: str, prefix: str = "events/") -> dict[str, str]:
    """The keys of the objects that Athena cannot read, or not all of, each with the reason."""
    problems = {key: problem(read(s3, bucket, key)) for key in keys(s3, bucket, prefix)}
    return {key: reason for key, reason in problems.items() if reason}


def problem(body: bytes) -> str | None:
    """Why Athena cannot read an object of events as one event a line; None where it can."""
    try:
        lines = b"".join(members(body)).split(b"\n")
    except Broken as broken:
        return str(broken)
    if not lines[-1]:
        lines.pop()  # what follows the last newline
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except json.JSONDecodeError as error:
            if error.msg == "Extra data":  # Athena reads the first, and says nothing about the second
                return f"line {number} holds more than one event"
            return f"line {number} is {'half an event' if line.strip() else 'blank'}"
        if not isinstance(event, dict):
            return f"line {number} is no event"
    return None


def set_aside(s3: S3Client, bucket: str, key: str) -> str:
    """Move an object out of what Athena reads, byte for byte; return where it is now."""
    aside = f"{ASIDE}{key}"
    s3.copy_object(Bucket=bucket, Key=aside, CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=key)
    return aside
