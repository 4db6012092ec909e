"""Firehose's requests: records are taken over, settings checked; the delivery streams themselves stay with ministack.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html and
https://docs.aws.amazon.com/firehose/latest/dev/limits.html
"""
from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
from typing import TYPE_CHECKING, Any

from local_aws.firehose.settings import Invalid, check, violated
from local_aws.firehose.store import description, s3_destination
from local_aws.iam.request import content_of
from local_aws.ministack_seam import responses

if TYPE_CHECKING:
    from local_aws.firehose.streams import Name, Streams
    from local_aws.server import Handler, LocalAws, Response

CALL_RECORDS = 500
CALL_BYTES = 4 * 1024 * 1024
RECORD_BYTES = 1000 * 1024
PUTS = ("PutRecord", "PutRecordBatch")
SETTINGS = ("CreateDeliveryStream", "UpdateDestination")
OURS = (*PUTS, *SETTINGS, "DeleteDeliveryStream")


def wrapper(handler: Handler, aws: LocalAws, streams: Streams) -> Handler:
    """Firehose's handler: puts into a stream that buffers are answered here, everything else by ministack."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        request = await asyncio.to_thread(content_of, body) if action in OURS else {}
        stream = request.get("DeliveryStreamName")
        if not isinstance(stream, str):  # not ours, or ministack has the words for what is wrong
            return await handler(method, path, headers, body, query_params)
        name = responses.get_account_id(), responses.get_region(), stream
        described = description(*name)
        try:
            if action in PUTS and described and (destination := s3_destination(described)):
                return await asyncio.to_thread(put, streams, name, destination, action, request)
            if action in SETTINGS:
                present = s3_destination(described) if described and action == "UpdateDestination" else None
                await asyncio.to_thread(check, aws, request, present or {})
        except Invalid as error:
            return responses.error_response_json(error.code, str(error), 400)
        answer = await handler(method, path, headers, body, query_params)
        if answer[0] == 200 and action == "DeleteDeliveryStream":
            await asyncio.to_thread(streams.delete, name)
        elif answer[0] == 200 and action == "UpdateDestination":
            await asyncio.to_thread(streams.configure, name)
        return answer

    return handle


def put(streams: Streams, name: Name, destination: dict, action: str, request: dict) -> Response:
    """Take the records of a PutRecord or PutRecordBatch over, and answer it. Raises Invalid."""
    records = data_of(action, request)
    try:
        streams.put(name, destination, records)
    except OSError as error:
        return responses.error_response_json(
            "ServiceUnavailableException", f"The records cannot be kept: {error}", 503)
    answers = [{"RecordId": uuid.uuid4().hex * 4} for _ in records]
    if action == "PutRecord":
        return responses.json_response({**answers[0], "Encrypted": False})
    return responses.json_response({"FailedPutCount": 0, "Encrypted": False, "RequestResponses": answers})


def data_of(action: str, request: dict[str, Any]) -> list[bytes]:
    """The records of a request within the limits of a call, decoded. Raises Invalid."""
    entries: list[Any] = [request.get("Record")] if action == "PutRecord" else request.get("Records") or []
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
