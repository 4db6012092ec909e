"""Firehose that buffers: records wait on disk until they are many or old enough, and become one object of S3.

Follows https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html,
https://docs.aws.amazon.com/firehose/latest/dev/limits.html,
https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html and
https://docs.aws.amazon.com/firehose/latest/dev/troubleshooting.html; `delivery` says which pages the objects follow.

A delivery that fails is tried again until it succeeds; AWS gives up after 24 hours, and the records are lost.
DeleteDeliveryStream throws away what is not delivered yet: 'Deletes a Firehose stream and its data.'
Streams that transform records, or partition them by content, are left to ministack, which delivers each record at once.
"""
from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import shutil
import threading
import uuid
from typing import TYPE_CHECKING

from local_aws.firehose import delivery, resources
from local_aws.firehose.buffer import Buffer
from local_aws.firehose.settings import Invalid, check, violated
from local_aws.ministack_seam import responses

if TYPE_CHECKING:
    from local_aws.server import Handler, LocalAws

CALL_RECORDS = 500
CALL_BYTES = 4 * 1024 * 1024
RECORD_BYTES = 1000 * 1024
PUTS = ("PutRecord", "PutRecordBatch")
SETTINGS = ("CreateDeliveryStream", "UpdateDestination")

log = logging.getLogger("local_aws.firehose")


def install(aws: LocalAws) -> None:
    firehose = Firehose(aws)
    aws.wrap("firehose", firehose.wrap)
    aws.on_start(firehose.resume)
    aws.on_stop(firehose.stop)
    aws.on_reset(firehose.reset)
    aws.resources.append(resources.DELIVERY_STREAMS)


class Firehose:
    """The buffers of the delivery streams, in front of ministack's Firehose, which keeps the streams themselves."""

    def __init__(self, aws: LocalAws):
        self.aws = aws
        self.folder = aws.state / "firehose"
        self.buffers: dict[str, Buffer] = {}  # by the name of their folder: region_stream
        self.lock = threading.Lock()

    def wrap(self, inner: Handler) -> Handler:
        async def handler(method, path, headers, body, query_params):
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            if action not in (*PUTS, *SETTINGS, "DeleteDeliveryStream"):
                return await inner(method, path, headers, body, query_params)
            try:
                request = await asyncio.to_thread(json.loads, body)
                name = request["DeliveryStreamName"]
            except (ValueError, KeyError):  # ministack has the words for it
                return await inner(method, path, headers, body, query_params)

            async def describe():
                return await inner(
                    method, path, {**headers, "x-amz-target": "Firehose_20150804.DescribeDeliveryStream"},
                    json.dumps({"DeliveryStreamName": name}).encode(), query_params)

            try:
                if action in PUTS:
                    status, _, described = answer = await describe()
                    if status != 200:
                        return answer
                    description = json.loads(described)["DeliveryStreamDescription"]
                    if delivery.destination(description):
                        return await asyncio.to_thread(self.put, description, action, request)
                elif action in SETTINGS:
                    await asyncio.to_thread(check, self.aws, request)
            except Invalid as error:
                return responses.error_response_json(error.code, str(error), 400)
            answer = await inner(method, path, headers, body, query_params)
            if answer[0] == 200 and action == "DeleteDeliveryStream":
                await asyncio.to_thread(self.delete, responses.get_region(), name)
            elif answer[0] == 200 and action == "UpdateDestination":
                _, _, described = await describe()
                description = json.loads(described)["DeliveryStreamDescription"]
                await asyncio.to_thread(self.buffer, description, existing=True)
            return answer

        return handler

    def put(self, description: dict, action: str, request: dict) -> tuple[int, dict, bytes]:
        """Take the records of a PutRecord or PutRecordBatch over, and answer it."""
        records = data_of(action, request)
        try:
            self.buffer(description).put(records)
        except OSError as error:
            return responses.error_response_json(
                "ServiceUnavailableException", f"The records cannot be kept: {error}", 503)
        answers = [{"RecordId": uuid.uuid4().hex * 4} for _ in records]
        if action == "PutRecord":
            return responses.json_response({**answers[0], "Encrypted": False})
        return responses.json_response({"FailedPutCount": 0, "Encrypted": False, "RequestResponses": answers})

    def buffer(self, description: dict, existing: bool = False) -> Buffer | None:
        """Return the buffer of a delivery stream, with the hints of its description; a new one unless `existing`."""
        region, name = description["DeliveryStreamARN"].split(":")[3], description["DeliveryStreamName"]
        hints = delivery.destination(description)["BufferingHints"]
        size, interval = hints["SizeInMBs"] * 1024 * 1024, hints["IntervalInSeconds"]
        with self.lock:
            buffer = self.buffers.get(f"{region}_{name}")
            if buffer:
                buffer.configure(size, interval)
            elif not existing:
                buffer = self.buffers[f"{region}_{name}"] = Buffer(
                    self.folder / f"{region}_{name}", size, interval,
                    lambda batch: delivery.deliver(self.aws, region, name, batch))
            return buffer

    def delete(self, region: str, name: str) -> None:
        with self.lock:
            buffer = self.buffers.pop(f"{region}_{name}", None)
        if buffer:
            buffer.stop()
            if buffer.waiting:
                log.warning("%s is deleted, and with it %d bytes that wait for delivery", name, buffer.waiting)
        shutil.rmtree(self.folder / f"{region}_{name}", ignore_errors=True)

    def resume(self) -> None:
        """Go on with what an earlier run of the server left undelivered."""
        for folder in sorted({file.parent for file in self.folder.glob("*/*")}):
            region, name = folder.name.split("_", 1)
            try:
                self.buffer(delivery.describe(self.aws, region, name))
            except Exception as error:
                log.warning("%s waits for its delivery stream: %s", folder, error)

    def stop(self) -> None:
        for buffer in self.buffers.values():
            buffer.stop()

    def reset(self) -> None:
        with self.lock:
            self.stop()
            self.buffers.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def data_of(action: str, request: dict) -> list[bytes]:
    """Return the records of a request within the limits of a call, decoded."""
    entries = [request.get("Record")] if action == "PutRecord" else request.get("Records")
    if not entries:
        raise violated("records", "length greater than or equal to 1")
    if len(entries) > CALL_RECORDS:
        raise violated("records", f"length less than or equal to {CALL_RECORDS}")
    try:
        records = [base64.b64decode(entry["Data"], validate=True) for entry in entries]
    except (TypeError, KeyError, binascii.Error):
        raise Invalid("SerializationException", "Every record needs data in base64") from None
    for position, record in enumerate(records, 1):
        if len(record) > RECORD_BYTES:
            place = "record.data" if action == "PutRecord" else f"records.{position}.member.data"
            raise violated(place, f"length less than or equal to {RECORD_BYTES}")
    if sum(map(len, records)) > CALL_BYTES:
        raise Invalid("InvalidArgumentException", "Records size exceeds 4 MB limit")
    return records
