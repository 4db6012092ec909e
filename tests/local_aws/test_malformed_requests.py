"""Bad input gets AWS's answer: none of 500 and above, no hang, nothing changed, and no traceback in the log.

With `AUDIT_REQUESTS=20000` in the environment that many are drawn from the models, instead of a few.
"""
from __future__ import annotations

import functools
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings

from any_request import Sender, Wire, requests
from aws_under_test import Aws
from bench_parts.function_package import function_package

COUNT = int(os.environ.get("AUDIT_REQUESTS", "150"))
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole",
     "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]}}]})
# Policies right and wrong: models know them as texts only
POLICIES = (TRUST, "{}", "[]", '{"Statement": 1}', '{"Statement": [1]}', '{"Statement": {"Effect": "Allow"}}',
            '{"Statement": {"Effect": "Allow", "Action": 1, "Resource": {}, "Principal": {"Service": 1}}}',
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": "a"}}}',
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')
many = settings(max_examples=COUNT // 2, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck))


class Account:
    """A local AWS with one of everything, each called `there`, and what it all is."""

    def __init__(self, aws: Aws):
        self.aws, self.sender = aws, Sender(aws.root)
        self.client = functools.cache(aws.client)
        self.answered: Counter[int] = Counter()
        self.logged = len(self.log())
        role = self.client("iam").create_role(RoleName="there", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        s3 = self.client("s3")
        s3.create_bucket(Bucket="there")
        s3.put_object(Bucket="there", Key="there", Body=b"1")
        dynamodb = self.client("dynamodb")
        table = dynamodb.create_table(
            TableName="there", KeySchema=[{"AttributeName": "there", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "there", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})["TableDescription"]
        dynamodb.put_item(TableName="there", Item={"there": {"S": "there"}})
        function = self.client("lambda").create_function(
            FunctionName="there", Role=role, Runtime="python3.12", Handler="function.handler",
            Code={"ZipFile": function_package("def handler(event, context):\n    return 1\n")})["FunctionArn"]
        self.client("lambda").get_waiter("function_active_v2").wait(FunctionName="there")
        stream = self.client("firehose").create_delivery_stream(
            DeliveryStreamName="there", ExtendedS3DestinationConfiguration={
                "RoleARN": role, "BucketARN": "arn:aws:s3:::there"})["DeliveryStreamARN"]
        self.client("glue").create_database(DatabaseInput={"Name": "there"})
        self.client("glue").create_table(DatabaseName="there", TableInput={"Name": "there", "StorageDescriptor": {
            "Columns": [{"Name": "there", "Type": "string"}], "Location": "s3://there/"}})
        self.client("athena").create_work_group(Name="there")
        queue = self.client("sqs").create_queue(QueueName="there")["QueueUrl"]
        self.client("logs").create_log_group(logGroupName="there")
        self.known = (*POLICIES, "there", role, table["TableArn"], table["LatestStreamArn"], function, stream, queue,
                      "arn:aws:s3:::there", "s3://there/", f"arn:aws:sqs:us-east-1:{role.split(':')[4]}:there")

    def holds(self) -> dict[str, object]:
        """What there is, as each service tells it."""
        told: dict[str, object] = {}
        for service, operation, request in (
                ("dynamodb", "scan", {"TableName": "there"}), ("dynamodb", "describe_table", {"TableName": "there"}),
                ("dynamodb", "list_tables", {}), ("s3", "list_buckets", {}),
                ("s3", "list_objects_v2", {"Bucket": "there"}),
                ("iam", "list_roles", {}), ("lambda", "get_function_configuration", {"FunctionName": "there"}),
                ("lambda", "list_functions", {}), ("firehose", "list_delivery_streams", {}),
                ("firehose", "describe_delivery_stream", {"DeliveryStreamName": "there"}),
                ("glue", "get_tables", {"DatabaseName": "there"}), ("glue", "get_databases", {}),
                ("athena", "list_work_groups", {}), ("sqs", "list_queues", {}),
                ("logs", "describe_log_groups", {"logGroupNamePrefix": "there"})):
            answer = getattr(self.client(service), operation)(**request)
            told[f"{service} {operation}"] = {name: value for name, value in answer.items() if name not in (
                "ResponseMetadata", "ConsumedCapacity")}
        return told

    def send(self, request: Wire) -> tuple[int, bytes]:
        """What is answered, which is never an error of the server's own."""
        status, body = self.sender.send(request)
        self.answered[status] += 1
        # 501 is S3's own word for a header that general purpose buckets do not know
        assert status < 500 or status == 501 and b"<Code>NotImplemented</Code>" in body, (status, body[:500], request)
        return status, body

    def log(self) -> str:
        return (self.aws.state / "server.log").read_text()

    def check_log(self) -> None:
        assert "Traceback" not in self.log()[self.logged:]


@pytest.fixture(scope="module")
def account(aws: Aws) -> Account:
    return Account(aws)


@pytest.fixture
def unchanged(account: Account) -> Iterator[Account]:
    """For requests none of which may change anything."""
    before = account.holds()
    yield account
    assert account.holds() == before
    account.check_log()


def test_whatever_is_sent_no_answer_is_an_error_of_the_servers(fresh_aws: Callable[..., Aws],
                                                               record_property: Callable[[str, object], None]) -> None:
    """Half as the models say, with names of what there is, so that these may also go; half with something else in some
    place."""
    account = Account(fresh_aws())
    for wild in (True, False):
        @many
        @given(requests(account.known, wild))
        def send(request: Wire) -> None:
            account.send(request)

        send()
    account.check_log()
    assert account.client("sts").get_caller_identity()["Account"] == "000000000000"
    kinds = ", ".join(f"{status}: {times:,}" for status, times in sorted(account.answered.items()))
    record_property("measured", f"requests drawn from botocore's models: {account.answered.total():,} ({kinds}), "
                                "500 and above: 0 (bound: 0)")


# -------------------------------------------------------------------------------------------------------- AWS's words


VALIDATION = {
    "dynamodb": ("ValidationException", "put_item", {"TableName": "there", "Item": {"there": {}}},
                 "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    "firehose": ("ValidationException", "put_record_batch", {"DeliveryStreamName": "there", "Records": [
        {"Data": b"a"}] * 501}, "1 validation error detected: Value .* at 'records' failed to satisfy constraint: "
                                "Member must have length less than or equal to 500"),
    "lambda": ("ValidationException", "invoke", {"FunctionName": "no such name!"},
               "1 validation error detected: Value 'no such name!' at 'functionName' failed to satisfy constraint: "
               "Member must satisfy regular expression pattern: .*"),
    "logs": ("InvalidParameterException", "create_log_group", {"logGroupName": "no such:name"},
             "1 validation error detected: Value 'no such:name' at 'logGroupName' failed to satisfy constraint: Member "
             "must satisfy regular expression pattern: .*"),
    "athena": ("InvalidRequestException", "start_query_execution", {"QueryString": "x" * 262145},
               "1 validation error detected: Value .* at 'queryString' failed to satisfy constraint: Member must have "
               "length less than or equal to 262144"),
    "iam": ("ValidationError", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": TRUST},
            r"1 validation error detected: Value 'a b' at 'roleName' failed to satisfy constraint: Member must satisfy "
            r"regular expression pattern: \[\\w\+=,.@-\]\+"),
    "sqs": ("InvalidParameterValue", "receive_message", {"QueueUrl": "there", "WaitTimeSeconds": 189},
            "Value 189 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
    "glue": ("ValidationException", "create_database", {"DatabaseInput": {"Name": "x" * 256}},
             "1 validation error detected: Value 'x+' at 'databaseInput.name' failed to satisfy constraint: Member "
             "must have length less than or equal to 255"),
}


def test_what_the_model_does_not_allow_is_told_in_awss_words(unchanged: Account) -> None:
    for service, (code, operation, request, message) in VALIDATION.items():
        with pytest.raises(ClientError) as refused:
            getattr(unchanged.client(service), operation)(**request)
        assert refused.value.response["Error"]["Code"] == code, service
        assert re.fullmatch(message, refused.value.response["Error"]["Message"], re.DOTALL), service


UNREADABLE: tuple[tuple[dict, str, str], ...] = (
    ({"TableName": 1}, "SerializationException", "NUMBER_VALUE can not be converted to String"),
    ({"TableName": ["a"]}, "SerializationException", "Start of list found where not expected."),
    ({"TableName": "abc", "Key": "a"}, "SerializationException", "Unexpected value type in payload"),
    ({"TableName": "abc", "Key": {"a": {"B": "?"}}}, "SerializationException", "Invalid base64 in a Blob"),
    ({"TableName": "abc", "ConsistentRead": "yes", "Key": {}}, "SerializationException",
     "STRING_VALUE can not be converted to Boolean"),
    ({"TableName": None}, "ValidationException",
     "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
     "Value null at 'key' failed to satisfy constraint: Member must not be null"),
    ({"TableName": "abc", "Key": {}, "ReturnConsumedCapacity": "all"}, "ValidationException",
     "1 validation error detected: Value 'all' at 'returnConsumedCapacity' failed to satisfy constraint: Member must "
     "satisfy enum value set: [INDEXES, TOTAL, NONE]"))


def test_dynamodb_tells_what_it_cannot_read(unchanged: Account) -> None:
    for content, code, message in UNREADABLE:
        status, body = unchanged.send(dynamodb("GetItem", json.dumps(content).encode()))
        told = json.loads(body)
        assert (status, told["__type"].rpartition("#")[2], told["message"]) == (400, code, message), content


def test_null_and_unknown_members_are_overlooked(unchanged: Account) -> None:
    content = {"TableName": "there", "Key": {"there": {"S": "there", "N": None}}, "ConsistentRead": None, "Unknown": {}}
    status, body = unchanged.send(dynamodb("GetItem", json.dumps(content).encode()))
    assert status == 200 and json.loads(body)["Item"] == {"there": {"S": "there"}}


def test_an_athena_tag_without_a_value_has_an_empty_one(aws: Aws) -> None:
    athena = aws.client("athena")
    athena.create_data_catalog(Name="tagged", Type="GLUE", Tags=[{"Key": "a"}])
    arn = "arn:aws:athena:us-east-1:000000000000:datacatalog/tagged"
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": ""}]
    athena.delete_data_catalog(Name="tagged")


# --------------------------------------------------------------------------------------------------- not even readable


def dynamodb(operation: str, body: bytes, **headers: str) -> Wire:
    return Wire("dynamodb", operation, "POST", "/", tuple({
        "X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
        **headers}.items()), body)


BROKEN_JSON = (b"{", b"[]", b"null", b"1", b'"a"', b"{\"a\"}", b"\xff\xfe{}", "{}".encode("utf-16"), b"{\"a\": NaN}",
               b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900,
               b"1" * 10_000, b'{"a": 1e999999}', b"\x00", b"{}" + b" " * 1_000_000 + b"{")


def test_broken_json_is_a_clients_error(unchanged: Account) -> None:
    for body in BROKEN_JSON:
        status, answer = unchanged.send(dynamodb("PutItem", body))
        assert status == 400 and b"__type" in answer, (body[:100], status)


def test_broken_json_is_a_clients_error_to_lambda_too(unchanged: Account) -> None:
    """Only an invocation takes any JSON."""
    for path in ("/2015-03-31/functions", "/2015-03-31/functions/there/invocations"):
        for body in BROKEN_JSON:
            status, _ = unchanged.send(Wire("lambda", "", "POST", path, (), body))
            assert status == 400 or path.endswith("invocations") and json.loads(body) != {}, (path, body[:100])


def test_a_value_nested_deeper_than_dynamodb_takes_is_refused(unchanged: Account) -> None:
    deep: dict = {"S": "a"}
    for _ in range(300):
        deep = {"M": {"a": deep}}
    body = json.dumps({"TableName": "there", "Item": {"there": {"S": "deep"}, "deep": deep}}).encode()
    assert unchanged.send(dynamodb("PutItem", body))[0] == 400


BROKEN_XML = (b"<", b"<a>", b"<Delete>", b"\xff", b"<a/>", b"", b'<?xml version="1.0" encoding="nonsense"?><Delete/>',
              "<Delete/>".encode("utf-16"), b"<a>" * 10_000, b"<Delete><Object><Key>" + b"a" * 2000 + b"</Key>",
              b'<!DOCTYPE a [<!ENTITY b "there">]><Delete><Object><Key>&b;</Key></Object></Delete>',
              b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&b;</Key></Object></Delete>',
              b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY a%d "%s">' % (
                  number, b"&a%d;" % (number - 1) * 10 if number else b"&a;" * 10) for number in range(9))
              + b"]><Delete><Object><Key>&a8;</Key></Object></Delete>", b"<Delete><Object/></Delete>")


def test_broken_xml_is_a_clients_error(unchanged: Account) -> None:
    """Also where the body is a policy, in JSON."""
    for method, target in (("POST", "/there?delete"), ("PUT", "/there?lifecycle"), ("PUT", "/there/there?tagging"),
                           ("PUT", "/there?policy"), ("POST", "/there/there?uploadId=a")):
        for body in BROKEN_XML:
            status, answer = unchanged.send(Wire("s3", "", method, target, (), body))
            assert 400 <= status < 500 and b"<Code>" in answer, (target, body[:100], status, answer)


PATHS = ("/..", "/../..", "/there/..", "/there/../../etc/passwd", "/there/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
         "/there/..%2f..%2f..%2fetc%2fpasswd", "/there/%2fetc%2fpasswd", "/there//etc/passwd", "/there/./.",
         "/there/%00", "/there/a%00b", "/there/%ff%fe", "/there/%c0%ae%c0%ae/", "/there/" + "a" * 1025,
         "/there/" + "a/" * 600, "/there/" + "%F0%9F%98%80" * 300, "/%2e%2e/there", "/there%00", "/THERE/a", "/a",
         "/" + "b" * 300 + "/a", "//",
         "///there", "/there/a?versionId=../..", "/there/a?partNumber=-1&uploadId=..", "/there/a%0d%0aX:y",
         "/there/a?X-Amz-Signature=a", "/there/\\..\\..\\a", "/there/con", "/there/a?%ff=%fe", "/there/.metadata",
         "/%5f%5f/_ministack/reset", "/there/%5f", "/there/there/", "/there/there/a/b")


def test_no_path_leads_out_of_a_bucket_or_breaks_the_server(unchanged: Account) -> None:
    """Reading and removing. A key may be anything, so what writing makes is removed again, by the same path."""
    outside = {str(file) for file in unchanged.aws.state.parent.rglob("*")}
    for path in PATHS:
        for method in ("GET", "HEAD", "DELETE", "PUT", "DELETE", "POST"):
            request = Wire("s3", "", method, path, (), b"2" if method == "PUT" else b"")
            status, body = unchanged.send(request)
            assert b"root:" not in body and (status < 300 or status >= 400), (method, path, status)
    left = {str(file) for file in unchanged.aws.state.parent.rglob("*")} - outside
    assert [file for file in left if not file.startswith(str(unchanged.aws.state))] == []


def test_a_compressed_body_is_read_as_far_as_the_service_takes_it(unchanged: Account) -> None:
    """https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait"""
    good = gzip.compress(b'{"TableName": "there"}')
    assert unchanged.send(dynamodb("DescribeTable", good, **{"Content-Encoding": "gzip"}))[0] == 200
    for body, status in ((gzip.compress(b" " * 20_000_000), 413), (good[:-4], 400), (b"{}", 400)):
        assert unchanged.send(dynamodb("DescribeTable", body, **{"Content-Encoding": "gzip"}))[0] == status
