"""What the notebooks share: where they run, the names of what they make, waiting, and mistakes told in one sentence.

It creates nothing on AWS: each resource is made in its own cell of a notebook, where its settings can be read.
"""
from __future__ import annotations

import builtins
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

NOTEBOOKS = {
    1: "01_create_a_dynamodb_table.ipynb",
    2: "02_create_a_lambda_function.ipynb",
    3: "03_create_the_dynamodb_streams_trigger.ipynb",
    4: "04_create_a_firehose_stream_and_an_s3_bucket.ipynb",
    5: "05_retrieve_audit_insights_with_athena.ipynb",
    6: "06_prove_that_nothing_is_lost.ipynb",
}
TAG = {"project": "orders-audit"}
Answer = TypeVar("Answer")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
STUDIO_METADATA = Path("/opt/ml/metadata/resource-metadata.json")
LOCAL_AWS = Path(__file__).resolve().parent.parent / "scripts" / "local_aws"


class WorkbookError(Exception):
    """A mistake that one sentence explains: what happened, and what to do. Jupyter shows the sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


# --------------------------------------------------------------------------------------------------- where we run


def connect() -> boto3.Session:
    """Return the session that everything goes through, and print one line that says where everything happens.

    `AUDIT_TARGET` decides: `local` or `aws`. Unset, it is `aws` inside SageMaker Studio and `local` anywhere else. The
    session is boto3's default one from here on, so awswrangler uses it, too.
    """
    target = os.environ.get("AUDIT_TARGET", "").strip().lower() or ("aws" if in_studio() else "local")
    if target not in ("local", "aws"):
        raise WorkbookError(f"AUDIT_TARGET is '{target}'. Set it to 'local' or 'aws', restart the kernel and run this "
                            "cell again.")
    explain_errors()
    return _connect_local() if target == "local" else _connect_aws()


def in_studio(environ: Mapping[str, str] = os.environ, metadata: Path = STUDIO_METADATA) -> bool:
    """Whether this is SageMaker Studio, by what Studio sets: the kind of app in the environment, or its domain in its
    metadata file (https://docs.aws.amazon.com/sagemaker/latest/dg/notebooks-run-and-manage-metadata.html). A SageMaker
    notebook instance has such a file, too, but no domain."""
    if environ.get("SAGEMAKER_APP_TYPE"):
        return True
    with suppress(OSError, ValueError):
        return "DomainId" in json.loads(metadata.read_text(encoding="utf-8"))
    return False


def _connect_local() -> boto3.Session:
    status = _local_status()
    if not status.get("running"):
        print("Starting the local AWS; the first time it is set up, which takes a minute ...", flush=True)
        _local_aws("start")
        status = _local_status()
    endpoint, region = status.get("endpoint", ""), status.get("region", "us-east-1")
    if urlsplit(endpoint).hostname not in LOOPBACK:
        raise WorkbookError(f"The local AWS answers at '{endpoint}', which is not this machine: nothing is sent to it.")
    # The local account's root, or another identity of the local AWS: the tests have one with few permissions
    keys = {f"AWS_{part}": os.environ.get(f"AUDIT_LOCAL_{part}") or status.get(part.lower()) or ""
            for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    # Whatever this machine is set up for must not reach past it: neither keys and profiles, nor other endpoints, nor a
    # proxy. The environment is what clients that are made elsewhere, awswrangler's for one, go by.
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(
        **keys, AWS_DEFAULT_REGION=region, AWS_REGION=region, AWS_ENDPOINT_URL=endpoint,
        AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(host for host in (os.environ.get(name), *LOOPBACK) if host)
    session = _default_session(
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=region)
    session.events.register("before-send.*.*", _refuse_elsewhere)
    with _explained():
        session.client("sts").get_caller_identity()
    print(f"Everything happens on the local AWS on this machine, in region {region}: no account, no cost.")
    return session


def _refuse_elsewhere(request: AWSPreparedRequest, **_: object) -> None:
    """Runs before each request of the local session: the last guard, should an endpoint be given by hand."""
    host = urlsplit(request.url).hostname
    if host not in LOOPBACK:
        raise WorkbookError(f"You work on the local AWS, so the request to {host} is not sent. To work on a real "
                            "account set AUDIT_TARGET=aws, restart the kernel and run the notebook's first cell.")


def _connect_aws() -> boto3.Session:
    if os.environ.get("AWS_CONFIG_FILE") == os.devnull:  # so `_connect_local` has set it
        raise WorkbookError("This kernel has been working on the local AWS. Restart it, then run this cell again.")
    with _explained():
        region = boto3.Session().region_name or os.environ.get("AWS_REGION")
        if not region:
            raise WorkbookError("No AWS region is set. Set AWS_DEFAULT_REGION (for example to eu-west-1), restart the "
                                "kernel and run this cell again.")
        os.environ["AWS_DEFAULT_REGION"] = region  # for sessions that are made elsewhere, the function's own for one
        session = _default_session(region_name=region)
        me = session.client("sts").get_caller_identity()
    print(f"Everything happens on AWS, in account {me['Account']} and region {region}, as {me['Arn']}: it costs a few "
          "cents, and 99_clean_up.ipynb removes it.")
    return session


def _default_session(**settings: str) -> boto3.Session:
    """Make a session with these settings, and boto3's default one: awswrangler goes by that."""
    boto3.setup_default_session(**settings)  # pyrefly: ignore[bad-argument-type]  its other arguments are no texts
    assert boto3.DEFAULT_SESSION
    return boto3.DEFAULT_SESSION


def _local_status() -> dict[str, Any]:
    done = _local_aws("status", "--json", check=False)
    with suppress(ValueError):
        return json.loads(done.stdout)
    raise WorkbookError(f"The local AWS cannot say how it is: {_last_line(done)}")


def _local_aws(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    try:
        done = subprocess.run([sys.executable, str(LOCAL_AWS), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
    except OSError as error:
        raise WorkbookError(f"The local AWS cannot be started: {error}") from error
    if check and done.returncode:
        raise WorkbookError(f"The local AWS cannot be started: {_last_line(done)}")
    return done


def _last_line(done: subprocess.CompletedProcess) -> str:
    lines = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
    return lines[-1]


# --------------------------------------------------------------------------------------------------------- the names


@dataclass(frozen=True)
class Names:
    """The names of all that the workbook makes. They follow from account and region alone, so that a second run, or the
    clean-up, finds what the first one made."""

    account: str
    region: str
    partition: str = "aws"
    table: str = "Orders"
    function: str = "OrdersStreamProcessor"
    function_role: str = "OrdersStreamProcessorRole"
    log_group: str = "/aws/lambda/OrdersStreamProcessor"
    delivery_stream: str = "OrdersAuditFirehose"
    firehose_role: str = "OrdersAuditFirehoseRole"
    database: str = "orders_audit"
    events: str = "order_events"
    history: str = "order_history"
    workgroup: str = "orders-audit"
    failures_queue: str = "OrdersAuditFailures"

    @property
    def bucket(self) -> str:
        """S3 has one namespace for everybody, so the account is part of the name."""
        return f"orders-audit-{self.account}-{self.region}"

    @property
    def bucket_arn(self) -> str:
        """The audit bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def failures_bucket(self) -> str:
        """For what failed, is too large or cannot be read: the one that the function may write to."""
        return f"orders-audit-failures-{self.account}-{self.region}"

    @property
    def failures_bucket_arn(self) -> str:
        """The ARN of the bucket for failures."""
        return f"arn:{self.partition}:s3:::{self.failures_bucket}"

    @property
    def table_arn(self) -> str:
        """The table's ARN; its stream has another."""
        return self._arn("dynamodb", f"table/{self.table}")

    @property
    def function_arn(self) -> str:
        """The function's ARN, without a version."""
        return self._arn("lambda", f"function:{self.function}")

    @property
    def delivery_stream_arn(self) -> str:
        """The Firehose stream's ARN."""
        return self._arn("firehose", f"deliverystream/{self.delivery_stream}")

    @property
    def failures_queue_arn(self) -> str:
        """The ARN of the queue that is told of failed batches."""
        return self._arn("sqs", self.failures_queue)

    @property
    def log_group_arn(self) -> str:
        """The ARN of the function's log group."""
        return self._arn("logs", f"log-group:{self.log_group}")

    def role_arn(self, role: str) -> str:
        """The ARN of the role with this name."""
        return f"arn:{self.partition}:iam::{self.account}:role/{role}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def names(session: boto3.Session) -> Names:
    """The names for the session's account and region."""
    account = session.client("sts").get_caller_identity()["Account"]
    return Names(account, session.region_name, session.get_partition_for_region(session.region_name))


def needs(part: int, session: boto3.Session) -> None:
    """Raise `WorkbookError`, which names the notebook to run, unless what Parts 1 to `part` make is there."""
    found = {1: _has_table, 2: _has_function, 3: _has_trigger, 4: _has_delivery_stream, 5: _has_view}
    its = names(session)
    for number in range(1, part + 1):
        if not found[number](session, its):
            raise WorkbookError(f"This notebook needs what Part {number} makes, and it is not there. Run "
                                f"{NOTEBOOKS[number]} from its first cell to its last, then come back and run this "
                                "cell again.")


def _has_table(session: boto3.Session, its: Names) -> bool:
    return _exists(session.client("dynamodb").describe_table, TableName=its.table)


def _has_function(session: boto3.Session, its: Names) -> bool:
    return _exists(session.client("lambda").get_function_configuration, FunctionName=its.function)


def _has_trigger(session: boto3.Session, its: Names) -> bool:
    stream = session.client("dynamodb").describe_table(TableName=its.table)["Table"].get("LatestStreamArn")
    triggers = session.client("lambda").list_event_source_mappings(FunctionName=its.function)["EventSourceMappings"]
    return any(trigger["EventSourceArn"] == stream for trigger in triggers)


def _has_delivery_stream(session: boto3.Session, its: Names) -> bool:
    return _exists(session.client("firehose").describe_delivery_stream, DeliveryStreamName=its.delivery_stream)


def _has_view(session: boto3.Session, its: Names) -> bool:
    return _exists(session.client("glue").get_table, DatabaseName=its.database, Name=its.history)


def _exists(describe: Callable[..., Any], **which: str) -> bool:
    try:
        describe(**which)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFoundException", "EntityNotFoundException"):
            return False
        raise
    return True


# ---------------------------------------------------------------------------------------------- creating and waiting


@contextmanager
def create_or_find(what: str, *already: type[Exception]) -> Iterator[None]:
    """Say whether the block created `what`, or found it there: `already` are the client's exceptions that mean so."""
    try:
        yield
    except already:
        print(f"{what}: already there")
    else:
        print(f"{what}: created")


@contextmanager
def delete_if_there(what: str, *missing: type[Exception]) -> Iterator[None]:
    """Run the block, which deletes `what`, and say that it is gone; `missing` are the exceptions that say it was."""
    with suppress(*missing):
        yield
    print(f"{what}: gone")


_DESCRIBE: dict[str, Callable[[boto3.Session, str], Any]] = {  # by service, the call that fails where there is no such
    "athena": lambda session, name: session.client("athena").get_work_group(WorkGroup=name),
    "dynamodb": lambda session, name: session.client("dynamodb").describe_table(TableName=name),
    "firehose": lambda session, name: session.client("firehose").describe_delivery_stream(DeliveryStreamName=name),
    "glue": lambda session, name: session.client("glue").get_database(Name=name),
    "lambda": lambda session, name: session.client("lambda").get_function_configuration(FunctionName=name),
    "logs": lambda session, name: session.client("logs").filter_log_events(logGroupName=name, limit=1),
    "s3": lambda session, name: session.client("s3").head_bucket(Bucket=name),
    "sqs": lambda session, name: session.client("sqs").get_queue_url(QueueName=name),
}
_MISSING = ("404", "AWS.SimpleQueueService.NonExistentQueue", "EntityNotFoundException", "InvalidRequestException",
            "NoSuchBucket", "QueueDoesNotExist", "ResourceNotFoundException")


def still_there(session: boto3.Session, arn: str) -> bool:
    """Whether a resource of the workbook's exists, by its ARN: asked of the service that holds it, since AWS's list of
    all that is tagged may show it for hours after it is gone. A Firehose stream that is being deleted counts as gone.
    Raises KeyError for a service that the workbook does not use."""
    service, resource = arn.split(":", 5)[2::3]
    (kind, name), = re.findall(r"^(?:([a-z-]+)[:/])?(.+?)(?::\*)?$", resource)
    if kind == "event-source-mapping":
        triggers = session.client("lambda").list_event_source_mappings(FunctionName=names(session).function)
        return name in {trigger["UUID"] for trigger in triggers["EventSourceMappings"]}
    try:
        answer = _DESCRIBE[service](session, name)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise
    return answer.get("DeliveryStreamDescription", {}).get("DeliveryStreamStatus") != "DELETING"


def _is_local() -> bool:
    """Whether `connect` has connected to the local AWS: then the environment names an endpoint on this machine."""
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in LOOPBACK


def wait_for(what: str, check: Callable[[], Answer], seconds: float = 120, every: float | None = None,
             not_yet: str | Sequence[str] = (), advice: str = "") -> Answer:
    """Call `check` until it returns something true, and return that. It is called `every` so many seconds: unset, each
    half second, and each tenth on the local AWS, which throttles nobody. A dot is printed for each second of waiting.

    An AWS error with one of the words `not_yet` in its message means 'try again'; any other is raised at once. After
    `seconds`, `WorkbookError` says what was waited for, the last such error, and the `advice`.
    """
    pause = every if every is not None else 0.1 if _is_local() else 0.5
    phrases = [not_yet] if isinstance(not_yet, str) else list(not_yet)
    print(f"Waiting for {what}: ", end="")
    begun, dots, problem = time.monotonic(), 0, ""
    while True:
        try:
            result = check()
        except ClientError as error:
            if not any(phrase in str(error) for phrase in phrases):
                raise
            result, problem = None, f" AWS's last answer: {error}"
        if result:
            print("ready")
            return result
        waited = time.monotonic() - begun
        if waited >= seconds:
            print("not ready")
            raise WorkbookError(f"After {seconds:g} seconds there is still no sign of {what}.{problem} " + (
                advice or "Run this cell again to go on waiting; nothing is lost by it."))
        for _ in range(dots, int(waited)):
            print(".", end="", flush=True)
        dots = int(waited)
        time.sleep(pause)


# ---------------------------------------------------------------------------------------------------- faults on demand


def inject(session: boto3.Session, fault: str, **settings: Any) -> bool:
    """Have the local AWS fail as told, for example `inject(session, "throttle_firehose", count=3)`. Its module
    scripts/local_aws/faults.py lists the faults and their settings. On AWS, which cannot be told to fail, say that the
    step is skipped, and return False."""
    endpoint = session.client("sts").meta.endpoint_url
    if urlsplit(endpoint).hostname not in LOOPBACK:
        print("Skipped: only the local AWS can be told to fail.")
        return False
    _faults(endpoint, "POST", {"fault": fault, **settings})
    return True


def injected(session: boto3.Session, fault: str) -> int:
    """How often the fault that was last asked for by this name has struck."""
    told = _faults(session.client("sts").meta.endpoint_url, "GET")
    return next(one["injected"] for one in reversed(told) if one["fault"] == fault)


def _faults(endpoint: str, method: str, content: dict | None = None) -> list[dict]:
    data, status = json.dumps(content).encode() if content else None, _local_status()
    signed = AWSRequest(method, f"{endpoint}/_local/faults", data=data)  # the local root alone may ask for faults
    root = Credentials(status["access_key_id"], status["secret_access_key"])
    SigV4Auth(root, "local", status["region"]).add_auth(signed)
    request = Request(str(signed.url), data, dict(signed.headers), method=method)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)["faults"]
    except HTTPError as refused:
        raise WorkbookError(f"The local AWS does not know this fault: {json.load(refused)['error']}.") from None


# ------------------------------------------------------------------------------------------ mistakes in one sentence


def explain(error: BaseException) -> str | None:
    """One sentence on an error that a learner can meet, saying what to do; None for any other error."""
    if isinstance(error, WorkbookError):
        return str(error)
    if isinstance(error, ClientError):
        return _explain_answer(error)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound)):
        return (f"There are no AWS credentials to work with ({error}). Sign in, for example with `aws configure sso` "
                "or `aws login`, or unset AUDIT_TARGET to work on the local AWS; then restart the kernel and run the "
                "notebook from its first cell.")
    if isinstance(error, (SSOTokenLoadError, UnauthorizedSSOTokenError, TokenRetrievalError)):
        return _SIGN_IN.format(error)
    if isinstance(error, (EndpointConnectionError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)):
        url = str(error.kwargs.get("endpoint_url", ""))
        if urlsplit(url).hostname in LOOPBACK:
            return ("The local AWS does not answer any more. Run the first code cell of this notebook again: it "
                    "starts the local AWS, with all that you made still there; then run this cell again.")
        return (f"AWS does not answer at {url}. Is there a network, and is '{urlsplit(url).hostname}' a region that "
                "AWS has? Then run this cell again.")
    if type(error).__name__ == "QueryFailed" and type(error).__module__.startswith("awswrangler"):
        if "Lake Formation" in str(error):
            return _LAKE_FORMATION.format(error)
        if unreadable := re.search(r"HIVE_(?:CURSOR_ERROR|CANNOT_OPEN_SPLIT|BAD_DATA)\b.*", str(error)):
            where = re.search(r"s3://[^/\s]+/([^\s:]+)", unreadable[0])
            return (f"The SQL is fine, but Athena cannot read {where[1] if where else 'one of the objects'} "
                    f"({unreadable[0]}). quarantine.unreadable finds such objects, quarantine.set_aside moves one out "
                    f"of the way, whole; {NOTEBOOKS[6]} shows both.")
        return f"Athena cannot answer this query: {error}. Correct the SQL in this cell and run it again."
    return None


_LAKE_FORMATION = (
    "In this account Lake Formation, and not IAM alone, decides who may use the Glue catalog ({}). Have its "
    "administrator grant you the right to create the database orders_audit and to use its tables, or turn on 'Use only "
    "IAM access control' in Lake Formation's data catalog settings before the database is made; then run this cell "
    "again.")
_SIGN_IN = ("Your AWS credentials are no longer valid ({}). Sign in again, for example with `aws sso login`, then "
            "restart the kernel and run the notebook from its first cell; what you made is still there.")


def _explain_answer(error: ClientError) -> str | None:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return _SIGN_IN.format(message or code)
    if code in ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "OptInRequired"):
        return (f"AWS does not take these credentials in this region ({message or code}): either they are wrong, or "
                "the region is not enabled in your account. Look in the console under 'Account', 'AWS Regions', or "
                "set AWS_DEFAULT_REGION to another region; then restart the kernel and run the notebook from its first "
                "cell.")
    if "Lake Formation" in message:
        return _LAKE_FORMATION.format(message)
    if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
        return (f"A permission is missing for {error.operation_name}: {message} The README lists the permissions that "
                "the workbook takes; when you have it, run this cell again.")
    if code == "BucketAlreadyExists":
        return ("The bucket's name belongs to another AWS account already. The name follows from account and region: "
                f"set AWS_DEFAULT_REGION to another region, restart the kernel and start from {NOTEBOOKS[1]}.")
    return None


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        sentence = explain(error)
        if sentence is None:
            raise
        raise WorkbookError(sentence) from error


def explain_errors() -> None:
    """Have the notebook show the errors that `explain` knows as one sentence, and all others as ever."""
    get_ipython = getattr(builtins, "get_ipython", None)  # there is one in every notebook, and none in a script
    if get_ipython is None:
        return
    shell = get_ipython()

    def show(_: object, kind: type[Exception], error: Exception, traceback: TracebackType,
             tb_offset: int | None = None) -> None:
        sentence = explain(error)
        if sentence and not hasattr(error, "_render_traceback_"):
            setattr(error, "_render_traceback_", lambda: [f"{kind.__name__}: {sentence}"])  # noqa: B010  not its own
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    shell.set_custom_exc((Exception,), show)
