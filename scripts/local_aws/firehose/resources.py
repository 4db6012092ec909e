"""What calls of Firehose's are about: the roles that they give to a delivery stream.

https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html: one for the bucket, one for the schema in Glue.
ministack finds the delivery stream itself.
"""
from __future__ import annotations

from local_aws.iam.request import Request, Resources

GIVES_ROLES = ("firehose:CreateDeliveryStream", "firehose:UpdateDestination")


def roles_given(request: Request) -> list[str]:
    """The roles named anywhere in a delivery stream's settings."""
    return sorted(_roles_in(request.content)) if request.action in GIVES_ROLES else []


def _roles_in(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["RoleARN"]} if isinstance(value.get("RoleARN"), str) else set()
        return own.union(*map(_roles_in, value.values()))
    return set().union(*map(_roles_in, value)) if isinstance(value, list) else set()


DELIVERY_STREAMS = Resources(
    "firehose", tagged={"firehose:CreateDeliveryStream": "firehose:TagDeliveryStream"}, roles=roles_given)
