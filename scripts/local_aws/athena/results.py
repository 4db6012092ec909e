"""A query's results in S3, as Athena writes them, and GetQueryResults, which reads them from there page by page.

Every value stands in quotes, a null is empty; what a DDL statement says is text. Beside them lies `.metadata`, in a
form of our own (JSON): Athena does not document its own.
https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""
from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from local_aws.athena.exchange import Answer, Column, Watch
from local_aws.athena.text import formatter

if TYPE_CHECKING:
    from local_aws.server import Client

PAGE = 1000  # rows that one GetQueryResults gives at most
_CHUNK = 1 << 18  # bytes of the result that are fetched at once
_PRECISION = {"varchar": 2147483647, "char": 1, "json": 2147483647, "varbinary": 1073741824, "bigint": 19,
              "integer": 10, "smallint": 5, "tinyint": 3, "double": 17, "float": 17, "timestamp": 3,
              "timestamp with time zone": 3, "time": 3}
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)")?(,|$)')


def column_info(column: Column) -> dict:
    """A column as GetQueryResults gives it: https://docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html"""
    kind = column.type
    name = "float" if kind.name == "real" else kind.name
    precision, scale = _PRECISION.get(name, 0), 0
    if kind.numbers and name in ("varchar", "char"):
        precision = kind.numbers[0]
    if name == "decimal":
        precision, scale = (*(kind.numbers or (38,)), 0)[:2]
    return {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": column.name, "Label": column.name,
            "Type": name, "Precision": precision, "Scale": scale, "Nullable": "UNKNOWN",
            "CaseSensitive": name in ("varchar", "char", "json")}


def write_rows(answer: Answer, watch: Watch) -> IO[bytes]:
    """The answer's rows as a file of CSV, on disk when they are many. Raises what reading the rows raises."""
    texts = [formatter(column.type) for column in answer.columns]
    out = tempfile.SpooledTemporaryFile(max_size=1 << 24)  # noqa: SIM115 (handed to the caller)
    out.write(_line([column.name for column in answer.columns]))
    for at, row in enumerate(answer.rows):
        if at % 1024 == 0:
            watch.read(answer.bytes_read)
        out.write(_line([text(value) for text, value in zip(texts, row, strict=True)]))
    watch.read(answer.bytes_read)
    out.seek(0)
    return out


def _line(values: Iterable[str | None]) -> bytes:
    return (",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
            + "\n").encode("utf-8", "surrogatepass")


def metadata(columns: Sequence[Column], rows: int | None = None) -> bytes:
    """What lies beside a result: its columns, and how many rows a statement wrote."""
    return json.dumps({"columns": [column_info(column) for column in columns], "updateCount": rows}).encode()


class Page:
    """Reads rows of a CSV or text object in S3 from a byte onward, in ranges, so that a large result costs no more
    than the page that is asked for."""

    def __init__(self, s3: Client, bucket: str, key: str, size: int, start: int):
        self.s3, self.bucket, self.key, self.size = s3, bucket, key, size
        self.fetched, self.held, self.at = start, b"", start

    def line(self, quoted: bool) -> str | None:
        """The next line without its end, or None. In CSV (`quoted`) a line may end inside a value's quotes."""
        searched = 0
        while True:
            end = self.held.find(b"\n", searched)
            if end >= 0 and not (quoted and self.held.count(b'"', 0, end) % 2):
                line, self.held = self.held[:end], self.held[end + 1:]
                self.at += end + 1
                return line.decode("utf-8", "surrogatepass")
            if end >= 0:
                searched = end + 1
                continue
            if self.fetched >= self.size:
                line, self.held = self.held, b""
                self.at += len(line)
                return line.decode("utf-8", "surrogatepass") if line else None
            last = min(self.fetched + max(_CHUNK, len(self.held)), self.size) - 1
            self.held += self.s3.get_object(Bucket=self.bucket, Key=self.key,
                                            Range=f"bytes={self.fetched}-{last}")["Body"].read()
            self.fetched = last + 1


def fields(line: str) -> list[str | None]:
    """The values of one CSV line as `write_rows` writes it: a null is empty, an empty text is two quotes."""
    values, at = [], 0
    while True:
        found = _FIELD.match(line, at)
        if not found:
            return [*values, line[at:]]
        values.append(found[1].replace('""', '"') if found[1] is not None else None)
        if not found[2]:
            return values
        at = found.end()


def result_set(s3: Client, bucket: str, key: str, about: dict, start: int, most: int) -> dict:
    """GetQueryResults' answer: at most `most` rows from the byte `start` of the object, whose columns `about` gives. A
    query's first row is its header, as Athena has it."""
    quoted = key.endswith(".csv")
    size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    page = Page(s3, bucket, key, size, start)
    rows = []
    while len(rows) < most and (line := page.line(quoted)) is not None:
        values = fields(line) if quoted else [line]
        rows.append({"Data": [{} if value is None else {"VarCharValue": value} for value in values]})
    answer: dict[str, Any] = {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": about["columns"]}}}
    if about.get("updateCount") is not None:
        answer["UpdateCount"] = about["updateCount"]
    if page.at < size:
        answer["NextToken"] = str(page.at)
    return answer
