"""Seals: for each day of the audit a manifest of its objects, chained to the day before; and what is not as sealed.

A manifest says of each object how large it was, how many events it held, and its SHA-256; and it holds the SHA-256 of
the manifest before. Whoever changes an object must change that day's manifest, and then every one after it, up to the
last, whose SHA-256 you keep elsewhere.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from members import members

MANIFESTS = "manifests/"
S3Client = Any  # boto3 makes the class of a client while it runs


def seal(s3: S3Client, bucket: str, day: str, previous: str | None) -> str:
    """Write a day's manifest; return its SHA-256, for the next day's and for you to keep. `previous` is the one of the
    day before, None for the first. A day that is sealed again gets a new version, and the bucket keeps the old one.
    Raises members.Broken where an object is not whole."""
    objects = {}
    for key in keys(s3, bucket, f"events/dt={day}/"):
        body = read(s3, bucket, key)
        objects[key] = {**facts(body), "events": sum(text.count(b"\n") for text in members(body))}
    manifest = json.dumps({"day": day, "previous": previous, "objects": objects}, indent=1).encode()
    s3.put_object(Bucket=bucket, Key=f"{MANIFESTS}dt={day}.json", Body=manifest, ContentType="application/json")
    return hashlib.sha256(manifest).hexdigest()


def verify(s3: S3Client, bucket: str, last: str) -> list[str]:
    """What is not as it was sealed. `last` is the SHA-256 of the last manifest, as you have kept it."""
    wrong, sealed, previous, day = [], {}, None, ""
    for name in keys(s3, bucket, MANIFESTS):
        body = read(s3, bucket, name)
        manifest = json.loads(body)
        if manifest["previous"] != previous:
            wrong.append(f"broken chain at {name}")
        previous, day = hashlib.sha256(body).hexdigest(), manifest["day"]
        sealed |= manifest["objects"]
    if previous != last:
        wrong.append("the last manifest is not the one that you sealed")
    # Days behind the last manifest are not sealed yet
    there = {key for key in keys(s3, bucket, "events/") if key.split("/")[1] <= f"dt={day}"}
    wrong += [f"removed {key}" for key in sealed.keys() - there]
    wrong += [f"added {key}" for key in there - sealed.keys()]
    wrong += [f"changed {key}" for key in sealed.keys() & there
              if facts(read(s3, bucket, key)).items() - sealed[key].items()]
    return sorted(wrong)


def facts(body: bytes) -> dict:
    """What a manifest says of an object: its size in bytes, and its SHA-256 in hexadecimal digits."""
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def keys(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    """The keys below a prefix, in order."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def read(s3: S3Client, bucket: str, key: str) -> bytes:
    """The object at this key, whole."""
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
