"""Athena's API: starts queries, describes and stops them and gives their results, whatever engine answers.

https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html
Workgroups, named queries, prepared statements and tags stay with ministack, whose answers are made to say what AWS's
say where they leave something out.
"""
from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_aws.athena import handing_on, results, workgroups
from local_aws.athena.aws_catalog import place
from local_aws.athena.callers import Caller, caller_of
from local_aws.athena.exchange import QueryFailed
from local_aws.athena.execution import DONE, Execution, Running
from local_aws.athena.refusals import ApiError
from local_aws.athena.runner import Runner, about, statement_of
from local_aws.athena.sql import LONGEST
from local_aws.athena.store import History

if TYPE_CHECKING:
    from local_aws.server import Handler, LocalAws, Response

AT_ONCE = 8  # queries that run beside each other; the others are QUEUED


class Operations:
    """The operations on query executions, for callers of any account and region. Each of `by_name` takes the caller,
    the request and, to start a query, its workgroup; gives the answer, or None for ministack's; and raises ApiError.
    """

    def __init__(self, aws: LocalAws):
        self.aws = aws
        self.history = History(aws.state / "athena")
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="athena")
        self._engine: handing_on.HandingOn | None = None
        self._making = threading.Lock()
        self._tokens: dict[tuple, tuple[str, str]] = {}  # client request tokens: what was asked, and the answer
        self.runner = Runner(self.engine, self.history.keep)
        self.by_name: dict[str, Callable[[Caller, dict, dict], dict | None]] = {
            "StartQueryExecution": self.start, "GetQueryExecution": self.get, "StopQueryExecution": self.stop,
            "GetQueryResults": self.get_results, "ListQueryExecutions": self.list,
            "BatchGetQueryExecution": self.batch_get, "GetQueryRuntimeStatistics": self.runtime_statistics,
            "GetTableMetadata": self.table_metadata}

    def engine(self) -> handing_on.HandingOn:
        """The engine, made at the first query that needs it. Raises QueryFailed where it cannot be had."""
        with self._making:
            if self._engine is None:
                self._engine = handing_on.engine(self.aws)
            return self._engine

    def answered(self) -> dict[str, int]:
        """How many statements each engine, by name, has answered since the local AWS started."""
        return dict(self._engine.answered) if self._engine is not None else {}

    def start(self, caller: Caller, asked: dict, workgroup: dict) -> dict:
        """StartQueryExecution: the query is QUEUED when this returns, and goes on in a thread."""
        text = asked.get("QueryString") or ""
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST or not text.strip():
            raise ApiError("1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member "
                           f"must have length less than or equal to {LONGEST}" if text.strip() else
                           "1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member "
                           "must have length greater than or equal to 1")
        token = (caller.account, caller.region, asked.get("ClientRequestToken"))
        request = json.dumps({key: asked[key] for key in sorted(asked) if key != "ClientRequestToken"})
        if token[2] and token in self._tokens:
            if self._tokens[token][0] != request:
                raise ApiError("Idempotent parameters do not match")
            return {"QueryExecutionId": self._tokens[token][1]}
        try:
            statement = statement_of(text)
        except QueryFailed as failed:
            raise ApiError(str(failed), code="MALFORMED_QUERY") from None
        if workgroup.get("State") == "DISABLED":
            raise ApiError(f"WorkGroup {workgroup['Name']} is disabled.")
        settings = workgroup.get("Configuration") or {}
        enforced = bool(settings.get("EnforceWorkGroupConfiguration"))
        own = {} if enforced else asked.get("ResultConfiguration") or {}
        given = settings.get("ResultConfiguration") or {}
        folder = own.get("OutputLocation") or given.get("OutputLocation")
        if not folder:
            raise ApiError("No output location provided. An output location is required either through the Workgroup "
                           "result configuration setting or as an API input.")
        self._check_bucket(caller, folder)
        name = str(uuid.uuid4())
        folder = folder.rstrip("/") + ("/tables" if not statement.ending else "")
        record: dict[str, Any] = {
            "QueryExecutionId": name, "Query": statement.text.strip(), "StatementType": statement.kind,
            "SubstatementType": statement.substatement, "WorkGroup": workgroup["Name"],
            "EngineVersion": workgroups.VERSION,
            "ResultConfiguration": {"OutputLocation": f"{folder}/{name}{statement.ending}"},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {
                "Database": ((asked.get("QueryExecutionContext") or {}).get("Database") or "default").lower(),
                "Catalog": ((asked.get("QueryExecutionContext") or {}).get("Catalog") or "awsdatacatalog").lower()},
            "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
            "Statistics": {"ResultReuseInformation": {"ReusedPreviousResult": False}}}
        sealed = own.get("EncryptionConfiguration") or given.get("EncryptionConfiguration")
        if sealed:
            record["ResultConfiguration"]["EncryptionConfiguration"] = sealed
        if asked.get("ExecutionParameters"):
            record["ExecutionParameters"] = asked["ExecutionParameters"]
        execution = Execution((caller.account, caller.region), record,
                              Running(settings.get("BytesScannedCutoffPerQuery")))
        self.history.keep(execution)
        if token[2]:
            self._tokens[token] = request, name
        self.pool.submit(self.runner.run, execution, statement, caller, enforced)
        return {"QueryExecutionId": name}

    def _check_bucket(self, caller: Caller, folder: str) -> None:
        try:
            bucket = place(folder)[0]
        except QueryFailed:
            raise ApiError(f"outputLocation is not a valid S3 path. Provided: {folder}") from None
        try:
            caller.client("s3").get_bucket_location(Bucket=bucket)
        except ClientError:
            raise ApiError(f"Unable to verify/create output bucket {bucket}") from None

    def _find(self, caller: Caller, name: str | None) -> Execution:
        found = self.history.find(name or "", (caller.account, caller.region))
        if found is None:
            raise ApiError(f"QueryExecution {name} was not found")
        return found

    def get(self, caller: Caller, asked: dict, _: dict) -> dict:
        """GetQueryExecution"""
        return {"QueryExecution": self._find(caller, asked.get("QueryExecutionId")).description()}

    def batch_get(self, caller: Caller, asked: dict, _: dict) -> dict:
        """BatchGetQueryExecution"""
        names = asked.get("QueryExecutionIds") or []
        found = {name: self.history.find(name, (caller.account, caller.region)) for name in names}
        return {"QueryExecutions": [execution.description() for execution in found.values() if execution],
                "UnprocessedQueryExecutionIds": [
                    {"QueryExecutionId": name, "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
                     "ErrorMessage": f"QueryExecution {name} was not found"}
                    for name, execution in found.items() if execution is None]}

    def list(self, caller: Caller, asked: dict, _: dict) -> dict:
        """ListQueryExecutions: newest first."""
        names = self.history.of(asked.get("WorkGroup") or "primary", (caller.account, caller.region))
        start, most = _offset(asked.get("NextToken")), int(asked.get("MaxResults") or 50)
        more = {"NextToken": str(start + most)} if start + most < len(names) else {}
        return {"QueryExecutionIds": names[start:start + most], **more}

    def stop(self, caller: Caller, asked: dict, _: dict) -> dict:
        """StopQueryExecution: nothing, where the query has ended."""
        execution = self._find(caller, asked.get("QueryExecutionId"))
        if execution.watch and execution.state not in DONE:
            execution.watch.stop("Query cancelled by user")
            if execution.finish("CANCELLED", "Query cancelled by user"):
                self.history.keep(execution)
        return {}

    def runtime_statistics(self, caller: Caller, asked: dict, _: dict) -> dict:
        """GetQueryRuntimeStatistics: times and bytes; the engine's stages are left out."""
        statistics = self._find(caller, asked.get("QueryExecutionId")).record["Statistics"]
        return {"QueryRuntimeStatistics": {
            "Timeline": {key: statistics[key] for key in
                         ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "TotalExecutionTimeInMillis")
                         if key in statistics},
            "Rows": {"InputBytes": statistics.get("DataScannedInBytes", 0)}}}

    def get_results(self, caller: Caller, asked: dict, _: dict) -> dict:
        """GetQueryResults: a page of the rows, from where they lie in S3, as the caller."""
        execution = self._find(caller, asked.get("QueryExecutionId"))
        if execution.state == "FAILED":
            raise ApiError("Query did not finish successfully. Final query state: FAILED")
        if execution.state != "SUCCEEDED":
            word = "did not finish successfully" if execution.state == "CANCELLED" else "has not yet finished"
            raise ApiError(f"Query {word}. {'Final' if execution.state == 'CANCELLED' else 'Current'} query state: "
                           f"{execution.state}", code="INVALID_QUERY_EXECUTION_STATE")
        most = int(asked.get("MaxResults") or results.PAGE)
        if not 1 <= most <= results.PAGE:
            raise ApiError(f"MaxResults is more than maximum allowed length {results.PAGE}.")
        url, s3 = execution.record["ResultConfiguration"]["OutputLocation"], caller.client("s3")
        try:
            described = about(s3, url)
            if "DataManifestLocation" in execution.record["Statistics"]:
                return {"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": described["columns"]}},
                        "UpdateCount": described.get("updateCount") or 0}
            return results.result_set(s3, *place(url), described, _offset(asked.get("NextToken")), most)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404", "NoSuchBucket"):
                raise ApiError("Could not find results") from None
            raise ApiError("You do not seem to have access to the S3 location of your query results. Please confirm "
                           "your account has access to the S3 location where your query results are saved and try "
                           "again. If specifying an expected bucket owner, confirm the bucket is owned by the expected "
                           "account. If you are using KMS to encrypt query results, please ensure you have permission "
                           "to access your KMS key. If you continue to see the issue, please contact customer support "
                           "for further assistance.") from None

    def table_metadata(self, caller: Caller, asked: dict, _: dict) -> None:
        """GetTableMetadata: refused as the caller is, answered by ministack."""
        try:
            caller.client("glue").get_table(DatabaseName=asked.get("DatabaseName", ""),
                                            Name=asked.get("TableName", ""))
        except ClientError as error:
            code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            raise ApiError(f"{code}: {text}" if "Access" in code else
                           f"EntityNotFoundException: Entity Not Found ({text})", "MetadataException") from None

    def end(self) -> None:
        """Stop what runs, and the engine."""
        for execution in self.history.unfinished():
            if execution.watch:
                execution.watch.stop("The local AWS was stopped")
        self.pool.shutdown(wait=True, cancel_futures=True)
        for execution in self.history.unfinished():
            execution.finish("CANCELLED", "The local AWS was stopped")
            self.history.keep(execution)
        if self._engine is not None:
            self._engine.close()

    def reset(self) -> None:
        """Forget every query, and stop those that run."""
        for execution in self.history.unfinished():
            if execution.watch:
                execution.watch.stop("The local AWS was emptied")
        self.history.forget()
        self._tokens.clear()


def _offset(token: str | None) -> int:
    """Where a page begins, which is all that a token says. Raises ApiError for another's."""
    if token is not None and not re.fullmatch("[0-9]{1,18}", token):
        raise ApiError(f"Invalid nextToken: {token}")
    return int(token or 0)


def _answer(status: int, content: dict) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def wrapper(handler: Handler, aws: LocalAws, operations: Operations) -> Handler:
    """Athena's handler: what is asked of queries is answered here, everything else by ministack."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        target = headers.get("x-amz-target", "")
        action = target.rsplit(".", 1)[-1]

        async def ask(operation: str, content: dict) -> tuple[int, dict]:
            asked = {**headers, "x-amz-target": f"AmazonAthena.{operation}"}
            status, _, answer = await handler(method, path, asked, json.dumps(content).encode(), query_params)
            return status, json.loads(answer or b"{}")

        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            return await handler(method, path, headers, body, query_params)
        try:
            if action in operations.by_name:
                context: dict = {}
                if action == "StartQueryExecution":
                    context = await workgroups.found(ask, asked.get("WorkGroup") or "primary")
                answer = await asyncio.to_thread(lambda: operations.by_name[action](
                    caller_of(aws, headers, query_params), asked, context))
                if answer is not None:
                    return _answer(200, answer)
            if action in ("DeleteWorkGroup", "UpdateWorkGroup"):
                await workgroups.check(ask, operations.history, action, asked)
            status, answered, content = await handler(method, path, headers, body, query_params)
            if status == 200 and action == "GetWorkGroup":
                return _answer(200, workgroups.whole(json.loads(content)))
            if status == 200 and action == "UpdateWorkGroup":
                workgroups.remove_settings(asked)
            return status, answered, content
        except ApiError as error:
            return _answer(400, {"__type": error.kind, "Message": error.message, "message": error.message,
                                 "AthenaErrorCode": error.code})
        except PermissionError as error:
            return _answer(400, {"__type": "UnrecognizedClientException", "message": str(error)})

    return handle


