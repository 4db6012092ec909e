"""Turn the changes of a DynamoDB table into audit events, and deliver them to Firehose.

The table's stream hands over its changes in batches, in order. Each change becomes one line of JSON. The lines are
compressed with gzip and packed into as few Firehose records as possible, since Firehose bills what arrives, in steps of
5 KB a record. Firehose joins the records to an object, and gzip members that are joined are a gzip file again.

No change is dropped. What Firehose does not take is tried again while there is time, then reported, so that the stream
sends it again. An event that even compressed is too large for Firehose, and a record that is not understood, is kept
whole in a bucket of its own, and a small event says where.

Environment: DELIVERY_STREAM_NAME; FAILURES_BUCKET, for what is kept whole; MASKED_ATTRIBUTES, optional: the names of
top-level attributes, separated by commas, whose values must not be in the audit.

Follows https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
and https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
and https://www.rfc-editor.org/rfc/rfc1952 (gzip)
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring as quote  # text to a JSON string, in C
from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

Client = Context = Any  # boto makes the class of a client while it runs; Lambda brings that of the context
STREAM = os.environ.get("DELIVERY_STREAM_NAME")
BUCKET = os.environ.get("FAILURES_BUCKET")
MASKED = {name.strip() for name in os.environ.get("MASKED_ATTRIBUTES", "").split(",")} - {""}
MASK = '"***"'

# What Firehose takes: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
RECORD_BYTES = 1000 * 1024
CALL_RECORDS = 500
CALL_BYTES = 4 * 1024 * 1024

# The level is chosen by dollars. A GB costs $0.029 at Firehose (https://aws.amazon.com/firehose/pricing/), a GB-second
# $0.0000166667 at Lambda (https://aws.amazon.com/lambda/pricing/), and with 1,769 MB comes a whole core
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). So a byte costs as much as a microsecond of
# a core: 2.9e-11 dollars. An event of 689 bytes, in a batch of 10,000, takes least of both together on level 7:
#     level 5: 66.2 bytes + 4.2 us = 70.4    level 6: 64.5 bytes + 5.7 us = 70.2    level 7: 61.8 bytes + 6.3 us = 68.1
#     level 8: 59.6 bytes + 14.8 us = 74.4    level 9: 59.5 bytes + 19.2 us = 78.7
# Z_FILTERED repeats no text of fewer than 6 bytes; it makes events 4 % smaller still, and is faster.
LEVEL = 7
STRATEGY = zlib.Z_FILTERED
GZIP = zlib.MAX_WBITS | 16  # zlib's notation for a gzip header and trailer around the data
END_BYTES = 16  # at most, of a member: an empty last block and the trailer

LONGEST_PAUSE = 5  # seconds between two tries
RESERVE = 2  # seconds kept for the last try and the answer to Lambda
LONGEST_FIELD = 16 * 1024  # characters, in an event that points to what is kept whole; the longest key fits

# botocore is boto3 without what a stream processor has no use for; a cold start is a seventh shorter.
SESSION = botocore.session.get_session()

# Made once, while Lambda starts the environment, and used by every invocation in it. It does not try again by itself:
# `deliver` does, knowing the time left.
FIREHOSE: Client = SESSION.create_client(
    "firehose", config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
)

FIELDS = (
    "event_id", "event_name", "order_id", "sequence_number", "changed_at", "old_state", "new_state",
    "last_updated_date", "changed_by", "changed_attributes", "old_image", "new_image", "detail",
)  # fmt: skip
LINE = "{" + ",".join(f'"{field}":%s' for field in FIELDS) + "}\n"


def handler(event: dict, context: Context) -> dict:
    """Deliver a batch of stream records; answer from which one on the stream must send them again, if any."""
    records = event["Records"]
    packages, packed, problem = pack(records)
    waiting, refusal = deliver(packages, context)
    done = waiting[0].first if waiting else packed
    log = {
        "level": "INFO" if done == len(records) else "ERROR",
        "request_id": context.aws_request_id,
        "records": len(records),
        "delivered": done,
        "packages": len(packages),
        "bytes": sum(package.line_bytes for package in packages),
        "compressed_bytes": sum(len(package.data) for package in packages),
    }
    if done == len(records):
        print(json.dumps(log))
        return {"batchItemFailures": []}

    reason = str(refusal if waiting else problem)
    print(json.dumps({**log, "reason": reason}))
    if len(waiting) == len(packages):  # an error, so that it shows as one: the stream sends the whole batch again
        raise RuntimeError(f"None of {len(records)} changes could be delivered: {reason}")
    return {"batchItemFailures": [{"itemIdentifier": records[done]["dynamodb"]["SequenceNumber"]}]}


# From stream records to Firehose records


class Package(NamedTuple):
    """A Firehose record: the events of consecutive stream records, one a line, as a member of a gzip file."""

    first: int  # the position in the batch of its first stream record
    data: bytes
    line_bytes: int  # before they were compressed


class Packing:
    """A package in the making: it takes lines for as long as they fit, compressed, into a Firehose record.

    How well a line compresses is known only afterwards. So lines wait, uncompressed, while there is room for them even
    if they do not compress at all. When there may be none, those that wait are compressed, which makes room again. The
    last few, each of which could be the one too many, are compressed one by one, on a copy of the compressor, so that
    the one too many leaves no trace.
    """

    def __init__(self, first: int):
        self.first = first
        self.compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP, zlib.DEF_MEM_LEVEL, STRATEGY)
        self.compressed: list[bytes] = []
        self.waiting: list[bytes] = []
        self.size, self.line_bytes = END_BYTES, 0
        self.room = sure_bytes(RECORD_BYTES - self.size)

    def add(self, line: bytes) -> bool:
        """Take a line in and return True, or return False where it does not fit."""
        if len(line) > self.room:
            self.compress_waiting()
            if len(line) > self.room:
                compressor = self.compressor.copy()
                data = compressor.compress(line) + compressor.flush(zlib.Z_SYNC_FLUSH)
                if self.size + len(data) > RECORD_BYTES:
                    return False
                self.compressor = compressor
                self.keep(data, len(line))
                return True
        self.waiting.append(line)
        self.room -= len(line)
        return True

    def compress_waiting(self) -> None:
        """Compress the lines that wait, which gives room for more."""
        if self.waiting:
            lines, self.waiting = b"".join(self.waiting), []
            self.keep(self.compressor.compress(lines) + self.compressor.flush(zlib.Z_SYNC_FLUSH), len(lines))

    def keep(self, data: bytes, line_bytes: int) -> None:
        """Take compressed data in, made of lines of so many bytes."""
        self.compressed.append(data)
        self.size += len(data)
        self.line_bytes += line_bytes
        self.room = sure_bytes(RECORD_BYTES - self.size)

    def package(self) -> Package:
        """Return the package. It has the same bytes whenever and wherever it is made of the same lines: the header has
        no time, and 'unknown' for an operating system."""
        lines = b"".join(self.waiting)
        data = b"".join([*self.compressed, self.compressor.compress(lines), self.compressor.flush()])
        return Package(self.first, data[:9] + b"\xff" + data[10:], self.line_bytes + len(lines))


def sure_bytes(room: int) -> int:
    """Return how many bytes fit into a room, header included, even if they do not compress: the longest of deflate's
    fixed codes has 9 bits for a byte. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6"""
    return (room - 64) * 8 // 9


def pack(records: Sequence[dict]) -> tuple[list[Package], int, Exception | None]:
    """Return the packages, how many stream records they hold, and the error that ended the packing, if any.

    It ends early only where S3 does not take what must be kept there: the batch is then delivered up to that record.
    """
    packages: list[Package] = []
    packing, packed, problem = Packing(0), len(records), None
    for position, record in enumerate(records):
        try:
            line = audit_line(record)
        except Exception as error:
            packed, problem = position, error
            break
        if not packing.add(line):
            packages.append(packing.package())
            packing = Packing(position)
            packing.add(line)  # it fits: otherwise `audit_line` had kept it whole
    if packed:
        packages.append(packing.package())
    return packages, packed, problem


def audit_line(record: dict) -> bytes:
    """Return the audit event of a stream record as a line of JSON, whatever the record is."""
    try:
        fields = audit_fields(record)
        line = (LINE % fields).encode()
    except Exception as error:  # of any kind: the records behind this one must not wait for it
        return keep_whole("unreadable", masked_record(record), readable_fields(record), type(error).__name__)
    if 2 * len(line) > RECORD_BYTES and not Packing(0).add(line):  # half a record fits even if it does not compress
        return keep_whole("oversize", line, fields, f"{len(line)} bytes")
    return line


def audit_fields(record: dict) -> tuple[str, ...]:
    """Return the values of FIELDS, each as JSON, from a stream record."""
    change, event_name = record["dynamodb"], record["eventName"]
    before, after = change.get("OldImage"), change.get("NewImage")
    old, new, changed = compare(before or {}, after or {})
    known = (before is not None or event_name == "INSERT") and (after is not None or event_name == "REMOVE")
    return (
        quote(record["eventID"]),
        quote(event_name),
        order_id(change),
        sequence_number(change),
        changed_at(int(change["ApproximateCreationDateTime"])),
        column(old.get("state")),
        column(new.get("state")),
        whole_number((new or old).get("lastUpdatedDate")),
        '"dynamodb-ttl"' if deleted_by_ttl(record) else column(new.get("lastUpdatedBy")),
        sorted_names(tuple(changed)) if known else "null",
        "null" if before is None else quote(json_object(old)),
        "null" if after is None else quote(json_object(new)),
        "null",
    )


def order_id(change: dict) -> str:
    """Return the partition key of the item."""
    keys = change["Keys"]
    name = "orderId" if "orderId" in keys else next(iter(keys))
    return MASK if name in MASKED else column(plain(keys[name]))


def sequence_number(change: dict) -> str:
    """Return the sequence number, padded so that the order of texts is the order of numbers."""
    return quote(change["SequenceNumber"].zfill(40))


def changed_at(seconds: int) -> str:
    """Return the time of the change as a JSON string."""
    minute, second = divmod(seconds, 60)
    return f'"{time_of(minute)}:{second:02}"'


@lru_cache(maxsize=64)
def time_of(minute: int) -> str:
    """Return a time without its seconds: the changes of a batch fall into a few minutes."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(60 * minute))


def deleted_by_ttl(record: dict) -> bool:
    """Tell whether DynamoDB's time to live deleted the item: the one case in which a stream names who did it."""
    who = record.get("userIdentity")
    return bool(who) and who.get("type") == "Service" and who.get("principalId") == "dynamodb.amazonaws.com"


def column(text: str | None) -> str:
    """Return a value for a text column: text as it is, anything else as the text of its JSON."""
    if text is None:
        return "null"
    return text if text[0] == '"' or text == "null" else quote(text)


def whole_number(text: str | None) -> str:
    """Return a value for a bigint column: null where it is no whole number of 64 bits."""
    if text is None or text[0] not in "-0123456789":
        return "null"
    if text.isdigit() and len(text) < 19:
        return text
    value = Decimal(text)
    return str(int(value)) if value == int(value) and -(2**63) <= value < 2**63 else "null"


# From DynamoDB's typed values to plain JSON


def compare(before: dict, after: dict) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return the JSON of each attribute of two images, by name, masked where configured, and the names that differ."""
    old = {name: plain(typed) for name, typed in before.items()}
    new, changed = {}, [name for name in before if name not in after]
    for name, typed in after.items():
        if before.get(name) == typed:
            new[name] = old[name]
        else:
            new[name] = plain(typed)
            if before.get(name) != typed:  # `plain` has sorted the sets: one in another order is the same
                changed.append(name)
    for texts in (old, new) if MASKED else ():
        texts.update(dict.fromkeys(MASKED & texts.keys(), MASK))
    return old, new, changed


def plain(typed: dict) -> str:
    """Return the JSON of a typed value such as {"N": "1.50"}."""
    ((kind, value),) = typed.items()
    return PLAIN[kind](value)


def json_object(texts: dict[str, str]) -> str:
    """Return a JSON object, of the JSON of its values by name."""
    return json_template(tuple(texts)) % tuple(texts.values())


@lru_cache(maxsize=32)
def json_template(names: tuple[str, ...]) -> str:
    """Return a JSON object with %s for each value: the items of a table have the same few sets of names."""
    return "{" + ",".join([quote(name).replace("%", "%%") + ":%s" for name in names]) + "}"


@lru_cache(maxsize=32)
def sorted_names(names: tuple[str, ...]) -> str:
    """Return a JSON array of names in order: the same few sets of attributes change again and again."""
    return json_array(map(quote, sorted(names)))


def json_array(texts: Iterable[str]) -> str:
    """Return a JSON array, of the JSON of its values."""
    return "[" + ",".join(texts) + "]"


def number(text: str) -> str:
    """Return a number digit for digit: DynamoDB keeps 38 of them, a float would keep 15."""
    if JSON_NUMBER(text):
        return text
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError("not a number")
    return str(value)


def set_of(kind: Callable[[str], str], key: Callable[[str], Any] | None = None) -> Callable[[list[str]], str]:
    """Return the function for a set. It sorts the set in its image, so that images compare whatever the sets' order."""

    def json_set(values: list[str]) -> str:
        values.sort(key=key)
        return json_array(map(kind, values))

    return json_set


JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
PLAIN = {
    "S": quote,
    "N": number,
    "B": quote,  # base64, as Lambda hands it over
    "BOOL": {True: "true", False: "false"}.__getitem__,
    "NULL": lambda _: "null",
    "SS": set_of(quote),
    "NS": set_of(number, key=Decimal),
    "BS": set_of(quote),
    "L": lambda values: json_array(map(plain, values)),
    "M": lambda values: json_object({name: plain(value) for name, value in values.items()}),
}


# What does not fit, or is not understood


def keep_whole(why: str, body: bytes, fields: Iterable[str], reason: str) -> bytes:
    """Put a body into the bucket for failures under its SHA-256, and return the line of the event that points to it."""
    digest = hashlib.sha256(body).hexdigest()
    key = f"{why}/{digest}.json"
    s3().put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="application/json")
    print(json.dumps({"level": "WARNING", "kept_whole": why, "bucket": BUCKET, "key": key, "reason": reason}))
    detail = json.dumps({why: {"bucket": BUCKET, "key": key, "sha256": digest, "reason": reason}})
    fields = dict(zip(FIELDS, fields, strict=True), old_image="null", new_image="null", detail=quote(detail))
    if fields["event_id"] == "null":
        fields["event_id"] = quote(digest)
    line = LINE % tuple(text if len(text) <= LONGEST_FIELD else "null" for text in fields.values())
    return line.encode(errors="backslashreplace")  # what UTF-8 cannot hold becomes the same in JSON's own notation


def masked_record(record: object) -> bytes:
    """Return a stream record as JSON, whole but for the values of masked attributes."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    for image in change.values() if isinstance(change, dict) else ():
        if isinstance(image, dict):
            image.update(dict.fromkeys(MASKED & image.keys(), {"S": json.loads(MASK)}))
    return json.dumps(record).encode()


def readable_fields(record: dict) -> list[str]:
    """Return FIELDS as far as they can be read from a record that is not understood: null for the others."""
    readers = (
        lambda: quote(record["eventID"]),
        lambda: quote(record["eventName"]),
        lambda: order_id(record["dynamodb"]),
        lambda: sequence_number(record["dynamodb"]),
        lambda: changed_at(int(record["dynamodb"]["ApproximateCreationDateTime"])),
    )
    return [attempt(reader) for reader in readers] + ["null"] * (len(FIELDS) - len(readers))


def attempt(reader: Callable[[], str]) -> str:
    """Return what `reader` does, or null where it fails."""
    try:
        return reader()
    except Exception:
        return "null"


@lru_cache(maxsize=1)
def s3() -> Client:
    """Return the S3 client, made when first needed: most environments never do."""
    return SESSION.create_client("s3")


# To Firehose


def deliver(packages: list[Package], context: Context) -> tuple[list[Package], Exception | str | None]:
    """Put packages into the delivery stream; what it refuses, again and again while there is time.

    Return the packages it did not take, in order, and the last reason.
    """
    waiting, reason, tries = packages, None, 0
    while True:
        refused: list[Package] = []
        for call in calls(waiting):
            try:
                answer = FIREHOSE.put_record_batch(
                    DeliveryStreamName=STREAM, Records=[{"Data": package.data} for package in call]
                )
            except (BotoCoreError, ClientError) as error:
                reason = error
                refused += call
                continue
            if answer["FailedPutCount"]:
                results = zip(call, answer["RequestResponses"], strict=True)
                failed = [(package, result) for package, result in results if result.get("ErrorCode")]
                refused += [package for package, _ in failed]
                reason = failed[0][1]["ErrorCode"]
        waiting = refused
        pause = random.uniform(0, min(LONGEST_PAUSE, 0.1 * 2**tries))
        if not waiting or not passing(reason) or context.get_remaining_time_in_millis() / 1000 < pause + RESERVE:
            return waiting, reason
        time.sleep(pause)
        tries += 1


def calls(packages: Iterable[Package]) -> Iterator[list[Package]]:
    """Yield lists of packages, each within what one PutRecordBatch call may carry."""
    call, size = [], 0
    for package in packages:
        if call and (len(call) == CALL_RECORDS or size + len(package.data) > CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(package)
        size += len(package.data)
    if call:
        yield call


def passing(reason: Exception | str | None) -> bool:
    """Tell whether a refusal may pass by waiting a little; a missing permission or stream does not."""
    if not isinstance(reason, ClientError):
        return not isinstance(reason, ParamValidationError)
    status = reason.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or status == 429 or "Throttl" in reason.response["Error"]["Code"]
