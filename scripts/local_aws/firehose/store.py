"""What is kept of a delivery stream: its settings, by ministack, and its records, in files so that a stop loses none.

A batch is one file, and becomes one delivery. Its name carries the arrival of its oldest record, in milliseconds, and
the UUID that its object's name will end in: delivering it again writes the same object again.
"""
from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local_aws.ministack_seam import firehose

HEADER = 4  # bytes before each record: its length


class Batch:
    """A file of records. `size` counts the bytes of the records, `length` those of the file that hold whole ones."""

    def __init__(self, path: Path):
        self.path = path
        arrival, self.uuid = path.name.split("-", 1)
        self.arrival = int(arrival) / 1000  # epoch seconds
        self.size = self.length = 0
        self.complete = False
        if path.exists():  # the process may have died in the middle of a write: that record was never acknowledged
            for record in self.records():
                self._count(len(record))

    @classmethod
    def new(cls, folder: Path) -> Batch:
        """An empty one, which arrives now. Its file comes with the first record."""
        return cls(folder / f"{int(time.time() * 1000):015d}-{uuid.uuid4()}")

    def _count(self, size: int) -> None:
        self.size += size
        self.length += HEADER + size

    def append(self, records: list[bytes]) -> None:
        """Write records; all of them, or an OSError and none."""
        with open(self.path, "ab", buffering=0) as file:
            file.truncate(self.length)
            data = b"".join(len(record).to_bytes(HEADER, "big") + record for record in records)
            if file.write(data) != len(data):
                raise OSError(f"{self.path} cannot be written whole")
        for record in records:
            self._count(len(record))

    def records(self) -> Iterator[bytes]:
        """Yield the records in order of arrival, up to the last whole one."""
        with open(self.path, "rb") as file:
            while len(header := file.read(HEADER)) == HEADER:
                size = int.from_bytes(header, "big")
                if len(record := file.read(size)) < size:
                    return
                yield record


def with_file_extension(describe: Callable[[dict], dict]) -> Callable[[dict], dict]:
    """ministack's description of a destination, with the FileExtension of its settings."""

    def described(destination: dict) -> dict:
        found = describe(destination)
        if "FileExtension" in destination["config"] and "ExtendedS3DestinationDescription" in found:
            found["ExtendedS3DestinationDescription"]["FileExtension"] = destination["config"]["FileExtension"]
        return found

    return described


def description(account: str, region: str, name: str) -> dict[str, Any] | None:
    """A delivery stream as DescribeDeliveryStream shows it now, from where ministack keeps it, if there is one."""
    stream = firehose._streams.get_scoped(account, region, name)
    return firehose._build_description(stream) if stream else None


def s3_destination(description: dict[str, Any]) -> dict[str, Any] | None:
    """The S3 destination in a delivery stream's description. None where it has none, or where records pass through a
    processor or are partitioned by their content: ministack then delivers each record by itself."""
    for destination in description["Destinations"]:
        s3 = destination.get("ExtendedS3DestinationDescription") or destination.get("S3DestinationDescription")
        if s3 and description["DeliveryStreamType"] == "DirectPut" and not any(
                s3.get(option, {}).get("Enabled")
                for option in ("ProcessingConfiguration", "DynamicPartitioningConfiguration")):
            return s3
    return None
