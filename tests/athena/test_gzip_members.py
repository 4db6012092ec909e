"""Objects of several gzip members, as Firehose joins them: both engines read them as Trino 476 does.

Its reader of gzip is Java's, java.util.zip.GZIPInputStream: what follows a whole member, but is no header of another,
is passed over.
"""
from __future__ import annotations

import gzip

import pytest

WHOLE = b"".join(b'{"id": %d, "text": "%s"}\n' % (number, b"x" * number) for number in (1, 2, 3))
LINES = WHOLE.splitlines(keepends=True)
FIRST, LAST = gzip.compress(b"".join(LINES[:2]), mtime=0), gzip.compress(LINES[2], mtime=0)
LONG = gzip.compress(b"".join(b'{"id": 0, "text": "%050d"}\n' % number for number in range(3_000)), mtime=0)
ALL, ONLY_FIRST = ["3", "6", "6"], ["2", "3", "3"]
CANNOT_OPEN = "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://{} (offset=0, length={}): {}"
WRONG_CHECKSUM = LAST[:-8] + bytes([LAST[-8] ^ 1]) + LAST[-7:]


@pytest.fixture
def table(athena):
    """A function that gives a table of one object, with the object's place in S3."""
    def of(body: bytes) -> tuple[str, str]:
        name = athena.json_table({"id": "bigint", "text": "string"}, {})
        athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{name}/a.json.gz", Body=body)
        return name, f"{athena.bucket}/data/{name}/a.json.gz"

    return of


@pytest.mark.parametrize("members, found", [
    ([FIRST, LAST], ALL),
    ([gzip.compress(line) for line in LINES], ALL),
    ([gzip.compress(WHOLE[:30]), gzip.compress(WHOLE[30:])], ALL),  # the second begins inside a line
    ([FIRST, gzip.compress(b""), LAST], ALL),
    ([FIRST, b"garbage", LAST], ONLY_FIRST),  # without a word, so what quarantine.py finds is what counts
    ([FIRST, b"garbage"], ONLY_FIRST),
    ([FIRST, bytes(8), LAST], ONLY_FIRST),
    ([FIRST, bytes(100)], ONLY_FIRST),
    ([FIRST, LAST[:5]], ONLY_FIRST),  # cut off in the header
], ids=["joined", "a line each", "inside a line", "an empty one", "garbage between", "garbage behind", "zeros between",
        "zeros behind", "cut in the header"])
def test_what_is_read_of_the_members(athena, table, members, found):
    body = b"".join(members)
    name, _ = table(body)
    query = athena.done(f"SELECT count(*), sum(id), sum(length(text)) FROM {name}")
    answer = athena.athena.get_query_results(QueryExecutionId=query["QueryExecutionId"])["ResultSet"]["Rows"][1]
    assert [value["VarCharValue"] for value in answer["Data"]] == found
    assert query["Statistics"]["DataScannedInBytes"] == len(body), "Athena reads it whole"


@pytest.mark.parametrize("members, reason", [
    ([FIRST, LAST[:-12]], "Unexpected end of ZLIB input stream"),
    ([FIRST, LAST[:-3]], "null"),
    ([FIRST, WRONG_CHECKSUM], "Corrupt GZIP trailer"),
], ids=["cut in the data", "cut in the trailer", "a wrong checksum"])
def test_a_broken_member_fails_the_query(athena, table, members, reason):
    body = b"".join(members)
    name, url = table(body)
    assert athena.reason(f"SELECT count(*) FROM {name}") == CANNOT_OPEN.format(url, len(body), reason)


def test_a_member_that_is_cut_off_behind_much_text_fails_the_query(athena, table):
    name, url = table(LONG + LONG[:-100])
    assert athena.reason(f"SELECT count(*) FROM {name}") == f"HIVE_CURSOR_ERROR: Failed to read file at s3://{url}"
