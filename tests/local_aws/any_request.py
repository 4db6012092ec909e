"""Requests of every kind, drawn from botocore's models: well formed, nearly so, and not at all."""
from __future__ import annotations

import base64
import functools
import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

import botocore.session
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationModel, ServiceModel, Shape
from hypothesis import strategies as st

SERVICES = ("dynamodb", "dynamodbstreams", "lambda", "firehose", "s3", "glue", "athena", "iam", "sts", "sqs", "logs",
            "resourcegroupstaggingapi")
# It answers with a stream that only its caller ends
ENDLESS = ("StartLiveTail",)
DEEPEST = 4  # levels below which a value has only what it must have
JUNK = (None, True, False, -1, 0, 2**31, 2**63, 1.5, 1e300, "", "a", "x" * 300, "x" * 3000, [], {}, [None], [[]],
        ["a", 1], {"": ""}, {"a": {}}, "\x00", "\ud800", "ü€😀", "../../etc/passwd", "arn:aws:", "arn:aws:iam::1:role/",
        "NaN", "-1", "true", "<a>&", "%00", "{", "null")


@dataclass(frozen=True)
class Wire:
    """A request as it goes over the wire."""

    service: str
    operation: str
    method: str
    target: str  # path and query
    headers: tuple[tuple[str, str], ...]
    body: bytes


@functools.cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def operations(service: str) -> list[str]:
    return [name for name in model(service).operation_names if name not in ENDLESS]


@st.composite
def requests(draw: Callable, known: tuple[str, ...], wild: bool = True) -> Wire:
    """A request for any operation. `known` are names and ARNs of what there is. Not `wild`: as the model says."""
    service = draw(st.sampled_from(SERVICES))
    operation = model(service).operation_model(draw(st.sampled_from(operations(service))))
    shape = operation.input_shape
    content = draw(values(shape, known, wild)) if shape else {}
    return wire(operation, content if isinstance(content, dict) else {"": content})


@st.composite
def values(draw: Callable, shape: Shape, known: tuple[str, ...], wild: bool, depth: int = 0) -> Any:
    """A value for a shape; if `wild`, some part of it may be anything else."""
    if wild and depth and draw(st.integers(0, 11)) == 0:
        return draw(st.sampled_from(JUNK))
    inner = functools.partial(values, known=known, wild=wild, depth=depth + 1)
    kind, least = shape.type_name, shape.metadata.get("min", 0)
    if kind == "structure":
        names = [name for name in shape.required_members if not wild or draw(st.integers(0, 11))]
        others = [name for name in shape.members if name not in shape.required_members]
        if others and depth < DEEPEST:
            names += draw(st.lists(st.sampled_from(others), max_size=1 if shape.is_tagged_union else 4, unique=True))
        return {name: draw(inner(shape.members[name])) for name in names}
    if kind == "list":
        if depth >= DEEPEST and not least:
            return []
        return [draw(inner(shape.member)) for _ in range(draw(st.integers(min(least, 3), min(least, 3) + 2)))]
    if kind == "map":
        keys = draw(st.lists(inner(shape.key), max_size=0 if depth >= DEEPEST else 2))
        return {str(key): draw(inner(shape.value)) for key in keys}
    return draw(scalars(shape, known))


def scalars(shape: Shape, known: tuple[str, ...]) -> st.SearchStrategy:
    kind, bounds = shape.type_name, shape.metadata
    if bounds.get("enum"):
        return st.sampled_from(bounds["enum"])
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        least = max(int(bounds.get("min", -5)), -(2**31))
        return st.integers(least, min(int(bounds.get("max", least + 1000)), 2**31 - 1))
    if kind in ("float", "double"):
        return st.floats(-1e6, 1e6)
    if kind == "timestamp":
        return st.integers(0, 2_000_000_000)
    if kind == "blob":
        return st.binary(max_size=20).map(lambda data: base64.b64encode(data).decode())
    return strings(bounds.get("pattern"), int(bounds.get("min", 0)), int(bounds.get("max", 2**31)), known)


@functools.cache
def strings(pattern: str | None, least: int, most: int, known: tuple[str, ...]) -> st.SearchStrategy:
    """Texts that fit, as far as Python can read the pattern; names of what there is among them."""
    try:
        fits = re.compile((pattern or "").replace(r"\uD800\uDC00-\uDBFF\uDFFF", ""), re.ASCII) if pattern else None
    except re.error:
        fits = None
    right = [name for name in (*known, "abc", "a", "0") if least <= len(name) <= most
             and (fits is None or fits.fullmatch(name))]
    free = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=min(least, 40), max_size=min(most, 40))
    made = st.from_regex(fits, fullmatch=True).map(lambda text: text[:most]) if fits else free
    return st.one_of(st.sampled_from(right), made) if right else made


# ------------------------------------------------------------------------------------------------------- to the wire


def wire(operation: OperationModel, content: dict) -> Wire:
    """The request with that content, by the operation's protocol, whatever the content is."""
    service = operation.service_model
    if service.protocol == "json":
        headers = {"X-Amz-Target": f"{service.metadata['targetPrefix']}.{operation.name}",
                   "Content-Type": f"application/x-amz-json-{service.metadata['jsonVersion']}"}
        return made(operation, "POST", "/", headers, json.dumps(content).encode())
    if service.protocol == "query":
        pairs = [("Action", operation.name), ("Version", service.api_version), *flat(operation.input_shape, content)]
        body = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs]).encode()
        return made(operation, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body)
    return located(operation, content)


def made(operation: OperationModel, method: str, target: str, headers: dict[str, str], body: bytes) -> Wire:
    return Wire(operation.service_model.service_name, operation.name, method, target, tuple(headers.items()), body)


def flat(shape: Shape | None, value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The parameters of the query protocol."""
    if isinstance(value, dict):
        if shape is not None and shape.type_name == "map":
            return [pair for number, (key, one) in enumerate(value.items(), 1) for pair in (
                (f"{prefix}.entry.{number}.key", key), *flat(shape.value, one, f"{prefix}.entry.{number}.value"))]
        members = shape.members if shape is not None and shape.type_name == "structure" else {}
        return [pair for name, one in value.items()
                for pair in flat(members.get(name), one, f"{prefix}.{name}" if prefix else name)]
    if isinstance(value, list):
        member = shape.member if shape is not None and shape.type_name == "list" else None
        return [pair for number, one in enumerate(value, 1)
                for pair in flat(member, one, f"{prefix}.member.{number}")]
    return [] if value is None else [(prefix, text(value))]


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def located(operation: OperationModel, content: dict) -> Wire:
    """A request whose members lie in its path, its query, its headers and its body."""
    shape, (path, _, fixed) = operation.input_shape, operation.http["requestUri"].partition("?")
    members = shape.members if shape else {}
    query, headers, rest = [tuple(part.partition("=")[::2]) for part in fixed.split("&") if part], {}, {}
    for name, value in content.items():
        place = members[name].serialization if name in members else {}
        key, where = place.get("name", name), place.get("location")
        if where == "querystring":
            query += [(key, text(one)) for one in (value if isinstance(value, list) else [value])]
        elif where in ("header", "headers") and key != "Content-Length":  # the client would owe the rest of its body
            headers[key] = text(value).encode("utf-8", "replace").decode("latin-1").translate(
                {number: None for number in (0, 10, 13)}).strip()
        elif where is None:
            rest[name] = value
    for name, member in members.items():
        if member.serialization.get("location") == "uri":
            key = member.serialization.get("name", name)
            given = text(content.get(name, "a")).encode("utf-8", "replace")
            path = path.replace(f"{{{key}+}}", quote(given)).replace(f"{{{key}}}", quote(given, safe=""))
    query_string = urlencode([(key, value.encode("utf-8", "replace")) for key, value in query])
    target = f"{path}?{query_string}" if query else path
    return made(operation, operation.http["method"], target, headers, body_of(operation, shape, rest))


def body_of(operation: OperationModel, shape: Shape | None, rest: dict) -> bytes:
    payload = shape.serialization.get("payload") if shape else None
    if payload and shape.members[payload].type_name == "blob":
        return text(rest.get(payload, "")).encode("utf-8", "replace")
    if operation.service_model.protocol == "rest-json":
        return json.dumps(rest).encode() if rest else b""
    if not payload or payload not in rest:
        return b""
    member = shape.members[payload]
    return xml(member, rest[payload], member.serialization.get("name", payload)).encode("utf-8", "replace")


def xml(shape: Shape | None, value: Any, tag: str) -> str:
    if isinstance(value, dict):
        members = shape.members if shape is not None and shape.type_name == "structure" else {}
        inside = "".join(xml(members.get(name), one, members[name].serialization.get("name", name)
                             if name in members else "a") for name, one in value.items())
        return f"<{tag}>{inside}</{tag}>"
    if isinstance(value, list):
        member = shape.member if shape is not None and shape.type_name == "list" else None
        if shape is not None and shape.serialization.get("flattened"):
            return "".join(xml(member, one, tag) for one in value)
        item = member.serialization.get("name", "member") if member is not None else "member"
        return f"<{tag}>{''.join(xml(member, one, item) for one in value)}</{tag}>"
    return f"<{tag}>{'' if value is None else escape(text(value))}</{tag}>"


# -------------------------------------------------------------------------------------------------------------- sent


class Sender:
    """Signs requests as the local root and sends them, whatever they are."""

    def __init__(self, status: dict):
        self.endpoint, self.region = status["endpoint"], status["region"]
        self.keys = Credentials(status["access_key_id"], status["secret_access_key"])
        self.connection: http.client.HTTPConnection | None = None

    def send(self, request: Wire, within: float = 60) -> tuple[int, bytes]:
        """Status and body of the answer."""
        signing = model(request.service).signing_name if request.service in SERVICES else request.service
        signer = (S3SigV4Auth if signing == "s3" else SigV4Auth)(self.keys, signing, self.region)
        signed = AWSRequest(request.method, self.endpoint + request.target, dict(request.headers), request.body)
        signer.add_auth(signed)
        host = urlsplit(self.endpoint)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(host.hostname, host.port, timeout=within)
        try:
            self.connection.request(request.method, request.target, request.body,
                                    {name: value.encode("latin-1") for name, value in signed.headers.items()})
            answer = self.connection.getresponse()
            told = answer.status, answer.read()
            if answer.will_close:
                self.close()
            return told
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None
