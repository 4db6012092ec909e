"""The local Athena's exact engine: Trino itself, on which Athena's engine version 3 is built.

It reads Glue as the local root does, after the caller's permissions on every table that a statement names were
checked, and S3 as the caller.
"""
from __future__ import annotations

import contextlib
import functools
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from local_aws.athena.catalog import Catalog, Partition
from local_aws.athena.exchange import Answer, Column, QueryFailed, Target, Watch, Written
from local_aws.athena.hive_types import kept
from local_aws.athena.on_trino import setup
from local_aws.athena.on_trino.client import Asked, ask
from local_aws.athena.on_trino.named_tables import check
from local_aws.athena.on_trino.process import TrinoServer
from local_aws.athena.on_trino.users import TrinoUsers
from local_aws.athena.sql import QUERIES, Cursor, mismatched, quoted
from local_aws.athena.types import parse_type

if TYPE_CHECKING:
    from local_aws.server import LocalAws

_CODECS = {"NONE": "NONE", "SNAPPY": "SNAPPY", "LZ4": "LZ4", "ZSTD": "ZSTD", "GZIP": "GZIP", "ZLIB": "GZIP",
           "DEFLATE": "GZIP"}  # Athena's names: Trino's, which writes ORC's and Avro's GZIP as ZLIB and DEFLATE. It has
                               # no setting for ZSTD's level, which changes sizes only
_DEFLATED = ("ORC", "AVRO")


class TrinoEngine:
    """Athena's SQL on Trino, as `Engine` says. It starts with the first query, and again where it has gone."""

    name = "trino"
    version = setup.VERSION

    def __init__(self, aws: LocalAws):
        self.aws = aws
        secret = secrets.token_hex(16)
        self.users = TrinoUsers(aws.state / "athena" / "trino.json", secret)
        self.server = TrinoServer(aws.state / "athena" / "trino", {**catalog(aws), **self.users.catalog}, secret,
                                  setup.found)
        aws.reports["trino"] = lambda: (
            "Trino runs, and takes 1 GB of memory." if self.server.runs() else setup.state())

    def query(self, statement: str, catalog: Catalog, watch: Watch) -> Answer:
        readable(statement)
        check(statement, catalog)
        asked = self._ask(statement, catalog, watch)
        answer = Answer(asked.columns, ())
        answer.rows = _counted(asked, answer)
        return answer

    def describe(self, statement: str, catalog: Catalog, watch: Watch) -> list[Column]:
        readable(statement)
        check(statement, catalog)
        asked = self._ask("DESCRIBE OUTPUT q", catalog, watch, prepared={"q": statement})
        return [Column(row[0], parse_type(row[4])) for row in asked.rows()]

    def write(self, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
        codec = _CODECS.get(target.compression)
        if codec is None or (target.compression == "DEFLATE" and target.format not in _DEFLATED):
            raise QueryFailed("NOT_SUPPORTED", f"The local AWS does not write {target.format} with "
                                               f"{target.compression} compression; AWS does")
        readable(statement)
        check(statement, catalog)
        if not target.create:
            return self._insert(target, statement, catalog, watch, codec)
        columns = [Column(one.name.lower(), kept(one.type)) for one in self.describe(statement, catalog, watch)]
        catalog.create_table(target, columns)
        if not target.with_data:
            return Written(0, 0, [])
        try:
            return self._insert(target, statement, catalog, watch, codec)
        except BaseException:  # what was written stays, as on AWS; the table does not
            with contextlib.suppress(Exception):
                self.aws.client("glue").delete_table(DatabaseName=target.database, Name=target.table)
            raise

    def close(self) -> None:
        self.server.stop()
        self.users.forget()

    def _insert(self, target: Target, statement: str, catalog: Catalog, watch: Watch, codec: str) -> Written:
        """Have Trino write the rows of a query into a table that Glue knows."""
        if target.partitioned_by:  # which Trino adds as the local root
            catalog.check_adding_partitions(target)
        names = f" ({', '.join(map(quoted, target.columns))})" if target.columns else ""
        insert = f"INSERT INTO {quoted(target.database)}.{quoted(target.table)}{names}"
        moved, text = _behind(insert, statement)
        try:
            asked = self._ask(text, catalog, watch, session={"compression_codec": codec})
            for _ in asked.rows():
                pass
        except QueryFailed as failed:
            raise QueryFailed(failed.code, _moved(failed.message, -moved), failed.category) from None
        own = f"/{asked.query.query_id}_"
        written = [f"s3://{one.bucket}/{one.key}" for one in catalog.objects(Partition({}, target.location))]
        return Written(asked.count, asked.bytes_read, sorted(one for one in written if own in one))

    def _ask(self, statement: str, catalog: Catalog, watch: Watch, **more: Any) -> Asked:
        caller = catalog.caller
        if (caller.account, caller.region) != (self._account, self.aws.region):
            raise QueryFailed("NOT_SUPPORTED", f"Trino answers in the account {self._account} and the region "
                                               f"{self.aws.region} only, DuckDB in every one")
        return ask(self.server, statement, catalog.database, watch, user=self.users.user(caller), **more)

    @functools.cached_property
    def _account(self) -> str:
        return self.aws.client("sts").get_caller_identity()["Account"]


def catalog(aws: LocalAws) -> dict[str, str]:
    """Trino's catalog over the local AWS: https://trino.io/docs/476/connector/hive.html."""
    return {
        "connector.name": "hive", "hive.metastore": "glue", "hive.metastore.glue.region": aws.region,
        "hive.metastore.glue.endpoint-url": aws.endpoint,
        "hive.metastore.glue.aws-access-key": aws.credentials["aws_access_key_id"],
        "hive.metastore.glue.aws-secret-key": aws.credentials["aws_secret_access_key"],
        "fs.native-s3.enabled": "true", "s3.endpoint": aws.endpoint, "s3.region": aws.region,
        "s3.path-style-access": "true",
        "hive.partition-projection-enabled": "true", "hive.non-managed-table-writes-enabled": "true",
        "hive.collect-column-statistics-on-write": "false", "hive.max-partitions-per-writers": "100",
        "hive.recursive-directories": "true", "parquet.small-file-threshold": "0B",
        "parquet.max-merge-distance": "0B"}


def readable(statement: str) -> None:
    """Raises QueryFailed for what Trino takes and Athena does not: a statement that is more than a query, in EXPLAIN,
    and sessions and functions of a query's own."""
    words = Cursor(statement)
    if words.take("EXPLAIN"):
        if words.take("ANALYZE"):
            words.take("VERBOSE")
        elif words.peek() == "(" and words.peek(1) in ("TYPE", "FORMAT"):
            while not words.take(")"):
                words.next()
        if words.peek() not in QUERIES:
            raise QueryFailed("NOT_SUPPORTED", "The local AWS explains queries only")
    if words.peek() == "WITH" and words.peek(1) in ("SESSION", "FUNCTION") and words.peek(2) not in ("AS", "("):
        raise mismatched(statement, words.tokens[words.at + 1].start, "<identifier>")


def _counted(asked: Asked, answer: Answer) -> Iterator[Sequence[Any]]:
    """The rows; the answer counts what was read for them."""
    for row in asked.rows():
        answer.bytes_read = asked.bytes_read
        yield row
    answer.bytes_read = asked.bytes_read


def _behind(first: str, statement: str) -> tuple[int, str]:
    """A statement that begins with `first` and goes on with `statement`, over the blanks that it begins with; and by
    how many columns its first line has moved."""
    blanks = len(statement) - len(statement.lstrip(" "))
    cut = min(blanks, len(first) + 1)
    return len(first) + 1 - cut, f"{first} {statement[cut:]}"


def _moved(message: str, columns: int) -> str:
    """A message whose place in the statement's first line is moved by some columns."""
    return re.sub(r"^line 1:(\d+)", lambda found: f"line 1:{max(int(found[1]) + columns, 1)}", message)


