"""What a call must be allowed: on what, and what else, as AWS asks it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from test_access import create_function, role, user
from triggered_table import TriggeredTable

ACCOUNT, REGION = "000000000000", "us-east-1"
TAGS = {"project": "test"}
TAG_LIST = [{"Key": "project", "Value": "test"}]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{'' if service == 'iam' else REGION}:{ACCOUNT}:{resource}"


def anyone(action: str, resource: str, **condition) -> dict:
    return {"Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


def create_table(client, name):
    return client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", Tags=TAG_LIST,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])


# What is made with tags: the permission to make it, the one to tag it, its ARN, and the call
TAGGED = {
    "athena": ("athena:CreateWorkGroup", "athena:TagResource", "workgroup/{}",
               lambda client, name: client.create_work_group(
                   Name=name, Configuration={}, Tags=TAG_LIST)),
    "dynamodb": ("dynamodb:CreateTable", "dynamodb:TagResource", "table/{}", create_table),
    "glue": ("glue:CreateDatabase", "glue:TagResource", "database/{}",
             lambda client, name: client.create_database(DatabaseInput={"Name": name}, Tags=TAGS)),
    "iam": ("iam:CreateRole", "iam:TagRole", "role/{}",
            lambda client, name: client.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=TAG_LIST)),
    "logs": ("logs:CreateLogGroup", "logs:TagResource", "log-group:{}",
             lambda client, name: client.create_log_group(logGroupName=name, tags=TAGS)),
    "sqs": ("sqs:CreateQueue", "sqs:TagQueue", "{}", lambda client, name: client.create_queue(
        QueueName=name, tags=TAGS)),
}


@pytest.mark.parametrize("service", TAGGED)
def test_what_is_made_with_tags_needs_the_permission_to_tag_it(aws, service):
    create, tag, resource, call = TAGGED[service]
    name = f"permissions-{service}-{uuid.uuid4().hex[:6]}"
    about = arn(service, resource.format(name))
    may_create = anyone(create, about if service != "glue" else "*")
    without = aws.client(service, **user(aws, f"{name}-without", may_create))
    with pytest.raises(ClientError, match=tag):
        call(without, name)
    call(aws.client(service, **user(aws, f"{name}-with", may_create, anyone(tag, about))), name)


@pytest.mark.parametrize("service", ["lambda", "firehose"])
def test_what_gets_a_role_and_tags_needs_both_permissions(aws, service):
    name = f"permissions-{service}"
    its_role = role(aws, name, f"{service}.amazonaws.com")
    create, tag, resource = {
        "lambda": ("lambda:CreateFunction", "lambda:TagResource", f"function:{name}"),
        "firehose": ("firehose:CreateDeliveryStream", "firehose:TagDeliveryStream", f"deliverystream/{name}"),
    }[service]

    def call(client):
        if service == "lambda":
            return create_function(client, name, its_role, Tags=TAGS)
        return client.create_delivery_stream(
            DeliveryStreamName=name, Tags=TAG_LIST, ExtendedS3DestinationConfiguration={
                "RoleARN": its_role, "BucketARN": "arn:aws:s3:::permissions-firehose"})

    about = arn(service, resource)
    aws.client("s3").create_bucket(Bucket="permissions-firehose")
    may_create = [anyone(create, about), anyone("iam:PassRole", its_role)]
    with pytest.raises(ClientError, match=tag):
        call(aws.client(service, **user(aws, f"{name}-without", *may_create)))
    call(aws.client(service, **user(aws, f"{name}-with", *may_create, anyone(tag, about))))


def test_a_function_is_made_only_under_the_name_that_is_allowed(aws):
    its_role = role(aws, "permissions-name", "lambda.amazonaws.com")
    client = aws.client("lambda", **user(
        aws, "permissions-name", anyone("lambda:CreateFunction", arn("lambda", "function:permissions-mine")),
        anyone("iam:PassRole", its_role)))
    with pytest.raises(ClientError, match="not authorized to perform: lambda:CreateFunction"):
        create_function(client, "permissions-other", its_role)
    create_function(client, "permissions-mine", its_role)


def test_a_trigger_is_made_and_changed_only_for_the_function_that_is_allowed(aws):
    mine, other = TriggeredTable(aws, trigger=False), TriggeredTable(aws)
    only_mine = {"ArnEquals": {"lambda:FunctionArn": mine.function}}
    client = aws.client("lambda", **user(
        aws, "permissions-trigger", anyone("lambda:CreateEventSourceMapping", "*", **only_mine),
        *(anyone(f"lambda:{verb}EventSourceMapping", arn("lambda", "event-source-mapping:*"), **only_mine)
          for verb in ("Get", "Update", "Delete"))))
    for call in (client.get_event_source_mapping, client.update_event_source_mapping,
                 client.delete_event_source_mapping):
        with pytest.raises(ClientError, match="not authorized to perform: lambda:.*EventSourceMapping"):
            call(UUID=other.uuid)
    with pytest.raises(ClientError, match="lambda:CreateEventSourceMapping"):
        client.create_event_source_mapping(EventSourceArn=other.stream, FunctionName=other.name)
    settings = {"EventSourceArn": mine.stream, "FunctionName": mine.name, "StartingPosition": "LATEST"}
    with pytest.raises(ClientError, match="lambda:TagResource"):
        client.create_event_source_mapping(**settings, Tags=TAGS)
    uuid_of_mine = client.create_event_source_mapping(**settings)["UUID"]
    assert client.get_event_source_mapping(UUID=uuid_of_mine)["FunctionArn"] == mine.function
    client.update_event_source_mapping(UUID=uuid_of_mine, BatchSize=7)
    client.delete_event_source_mapping(UUID=uuid_of_mine)


def test_versions_of_objects_are_deleted_with_the_permission_for_versions(aws):
    s3, bucket = aws.client("s3"), "permissions-versions"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    doomed = [{"Key": key, "VersionId": s3.put_object(Bucket=bucket, Key=key)["VersionId"]} for key in ("a", "b")]
    for action, refused in (("s3:DeleteObject", True), ("s3:DeleteObjectVersion", False)):
        client = aws.client("s3", **user(aws, f"permissions-{action[3:]}", anyone(action, f"arn:aws:s3:::{bucket}/*")))
        if refused:
            with pytest.raises(ClientError, match="s3:DeleteObjectVersion"):
                client.delete_objects(Bucket=bucket, Delete={"Objects": doomed})
        else:
            assert len(client.delete_objects(Bucket=bucket, Delete={"Objects": doomed})["Deleted"]) == 2


def test_a_simulation_is_about_a_principal_and_takes_the_context_that_it_is_given(aws):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"""
    its_role, other = (role(aws, f"permissions-simulated-{name}", "lambda.amazonaws.com") for name in ("a", "b"))
    passing = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    aws.client("iam").put_role_policy(RoleName="permissions-simulated-a", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **anyone("iam:PassRole", other, **passing)}]}))
    iam = aws.client("iam", **user(aws, "permissions-simulates", anyone("iam:SimulatePrincipalPolicy", its_role)))

    def decision(source, **context):
        return iam.simulate_principal_policy(
            PolicySourceArn=source, ActionNames=["iam:PassRole"], ResourceArns=[other], ContextEntries=[
                {"ContextKeyName": f"iam:{key}", "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()])["EvaluationResults"][0]["EvalDecision"]

    assert decision(its_role) == "implicitDeny"
    assert decision(its_role, PassedToService="ec2.amazonaws.com") == "implicitDeny"
    assert decision(its_role, PassedToService="lambda.amazonaws.com") == "allowed"
    with pytest.raises(ClientError, match="iam:SimulatePrincipalPolicy"):
        decision(other)


def test_a_function_gets_only_a_role_that_trusts_lambda(aws):
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""
    client = aws.client("lambda")
    for_firehose, for_lambda = (role(aws, f"permissions-trust-{service}", f"{service}.amazonaws.com")
                                for service in ("firehose", "lambda"))
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot be assumed by Lambda"):
        create_function(client, "permissions-trust", for_firehose)
    create_function(client, "permissions-trust", for_lambda)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot be assumed by Lambda"):
        client.update_function_configuration(FunctionName="permissions-trust", Role=for_firehose)


@pytest.mark.parametrize("missing", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_a_functions_log_is_written_with_its_roles_permissions(aws, missing):
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
    client, logs, iam = aws.client("lambda"), aws.client("logs"), aws.client("iam")
    name = f"permissions-{missing[5:]}"
    create_function(client, name, role(aws, name, "lambda.amazonaws.com"))
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")

    def lines(*actions: str) -> int:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", **anyone(
                list(actions), arn("logs", f"log-group:/aws/lambda/{name}:*"))}]}))
        assert "FunctionError" not in client.invoke(FunctionName=name)
        return len(logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"])

    both = ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert lines(*(action for action in both if action != missing)) == 0
    assert lines(*both) > 0
