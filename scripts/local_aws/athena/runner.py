"""Runs a statement: finds who does it (the engine, or Athena itself on Glue), and puts what it says where its results
belong."""
from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.athena import ddl, results, writes
from local_aws.athena.aws_catalog import AwsCatalog, place
from local_aws.athena.callers import Caller, refused
from local_aws.athena.ddl_changes import check_columns
from local_aws.athena.ddl_context import Context, Output
from local_aws.athena.exchange import Cancelled, Column, QueryFailed
from local_aws.athena.execution import Execution
from local_aws.athena.interface import Engine
from local_aws.athena.sql import QUERIES, Cursor, fill, first, one_statement, placeholders
from local_aws.athena.types import BIGINT, VARCHAR

if TYPE_CHECKING:
    from local_aws.server import Client

log = logging.getLogger("athena")


@dataclass
class Statement:
    """What a request's text turned out to be. `ending` is how its result's name ends."""

    text: str
    kind: str  # DML, DDL, UTILITY
    substatement: str
    ending: str


def statement_of(text: str) -> Statement:
    """Tell a statement's kind. Raises QueryFailed where it is none that Athena has."""
    text = one_statement(text)
    head = first(text)
    if head in QUERIES:
        return Statement(text, "DML", "SELECT", ".csv")
    if head == "EXPLAIN":
        return Statement(text, "UTILITY", "EXPLAIN", ".txt")
    if head == "INSERT":
        return Statement(text, "DML", "INSERT", "")
    if head in ("PREPARE", "DEALLOCATE"):
        return Statement(text, "DDL", head, ".txt")
    if head == "EXECUTE":
        return Statement(text, "DML", head, ".csv")
    found = ddl.kind_of(text)
    if found:
        return Statement(text, "UTILITY" if head in ("SHOW", "DESCRIBE", "DESC") else "DDL", found[0], ".txt")
    if writes.parse(text):
        return Statement(text, "DDL", "CREATE_TABLE_AS_SELECT", "")
    return Statement(text, "DML" if head in ("DELETE", "UPDATE", "MERGE", "UNLOAD") else "DDL", head, ".txt")


@dataclass
class Runner:
    """Runs executions on an engine, which `engine` gives (and makes at the first query)."""

    engine: Callable[[], Engine]
    finished: Callable[[Execution], None]

    def run(self, execution: Execution, statement: Statement, caller: Caller, enforced: bool) -> None:
        """Run one query from QUEUED to its end. However it ends, its status says so."""
        watch = execution.watch
        assert watch is not None
        if not execution.run():
            return
        try:
            self._dispatch(execution, statement, caller, enforced)
            execution.finish("SUCCEEDED")
        except Cancelled as cancelled:
            execution.finish("CANCELLED", watch.stopped or str(cancelled))
        except QueryFailed as failed:
            if watch.stopped:
                execution.finish("CANCELLED", watch.stopped)
            else:
                execution.finish("FAILED", str(failed), failed.category)
        except Exception as error:
            log.exception("query %s", execution.record["QueryExecutionId"])
            if watch.stopped:
                execution.finish("CANCELLED", watch.stopped)
            else:
                execution.finish("FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}", 1)
        self.finished(execution)

    def _dispatch(self, execution: Execution, statement: Statement, caller: Caller, enforced: bool) -> None:
        record = execution.record
        catalog = AwsCatalog(caller, record["QueryExecutionContext"]["Database"])
        watch = execution.watch
        assert watch is not None
        values = record.get("ExecutionParameters") or []
        text = statement.text
        if statement.substatement == "EXECUTE":
            text, values = self._prepared(text, record["WorkGroup"], caller, values)
            statement = statement_of(text)
            record["SubstatementType"] = statement.substatement
            if statement.substatement != "SELECT":
                raise QueryFailed("NOT_SUPPORTED", "The local AWS executes prepared SELECT statements only")
        elif statement.substatement in ("PREPARE", "DEALLOCATE"):
            self._prepare(text, record["WorkGroup"], caller)
            self._put_text(execution, caller, Output())
            return
        if values or placeholders(text):
            text = fill(text, values)
        on = Context(catalog, lambda query: self.engine().describe(query, catalog, watch))
        if statement.substatement == "SELECT":
            answer = self.engine().query(text, catalog, watch)
            with results.write_rows(answer, watch) as rows:
                self._put(execution, caller, rows, results.metadata(answer.columns))
        elif statement.substatement == "EXPLAIN":
            answer = self.engine().query(text, catalog, watch)
            self._put_text(execution, caller, Output(
                [Column(column.name, VARCHAR) for column in answer.columns],
                [line for row in answer.rows for line in str(row[0]).split("\n")]))
        elif statement.substatement in ("INSERT", "CREATE_TABLE_AS_SELECT"):
            self._write(execution, on, text, caller, enforced)
        else:
            found = ddl.kind_of(text)
            if found is None:
                raise _unsupported(text)
            self._put_text(execution, caller, found[1](on, found[2]))

    def _write(self, execution: Execution, on: Context, text: str, caller: Caller, enforced: bool) -> None:
        output, watch = execution.record["ResultConfiguration"]["OutputLocation"], execution.watch
        assert watch is not None
        parsed = writes.parse(text)
        if parsed is None:
            raise _unsupported(text)
        kind, words = parsed
        files: list[str] = []
        rows = 0
        if kind == "INSERT":
            target, query = writes.insert(on, words)
        else:
            made, query = writes.create(on, words, output, enforced)
            if made is None:
                self._put(execution, caller, b"", results.metadata([], 0), manifest=[])
                return
            target = made
            columns = on.describe(query)
            check_columns(columns, query)
            last = [column.name.lower() for column in columns[len(columns) - len(target.partitioned_by):]]
            if target.partitioned_by and last != target.partitioned_by:
                raise QueryFailed("HIVE_COLUMN_ORDER_MISMATCH", "Partition keys must be the last columns in the table "
                                  f"and in the same order as the table properties: {target.partitioned_by}")
        written = self.engine().write(target, query, on.catalog, watch)
        watch.read(written.bytes_read)
        files, rows = written.files, written.rows
        self._put(execution, caller, b"", results.metadata([Column("rows", BIGINT)], rows), manifest=files)

    def _prepare(self, text: str, workgroup: str, caller: Caller) -> None:
        """PREPARE name FROM statement, DEALLOCATE PREPARE name: Athena's own prepared statements."""
        words, athena = Cursor(text), caller.client("athena")
        try:
            if words.take("PREPARE"):
                name = words.identifier()
                words.need("FROM")
                athena.create_prepared_statement(StatementName=name, WorkGroup=workgroup,
                                                 QueryStatement=words.rest().strip())
            else:
                words.need("DEALLOCATE", "PREPARE")
                athena.delete_prepared_statement(StatementName=words.identifier(), WorkGroup=workgroup)
                words.end()
        except ClientError as error:
            raise QueryFailed("", error.response["Error"]["Message"]) from None

    def _prepared(self, text: str, workgroup: str, caller: Caller, values: list[str]) -> tuple[str, list[str]]:
        """The statement that an EXECUTE means, and the values for its `?`."""
        words = Cursor(text)
        words.need("EXECUTE")
        name = words.identifier()
        if words.take("USING"):
            values, depth, start = [], 0, words.tokens[words.at].start if not words.ended else len(text)
            while not words.ended:
                token = words.next()
                depth += (token.text in "([") - (token.text in ")]")
                if token.text == "," and not depth:
                    values.append(text[start:token.start])
                    start = token.end
            values.append(text[start:])
        words.end()
        try:
            found = caller.client("athena").get_prepared_statement(StatementName=name, WorkGroup=workgroup)
        except ClientError:
            raise QueryFailed("", f"PreparedStatement {name} was not found in workGroup {workgroup}") from None
        return found["PreparedStatement"]["QueryStatement"], values

    def _put_text(self, execution: Execution, caller: Caller, output: Output) -> None:
        body = "".join(f"{line}\n" for line in output.lines).encode()
        self._put(execution, caller, body, results.metadata(output.columns))

    def _put(self, execution: Execution, caller: Caller, body: bytes | IO[bytes], about: bytes,
             manifest: list[str] | None = None) -> None:
        """Write a result and what lies beside it."""
        record = execution.record
        url, s3 = record["ResultConfiguration"]["OutputLocation"], caller.client("s3")
        bucket, key = place(url)
        how = record["ResultConfiguration"].get("EncryptionConfiguration", {}).get("EncryptionOption")
        sealed = {"ServerSideEncryption": "AES256" if how == "SSE_S3" else "aws:kms"} if how else {}
        if how == "SSE_KMS" and record["ResultConfiguration"]["EncryptionConfiguration"].get("KmsKey"):
            sealed["SSEKMSKeyId"] = record["ResultConfiguration"]["EncryptionConfiguration"]["KmsKey"]
        wanted: list[tuple[str, bytes | IO[bytes], str]] = [(f"{key}.metadata", about, "application/octet-stream")]
        if manifest is None:
            wanted.insert(0, (key, body, "text/csv" if key.endswith(".csv") else "text/plain"))
        else:
            wanted.append((f"{key}-manifest.csv", "".join(f"{url}\n" for url in manifest).encode(), "text/csv"))
            record["Statistics"]["DataManifestLocation"] = f"s3://{bucket}/{key}-manifest.csv"
        try:
            for name, content, kind in wanted:
                s3.put_object(Bucket=bucket, Key=name, Body=content, ContentType=kind, **sealed)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDenied", "403"):
                raise QueryFailed("", f"Access denied when writing output to url: {url} . Please ensure you are "
                                      "allowed to access the S3 bucket. If you are encrypting query results with KMS "
                                      "key, please ensure you are allowed to access your KMS key") from None
            raise refused(error, url) from None
        except BotoCoreError as error:
            raise refused(error, url) from None


def _unsupported(text: str) -> QueryFailed:
    head = first(text)
    if head in ("DELETE", "UPDATE", "MERGE"):
        return QueryFailed("NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables")
    if head == "UNLOAD":
        return QueryFailed("NOT_SUPPORTED", "The local AWS has no UNLOAD: use CREATE TABLE AS, or run it on AWS")
    words = " ".join(token.text.upper() for token in Cursor(text).tokens[:3])
    return QueryFailed("", f"Queries of this type are not supported: {words}")


def about(s3: Client, url: str) -> dict:
    """What lies beside a result (see `results.metadata`)."""
    bucket, key = place(url)
    return json.loads(s3.get_object(Bucket=bucket, Key=f"{key}.metadata")["Body"].read())
