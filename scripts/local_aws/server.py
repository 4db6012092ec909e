"""The local AWS's server: ministack behind one seam, with the corrections that make it behave as AWS documents.

ministack keeps one handler a service, an async function `(method, path, headers, body, query_params) -> (status,
headers, body)` that is called after signature and IAM were checked. A correction wraps a handler where that is enough;
where it is not, one of the inner functions that `ministack_seam` lists is replaced. The rooms of the services do so
(see the package's docstring). Run by `__main__` as `serve`, in the local AWS's own environment.
"""
from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import importlib.metadata
import json
import logging
import os
import shutil
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_aws import ministack_seam
from local_aws.keys import REGION, Keys

if TYPE_CHECKING:
    from local_aws.iam.request import Resources

Response = tuple[int, dict, bytes]  # status, headers, body
Handler = Callable[[str, str, dict, bytes, dict], Awaitable[Response]]  # method, path, headers, body, query parameters
Client = Any  # a boto3 client: their classes are made at run time
HOST = "127.0.0.1"
TEMPORARY = "tmp"  # the folder, in the state, of its temporary files

# Each has `install(aws)`. In this order, so that a later one wraps an earlier one: IAM asks before a service answers,
# and faults come before anything else sees the request.
ROOMS = ("dynamodb", "lambda_", "firehose", "athena", "iam", "faults", "gate")
KEPT = ("ministack", "s3", "dynamodb", "lambda", "firehose", "athena")  # the folders in the state that hold it

# Of the user's environment: what programs are found by, how text and time are told, whom TLS trusts; where Trino is,
# and how long a client may be silent
INHERITED = ("PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
             "AUDIT_LOCAL_TRINO", "AUDIT_LOCAL_SILENT_SECONDS")

log = logging.getLogger("local_aws")


class LocalAws:
    """What a room may hold on to: where the local AWS is, and how to put itself between it and its callers.

    `credentials` are the local root's, as boto3 takes them. `resources` are the rooms' tables for IAM, of what their
    requests are about. `stream_readers` are called with a stream's ARN after each new record in it, on the thread that
    writes: they must not wait.
    """

    def __init__(self, port: int, state: Path, engine: str, handlers: dict[str, Handler], keys: Keys):
        self.port, self.state, self.engine = port, state, engine
        self.endpoint = f"http://{HOST}:{port}"
        self.region = REGION
        self.keys = keys  # the local root's
        self.guard: Callable[[Callable], Callable] = lambda application: application  # who lets requests in
        self.credentials = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
        self.versions = {name: importlib.metadata.version(name) for name in ("ministack", "duckdb", "sqlglot")}
        self._handlers = handlers
        self._making, self._made = threading.Lock(), functools.lru_cache(maxsize=256)(self._make)
        self._calls: dict[str, list[Callable[[], Any]]] = {"start": [], "stop": [], "save": [], "reset": []}
        self.routes: dict[str, Callable[[str, bytes], tuple[int, Any]]] = {}
        self.reports: dict[str, Callable[[], object]] = {}  # what the status says besides, by name; objects for JSON
        self.resources: list[Resources] = []
        self.stream_readers: list[Callable[[str], None]] = []

    def wrap(self, service: str, wrapper: Callable[[Handler], Handler]) -> None:
        """Put `wrapper(handler)` in the place of a service's handler ('dynamodb', 'athena', …: ministack's names)."""
        self._handlers[service] = wrapper(self._handlers[service])

    def client(self, service: str, **options: Any) -> Client:
        """A boto3 client over HTTP to itself, made once for the same options: as the local root, unless those hold
        other credentials. For worker threads: on the event loop it would wait for itself."""
        with self._making:  # a session may not make two clients at once
            return self._made(service, **options)

    def _make(self, service: str, **options: Any) -> Client:
        return self._session.client(service, endpoint_url=self.endpoint, **options)

    @functools.cached_property
    def _session(self) -> Any:  # noqa: ANN401 -- the stubs of its class know services by literal names only
        """One for all, as each would read the services' models, megabytes, again."""
        import boto3

        return boto3.Session(region_name=REGION, **self.credentials)

    def route(self, path: str, call: Callable[[str, bytes], tuple[int, Any]]) -> None:
        """Answer requests to `/_local/<path>` with `call(method, body) -> (status, object for JSON)`, in a thread."""
        self.routes[f"/_local/{path}"] = call

    def on_start(self, call: Callable[[], Any]) -> None:
        """Call once the port answers, in a worker thread."""
        self._calls["start"].append(call)

    def on_stop(self, call: Callable[[], Any]) -> None:
        """Call when a regular stop begins, while the port still answers: the place to end threads that make calls."""
        self._calls["stop"].append(call)

    def on_save(self, call: Callable[[], Any]) -> None:
        """Call when nothing is answered any more, just before ministack writes its state: the place to write one's
        own."""
        self._calls["save"].append(call)

    def on_reset(self, call: Callable[[], Any]) -> None:
        """Call when ministack has emptied itself."""
        self._calls["reset"].append(call)

    async def run(self, moment: str) -> None:
        """Run one moment's calls, each in a worker thread, in the order they were given (stop and save: reversed)."""
        calls = self._calls[moment]
        for call in reversed(calls) if moment in ("stop", "save") else calls:
            try:
                await asyncio.to_thread(call)
            except Exception:
                log.exception("%s failed at %s", call, moment)


def gate(app: Callable, aws: LocalAws) -> Callable:
    """The ASGI application in front of ministack's: our own routes, and the moments of its life."""

    async def answer(scope: dict, receive: Callable, send: Callable, call: Callable) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        status, content = await asyncio.to_thread(call, scope["method"], body)
        await send({"type": "http.response.start", "status": status,
                    "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            async def receive_moment() -> dict:
                message = await receive()
                if message["type"] == "lifespan.shutdown":
                    await aws.run("save")
                return message

            await app(scope, receive_moment, send)
        elif scope["type"] == "http" and scope["path"] in aws.routes:
            await answer(scope, receive, send, aws.routes[scope["path"]])
        else:
            await app(scope, receive, send)
            if scope["type"] == "http" and scope["path"] == "/_ministack/reset" and scope["method"] == "POST":
                await aws.run("reset")

    return application


async def answer_requests(application: Callable, aws: LocalAws) -> None:
    """Serve until SIGTERM or SIGINT. What is running is stopped while the port still answers."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{HOST}:{aws.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    config.backlog = 1024  # connections that wait to be taken; a few hundred clients may come at once
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)

    async def started() -> None:
        while not stopping.is_set():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, aws.port)
                writer.close()
                break
            await asyncio.sleep(0.02)
        await aws.run("start")

    async def shutdown() -> None:
        starting = asyncio.create_task(started())
        await stopping.wait()
        await starting
        await aws.run("stop")

    await hypercorn_serve(application, config, shutdown_trigger=shutdown)


def environment(port: int, state: Path, keys: Keys) -> dict[str, str]:
    """The variables that ministack reads when it is imported, and that a function's process gets before its own. Of
    the user's there are the few below and no others: no token, no agent, no home, and no AWS settings with which
    the server or a function could reach a real account. Temporary files lie in `state`, where the next start finds what
    a killed one left behind."""
    kept = {name: value for name, value in os.environ.items() if name in INHERITED or name.startswith("LC_")}
    kept.update(
        HOME=str(state / TEMPORARY),
        AUTH="true", BIND_HOST=HOST, GATEWAY_PORT=str(port), MINISTACK_HOST=HOST, IOT_MTLS_ENABLED="0",
        IOT_MTLS_PORT="0", SFTP_ENABLED="0", PERSIST_STATE="1", STATE_DIR=str(state / "ministack"), S3_PERSIST="1",
        S3_DATA_DIR=str(state / "s3"), TMPDIR=str(state / TEMPORARY), MINISTACK_REGION=REGION, LOG_LEVEL="WARNING",
        AWS_ACCESS_KEY_ID=keys.access_key_id, AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    return kept


def serve(port: int, state: Path, engine: str, keys: Keys) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; what it holds lies in the folder `state`. `keys` are the root's."""
    shutil.rmtree(state / TEMPORARY, ignore_errors=True)
    for folder in ("ministack", "s3", TEMPORARY):
        (state / folder).mkdir(parents=True, exist_ok=True)
    settings = environment(port, state, keys)
    os.environ.clear()
    os.environ.update(settings)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    log.setLevel(logging.INFO)

    ministack_seam.check()
    ministack = ministack_seam.app
    aws = LocalAws(port, state, engine, ministack.SERVICE_HANDLERS, keys)
    # A bucket policy that demands TLS means 'not in the open': the loopback never leaves the machine and counts as such
    ministack.replace("pin_request_origin", lambda pin: lambda source_ip, secure: pin(source_ip, True))
    aws.route("status", lambda method, body: (200, {
        "pid": os.getpid(), "engine": aws.engine, "region": aws.region, "versions": aws.versions,
        **{name: report() for name, report in aws.reports.items()}}))
    for name in ROOMS:
        importlib.import_module(f"local_aws.{name}").install(aws)
    asyncio.run(answer_requests(aws.guard(gate(ministack.app, aws)), aws))
    shutil.rmtree(state / TEMPORARY, ignore_errors=True)

