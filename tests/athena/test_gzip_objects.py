"""Objects of gzip members: what Trino reads of them, and which of them fail it. Trino 476 was asked all of them."""
from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.athena.gunzip import Broken, gunzip


def member(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


ONE, TWO = member(b'{"id": 1}\n'), member(b'{"id": 2}\n')
LONG = b"".join(b'{"id": %d}\n' % number for number in range(1000, 2000))


def spoilt(body: bytes, at: int) -> bytes:
    """The bytes with one of them, counted from the end, another."""
    return body[:at] + bytes([body[at] ^ 1]) + body[at:][1:]


READ = {  # the bytes, and how many rows they hold
    "two members": (ONE + TWO, 2), "split inside a line": (member(b'{"id": 1}\n{"i') + member(b'd": 2}\n'), 2),
    "an empty member": (member(b"") + ONE, 1), "an empty one alone": (member(b""), 0),
    "words behind": (ONE + b"that are no header of a member's, but many", 1), "zeros behind": (ONE + bytes(20), 1),
    "half a header behind": (ONE + TWO[:7], 1), "much, and words behind": (member(LONG) + b"words", 1000),
}
FAILED = {  # the bytes, and how Trino tells it
    "a member cut off": (ONE + TWO[:-9], "Unexpected end of ZLIB input stream"),
    "a header alone": (ONE + TWO[:10], "Unexpected end of ZLIB input stream"),
    "no trailer": (ONE + TWO[:-8], "null"), "half a trailer": (ONE + TWO[:-3], "null"),
    "another checksum": (spoilt(ONE, -8), "Corrupt GZIP trailer"),
    "another checksum, later": (ONE + spoilt(TWO, -8), "Corrupt GZIP trailer"),
    "not deflated": (ONE[:12] + b"\xff\xff\xff" + ONE[15:], "invalid"),
    "no gzip": (b'{"id": 1}\n', "Not in GZIP format"),
    "much, and a member cut off": (member(LONG) + TWO[:-9], None), "much cut off": (ONE + member(LONG)[:-40], None),
    "much, with another checksum": (spoilt(member(LONG), -8), None),
}


@pytest.mark.parametrize("name", READ)
def test_every_member_is_read(athena, name):
    body, rows = READ[name]
    table = athena.json_table({"id": "bigint"}, {})
    athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{table}/events.gz", Body=body)
    assert athena.rows(f"SELECT count(*), count(id) FROM {table}") == [[str(rows)] * 2]


@pytest.mark.parametrize("name", FAILED)
def test_a_broken_member_fails_the_query(athena, name):
    body, why = FAILED[name]
    table = athena.json_table({"id": "bigint"}, {})
    url = f"s3://{athena.bucket}/data/{table}/events.gz"
    athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{table}/events.gz", Body=body)
    reason = athena.reason(f"SELECT count(*) FROM {table}")
    if why is None:
        assert reason == f"HIVE_CURSOR_ERROR: Failed to read file at {url}"
    else:
        start = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {url} (offset=0, length={len(body)}): {why}"
        assert reason.startswith(start)


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.binary(max_size=30))
def test_members_are_one_text_whatever_follows(texts, behind):
    body = b"".join(map(member, texts))
    assert gunzip(body + (b"" if behind[:1] == b"\x1f" else behind)) == b"".join(texts)


@given(st.binary(max_size=5000), st.binary(min_size=1, max_size=5000), st.data())
def test_a_cut_is_never_passed_over(first, second, data):
    last = member(second)
    cut = data.draw(st.integers(10, len(last) - 1), "bytes of the second member")
    with pytest.raises(Broken) as broken:
        gunzip(member(first) + last[:cut])
    assert len(first) <= broken.value.came <= len(first) + len(second)
