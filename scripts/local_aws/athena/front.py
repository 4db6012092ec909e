"""Athena's API: queries are started, told of, stopped and their results given, whatever engine answers.

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

from environments import SetupError
from local_aws.athena import glue_answers, resources, results
from local_aws.athena.aws_catalog import place
from local_aws.athena.callers import Caller, caller_of
from local_aws.athena.engine import Engine, QueryFailed
from local_aws.athena.execution import DONE, Execution, History, Running
from local_aws.athena.handing_on import HandingOn
from local_aws.athena.on_trino import setup
from local_aws.athena.runner import Runner, about, statement_of
from local_aws.athena.sql import LONGEST
from local_aws.ministack_seam import athena, responses

if TYPE_CHECKING:
    from local_aws.server import LocalAws

AT_ONCE = 8  # queries that run beside each other; the others are QUEUED
VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


class ApiError(Exception):
    """An operation is refused: `kind` is AWS's name for the exception, `code` Athena's own."""

    def __init__(self, message: str, kind: str = "InvalidRequestException", code: str = "INVALID_INPUT"):
        super().__init__(message)
        self.message, self.kind, self.code = message, kind, code


class Front:
    """The operations on query executions, for callers of any account and region."""

    def __init__(self, aws: LocalAws):
        self.aws = aws
        self.history = History(aws.state / "athena")
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="athena")
        self._engine: HandingOn | None = None
        self._making = threading.Lock()
        self._tokens: dict[tuple, tuple[str, str]] = {}  # client request tokens: what was asked, and the answer
        self.runner = Runner(self.engine, self.history.keep)
        self.operations: dict[str, Callable[[Caller, dict, Any], Any]] = {
            "StartQueryExecution": self.start, "GetQueryExecution": self.get, "StopQueryExecution": self.stop,
            "GetQueryResults": self.get_results, "ListQueryExecutions": self.list,
            "BatchGetQueryExecution": self.batch_get, "GetQueryRuntimeStatistics": self.runtime_statistics,
            "GetTableMetadata": self.table_metadata}

    def engine(self) -> HandingOn:
        """The engine, made at the first query that needs it. Raises QueryFailed where it cannot be had."""
        with self._making:
            if self._engine is None:
                try:
                    self._engine = make_engine(self.aws)
                except ImportError as error:
                    raise QueryFailed("", f"No engine can answer: {error}. Start the local AWS again, so that its "
                                          "environment is mended", 1) from None
                except SetupError as missing:
                    raise QueryFailed("", str(missing), 1) from None
            return self._engine

    def answered(self) -> dict[str, int]:
        """How many statements each engine, by name, has answered since the local AWS started."""
        return dict(self._engine.answered) if self._engine is not None else {}

    def start(self, caller: Caller, asked: dict, workgroup: dict) -> dict:
        text = asked.get("QueryString") or ""
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST or not text.strip():
            raise ApiError("1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member "
                           f"must have length less than or equal to {LONGEST}" if text.strip() else
                           "1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member "
                           "must have length greater than or equal to 1")
        token = (caller.account, caller.region, asked.get("ClientRequestToken"))
        said = json.dumps({key: asked[key] for key in sorted(asked) if key != "ClientRequestToken"})
        if token[2] and token in self._tokens:
            if self._tokens[token][0] != said:
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
            "SubstatementType": statement.substatement, "WorkGroup": workgroup["Name"], "EngineVersion": VERSION,
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
            self._tokens[token] = said, name
        self.pool.submit(self.runner.run, execution, statement, caller, enforced)
        return {"QueryExecutionId": name}

    def _check_bucket(self, caller: Caller, folder: str) -> None:
        from botocore.exceptions import ClientError

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

    def get(self, caller: Caller, asked: dict, _: Any) -> dict:
        return {"QueryExecution": told(self._find(caller, asked.get("QueryExecutionId")))}

    def batch_get(self, caller: Caller, asked: dict, _: Any) -> dict:
        names = asked.get("QueryExecutionIds") or []
        found = {name: self.history.find(name, (caller.account, caller.region)) for name in names}
        return {"QueryExecutions": [told(one) for one in found.values() if one],
                "UnprocessedQueryExecutionIds": [
                    {"QueryExecutionId": name, "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
                     "ErrorMessage": f"QueryExecution {name} was not found"} for name, one in found.items() if not one]}

    def list(self, caller: Caller, asked: dict, _: Any) -> dict:
        names = self.history.of(asked.get("WorkGroup") or "primary", (caller.account, caller.region))
        start, most = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or 50)
        more = {"NextToken": str(start + most)} if start + most < len(names) else {}
        return {"QueryExecutionIds": names[start:start + most], **more}

    def stop(self, caller: Caller, asked: dict, _: Any) -> dict:
        execution = self._find(caller, asked.get("QueryExecutionId"))
        if execution.watch and execution.state not in DONE:
            execution.watch.stop("Query cancelled by user")
            if execution.finish("CANCELLED", "Query cancelled by user"):
                self.history.keep(execution)
        return {}

    def runtime_statistics(self, caller: Caller, asked: dict, _: Any) -> dict:
        statistics = self._find(caller, asked.get("QueryExecutionId")).record["Statistics"]
        return {"QueryRuntimeStatistics": {
            "Timeline": {key: statistics[key] for key in
                         ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "TotalExecutionTimeInMillis")
                         if key in statistics},
            "Rows": {"InputBytes": statistics.get("DataScannedInBytes", 0)}}}

    def get_results(self, caller: Caller, asked: dict, _: Any) -> dict:
        from botocore.exceptions import ClientError

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
            token = asked.get("NextToken")
            if token is not None and not re.fullmatch(r"\d+", token):
                raise ApiError(f"Invalid nextToken: {token}")
            return results.result_set(s3, *place(url), described, token, most)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404", "NoSuchBucket"):
                raise ApiError("Could not find results") from None
            raise ApiError("You do not seem to have access to the S3 location of your query results. Please confirm "
                           "your account has access to the S3 location where your query results are saved and try "
                           "again. If specifying an expected bucket owner, confirm the bucket is owned by the expected "
                           "account. If you are using KMS to encrypt query results, please ensure you have permission "
                           "to access your KMS key. If you continue to see the issue, please contact customer support "
                           "for further assistance.") from None

    def table_metadata(self, caller: Caller, asked: dict, inner: Any) -> Any:
        from botocore.exceptions import ClientError

        try:
            caller.client("glue").get_table(DatabaseName=asked.get("DatabaseName", ""),
                                            Name=asked.get("TableName", ""))
        except ClientError as error:
            code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            raise ApiError(f"{code}: {text}" if "Access" in code else
                           f"EntityNotFoundException: Entity Not Found ({text})", "MetadataException") from None
        return None  # ministack's answer is right where there is a table

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
        for execution in self.history.unfinished():
            if execution.watch:
                execution.watch.stop("The local AWS was emptied")
        self.history.forget()
        self._tokens.clear()


def make_engine(aws: LocalAws) -> HandingOn:
    """The engine that the local AWS was started with, and behind DuckDB Trino, once it is set up."""
    def trino() -> Engine:
        from local_aws.athena.on_trino.engine import TrinoEngine

        setup.found()
        return TrinoEngine(aws)

    if aws.engine == "trino":
        return HandingOn(trino(), trino)
    from local_aws.athena.on_duckdb.engine import DuckDbEngine

    return HandingOn(DuckDbEngine(), trino)


def told(execution: Execution) -> dict:
    """An execution as it stands, with what it has read so far."""
    record = json.loads(json.dumps(execution.record))
    if execution.watch and execution.state not in DONE:
        record["Statistics"]["DataScannedInBytes"] = execution.watch.total
    return record


def _answer(status: int, content: dict) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def install(aws: LocalAws) -> None:
    front = Front(aws)
    if aws.engine == "trino":
        aws.versions["trino"] = setup.VERSION
    aws.reports["answered"] = front.answered
    aws.reports["trino"] = setup.state  # until there is an engine that knows better
    aws.on_stop(front.end)
    aws.on_reset(front.reset)
    aws.wrap("athena", lambda inner: handler(aws, front, inner))
    aws.wrap("glue", glue_answers.wrapper)
    aws.resources += [resources.workgroups(front.history), resources.CATALOG]


def handler(aws: LocalAws, front: Front, inner: Callable) -> Callable:
    """The handler of Athena's requests: ours, and ministack's for the rest."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple[int, dict, bytes]:
        target = headers.get("x-amz-target", "")
        action = target.rsplit(".", 1)[-1]

        async def ask(operation: str, content: dict) -> tuple[int, dict]:
            asked = {**headers, "x-amz-target": f"AmazonAthena.{operation}"}
            status, _, answer = await inner(method, path, asked, json.dumps(content).encode(), query_params)
            return status, json.loads(answer or b"{}")

        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            return await inner(method, path, headers, body, query_params)
        try:
            if action in front.operations:
                context = None
                if action == "StartQueryExecution":
                    context = await _workgroup(ask, asked.get("WorkGroup") or "primary")
                answer = await asyncio.to_thread(lambda: front.operations[action](
                    caller_of(aws, headers, query_params), asked, context))
                if answer is not None:
                    return _answer(200, answer)
            if action in ("CreateWorkGroup", "DeleteWorkGroup", "UpdateWorkGroup"):
                await _check_workgroup(front, ask, action, asked)
            status, answered, content = await inner(method, path, headers, body, query_params)
            if status == 200 and action == "GetWorkGroup":
                return _answer(200, _whole(json.loads(content)))
            if status == 200 and action == "UpdateWorkGroup":
                _removed(asked)
            return status, answered, content
        except ApiError as error:
            return _answer(400, {"__type": error.kind, "Message": error.message, "message": error.message,
                                 "AthenaErrorCode": error.code})
        except PermissionError as error:
            return _answer(400, {"__type": "UnrecognizedClientException", "message": str(error)})

    return handle


async def _workgroup(ask: Callable, name: str) -> dict:
    status, answer = await ask("GetWorkGroup", {"WorkGroup": name})
    if status != 200:
        raise ApiError(f"WorkGroup {name} is not found.")
    return _whole(answer)["WorkGroup"]


def _whole(answer: dict) -> dict:
    """GetWorkGroup's answer with the settings that AWS always tells, and clients such as awswrangler read."""
    settings = answer["WorkGroup"].setdefault("Configuration", {})
    settings.setdefault("EnforceWorkGroupConfiguration", answer["WorkGroup"]["Name"] != "primary")
    settings.setdefault("PublishCloudWatchMetricsEnabled", False)
    settings.setdefault("RequesterPaysEnabled", False)
    settings.setdefault("EngineVersion", VERSION)
    settings.setdefault("ResultConfiguration", {})
    answer["WorkGroup"].pop("WorkGroupConfiguration", None)
    return answer


async def _check_workgroup(front: Front, ask: Callable, action: str, asked: dict) -> None:
    """What AWS refuses and ministack takes: a workgroup that is not there, or not empty."""
    if action == "CreateWorkGroup":
        return
    name = asked.get("WorkGroup") or ""
    await _workgroup(ask, name)
    if action == "DeleteWorkGroup" and not asked.get("RecursiveDeleteOption"):
        _, named = await ask("ListNamedQueries", {"WorkGroup": name})
        if front.history.of(name, (responses.get_account_id(), responses.get_region())) or named.get("NamedQueryIds"):
            raise ApiError(f"WorkGroup {name} is not empty")


def _removed(asked: dict) -> None:
    """UpdateWorkGroup can also take a setting away."""
    if (asked.get("ConfigurationUpdates") or {}).get("RemoveBytesScannedCutoffPerQuery"):
        athena._workgroups[asked["WorkGroup"]]["Configuration"].pop("BytesScannedCutoffPerQuery", None)
