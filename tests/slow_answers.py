"""AWS as unhurried as its documentation allows, put between a notebook's session and the local AWS.

A rule takes the place of a call's first answers, or changes them; with `after`, only once another call was made. Each
says where AWS allows it. A notebook installs the rules of one name in a cell of its own: `install(session, "03")`.
"""
from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import boto3
from botocore.awsrequest import AWSResponse

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"


@dataclass
class Rule:
    """What the first `times` answers to a call ('dynamodb.DescribeTable') are: an error with that code, an answer to
    the request, or the local AWS's answer, changed."""

    call: str
    error: str = ""
    answer: Callable[[dict], dict] | None = None
    change: Callable[[dict], None] | None = None
    times: float = 2
    after: str = ""


def without_stream(answer: dict) -> None:
    answer["Table"].pop("LatestStreamArn", None)


def none_listed(answer: dict) -> None:
    answer["EventSourceMappings"] = []


def creating(answer: dict) -> None:
    for mapping in answer["EventSourceMappings"]:
        mapping["State"] = "Creating"


def deleting(request: dict) -> dict:
    return {"DeliveryStreamDescription": {"DeliveryStreamStatus": "DELETING"}}


def empty_page(request: dict) -> dict:
    return {"Records": [], "NextShardIterator": request["ShardIterator"]}


def listed_still(answer: dict) -> None:
    """What the workbook has made and 99 has deleted."""
    account = "us-east-1:000000000000"
    answer["ResourceTagMappingList"] = [{"ResourceARN": arn, "Tags": []} for arn in (
        f"arn:aws:dynamodb:{account}:table/Orders", f"arn:aws:lambda:{account}:function:OrdersStreamProcessor",
        f"arn:aws:lambda:{account}:event-source-mapping:11111111-1111-1111-1111-111111111111",
        f"arn:aws:logs:{account}:log-group:/aws/lambda/OrdersStreamProcessor",
        f"arn:aws:firehose:{account}:deliverystream/OrdersAuditFirehose",
        "arn:aws:s3:::orders-audit-000000000000-us-east-1", f"arn:aws:sqs:{account}:OrdersAuditFailures",
        f"arn:aws:glue:{account}:database/orders_audit", f"arn:aws:athena:{account}:workgroup/orders-audit")]


RULES = {
    # API_DescribeTable.html: "If you issue a DescribeTable request immediately after a CreateTable request, DynamoDB
    # might return a ResourceNotFoundException", as the answer is eventually consistent
    "01": [Rule("dynamodb.DescribeTable", "ResourceNotFoundException")],
    "03": [
        Rule("dynamodb.DescribeTable", change=without_stream, after="dynamodb.UpdateTable"),
        Rule("dynamodb-streams.DescribeStream", "ResourceNotFoundException"),
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html: creating, updating and
        # deleting are eventually consistent and may take several minutes
        Rule("lambda.ListEventSourceMappings", change=none_listed, after="lambda.CreateEventSourceMapping"),
        Rule("lambda.ListEventSourceMappings", change=creating, after="lambda.CreateEventSourceMapping"),
        # API_streams_GetRecords.html: "it might take multiple calls to get to a portion of the shard that contains
        # stream records"
        Rule("dynamodb-streams.GetRecords", answer=empty_page, times=5, after="dynamodb.UpdateItem"),
    ],
    # The next day: as if nothing of the day before were in the stream any more
    "03, a day later": [Rule("dynamodb-streams.GetRecords", answer=empty_page, times=20)],
    "04": [
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        Rule("s3.CreateBucket", "OperationAborted"),
        Rule("lambda.UpdateEventSourceMapping", "ResourceInUseException"),
        # https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeleteDeliveryStream.html
        Rule("firehose.CreateDeliveryStream", "ResourceInUseException"),
        Rule("firehose.DescribeDeliveryStream", answer=deleting),
    ],
    "99": [
        Rule("lambda.DeleteEventSourceMapping", "ResourceInUseException"),
        Rule("dynamodb.DeleteTable", "ResourceInUseException"),
        Rule("firehose.DeleteDeliveryStream", "ResourceInUseException"),
        Rule("firehose.DescribeDeliveryStream", answer=deleting, times=1, after="firehose.DeleteDeliveryStream"),
        Rule("s3.DeleteBucket", "BucketNotEmpty"),
        # https://github.com/boto/boto3/issues/3341
        Rule("resource-groups-tagging-api.GetResources", change=listed_still, times=math.inf),
    ],
}


class SlowAnswers:
    def __init__(self, session: boto3.Session, rules: list[Rule]):
        self.rules, self.made = rules, set[str]()
        for call in {rule.call for rule in rules} | {rule.after for rule in rules if rule.after}:
            session.events.register(f"before-call.{call}", self.instead)
            session.events.register(f"after-call.{call}", self.changed)

    def next(self, call: str, changes: bool) -> Rule | None:
        """The first rule for the call, which counts as used, if it is of that kind."""
        rule = next((rule for rule in self.rules if rule.call == call and rule.times
                     and (not rule.after or rule.after in self.made)), None)
        if rule is None or bool(rule.change) != changes:
            return None
        rule.times -= 1
        return rule

    def instead(self, model, params: dict, event_name: str, **_) -> tuple[AWSResponse, dict] | None:
        call = event_name.removeprefix("before-call.")
        rule = self.next(call, changes=False)
        if rule is None:
            return None
        if rule.answer:
            return AWSResponse("", 200, {}, None), rule.answer(json.loads(params["body"]))
        return AWSResponse("", 400, {}, None), {
            "Error": {"Code": rule.error, "Message": "Not yet."}, "ResponseMetadata": {"HTTPStatusCode": 400}}

    def changed(self, http_response, parsed: dict, event_name: str, **_) -> None:
        call = event_name.removeprefix("after-call.")
        if http_response.raw is None or http_response.status_code >= 300:  # it is one of these rules', or an error
            return
        if rule := self.next(call, changes=True):
            rule.change(parsed)
        self.made.add(call)

    def unused(self) -> list[str]:
        """The rules that have not been met as often as they could."""
        return [f"{rule.call} {rule.error}" for rule in self.rules if 0 < rule.times < math.inf]


def install(session: boto3.Session, name: str) -> SlowAnswers:
    return SlowAnswers(session, RULES[name])
