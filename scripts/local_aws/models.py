"""What a request must look like: botocore's own model of the service, and AWS's words for what is wrong.

Handlers that were written for requests of SDKs fail on others, with an answer of 500 that clients try again. So each
request is read here first, as its operation's model says: names, types, required members, lengths, ranges, enumerations
and patterns. What the model does not know is left out, and null members are, as AWS does both. The protocols:
https://smithy.io/2.0/aws/protocols/index.html (`json`, `rest-json`, `query`, `rest-xml`).

Where a service tells an error by a code of its own, its API reference says so under 'Common Errors', or the operation
under 'Errors'; the sentences ('1 validation error detected: …') are the same in all of them.
"""
from __future__ import annotations

import base64
import binascii
import functools
import json
import re
import uuid
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

from local_aws.ministack_seam import app, iam_actions, responses, router

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

# Bytes of a request's body. S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html; Lambda: what
# its own error says of CreateFunction; else DynamoDB's, the largest that a page gives of the others:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
LARGEST, LARGEST_OF_OTHERS = {"s3": 5 * 1024**3, "lambda": 69_905_067}, 16 * 1024**2
DEEPEST = 100  # levels of a value; DynamoDB, which nests deepest, takes 32
LONGEST_SHOWN = 1000  # characters of a value that an error repeats
SYNTAX = "Syntax errors in policy."
NO_BODY = "Request Body is empty"
NO_POLICY = "Policies must be valid JSON and the first byte must be '{'"
# S3's operations whose XML may be left out; the model says so of others, too
WITHOUT_BODY = ("CreateBucket", "PutBucketAcl", "PutObjectAcl", "RestoreObject")
SERIALIZATION = "SerializationException"

# What a service calls a value that its model does not allow
INVALID = {"athena": "InvalidRequestException", "iam": "ValidationError", "logs": "InvalidParameterException",
           "sns": "InvalidParameter", "sqs": "InvalidParameterValue", "sts": "ValidationError",
           "tagging": "InvalidParameterException"}
# Services whose tokens to go on with a list are numbers here; no others were ever given out
COUNTED_ON = ("athena", "sqs")
# Bounds that SQS's pages give and its model does not:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html, API_SendMessage.html
SQS_BOUNDS = {"WaitTimeSeconds": (0, 20), "MaxNumberOfMessages": (1, 10), "VisibilityTimeout": (0, 43_200),
              "DelaySeconds": (0, 900)}
_INTEGERS = {"integer": 2**31, "long": 2**63}


@dataclass
class Request:
    """What the gate reads of a request before it lets the body come."""

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    @property
    def internal(self) -> bool:
        """Whether it is about the local AWS itself. No bucket's name begins with an underscore."""
        return self.path.startswith("/_")


class Refused(Exception):
    """The request goes no further; `response` is what its sender is told."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes):
        self.response = status, headers, body


class Malformed(Exception):
    """It cannot be read as the model says; the text is AWS's reason."""


# ------------------------------------------------------------------------------------------------ which model it is of


def service_of(request: Request) -> str:
    """The service that a request is for, by ministack's name."""
    told = [request.headers.get(name, "") for name in ("x-amz-target", "host", "content-type")]
    if told[0] and (request.method, request.path, request.query) == ("POST", "/", {}):
        scope = re.search(r"Credential=[^/]+(/[^,\s]+)", request.headers.get("authorization", ""))
        return _service_of_target(*told, scope[1] if scope else "")
    routing = app._routing_params(request.method, request.path, request.headers, request.body, request.query)
    return router.detect_service(request.method, request.path, request.headers, routing)


@functools.lru_cache(maxsize=1024)
def _service_of_target(target: str, host: str, content_type: str, scope: str) -> str:
    """The same for a request that names its operation in a header: asked anew, it is a good part of a put's time."""
    return router.detect_service("POST", "/", {
        "x-amz-target": target, "host": host, "content-type": content_type,
        "authorization": f"AWS4-HMAC-SHA256 Credential=any{scope}"}, {})


@functools.cache
def model_of(service: str) -> ServiceModel | None:
    """botocore's model of a service of ministack's; None where it has none."""
    return responses._service_model(service)


def operation_of(service: str, model: ServiceModel, request: Request) -> OperationModel | None:
    """The operation that a request asks for; None for one that only ministack can know."""
    if target := request.headers.get("x-amz-target"):
        name = target.rpartition(".")[2]
        if name not in model.operation_names:
            raise refused(service, request, "UnknownOperationException", "")
        return model.operation_model(name)
    if model.protocol == "query":
        return _queried(service, model, request)
    if model.protocol in ("rest-json", "rest-xml"):
        return next((operation for operation in _by_uri(model, request)), None)
    return None


def _queried(service: str, model: ServiceModel, request: Request) -> OperationModel:
    action = (request.query.get("Action") or _form(request).get("Action") or [""])[0]
    if action not in model.operation_names:
        version = model.api_version
        raise refused(service, request, "InvalidAction", f"Could not find operation {action} for version {version}")
    return model.operation_model(action)


def _form(request: Request) -> dict[str, list[str]]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _by_uri(model: ServiceModel, request: Request) -> Iterator[OperationModel]:
    """The operations whose path and method fit, the most specific first, and before those that they replace."""
    found = []
    for uri, literal, needed, operation in _uris(model.service_name, request.method):
        if not uri.fullmatch(request.raw_path):
            continue
        if all(key in request.query and value in (None, request.query[key][0]) for key, value in literal) and all(
                name in request.query if place == "querystring" else name in request.headers
                for place, name in needed):
            found.append(((len(literal) + len(needed), not operation.deprecated), operation))
    yield from (operation for _, operation in sorted(found, key=lambda one: one[0], reverse=True))


@functools.cache
def _uris(name: str, method: str) -> list[tuple[re.Pattern, list[tuple[str, str | None]], list, OperationModel]]:
    """(path, keys of the query that make it this operation, what else it needs there or in headers, operation)."""
    model = _botocore_model(name)
    found = []
    for operation in map(model.operation_model, model.operation_names):
        if operation.http["method"] != method:
            continue
        path, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda label: f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})",
                         re.escape(path))
        literal = [(key, value if sign else None) for key, sign, value in
                   (part.partition("=") for part in query.split("&") if part)]
        shape, needed = operation.input_shape, []
        places = [shape.members[member].serialization for member in shape.required_members] if shape else []
        for place in places:
            if place.get("location") in ("querystring", "header"):
                needed.append((place["location"], place["name"] if place["location"] == "querystring"
                               else place["name"].lower()))
        found.append((re.compile(pattern.rstrip("/") + "/?" if path != "/" else pattern, re.DOTALL), literal, needed,
                      operation))
    return found


@functools.cache
def _botocore_model(name: str) -> ServiceModel:
    import botocore.session

    return botocore.session.get_session().get_service_model(name)


# ------------------------------------------------------------------------------------------------------- the request


def check(service: str, request: Request) -> None:
    """Hold a request to its model, and leave out of its body what AWS overlooks. Raises Refused."""
    model = model_of(service)
    if model is None:
        return
    if service != "s3":
        _inflate(service, request)
    operation = operation_of(service, model, request)
    if operation is None or operation.input_shape is None:
        return
    reader = Reader(service, model.protocol, operation, operation.input_shape)
    try:
        reader.read(request)
    except Malformed as reason:
        code, message = _malformed(service, model.protocol, str(reason))
        raise refused(service, request, code, message) from None
    except RecursionError:
        code, message = _malformed(service, model.protocol, "Too deeply nested")
        raise refused(service, request, code, message) from None
    if reader.found:
        code, message = _invalid(service, reader)
        raise refused(service, request, code, message)


def _inflate(service: str, request: Request) -> None:
    """A body that is sent compressed, as any but S3's may be: not more of it than the service takes."""
    if "gzip" not in request.headers.get("content-encoding", "").lower():
        return
    most = largest(service)
    try:
        unzip = zlib.decompressobj(wbits=31)
        body = unzip.decompress(request.body, most)
    except zlib.error:
        raise refused(service, request, SERIALIZATION, "The body is not gzip") from None
    if unzip.unconsumed_tail:
        raise Refused(*too_large(service, request, most))
    if not unzip.eof:
        raise refused(service, request, SERIALIZATION, "The body is not all of a gzip file")
    replace_body(request, body)
    del request.headers["content-encoding"]
    request.raw_headers = [header for header in request.raw_headers if header[0].lower() != b"content-encoding"]


def replace_body(request: Request, body: bytes) -> None:
    """Give a request, whose signature has been seen, another body."""
    request.body = body
    request.headers["content-length"] = str(len(body))
    request.headers.pop("transfer-encoding", None)
    request.raw_headers = [header for header in request.raw_headers
                           if header[0].lower() not in (b"content-length", b"transfer-encoding")]
    request.raw_headers.append((b"content-length", str(len(body)).encode()))


class Reader:
    """Reads one request as its operation's input, and keeps what is wrong with it in `found`."""

    def __init__(self, service: str, protocol: str, operation: OperationModel, shape: StructureShape):
        self.service, self.protocol, self.operation, self.shape = service, protocol, operation, shape
        self.found: list[tuple[str, str]] = []  # what AWS says of it, and the member's name
        self.changed = False

    def read(self, request: Request) -> None:
        """Read it. Raises Malformed."""
        shape = self.shape
        if request.headers.get("x-amz-target"):
            content = _json(request.body)
            if not isinstance(content, dict):
                raise Malformed("Unexpected value type in payload")
            content = self.value(shape, content, "", False)
            if self.changed:
                replace_body(request, json.dumps(content).encode())
        elif self.protocol == "query":
            params = {**_form(request), **request.query}
            self.value(shape, _nested(shape, params, ""), "", True)
        else:
            self._rest(shape, request)

    def _rest(self, shape: StructureShape, request: Request) -> None:
        """A request whose members lie in its path, its query, its headers and its body."""
        elsewhere = {name: member for name, member in shape.members.items() if member.serialization.get("location")}
        for name, member in elsewhere.items():
            value = self._located(name, member, request)
            if value is not None:
                self.value(member, value, _lower(name), True)
            elif name in shape.required_members:
                self._null(member, _lower(name))
        payload = shape.serialization.get("payload")
        if payload:
            self._payload(payload, shape.members[payload], payload in shape.required_members, request)
        elif self.protocol == "rest-json" and len(elsewhere) < len(shape.members):
            self._json_body(shape, elsewhere, request)

    def _located(self, name: str, member: Shape, request: Request) -> object:
        place, key = member.serialization["location"], member.serialization.get("name", name)
        if place == "uri":
            path = self.operation.http["requestUri"].partition("?")[0]
            for uri, _, _, operation in _uris(self.operation.service_model.service_name, request.method):
                if operation.name == self.operation.name and (match := uri.fullmatch(request.raw_path)):
                    return unquote(match[key]) if f"{{{key}" in path else None
            return None
        if place == "querystring":
            if member.type_name == "map":
                return None
            values = request.query.get(key)
            return values if values is None or member.type_name == "list" else values[0]
        if place == "header" and member.type_name != "list":
            return request.headers.get(key.lower())
        return None

    def _payload(self, name: str, member: Shape, required: bool, request: Request) -> None:
        if self.service == "lambda" and self.operation.name in ("Invoke", "InvokeAsync"):
            if request.body:
                _json(request.body)
            return
        if self.operation.name == "PutBucketPolicy" and not _is_policy(_unchunked(request)):
            raise Malformed(NO_POLICY)
        if member.type_name != "structure" or self.protocol != "rest-xml":
            return  # a blob, of any content
        body = _unchunked(request)
        if not body.strip():
            if required or self.service == "s3" and self.operation.name not in WITHOUT_BODY:
                raise Malformed(NO_BODY)
            return
        root = _xml(body)
        if _plain(root.tag) != _wire(name, member):
            raise Malformed(f"The root is not {_wire(name, member)}")
        self.value(member, _from_xml(member, root, 0), _lower(name), True)

    def _json_body(self, shape: StructureShape, elsewhere: dict[str, Shape], request: Request) -> None:
        content = _json(request.body)
        if not isinstance(content, dict):
            raise Malformed("Unexpected value type in payload")
        content = self.value(shape, content, "", False, apart=frozenset(elsewhere))
        if self.changed:
            replace_body(request, json.dumps(content).encode())

    # Values. `text`: numbers and truth values come as text, as they do anywhere but in JSON.

    def value(self, shape: Shape, value: object, where: str, text: bool, depth: int = 0,
              apart: frozenset[str] = frozenset()) -> object:
        """The value as the shape says, without what AWS overlooks."""
        if depth > DEEPEST:
            raise Malformed("Too deeply nested")
        kind = shape.type_name
        if kind == "structure":
            return self._structure(cast("StructureShape", shape), value, where, text, depth, apart)
        if kind == "list":
            return self._list(cast("ListShape", shape), value, where, text, depth)
        if kind == "map":
            return self._map(cast("MapShape", shape), value, where, text, depth)
        return self._scalar(shape, kind, value, where, text)

    def _structure(self, shape: StructureShape, value: object, where: str, text: bool, depth: int,
                   apart: frozenset[str]) -> object:
        if getattr(shape, "is_document_type", False):
            return value
        if not isinstance(value, dict):
            raise Malformed("Unexpected value type in payload")
        read, prefix = {}, f"{where}." if where else ""
        named = _members(shape)
        for key, given in value.items():
            if given is None or key not in named or named[key][0] in apart:
                self.changed = True
                continue
            name, member = named[key]
            read[key] = self.value(member, given, prefix + _lower(name), text, depth + 1)
        needed = shape.required_members
        if shape.name == "Tag" and "Key" in shape.members:  # every service wants it, not every model says so
            needed = [*needed, "Key"]
        for name in dict.fromkeys(needed):
            if name not in apart and _wire(name, shape.members[name]) not in read:
                self._null(shape.members[name], prefix + _lower(name))
        # https://docs.aws.amazon.com/athena/latest/APIReference/API_Tag.html: it may be left out, and be empty
        if self.service == "athena" and shape.name == "Tag" and "Value" not in read:
            read["Value"], self.changed = "", True
        for key, (least, most) in SQS_BOUNDS.items() if self.service == "sqs" else ():
            given = read.get(key, least)
            if isinstance(given, int) and not least <= given <= most:
                self.found.append((f"Value {given} for parameter {key} is invalid. Reason: Must be >= {least} and <= "
                                   f"{most}, if provided.", key))
        if self.service in COUNTED_ON and not re.fullmatch(r"\d{0,18}", str(read.get("NextToken", "")), re.ASCII):
            self.found.append(("Invalid NextToken", prefix + "nextToken"))
        if self.service.startswith("dynamodb") and shape.name == "AttributeValue" and len(read) != 1:
            self._attribute_value(len(read))
        return read

    def _attribute_value(self, types: int) -> None:
        self.found.append(("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                           if not types else "Supplied AttributeValue has more than one datatypes set, must contain "
                           "exactly one of the supported datatypes", ""))

    def _list(self, shape: ListShape, value: object, where: str, text: bool, depth: int) -> list:
        if not isinstance(value, list):
            raise Malformed("Unexpected token where a list was expected" if isinstance(value, dict)
                            else f"Unrecognized collection type class {_java(value)}")
        read = []
        for place, given in enumerate(value, 1):
            if given is None:
                self._null(shape.member, f"{where}.{place}.member")
                continue
            read.append(self.value(shape.member, given, f"{where}.{place}.member", text, depth + 1))
        self._bounds(shape, len(read), value, where)
        return read

    def _map(self, shape: MapShape, value: object, where: str, text: bool, depth: int) -> dict:
        if not isinstance(value, dict):
            raise Malformed("Unexpected value type in payload")
        read = {}
        for key, given in value.items():
            self._scalar(shape.key, "string", key, where, True)
            if given is None:
                self._fails(shape, value, where, "Map value must satisfy constraint: [Member must not be null]")
                continue
            read[key] = self.value(shape.value, given, f"{where}.{key}.member", text, depth + 1)
        self._bounds(shape, len(read), value, where)
        return read

    def _scalar(self, shape: Shape, kind: str, value: object, where: str, text: bool) -> object:
        if kind == "string" or kind == "character":
            return self._string(shape, value, where)
        if kind == "blob":
            self._bounds(shape, len(_decoded(value)), value, where)
            return value
        if kind == "boolean":
            if text and isinstance(value, str) and value.lower() in ("true", "false"):
                return value
            if not isinstance(value, bool):
                raise Malformed(f"{_token(value)} can not be converted to Boolean")
            return value
        if kind == "timestamp":
            return self._timestamp(shape, value, text)
        number = self._number(kind, value, text)
        self._bounds(shape, number, value, where)
        return value if text else number

    def _string(self, shape: Shape, value: object, where: str) -> str:
        if not isinstance(value, str):
            if isinstance(value, (dict, list)):
                raise Malformed(f"Start of {'list' if isinstance(value, list) else 'structure or map'} found where "
                                "not expected.")
            raise Malformed(f"{_token(value)} can not be converted to String")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise Malformed("Invalid UTF-8") from None
        if shape.name.endswith("olicyDocumentType") and not _is_policy(value.encode()):  # IAM's and STS's
            raise Malformed(SYNTAX)
        enumeration = shape.metadata.get("enum")
        if enumeration and value not in enumeration:
            self._fails(shape, value, where, f"Member must satisfy enum value set: [{', '.join(enumeration)}]")
        allowed = _pattern(shape.metadata.get("pattern"))
        if self._bounds(shape, len(value), value, where) and allowed and not allowed.fullmatch(value):
            self._fails(shape, value, where, "Member must satisfy regular expression pattern: "
                        f"{shape.metadata['pattern']}")
        return value

    def _timestamp(self, shape: Shape, value: object, text: bool) -> object:
        if text or isinstance(value, str):
            return value  # of several forms, one a service; the handler reads it
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 253402300800:
            raise Malformed(f"{_token(value)} can not be converted to Timestamp")
        return value

    def _number(self, kind: str, value: object, text: bool) -> int | float:
        whole = kind in _INTEGERS
        name = "Integer" if kind == "integer" else "Long" if kind == "long" else "Double"
        if text and isinstance(value, str):
            if not re.fullmatch(r"[+-]?\d{1,20}" if whole else r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?",
                                value, re.ASCII):
                raise Malformed(f"STRING_VALUE can not be converted to {name}")
            value = int(value) if whole else float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Malformed(f"{_token(value)} can not be converted to {name}")
        if whole and isinstance(value, float):
            if value != value // 1:
                raise Malformed(f"DECIMAL_VALUE can not be converted to {name}")
            value, self.changed = int(value), True
        if whole and not -_INTEGERS[kind] <= value < _INTEGERS[kind]:
            raise Malformed(f"{_token(value)} can not be converted to {name}")
        return value

    def _bounds(self, shape: Shape, size: float, value: object, where: str) -> bool:
        """Whether its length, or its value, lies within the shape's bounds."""
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        measure = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
        if least is not None and size < least:
            self._fails(shape, value, where, f"Member must have {measure} greater than or equal to {least}")
        elif most is not None and size > most:
            self._fails(shape, value, where, f"Member must have {measure} less than or equal to {most}")
        else:
            return True
        return False

    def _null(self, shape: Shape, where: str) -> None:
        self.found.append((f"Value null at '{where}' failed to satisfy constraint: Member must not be null", where))

    def _fails(self, shape: Shape, value: object, where: str, constraint: str) -> None:
        shown = "" if shape.metadata.get("sensitive") else f" '{str(value)[:LONGEST_SHOWN]}'"
        self.found.append((f"Value{shown} at '{where}' failed to satisfy constraint: {constraint}", where))


# ------------------------------------------------------------------------------------------------------ from the wire


def _json(body: bytes) -> object:
    """The JSON in a body; an empty object where there is none."""
    def no_number(word: str) -> None:
        raise ValueError(word)

    try:
        return json.loads(body.decode(), parse_constant=no_number) if body.strip() else {}
    except (ValueError, RecursionError):
        raise Malformed("Could not parse request body into json") from None


def _is_policy(text: bytes) -> bool:
    """Whether a text has the form of a policy, whatever it may say:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    try:
        document = _json(text) if text.lstrip().startswith(b"{") else None
    except Malformed:
        return False
    statements = document.get("Statement", []) if isinstance(document, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    return isinstance(statements, list) and all(map(_is_statement, statements))


def _is_statement(statement: object) -> bool:
    def texts(value: object) -> bool:
        return isinstance(value, str) or isinstance(value, list) and all(isinstance(one, str) for one in value)

    def values(value: object) -> bool:
        return isinstance(value, (bool, int, float)) or texts(value)

    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    principals = (statement.get(name, "*") for name in ("Principal", "NotPrincipal"))
    conditions = statement.get("Condition", {})
    return (all(texts(statement.get(name, "*")) for name in ("Action", "NotAction", "Resource", "NotResource"))
            and all(texts(one) or isinstance(one, dict) and all(map(texts, one.values())) for one in principals)
            and isinstance(conditions, dict)
            and all(isinstance(one, dict) and all(map(values, one.values())) for one in conditions.values()))


def _xml(body: bytes) -> ElementTree.Element:
    from defusedxml import DefusedXmlException
    from defusedxml import ElementTree as Defused

    try:
        return Defused.fromstring(body)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed("not well-formed") from None


def _unchunked(request: Request) -> bytes:
    """The body without the signatures of its pieces, where it was signed in pieces."""
    try:
        return app._decode_aws_chunked_body(request.body, dict(request.headers))
    except Exception:  # it says on its own, to the handler, what is wrong with the pieces
        return b""


def _from_xml(shape: Shape, element: ElementTree.Element, depth: int) -> object:
    """An XML element as a tree of dicts, lists and texts, as the shape says."""
    if depth > DEEPEST:
        raise Malformed("Too deeply nested")
    if shape.type_name == "structure":
        read: dict[str, object] = {}
        for name, member in cast("StructureShape", shape).members.items():
            wire = _wire(name, member)
            found = [child for child in element if _plain(child.tag) == wire.rpartition(":")[2]]
            if member.type_name == "list" and member.serialization.get("flattened"):
                listed = cast("ListShape", member).member
                item = listed.serialization.get("name", wire)
                found = [child for child in element if _plain(child.tag) in (item, wire)]
                if found:
                    read[wire] = [_from_xml(listed, child, depth + 1) for child in found]
            elif member.serialization.get("xmlAttribute"):
                value = next((value for key, value in element.attrib.items()
                              if _plain(key) == wire.rpartition(":")[2]), None)
                if value is not None:
                    read[wire] = value
            elif found:
                read[wire] = _from_xml(member, found[0], depth + 1)
        return read
    if shape.type_name == "list":
        return [_from_xml(cast("ListShape", shape).member, child, depth + 1) for child in element]
    if shape.type_name == "map":
        return {}
    return (element.text or "") if shape.type_name == "string" else (element.text or "").strip()


def _plain(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _nested(shape: Shape, params: dict[str, list[str]], prefix: str, depth: int = 0) -> object:
    """The parameters of the query protocol under `prefix` as a tree; None where there are none."""
    if depth > DEEPEST:
        raise Malformed("Too deeply nested")
    if shape.type_name == "structure":
        read = {}
        for name, member in cast("StructureShape", shape).members.items():
            wire = _wire(name, member)
            value = _nested(member, params, f"{prefix}.{wire}" if prefix else wire, depth + 1)
            if value is not None:
                read[wire] = value
        return read if read or not prefix or prefix in params else None
    if shape.type_name == "list":
        return _listed(cast("ListShape", shape), params, prefix, depth)
    if shape.type_name == "map":
        return _mapped(cast("MapShape", shape), params, prefix, depth)
    value = params.get(prefix)
    return None if value is None else value[0]


def _listed(shape: ListShape, params: dict[str, list[str]], prefix: str, depth: int) -> list | None:
    start, numbers = _numbers(shape, params, prefix, shape.member.serialization.get("name", "member"))
    if numbers or prefix in params:  # alone, the list's name stands for an empty list
        return [_nested(shape.member, params, f"{start}{number}", depth + 1) for number in numbers]
    return None


def _mapped(shape: MapShape, params: dict[str, list[str]], prefix: str, depth: int) -> dict | None:
    start, numbers = _numbers(shape, params, prefix, "entry")
    key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    return {params[f"{start}{number}.{key}"][0]: _nested(shape.value, params, f"{start}{number}.{value}", depth + 1)
            for number in numbers if f"{start}{number}.{key}" in params} or None


def _numbers(shape: Shape, params: dict[str, list[str]], prefix: str, item: str) -> tuple[str, list[int]]:
    """What the names of a list's or a map's entries begin with, and the entries' numbers."""
    start = f"{prefix}." if shape.serialization.get("flattened") else f"{prefix}.{item}."
    found = (key[len(start):].partition(".")[0] for key in params if key.startswith(start))
    return start, sorted({int(number) for number in found if re.fullmatch(r"\d{1,9}", number, re.ASCII)})


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise Malformed(f"{_token(value)} can not be converted to Blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Invalid base64 in a Blob") from None


def _members(shape: StructureShape) -> dict[str, tuple[str, Shape]]:
    """A structure's members by the names that they have on the wire: (name, shape)."""
    found = shape.__dict__.get("_by_wire")
    if found is None:
        found = shape.__dict__["_by_wire"] = {
            _wire(name, member): (name, member) for name, member in shape.members.items()}
    return found


def _wire(name: str, member: Shape) -> str:
    return member.serialization.get("name", name)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


@functools.cache
def _pattern(pattern: str | None) -> re.Pattern | None:
    """A pattern as Python writes it: at least as lenient as AWS's, which is Java's. None where it cannot be said."""
    if pattern is None:
        return None
    written = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    flags = 0 if r"\p" in written else re.ASCII
    written = re.sub(r"\\p\{(L|N|M)\}", r"\\w", written).replace(r"\p{Z}", r"\s").replace(r"\p{Print}", r"[ -~]")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(written, flags)
    except re.error:
        return None


def _token(value: object) -> str:
    """What AWS calls a JSON value of the wrong type."""
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, (int, float)):
        return "NUMBER_VALUE" if isinstance(value, int) else "DECIMAL_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "START_ARRAY" if isinstance(value, list) else "START_OBJECT"


def _java(value: object) -> str:
    return ("java.lang.String" if isinstance(value, str) else "java.lang.Boolean" if isinstance(value, bool)
            else "java.lang.Integer" if isinstance(value, int) else "java.lang.Double")


# -------------------------------------------------------------------------------------------------------- the answers


def refused(service: str, request: Request, code: str, message: str, status: int = 400) -> Refused:
    """The answer that says so, in the form of the service."""
    _, headers, body = iam_actions.access_denied_response(
        service, "", "", str(uuid.uuid4()), error_code=code, message=message, headers=request.headers)
    responses.fix_error_content_type(service, status, headers)
    return Refused(status, headers, body)


def largest(service: str) -> int:
    """Bytes of the largest body that a service takes."""
    return LARGEST.get(service, LARGEST_OF_OTHERS)


def too_large(service: str, request: Request, most: int) -> tuple[int, dict[str, str], bytes]:
    """The answer to a body of more than that."""
    if service == "s3":
        return refused(service, request, "EntityTooLarge",
                       "Your proposed upload exceeds the maximum allowed size").response
    code = "RequestEntityTooLargeException"
    return refused(service, request, code, f"Request must be smaller than {most} bytes", 413).response


def too_slow(service: str, request: Request) -> tuple[int, dict[str, str], bytes]:
    """The answer to a body that does not come."""
    return refused(service, request, "RequestTimeout", "Your socket connection to the server was not read from or "
                   "written to within the timeout period. Idle connections will be closed.",
                   400 if service == "s3" else 408).response


def _malformed(service: str, protocol: str, reason: str) -> tuple[str, str]:
    """Code and message for what cannot be read."""
    if protocol == "rest-xml":
        if reason in (NO_BODY, NO_POLICY):
            return "MissingRequestBodyError" if reason == NO_BODY else "MalformedPolicy", reason
        if reason.endswith(("Integer", "Long", "Boolean")):
            return "InvalidArgument", "Provided argument not an integer or within integer range"
        return "MalformedXML", ("The XML you provided was not well-formed or did not validate against our published "
                                "schema")
    if protocol == "query":
        return "MalformedPolicyDocument" if reason == SYNTAX else "MalformedInput", reason
    if service == "lambda" and reason.startswith("Could not parse request body into json"):
        return "InvalidRequestContentException", reason
    return SERIALIZATION, reason


def _invalid(service: str, reader: Reader) -> tuple[str, str]:
    """Code and message for what can be read and is not allowed."""
    if service == "s3":
        payload = _lower(reader.shape.serialization.get("payload", ""))
        if any(where.partition(".")[0] == payload for _, where in reader.found):
            return _malformed(service, "rest-xml", "")
        return "InvalidArgument", reader.found[0][0]
    null = next((where for said, where in reader.found if said.startswith("Value null")), "")
    if service == "sqs":
        if null:
            return "MissingParameter", f"The request must contain the parameter {null[:1].upper()}{null[1:]}."
        return INVALID[service], reader.found[0][0]
    return INVALID.get(service, "ValidationException"), _said(reader.found)


def _said(found: list[tuple[str, str]]) -> str:
    sentences = [said for said, _ in found]
    if not sentences[0].startswith("Value"):
        return sentences[0]
    return f"{len(sentences)} validation error{'s' if len(sentences) > 1 else ''} detected: {'; '.join(sentences)}"
