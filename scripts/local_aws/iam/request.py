"""A request as IAM looks at it, and the table in which a service's room says what its requests are about."""
from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from local_aws.ministack_seam import iam_actions, responses, router


def content_of(body: bytes) -> dict[str, Any]:
    """A request's JSON object; {} where there is none: its handler says what is wrong with it."""
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class Request:
    """A request to the service that ministack calls `service`. `params` holds the query string's parameters and, in
    the query protocol, those of the body; `access_key` is the signer's."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    params: dict[str, list[str]]
    region: str = ""
    account: str = ""
    access_key: str = ""

    @classmethod
    def under_way(cls, service: str, method: str, path: str, headers: dict[str, str], body: bytes,
                  query_params: dict[str, list[str]]) -> Request:
        """The request that a service's handler is called for."""
        params = query_params
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            params = {**parse_qs(body.decode(), keep_blank_values=True), **query_params}
        return cls(service, method, path, headers, body, params, router.extract_region(headers, query_params),
                   responses.get_account_id(), router.extract_access_key_id(headers, query_params))

    @cached_property
    def content(self) -> dict[str, Any]:
        """The JSON object in its body, or {}."""
        return content_of(self.body)

    @cached_property
    def action(self) -> str:
        """What the caller must be allowed, such as 'dynamodb:GetRecords'; '' where IAM is not asked."""
        return iam_actions.extract_iam_action(
            self.service, self.method, self.path, self.headers, self.body, self.params) or ""

    def arn(self, resource: str, service: str = "") -> str:
        """The ARN of a resource in the request's account and region, of its own service or another one."""
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Needed:
    """A permission that a request takes beside its own: the action, the ARN that it is on, and condition keys."""

    action: str
    arn: str
    context: Mapping[str, Any] = field(default_factory=dict)


def nothing(request: Request) -> Sequence[Any]:
    """What a table says where it has nothing to say."""
    return ()


@dataclass(frozen=True)
class Resources:
    """What IAM must know of one service's requests, where ministack does not know it.

    `arns` says by action ('dynamodb:GetRecords', or '*' for all that are not named) which resources a request is about:
    the caller needs the action on each of them. ministack itself asks about the last; where there is none, about what
    it finds. `tagged` names the permission that making something with tags takes beside the action's own. `roles` are
    the ARNs of roles that a request gives to the service, `more` are further permissions that it takes. `action` and
    `context` correct the action and add condition keys.
    """

    service: str
    arns: Mapping[str, Callable[[Request], Sequence[str]]] = field(default_factory=dict)
    tagged: Mapping[str, str] = field(default_factory=dict)
    roles: Callable[[Request], Sequence[str]] = nothing
    more: Callable[[Request], Sequence[Needed]] = nothing
    action: Callable[[Request, str | None], str | None] = lambda request, found: found
    context: Callable[[Request, str], Mapping[str, Any]] = lambda request, action: {}

    def about(self, request: Request) -> Sequence[str]:
        """The ARNs that the table knows for a request."""
        return self.arns.get(request.action, self.arns.get("*", nothing))(request) if self.arns else ()
