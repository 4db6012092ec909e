"""Everything that an account holds of the services that the workbook uses, with its tags: asked of each service's own
lists, so that also what nobody has tagged is found."""
from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from aws_under_test import session

NO_TAGS = "glue table"  # AWS gives it none: https://docs.aws.amazon.com/glue/latest/dg/monitor-tags.html
_ALWAYS_THERE = "primary"  # each account's first workgroup


def inventory(status: dict) -> dict[str, dict[str, str]]:
    """'<kind> <name>': tags, for all that is there."""
    root, endpoint = session(status), status["endpoint"]
    account = root.client("sts", endpoint_url=endpoint).get_caller_identity()["Account"]
    return {f"{kind} {name}": tags for kind, (service, find) in _KINDS.items()
            for name, tags in find(root.client(service, endpoint_url=endpoint), f"{status['region']}:{account}")}


Found = Iterator[tuple[str, dict[str, str]]]


def _tables(dynamodb, where: str) -> Found:
    for name in _all(dynamodb, "list_tables", "TableNames"):
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        yield name, _pairs(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])


def _functions(awslambda, where: str) -> Found:
    for function in _all(awslambda, "list_functions", "Functions"):
        yield function["FunctionName"], awslambda.list_tags(Resource=function["FunctionArn"])["Tags"]


def _triggers(awslambda, where: str) -> Found:
    for trigger in _all(awslambda, "list_event_source_mappings", "EventSourceMappings"):
        yield trigger["UUID"], awslambda.list_tags(
            Resource=f"arn:aws:lambda:{where}:event-source-mapping:{trigger['UUID']}")["Tags"]


def _delivery_streams(firehose, where: str) -> Found:
    for name in firehose.list_delivery_streams()["DeliveryStreamNames"]:
        yield name, _pairs(firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"])


def _buckets(s3, where: str) -> Found:
    for bucket in s3.list_buckets()["Buckets"]:
        try:
            yield bucket["Name"], _pairs(s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"])
        except ClientError:  # NoSuchTagSet
            yield bucket["Name"], {}


def _log_groups(logs, where: str) -> Found:
    for group in _all(logs, "describe_log_groups", "logGroups"):
        yield group["logGroupName"], logs.list_tags_for_resource(
            resourceArn=f"arn:aws:logs:{where}:log-group:{group['logGroupName']}")["tags"]


def _roles(iam, where: str) -> Found:
    for role in _all(iam, "list_roles", "Roles"):
        yield role["RoleName"], _pairs(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])


def _databases(glue, where: str) -> Found:
    for database in _all(glue, "get_databases", "DatabaseList"):
        yield database["Name"], glue.get_tags(ResourceArn=f"arn:aws:glue:{where}:database/{database['Name']}")["Tags"]


def _glue_tables(glue, where: str) -> Found:
    for database in _all(glue, "get_databases", "DatabaseList"):
        for table in _all(glue, "get_tables", "TableList", DatabaseName=database["Name"]):
            yield table["Name"], {}


def _workgroups(athena, where: str) -> Found:
    for group in athena.list_work_groups()["WorkGroups"]:
        if group["Name"] != _ALWAYS_THERE:
            yield group["Name"], _pairs(athena.list_tags_for_resource(
                ResourceARN=f"arn:aws:athena:{where}:workgroup/{group['Name']}")["Tags"])


def _queues(sqs, where: str) -> Found:
    for url in sqs.list_queues().get("QueueUrls", []):
        yield url.rpartition("/")[2], sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


_KINDS: dict[str, tuple[str, Callable[..., Found]]] = {
    "table": ("dynamodb", _tables), "function": ("lambda", _functions), "trigger": ("lambda", _triggers),
    "Firehose stream": ("firehose", _delivery_streams), "bucket": ("s3", _buckets), "log group": ("logs", _log_groups),
    "role": ("iam", _roles), "database": ("glue", _databases), NO_TAGS: ("glue", _glue_tables),
    "workgroup": ("athena", _workgroups), "queue": ("sqs", _queues),
}


def _all(client, operation: str, key: str, **request) -> Iterator:
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[key]


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
