"""Who gets in. Every request passes here before anything else reads it.

Other users of the machine and pages in the browser can reach the port. So a request has to name this server as its
host (https://owasp.org/www-community/attacks/DNS_Rebinding), must not come from a page of another origin
(https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site), and is signed with a key that is known
here, the root's included: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. Nothing is answered
unsigned, which AWS does for a few operations and public buckets. `/_local/…` and `/_ministack/…` are the root's alone.

What is let in is then held to the model of its service (`models`), so that the handlers meet no other.
"""
from __future__ import annotations

import asyncio
import json
import os
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from local_aws import models
from local_aws.ministack_seam import app, iam_evaluator, lambda_runtime, lambda_svc, responses, router, sigv4, sts
from local_aws.models import Refused, Request

if TYPE_CHECKING:
    from local_aws.server import Handler, LocalAws

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]

# Seconds that a client may leave the rest of its body unsent; S3's RequestTimeout says no number
SILENT_FOR = float(os.environ.get("AUDIT_LOCAL_SILENT_SECONDS", "60"))


class Gone(Exception):
    """The client has left before its request was complete."""


def guard(guarded: Callable[..., Awaitable[None]], aws: LocalAws) -> Callable[..., Awaitable[None]]:
    """The ASGI application `guarded`, reached only by requests that are let in."""
    own = frozenset(f"{name}:{aws.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # none of the services here has any
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await guarded(scope, receive, send)
            return
        try:
            check_origin(scope, own)
            request = read_head(scope)
            check_key(request, aws)
            request.body = await read_body(request, receive)
            service = check_signature(request, aws)
            if not request.internal:
                models.check(service, request)
        except Refused as refused:
            rest = asyncio.create_task(discard(receive))
            try:
                await answer(send, *refused.response)
            finally:
                rest.cancel()
            return
        except Gone:
            return
        await guarded({**scope, "headers": request.raw_headers}, replay(request.body, receive), without_cors(send))

    return application


def check_origin(scope: Message, own: frozenset[str]) -> None:
    """Refuse what a page of another origin may have sent, or a name that is not this server's."""
    found: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), []).append(value.decode("latin-1"))
    hosts, origins = found.get(b"host", []), found.get(b"origin", [])
    if len(hosts) != 1 or hosts[0].lower() not in own:
        raise forbidden(f"The local AWS answers at {' and '.join(sorted(own))} only.")
    if any(origin.lower() not in {f"http://{name}" for name in own} for origin in origins):
        raise forbidden("The local AWS answers no page of another origin.")
    if any(site.lower() in ("cross-site", "same-site") for site in found.get(b"sec-fetch-site", [])):
        raise forbidden("The local AWS answers no page of another origin.")
    if scope["method"] == "OPTIONS":
        raise forbidden("The local AWS lets no page of another origin in, so it answers no preflight.")


def forbidden(reason: str) -> Refused:
    """The answer to whom no service knows."""
    return Refused(403, {"Content-Type": "application/json"}, json.dumps({"error": reason}).encode())


def read_head(scope: Message) -> Request:
    """The request without its body, its headers and its query as ministack reads them."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{text}" if key in headers else text
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return Request(scope["method"], scope["path"], raw_path, query, headers, list(scope["headers"]))


def check_key(request: Request, aws: LocalAws) -> None:
    """Refuse a request that names no key, or one that is not known: without its body, which nobody vouches for."""
    key = router.extract_access_key_id(request.headers, request.query)
    if request.internal and key != aws.keys.access_key_id:
        raise forbidden("This is for the local root alone: sign with its keys, which python3 scripts/local_aws status "
                        "--json shows to their owner, for the service 'local'.")
    if not key:
        raise unknown(request, "MissingAuthenticationToken", "Request is missing Authentication Token")
    try:
        account = iam_evaluator.find_iam_access_key_account(key)
    except iam_evaluator.AmbiguousAccessKeyError:
        account = None
    responses.set_request_account_id(account or key)
    found = iam_evaluator.resolve_credential(key)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise unknown(request, found.code, found.message)


def unknown(request: Request, code: str, message: str) -> Refused:
    """What a service answers whose caller it does not know."""
    return credential_failure(models.service_of(request), iam_evaluator.AuthError(code, message), request)


def credential_failure(service: str, failure: object, request: Request) -> Refused:
    """A caller that cannot be known, told in the service's own form."""
    return Refused(*app._credential_failure(service, "", str(uuid.uuid4()), failure, request.headers))


async def read_body(request: Request, receive: Receive) -> bytes:
    """The body, as far as the service takes it: what is larger is refused while it arrives."""
    service = models.service_of(request)
    largest = models.largest(service)
    declared = request.headers.get("content-length", "")
    chunks, size = [], int(declared) if declared.isascii() and declared.isdigit() else 0
    more = size <= largest
    size = size if not more else 0
    while more:
        try:
            message = await asyncio.wait_for(receive(), SILENT_FOR)
        except asyncio.TimeoutError:
            raise Refused(*models.too_slow(service, request)) from None
        if message["type"] == "http.disconnect":
            raise Gone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False) and size <= largest
    if size > largest:
        raise Refused(*models.too_large(service, request, largest))
    return b"".join(chunks)


def check_signature(request: Request, aws: LocalAws) -> str:
    """The service that the request is for. Refuse it unless it is signed with the secret of the key that it names; S3
    looks at presigned URLs itself, whose signature may leave the body out."""
    service = "local" if request.internal else models.service_of(request)
    iam_evaluator.pin_signed_request(request.method, request.raw_path, request.query, request.raw_headers)
    iam_evaluator.pin_signed_body(request.body)
    failure = iam_evaluator.check_credentials(router.extract_access_key_id(request.headers, request.query), service)
    if failure:
        raise (forbidden(f"The signature is not the local root's: {failure.message}") if request.internal
               else credential_failure(service, failure, request))
    return service


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` for the application: the body that was read here, then what comes from the client."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again


def without_cors(send: Send) -> Send:
    """A `send` that lets no header through with which a page of another origin could read the answer."""
    async def send_without(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [header for header in message.get("headers", [])
                                              if not header[0].lower().startswith(b"access-control-")]}
        await send(message)

    return send_without


async def discard(receive: Receive) -> None:
    """Throw away what the client still sends: hypercorn, whose queue of it is short, cannot close the connection while
    that is full."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Refuse; the rest of a body that is still on its way is not waited for."""
    request_id = str(uuid.uuid4())
    headers = {**headers, "Content-Length": str(len(body)), "x-amzn-RequestId": request_id,
               "x-amz-request-id": request_id, "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())}
    await send({"type": "http.response.start", "status": status,
                "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace"))
                            for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": body})


def install(aws: LocalAws) -> None:
    """Have ministack know one root, by the keys of this state, and leave the check of signatures to the gate."""
    iam_evaluator.replace("is_root_access_key", lambda old: lambda key: key == aws.keys.access_key_id)
    sts.replace("is_root_access_key", lambda old: lambda key: key == aws.keys.access_key_id)
    iam_evaluator.replace("_is_root_key", lambda old: lambda key: False)  # nobody's signature is taken on trust
    app.replace("pin_signed_request", lambda old: lambda *request, **more: None)  # done before it is called
    lambda_runtime.replace("execution_credentials", lambda old: credentials_of_roles(aws))
    lambda_svc.replace("execution_credentials", lambda old: credentials_of_roles(aws))
    aws.guard = lambda application: guard(application, aws)
    aws.wrap("lambda", lambda handler: with_signed_links(handler, aws))


def credentials_of_roles(aws: LocalAws) -> Callable[[dict], dict[str, str]]:
    """Credentials of a function's role that nobody else can compute: ministack's follow from the function's name."""
    def credentials(function: dict) -> dict[str, str]:
        role, account = function.get("Role", ""), function["FunctionArn"].split(":")[4]
        name = role.rsplit("/", 1)[-1]
        made = aws.keys.of_role("lambda", function["FunctionArn"], role)
        session = function.get("FunctionName", "")[:64]
        sts.register_session(made["AWS_ACCESS_KEY_ID"], {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}", "UserId": f"{name}:{session}",
            "SecretAccessKey": made["AWS_SECRET_ACCESS_KEY"], "SessionToken": made["AWS_SESSION_TOKEN"]})
        return made

    return credentials


def with_signed_links(handler: Handler, aws: LocalAws) -> Handler:
    """Lambda's handler, whose links to code can be followed for ten minutes by whoever was given them, as on AWS:
    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html"""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signer = SigV4QueryAuth(Credentials(aws.keys.access_key_id, aws.keys.secret_access_key), "local", aws.region,
                            expires=600)

    def sign(link: re.Match) -> str:
        request = AWSRequest("GET", aws.endpoint + link[1])
        signer.add_auth(request)
        return str(request.url)

    async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Response:
        status, headers, content = await handler(method, path, headers, body, query)
        if isinstance(content, bytes) and b"/_ministack/lambda-" in content:
            text = re.sub(r"https?://[^/\"]+(/_ministack/lambda-(?:code|layers)/[^\"?]+)[^\"]*", sign, content.decode())
            content = text.encode()
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return status, headers, content

    return handle
