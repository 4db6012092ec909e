"""The trigger through boto3, rule by rule of the Lambda guide.

Pages, under https://docs.aws.amazon.com/lambda/latest/dg/: with-ddb (polling, batching, starting positions, concurrent
batches), services-ddb-params (settings and defaults), services-dynamodb-errors (retries, age, bisecting, destinations),
services-ddb-batchfailurereporting (partial responses), invocation-eventfiltering (filters).
"""
from __future__ import annotations

import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from triggered_table import READ_STREAM, TELL, WRITE_LOGS, TriggeredTable, client, eventually, package

# Cannot digest an item whose id starts with 'bad'.
FRAGILE = """
def handler(event, context):
    tell(event)
    if any(key.startswith("bad") for key in keys(event)):
        raise ValueError("bad record")
"""


def queue(aws, name: str) -> tuple[str, str]:
    sqs = client(aws, "sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def message(aws, url: str) -> dict:
    return json.loads(eventually(lambda: client(aws, "sqs").receive_message(
        QueueUrl=url, WaitTimeSeconds=1).get("Messages"))[0]["Body"])


def test_what_the_function_gets(aws):
    """with-ddb, 'Example event'. That the time is a float, and the event's ID 32 hexadecimal digits, is as LocalStack
    recorded them on AWS, 25 November 2025."""
    line = TriggeredTable(aws, "def handler(event, context):\n    print('EVENT ' + json.dumps(event))\n")
    line.put("item", amount={"N": "1.10"}, raw={"B": b"\x00\xff"}, tags={"SS": ["a"]}, no={"NULL": True})
    (event,) = eventually(lambda: [json.loads(said[6:]) for said in line.said() if said.startswith("EVENT ")])
    (record,) = event["Records"]
    assert re.fullmatch("[0-9a-f]{32}", record["eventID"])
    assert record["eventName"] == "INSERT" and record["eventSource"] == "aws:dynamodb"
    assert record["eventSourceARN"] == line.stream and record["awsRegion"] == "us-east-1"
    assert set(record) == {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb",
                           "eventSourceARN"}
    body = record["dynamodb"]
    assert body["NewImage"] == {"id": {"S": "item"}, "amount": {"N": "1.1"}, "raw": {"B": "AP8="},
                                "tags": {"SS": ["a"]}, "no": {"NULL": True}}
    assert body["Keys"] == {"id": {"S": "item"}} and body["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert isinstance(body["ApproximateCreationDateTime"], float) and 21 <= len(body["SequenceNumber"]) <= 40


def test_starting_positions(aws):
    """with-ddb, 'Polling and stream starting positions'."""
    line = TriggeredTable(aws, trigger=False)
    line.put("before")
    line.uuid = line.connect(StartingPosition="LATEST")
    line.put("after")
    eventually(lambda: line.delivered() == ["after"])
    line.lambda_.delete_event_source_mapping(UUID=line.uuid)
    with pytest.raises(line.lambda_.exceptions.ResourceNotFoundException):
        eventually(lambda: line.mapping()["State"] != "Deleting")
    line.uuid = line.connect(StartingPosition="TRIM_HORIZON")
    eventually(lambda: line.delivered() == ["after", "before", "after"])


def test_batch_size_and_window(aws):
    """with-ddb: 'Lambda continues to read records until it has gathered a full batch, or until the batching window
    expires.'"""
    line = TriggeredTable(aws, BatchSize=4, MaximumBatchingWindowInSeconds=60)
    line.put("a", "b", "c", "d")
    eventually(lambda: line.batches() == [["a", "b", "c", "d"]], what="a full batch before the window's end")
    line.update(MaximumBatchingWindowInSeconds=3)
    line.put("e")
    line.put("f", "g")
    eventually(lambda: line.batches()[1:] == [["e", "f", "g"]], what="the rest together, at the window's end")


def test_an_event_is_no_larger_than_6_mb(aws):
    """gettingstarted-limits: 6 MB for a synchronous invocation; with-ddb: 'the batch size reaches 6 MB'."""
    line = TriggeredTable(
        aws, "def handler(event, context):\n    tell(event)\n    print('SIZE', len(json.dumps(event)))\n",
        trigger=False, timeout=30)
    names = [f"item{number:02}" for number in range(18)]
    line.put(*names, filling={"S": "x" * 390_000})
    line.uuid = line.connect(BatchSize=1000)
    eventually(lambda: line.delivered() == names)
    sizes = [int(said.split()[1]) for said in line.said() if said.startswith("SIZE ")]
    assert max(sizes) <= 6 * 1024 * 1024 and len(sizes) >= 2


def test_a_failed_batch_is_sent_again_and_later_records_wait(aws):
    """services-dynamodb-errors: 'a bad record can block processing on the affected shard'."""
    line = TriggeredTable(aws, FRAGILE)
    line.put("bad")
    eventually(lambda: len(line.batches()) >= 3)
    assert line.mapping()["LastProcessingResult"] == "PROBLEM: Function call failed"
    line.put("good")
    line.deploy(TELL)
    eventually(lambda: line.delivered()[-1:] == ["good"])
    assert set(line.delivered()[:-1]) == {"bad"}
    assert line.mapping()["LastProcessingResult"] == "OK"


def test_discarded_records_are_told_to_a_queue(aws):
    """services-dynamodb-errors, 'Example Amazon SNS and Amazon SQS invocation record'."""
    url, arn = queue(aws, f"failures-{time.time_ns()}")
    line = TriggeredTable(aws, FRAGILE, allow=[{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}],
                    MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": arn}})
    line.put("bad")
    told = message(aws, url)
    line.put("good")
    eventually(lambda: line.delivered()[-1:] == ["good"])
    assert line.batches() == [["bad"]] * 3 + [["good"]]
    record = line.records()[0]
    number, created = record["dynamodb"]["SequenceNumber"], record["dynamodb"]["ApproximateCreationDateTime"]
    arrival = f"{created.astimezone(tz=None).utctimetuple().tm_year}"
    assert told["requestContext"].pop("requestId")
    assert told["requestContext"] == {"functionArn": line.function, "condition": "RetryAttemptsExhausted",
                                      "approximateInvokeCount": 3}
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert told["version"] == "1.0" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])
    batch = told["DDBStreamBatchInfo"]
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"] == number and batch["batchSize"] == 1
    assert batch["approximateArrivalOfFirstRecord"].startswith(arrival) and batch["streamArn"] == line.stream
    assert batch["shardId"].startswith("shardId-") and "payload" not in told


def test_a_topic_is_told_too(aws):
    """services-dynamodb-errors, 'Configuring destinations': a topic needs sns:Publish."""
    sns, name = client(aws, "sns"), f"failures-{time.time_ns()}"
    url, queue_arn = queue(aws, name)
    topic = sns.create_topic(Name=name)["TopicArn"]
    client(aws, "sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": queue_arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    line = TriggeredTable(aws, FRAGILE, allow=[{"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}],
                    MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}})
    line.put("bad")
    told = json.loads(message(aws, url)["Message"])
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1 and "payload" not in told


def test_a_bucket_gets_the_whole_records(aws):
    """services-dynamodb-errors, 'Example Amazon S3 invocation record': the payload is the event as an escaped JSON
    string, the key aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>. Bisecting brings it
    down to the bad record alone and does not use up the retries."""
    s3, bucket = client(aws, "s3"), f"failures-{time.time_ns()}"
    s3.create_bucket(Bucket=bucket)
    allow = [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
             {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]
    line = TriggeredTable(aws, FRAGILE, trigger=False, allow=allow)
    line.put_together("a", "b", "bad", "c", "d")
    line.uuid = line.connect(MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
                             DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}})
    found = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    shard = line.streams.describe_stream(
        StreamArn=line.stream)["StreamDescription"]["Shards"][0]["ShardId"]
    assert re.fullmatch(
        rf"aws/lambda/{line.uuid}/{shard}/(\d{{4}})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}",
        found[0]["Key"])
    told = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    (record,) = json.loads(told["payload"])["Records"]
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "bad"}} and record["eventSourceARN"] == line.stream
    eventually(lambda: line.delivered()[-2:] == ["c", "d"])
    found = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert len(found) == 1 and line.batches().count(["bad"]) == 2  # one attempt and one retry, alone
    assert line.delivered().index("a") < line.delivered().index("bad") < line.delivered().index("c")


def test_partial_batch_responses(aws):
    """services-ddb-batchfailurereporting: the record with the lowest sequence number is the checkpoint."""
    line = TriggeredTable(aws, """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    tell(event)
    if calls == 1:
        failed = [number for number, key in zip(numbers(event), keys(event)) if key in ("d", "c")]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in reversed(failed)]}
""", trigger=False)
    line.put_together("a", "b", "c", "d", "e")
    line.uuid = line.connect(FunctionResponseTypes=["ReportBatchItemFailures"])
    eventually(lambda: len(line.batches()) == 2)
    assert line.batches() == [["a", "b", "c", "d", "e"], ["c", "d", "e"]]


def test_partial_batch_responses_need_to_be_turned_on(aws):
    """services-ddb-batchfailurereporting, the note."""
    line = TriggeredTable(aws, """
def handler(event, context):
    tell(event)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers(event)]}
""")
    line.put("a")
    eventually(lambda: line.batches() == [["a"]])
    line.put("b")
    eventually(lambda: line.batches() == [["a"], ["b"]])


def test_concurrent_batches_keep_the_order_of_an_item(aws):
    """with-ddb: ParallelizationFactor processes batches of a shard at once, 'still ensuring in-order processing at the
    item level'."""
    line = TriggeredTable(aws, """
def handler(event, context):
    begun = time.time()
    time.sleep(0.15)
    print("RUN " + json.dumps([begun, time.time(), [[record["dynamodb"]["Keys"]["id"]["S"],
          record["dynamodb"]["NewImage"]["version"]["N"]] for record in event["Records"]]]))
""", trigger=False)
    for version in range(4):
        line.put(*(f"item{number}" for number in range(12)), version={"N": str(version)})
    line.uuid = line.connect(ParallelizationFactor=4, BatchSize=3)
    runs = eventually(lambda: [found for found in [[json.loads(said[4:]) for said in line.said()
                                                    if said.startswith("RUN ")]]
                               if sum(len(run[2]) for run in found) == 48])[0]
    for number in range(12):
        own = sorted((run for run in runs if any(key == f"item{number}" for key, _ in run[2])), key=lambda run: run[0])
        versions = [version for run in own for key, version in run[2] if key == f"item{number}"]
        assert versions == ["0", "1", "2", "3"]
        assert all(one[1] <= other[0] for one, other in zip(own, own[1:], strict=False))
    moments = sorted([(run[0], 1) for run in runs] + [(run[1], -1) for run in runs])
    most = depth = 0
    for _, step in moments:
        depth += step
        most = max(most, depth)
    assert 2 <= most <= 4


def test_disabling_keeps_the_records_waiting(aws):
    """API_UpdateEventSourceMapping, Enabled: 'pauses polling'."""
    line = TriggeredTable(aws)
    line.put("a")
    eventually(lambda: line.mapping()["State"] == "Enabled" and line.delivered() == ["a"])
    line.update(Enabled=False)
    eventually(lambda: line.mapping()["State"] == "Disabled")
    line.put("b")
    line.deploy("def handler(event, context):\n    print('ENABLED')\n    tell(event)\n")
    line.update(Enabled=True)
    eventually(lambda: line.delivered() == ["a", "b"])
    said = [text for text in line.said() if text == "ENABLED" or text.startswith("BATCH")]
    assert said == ['BATCH ["a"]', "ENABLED", 'BATCH ["b"]'], "b waited for the code that was deployed after it"
    line.update(BatchSize=7)  # goes on where it was, and sends nothing again
    line.put("c")
    eventually(lambda: line.delivered() == ["a", "b", "c"])


def test_a_mapping_made_disabled_with_latest_misses_nothing_after_it(aws):
    """with-ddb, 'Polling and stream starting positions': from its creation on, locally without AWS's delay."""
    line = TriggeredTable(aws, trigger=False)
    line.put("before")
    line.uuid = line.connect(StartingPosition="LATEST", Enabled=False)
    line.put("after")
    line.update(Enabled=True)
    eventually(lambda: line.delivered() == ["after"])


def test_throttled_and_deleted_functions_use_up_no_retry(aws):
    """services-dynamodb-errors, 'Before invocation'."""
    url, arn = queue(aws, f"failures-{time.time_ns()}")
    line = TriggeredTable(aws, allow=[{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}],
                    MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})
    line.put("a")
    eventually(lambda: line.delivered() == ["a"])
    line.lambda_.put_function_concurrency(FunctionName=line.name, ReservedConcurrentExecutions=0)
    line.put("b")
    eventually(lambda: line.mapping()["LastProcessingResult"].startswith("PROBLEM"))
    line.lambda_.delete_function_concurrency(FunctionName=line.name)
    eventually(lambda: line.delivered() == ["a", "b"])
    line.lambda_.delete_function(FunctionName=line.name)
    line.put("c")
    eventually(lambda: line.mapping()["LastProcessingResult"].startswith("PROBLEM"))
    assert line.mapping()["State"] == "Enabled"
    line.lambda_.create_function(FunctionName=line.name, Runtime="python3.12", Handler="function.handler",
                                 Role=line.role, Code={"ZipFile": package(TELL)})
    eventually(lambda: line.delivered() == ["a", "b", "c"])
    assert not client(aws, "sqs").receive_message(QueueUrl=url).get("Messages")


@pytest.mark.parametrize("missing", [*READ_STREAM, "dynamodb:ListStreams"])
def test_a_role_that_cannot_read_the_stream_is_refused(aws, missing):
    """with-ddb, 'Execution role permissions'."""
    line = TriggeredTable(aws, trigger=False)
    line.permit({"Effect": "Allow", "Action": [action for action in READ_STREAM if action != missing],
                 "Resource": line.stream},
                *([{"Effect": "Allow", "Action": "dynamodb:ListStreams", "Resource": "*"}]
                  if missing != "dynamodb:ListStreams" else []))
    with pytest.raises(line.lambda_.exceptions.InvalidParameterValueException,
                       match="Cannot access stream .* Please ensure the role can perform the GetRecords"):
        line.connect()
    line.permit(*line.reading())
    assert line.connect()


def test_a_permission_taken_away_makes_records_wait(aws):
    """services-dynamodb-errors: they are read until they expire; none is lost meanwhile."""
    line = TriggeredTable(aws)
    line.put("a")
    eventually(lambda: line.delivered() == ["a"])
    line.permit({"Effect": "Allow", "Action": WRITE_LOGS, "Resource": "*"})
    line.put("b")
    eventually(lambda: line.mapping()["LastProcessingResult"].startswith("PROBLEM: Cannot access stream"))
    assert line.delivered() == ["a"]
    line.permit(*line.reading())
    eventually(lambda: line.delivered() == ["a", "b"])


def test_a_destination_needs_its_permission(aws):
    """services-dynamodb-errors: s3:ListBucket and s3:PutObject, on the whole bucket although Lambda writes below
    `aws/lambda/`: with less it is refused at once. Whoever loses it later loses no record, which is held until then."""
    s3, bucket = client(aws, "s3"), f"failures-{time.time_ns()}"
    s3.create_bucket(Bucket=bucket)
    target = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    line = TriggeredTable(aws, FRAGILE, trigger=False)
    with pytest.raises(line.lambda_.exceptions.InvalidParameterValueException, match="ListBucket"):
        line.connect(DestinationConfig=target)
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    writing = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    for too_little in ([], [{**writing, "Resource": f"arn:aws:s3:::{bucket}/aws/lambda/*"}]):
        line.permit(*line.reading(), listing, *too_little)
        with pytest.raises(line.lambda_.exceptions.InvalidParameterValueException, match="call PutObject on S3"):
            line.connect(DestinationConfig=target)
    line.uuid = line.connect()
    with pytest.raises(line.lambda_.exceptions.InvalidParameterValueException, match="call PutObject on S3"):
        line.update(DestinationConfig=target)
    line.permit(*line.reading(), listing, writing)
    line.update(DestinationConfig=target, MaximumRetryAttempts=0)
    line.permit(*line.reading(), listing)
    line.put("bad")
    eventually(lambda: line.mapping()["LastProcessingResult"] == "PROBLEM: Destination cannot be written to")
    line.put("good")
    line.permit(*line.reading(), listing, writing)
    eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    eventually(lambda: line.delivered()[-1:] == ["good"])


def test_the_settings_come_back(aws):
    """services-ddb-params and API_CreateEventSourceMapping: defaults, what was set, what an update changes."""
    line = TriggeredTable(aws, trigger=False)
    plain = line.lambda_.create_event_source_mapping(
        EventSourceArn=line.stream, FunctionName=line.name, StartingPosition="LATEST", Tags={"project": "orders"})
    assert plain["State"] == "Creating" and plain["LastProcessingResult"] == "No records processed"
    line.uuid = plain["UUID"]
    eventually(lambda: line.mapping()["State"] == "Enabled")
    expected = {
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": False, "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [], "DestinationConfig": {"OnFailure": {}}, "StartingPosition": "LATEST",
        "EventSourceArn": line.stream, "FunctionArn": line.function, "StateTransitionReason": "User action"}
    assert {name: line.mapping()[name] for name in expected} == expected
    changes = {"BatchSize": 7, "MaximumBatchingWindowInSeconds": 1, "ParallelizationFactor": 2,
               "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 3600, "BisectBatchOnFunctionError": True,
               "FunctionResponseTypes": ["ReportBatchItemFailures"],
               "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
               "MetricsConfig": {"Metrics": ["EventCount"]}}
    line.update(**changes)
    listed = line.lambda_.list_event_source_mappings(FunctionName=line.name)["EventSourceMappings"]
    for shown in (line.mapping(), *listed):
        assert {name: shown[name] for name in changes} == changes
    assert len(listed) == 1 and listed[0]["UUID"] == line.uuid
    assert line.lambda_.list_tags(Resource=line.mapping()["EventSourceMappingArn"])["Tags"] == {"project": "orders"}
    with pytest.raises(ClientError, match="Invalid filter pattern definition"):
        line.update(FilterCriteria={"Filters": [{"Pattern": "[1]"}]})
    line.update(FilterCriteria={})
    assert "FilterCriteria" not in line.mapping()


def test_one_mapping_for_a_stream_and_a_function(aws):
    """API_CreateEventSourceMapping, ResourceConflictException."""
    line = TriggeredTable(aws)
    with pytest.raises(line.lambda_.exceptions.ResourceConflictException, match=line.uuid):
        line.connect()


def unordered(message: str) -> str:
    """A message without the order in which it lists the values that are allowed: AWS's follows from a hash."""
    return re.sub(r"value set: \[(.*)\]", lambda found: f"value set: {sorted(found[1].split(', '))}", message)


@pytest.mark.parametrize("wrong, code, message", [
    ({"StartingPosition": None}, "InvalidParameterValueException",
     "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be "
     "null."),
    ({"StartingPosition": "invalid"}, "ValidationException",
     "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must "
     "satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"),
    ({"StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException",
     "Unsupported starting position for arn type: {stream}"),
    ({"FunctionName": "no-such-function"}, "InvalidParameterValueException", "Function does not exist"),
    ({"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": "INSERT"}'}]}}, "InvalidParameterValueException",
     "Invalid filter pattern definition.")])
def test_errors_say_what_aws_says(aws, settled_line, wrong, code, message):
    """LocalStack's recordings test_create_event_source_validation, test_event_source_mapping_exceptions and
    test_dynamodb_invalid_event_filter."""
    request = {"EventSourceArn": settled_line.stream, "FunctionName": settled_line.name, "StartingPosition": "LATEST",
               **wrong}
    with pytest.raises(ClientError) as refused:
        settled_line.lambda_.create_event_source_mapping(
            **{name: value for name, value in request.items() if value is not None})
    error = refused.value.response["Error"]
    assert (error["Code"], unordered(error["Message"])) == (code, unordered(message).replace(
        "{stream}", settled_line.stream))
    assert refused.value.response.get("Type") == (None if code == "ValidationException" else "User")


def test_an_error_says_whose_it_is(settled_line):
    """LocalStack's recordings of Lambda's errors: `Type` is User."""
    with pytest.raises(settled_line.lambda_.exceptions.ResourceNotFoundException) as refused:
        settled_line.lambda_.get_function(FunctionName="no-such-function")
    assert refused.value.response["Type"] == "User"
    with pytest.raises(settled_line.lambda_.exceptions.ResourceConflictException) as refused:
        settled_line.lambda_.create_function(
            FunctionName=settled_line.name, Runtime="python3.12", Handler="function.handler", Role=settled_line.role,
            Code={"ZipFile": package(TELL)})
    assert refused.value.response["Type"] == "User"


@pytest.mark.parametrize("call", ["get_event_source_mapping", "update_event_source_mapping",
                                  "delete_event_source_mapping"])
def test_an_unknown_mapping_does_not_exist(settled_line, call):
    """LocalStack's recording test_event_source_mapping_exceptions."""
    with pytest.raises(settled_line.lambda_.exceptions.ResourceNotFoundException,
                       match="The resource you requested does not exist."):
        getattr(settled_line.lambda_, call)(UUID="00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("wrong", [
    {"StartingPosition": "AT_TIMESTAMP"}, {"MaximumRecordAgeInSeconds": 59}, {"ParallelizationFactor": 11},
    {"BatchSize": 10_001}, {"BatchSize": 1001}, {"MaximumRetryAttempts": 10_001},
    {"MaximumBatchingWindowInSeconds": 301}, {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
    {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::no-such-bucket-here"}}}])
def test_settings_out_of_range_are_refused(aws, settled_line, wrong):
    """services-ddb-params and API_CreateEventSourceMapping, valid ranges."""
    with pytest.raises(ClientError) as refused:
        settled_line.connect(**wrong)
    assert refused.value.response["Error"]["Code"] in ("InvalidParameterValueException", "ValidationException")


def test_what_is_not_there_is_refused(aws, settled_line):
    """API_CreateEventSourceMapping, errors."""
    create = settled_line.lambda_.create_event_source_mapping
    gone = settled_line.stream.rsplit("/", 1)[0] + "/2020-01-01T00:00:00.000"
    settled_line.permit({"Effect": "Allow", "Action": "*", "Resource": "*"})
    with pytest.raises(settled_line.lambda_.exceptions.InvalidParameterValueException, match="Stream not found"):
        create(EventSourceArn=gone, FunctionName=settled_line.name, StartingPosition="LATEST")


@pytest.fixture(scope="module")
def settled_line(aws):
    return TriggeredTable(aws, trigger=False)


def test_filters_choose_the_records(aws):
    """invocation-eventfiltering and with-ddb-filtering: what no filter matches is passed over, not retried."""
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"amount": {"N": [{"prefix": "1"}]}}}}
    line = TriggeredTable(aws, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    line.put("a", amount={"N": "10"})
    line.put("a", amount={"N": "11"})
    line.put("b", amount={"N": "20"})
    line.put("c", amount={"N": "12"})
    eventually(lambda: line.delivered() == ["a", "c"])


def test_a_deleted_mapping_ends(aws, tmp_path):
    """API_DeleteEventSourceMapping: 'enters a Deleting state and might not be completely deleted for several
    seconds'. Its last invocation ends first."""
    line = TriggeredTable(aws, f"""
import pathlib

def handler(event, context):
    tell(event)
    here = pathlib.Path({str(tmp_path)!r})
    (here / "begun").touch()
    while not (here / "go on").exists():
        time.sleep(0.01)
    print("DONE")
""")
    line.put("a")
    eventually((tmp_path / "begun").exists, what="the invocation")
    assert line.lambda_.delete_event_source_mapping(UUID=line.uuid)["State"] == "Deleting"
    line.put("b")
    assert line.mapping()["State"] == "Deleting"
    (tmp_path / "go on").touch()
    with pytest.raises(line.lambda_.exceptions.ResourceNotFoundException):
        eventually(lambda: line.mapping()["State"] != "Deleting")
    assert line.said().count("DONE") == 1 and line.batches() == [["a"]]
    line.uuid = line.connect()  # from the beginning: the first one has not sent b as well
    eventually(lambda: line.delivered() == ["a", "a", "b"])
