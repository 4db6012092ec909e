"""Whoever makes something with tags needs the permission to tag it, too.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_aws.iam.request import Needed, Request, Resources
from local_aws.ministack_seam import iam_actions


def tags_of(request: Request) -> dict[str, Any]:
    """The condition keys about the tags that a request sets (aws:TagKeys, aws:RequestTag/…); {} where it sets none."""
    found = iam_actions.request_tag_context(request.service, request.action, request.body, request.params)
    return found if "aws:TagKeys" in found else {}


def tagging(request: Request, resources: Resources) -> Iterator[Needed]:
    """The permission to tag what a request makes with tags, on what it makes."""
    if not resources.tagged or not (permission := resources.tagged.get(request.action)):
        return
    if tags := tags_of(request):
        arn = iam_actions.extract_resource_arn(request.service, request.method, request.path, request.headers,
                                               request.body, request.params, request.region, request.account)
        yield Needed(permission, arn, tags)
