"""Stream records on disk, so that none is lost when the local AWS stops: regularly, or killed.

ministack keeps them in memory only. Each is appended to the journal before the write that made it is answered, and the
journal is read back when ministack has loaded its tables. What is older than 24 hours is dropped from it then.
"""
from __future__ import annotations

import io
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.dynamodb.changes import continue_after
from local_aws.dynamodb.items import item_at, keys_of, same
from local_aws.ministack_seam import dynamodb

if TYPE_CHECKING:
    from local_aws.server import LocalAws

RETENTION = 24 * 60 * 60  # seconds

log = logging.getLogger("local_aws.dynamodb")


class Stream:
    """What the journal says of one stream: `records` not older than 24 h, the number dropped before them, and, if it
    was closed, what ministack keeps of a closed one."""

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.trimmed = 0
        self.closed: dict | None = None


def owner(stream: str) -> tuple[str, str, str]:
    """Account, region and table of a stream's ARN."""
    _, _, _, region, account, resource = stream.split(":", 5)
    return account, region, resource.split("/")[1]


class Journal:
    """A file of one JSON object a line: {"record": …}, {"closed": …}, {"trimmed": …} or {"saved": true}."""

    def __init__(self, path: Path):
        self.path = path
        self._writing = threading.Lock()
        self._file: io.FileIO | None = None

    def install(self, aws: LocalAws) -> None:
        """Keep what closes and what was saved, and restore when ministack has loaded its tables."""
        dynamodb.replace("load_persisted_state", self._loading)
        dynamodb.replace("drop_stream_records", self._dropping)
        aws.on_save(lambda: self._append({"saved": True}))
        aws.on_reset(self.empty)

    def _loading(self, load: Callable[[dict], None]) -> Callable[[dict], None]:
        def load_persisted_state(data: dict) -> None:
            load(data)
            self.restore()

        return load_persisted_state

    def _dropping(self, drop: Callable[[str, dict | None], None]) -> Callable[..., None]:
        def drop_stream_records(table_name: str, table: dict | None = None) -> None:
            drop(table_name, table)
            stream = (table or {}).get("LatestStreamArn")
            if stream and (closed := dynamodb._closed_streams.get(stream)):
                self._append({"closed": stream, "as": {
                    name: value for name, value in closed.items() if name != "records"}})

        return drop_stream_records

    def record(self, record: dict) -> None:
        """Keep a record. When this returns the operating system has it: a kill does not lose it."""
        self._append({"record": record})

    def _append(self, entry: dict) -> None:
        with self._writing:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a+b", buffering=0)
                if self._file.seek(0, os.SEEK_END):
                    self._file.seek(-1, os.SEEK_END)
                    if self._file.read(1) != b"\n":  # what a kill cut off must not spoil what comes behind it
                        self._file.write(b"\n")
            self._file.write(json.dumps(entry).encode() + b"\n")

    def empty(self) -> None:
        """Forget all records."""
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None
            self.path.unlink(missing_ok=True)

    def read(self) -> tuple[dict[str, Stream], bool, bool]:
        """The streams by ARN, whether the tables were saved after the last record, and whether all of it is of use."""
        streams: dict[str, Stream] = {}
        saved = tidy = True
        since = time.time() - RETENTION
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    log.warning("The stream journal holds half a line, of a change that was not answered.")
                    tidy = False
                    continue
                saved = "saved" in entry
                if record := entry.get("record"):
                    stream = streams.setdefault(record["eventSourceARN"], Stream())
                    if record["dynamodb"]["ApproximateCreationDateTime"] < since:
                        stream.trimmed += 1
                        tidy = False
                    else:
                        stream.records.append(record)
                elif arn := entry.get("closed"):
                    streams.setdefault(arn, Stream()).closed = entry["as"]
                elif arn := entry.get("trimmed"):
                    streams.setdefault(arn, Stream()).trimmed += entry["number"]
        return streams, saved, tidy

    def restore(self) -> None:
        """Give ministack's streams their records back, and drop from the journal what nobody can read any more."""
        if not self.path.exists():
            return
        streams, saved, tidy = self.read()
        kept = {}
        for arn, stream in streams.items():
            if stream.records:
                continue_after(stream.records[-1]["dynamodb"]["SequenceNumber"])
            account, region, name = owner(arn)
            table = dynamodb._tables.get_scoped(account, region, name) or {}
            if stream.closed:
                if stream.closed["ClosedAt"] < time.time() - RETENTION:
                    continue
                dynamodb._closed_streams.set_scoped(
                    account, region, arn, {**stream.closed, "trimmed": stream.trimmed, "records": stream.records})
            elif table.get("LatestStreamArn") == arn:
                dynamodb._stream_records.set_scoped(account, region, name, stream.records)
                dynamodb._stream_trimmed.set_scoped(account, region, name, stream.trimmed)
                if not saved:
                    roll_forward(table, stream.records)
            else:
                continue
            kept[arn] = stream
        if not tidy or len(kept) < len(streams):
            self._rewrite(kept)

    def _rewrite(self, streams: dict[str, Stream]) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            for arn, stream in streams.items():
                if stream.trimmed:
                    file.write(json.dumps({"trimmed": arn, "number": stream.trimmed}) + "\n")
                file.writelines(json.dumps({"record": record}) + "\n" for record in stream.records)
                if stream.closed:
                    file.write(json.dumps({"closed": arn, "as": stream.closed}) + "\n")
        os.replace(fresh, self.path)


def roll_forward(table: dict, records: list[dict]) -> None:
    """After a kill, bring the table's items up to its stream: ministack saves tables now and then, the stream every
    change. Possible where the stream carries new images."""
    latest = {json.dumps(record["dynamodb"]["Keys"], sort_keys=True): record for record in records
              if record["dynamodb"]["StreamViewType"] in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")}
    brought = 0
    for record in latest.values():
        keys, new = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage")
        partition, sort = keys_of(table, keys)
        if same(item_at(table, partition, sort), new):
            continue
        brought += 1
        if new is None:
            dynamodb._remove_item(table, partition, sort)
        else:
            dynamodb._set_item(table, partition, sort, new)
    if brought:
        log.warning("%s was not saved when the local AWS was killed: %d items brought up to its stream.",
                    table["TableName"], brought)
