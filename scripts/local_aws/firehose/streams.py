"""The delivery streams, and the buffer of each that has records."""
from __future__ import annotations

import logging
import shutil
import threading
from typing import TYPE_CHECKING

from local_aws.firehose.buffer import Buffer
from local_aws.firehose.delivery import deliver
from local_aws.firehose.store import description, s3_destination

if TYPE_CHECKING:
    from local_aws.firehose.store import Batch
    from local_aws.server import LocalAws

Name = tuple[str, str, str]  # of a delivery stream: account, region and the name itself

log = logging.getLogger("local_aws.firehose")


class Streams:
    """ministack keeps the delivery streams themselves; here are their buffers, each in a folder of its own."""

    def __init__(self, aws: LocalAws):
        self.aws = aws
        self.folder = aws.state / "firehose"
        self._buffers: dict[Name, Buffer] = {}
        self._changing = threading.Lock()

    def put(self, name: Name, destination: dict, records: list[bytes]) -> None:
        """Take records over for a stream with this S3 destination; OSError where they cannot be kept."""
        self._buffer(name, destination).put(records)

    def configure(self, name: Name) -> None:
        """A stream has new settings: they hold for what waits, too."""
        found = description(*name)
        if name in self._buffers and found and (destination := s3_destination(found)):
            self._buffer(name, destination)

    def delete(self, name: Name) -> None:
        """Throw away what is not delivered yet: DeleteDeliveryStream 'deletes a Firehose stream and its data'."""
        with self._changing:
            buffer = self._buffers.pop(name, None)
        if buffer:
            buffer.stop()
            if buffer.waiting:
                log.warning("%s is deleted, and with it %d bytes that wait for delivery", name[-1], buffer.waiting)
        shutil.rmtree(self.folder / "_".join(name), ignore_errors=True)

    def resume(self) -> None:
        """Go on with what an earlier run of the server left undelivered."""
        for folder in sorted({file.parent for file in self.folder.glob("*/*")}):
            account, region, stream = folder.name.split("_", 2)
            found = description(account, region, stream)
            if found and (destination := s3_destination(found)):
                self._buffer((account, region, stream), destination)
            else:
                log.warning("%s waits for its delivery stream", folder)

    def stop(self) -> None:
        """End the buffers' threads; what waits stays on disk."""
        for buffer in self._buffers.values():
            buffer.stop()

    def reset(self) -> None:
        """Forget all records."""
        with self._changing:
            self.stop()
            self._buffers.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _buffer(self, name: Name, destination: dict) -> Buffer:
        """The buffer of a stream, with the hints of its destination."""
        hints = destination["BufferingHints"]
        size, interval = hints["SizeInMBs"] * 1024 * 1024, hints["IntervalInSeconds"]
        with self._changing:
            if buffer := self._buffers.get(name):
                buffer.configure(size, interval)
            else:
                buffer = self._buffers[name] = Buffer(
                    self.folder / "_".join(name), size, interval, lambda batch: self._deliver(name, batch))
            return buffer

    def _deliver(self, name: Name, batch: Batch) -> None:
        """Deliver a batch with the settings that its stream has now."""
        found = description(*name)
        destination = s3_destination(found) if found else None
        if not found or not destination:
            raise LookupError(f"{name[-1]} is not there, or has no S3 destination that buffers")
        deliver(self.aws, found, destination, batch)
