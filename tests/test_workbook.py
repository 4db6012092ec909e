"""Where the notebooks run, and what they say when something is not as it should be."""
from __future__ import annotations

import json
import os
import re
import socket
from unittest import mock

import awswrangler
import boto3
import botocore.session
import nbformat
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from nbclient import NotebookClient

import workbook
from bench_parts.function_package import function_package

SERVICES = ("athena", "dynamodb", "dynamodbstreams", "firehose", "glue", "iam", "lambda", "logs",
            "resourcegroupstaggingapi", "s3", "sts")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """What `connect` does to the environment and to boto3's default session ends with the test."""
    ours = ("AWS_", "AUDIT_", "SAGEMAKER_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with mock.patch.dict(os.environ, clean, clear=True):
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


@pytest.fixture
def local(aws, monkeypatch):
    monkeypatch.setenv("AUDIT_LOCAL_PORT", str(aws.port))
    monkeypatch.setenv("AUDIT_LOCAL_STATE", str(aws.state))
    return aws


@pytest.fixture
def reached(monkeypatch):
    """The hosts that anything tries to connect to; none but the loopback is let through."""
    hosts, real = set(), socket.socket.connect

    def connect(self, address):
        if isinstance(address, tuple):
            hosts.add(address[0])
            assert address[0] in workbook.LOOPBACK, f"{address} was called"
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return hosts


def client_error(code, message="said AWS", operation="GetCallerIdentity"):
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, operation)


# ------------------------------------------------------------------------------------ local: nothing leaves the machine


@pytest.fixture
def a_machine_set_up_for_aws(tmp_path, monkeypatch):
    """Real-looking keys, a profile, endpoints of single services, a proxy: all that could lead a request astray."""
    config = tmp_path / "config"
    config.write_text("[default]\nservices = elsewhere\n[profile work]\nregion = eu-west-1\n"
                      "[services elsewhere]\ns3 =\n  endpoint_url = https://s3.example.com\n")
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
                           "[work]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n")
    for name, value in {
        "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com", "AWS_ENDPOINT_URL": "https://example.com",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_USE_FIPS_ENDPOINT": "true", "HTTP_PROXY": "http://proxy.example.com:3128",
        "http_proxy": "http://proxy.example.com:3128",
    }.items():
        monkeypatch.setenv(name, value)


def test_with_the_local_target_no_request_leaves_the_machine(local, a_machine_set_up_for_aws, reached, capsys):
    session = workbook.connect()
    for made in (session, boto3, boto3.Session()):
        for service in SERVICES:
            client = made.client(service)
            assert client.meta.endpoint_url == local.endpoint, service
            assert client._request_signer._credentials.access_key == local.status()["access_key_id"]
        made.client("dynamodb").list_tables()
    awswrangler.catalog.databases()
    botocore.session.get_session().create_client("s3").list_buckets()
    assert reached == {"127.0.0.1"}
    assert capsys.readouterr().out == ("Everything happens on the local AWS on this machine, in region us-east-1: no "
                                       "account, no cost.\n")


@pytest.mark.parametrize("endpoint", ["https://dynamodb.us-east-1.amazonaws.com", "http://127.0.0.1.example.com:4566"])
def test_even_an_endpoint_given_by_hand_is_refused(local, reached, endpoint):
    session = workbook.connect()
    with pytest.raises(workbook.WorkbookError, match="is not sent.*AUDIT_TARGET=aws"):
        session.client("dynamodb", endpoint_url=endpoint).list_tables()
    assert reached <= {"127.0.0.1"}


def test_the_tests_may_be_another_identity_of_the_local_aws(local, monkeypatch):
    user = local.client("iam")
    name = "a-learner"
    user.create_user(UserName=name)
    key = user.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AUDIT_LOCAL_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AUDIT_LOCAL_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    session = workbook.connect()
    assert session.client("sts").get_caller_identity()["Arn"].endswith(f"user/{name}")
    with pytest.raises(ClientError) as caught:
        session.client("dynamodb").list_tables()
    assert workbook.explain(caught.value).startswith("A permission is missing for ListTables")


def test_a_local_aws_that_answers_from_elsewhere_is_refused(monkeypatch):
    monkeypatch.setattr(workbook, "_local_status", lambda: {"running": True, "endpoint": "http://10.0.0.1:4566"})
    with pytest.raises(workbook.WorkbookError, match="10.0.0.1.*nothing is sent"):
        workbook.connect()


def test_connect_starts_the_local_aws_again_with_all_that_it_held(fresh_aws, monkeypatch, capsys):
    aws = fresh_aws()
    monkeypatch.setenv("AUDIT_LOCAL_PORT", str(aws.port))
    monkeypatch.setenv("AUDIT_LOCAL_STATE", str(aws.state))
    queue = {"TableName": "Kept", "BillingMode": "PAY_PER_REQUEST",
             "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
             "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    session = workbook.connect()
    session.client("dynamodb").create_table(**queue)
    aws.stop()
    with pytest.raises(EndpointConnectionError) as caught:
        session.client("dynamodb").list_tables()
    assert workbook.explain(caught.value).startswith("The local AWS does not answer any more. Run the first code cell")
    assert workbook.connect().client("dynamodb").list_tables()["TableNames"] == ["Kept"]
    assert "Starting the local AWS" in capsys.readouterr().out


def test_a_local_aws_that_cannot_start_says_why(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("AUDIT_LOCAL_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("AUDIT_LOCAL_STATE", str(tmp_path))
        with pytest.raises(workbook.WorkbookError, match=r"cannot be started: Port \d+ is taken"):
            workbook.connect()


# --------------------------------------------------------------------------------------------------- which target it is


def test_studio_is_recognised_by_what_studio_sets(tmp_path):
    metadata = tmp_path / "resource-metadata.json"
    assert not workbook.in_studio({"HOME": "/home/sagemaker-user"}, metadata)
    assert workbook.in_studio({"SAGEMAKER_APP_TYPE": "JupyterLab"}, metadata)
    metadata.write_text(json.dumps({"AppType": "JupyterLab", "DomainId": "d-1", "UserProfileName": "me"}))
    assert workbook.in_studio({}, metadata)
    metadata.write_text(json.dumps({  # a notebook instance is not Studio, and nobody has asked it to work on AWS
        "ResourceArn": "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/mine", "ResourceName": "mine"}))
    assert not workbook.in_studio({}, metadata)
    metadata.write_text("{")
    assert not workbook.in_studio({}, metadata)


@pytest.mark.parametrize("variables, target", [
    ({}, "local"),
    ({"SAGEMAKER_APP_TYPE": "JupyterLab"}, "aws"),
    ({"SAGEMAKER_APP_TYPE": "JupyterLab", "AUDIT_TARGET": "local"}, "local"),
    ({"AUDIT_TARGET": "aws"}, "aws"),
    ({"AUDIT_TARGET": " AWS "}, "aws"),
])
def test_the_target(variables, target, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(workbook, "_connect_local", lambda: "local")
    monkeypatch.setattr(workbook, "_connect_aws", lambda: "aws")
    assert workbook.connect() == target


def test_an_unknown_target(monkeypatch):
    monkeypatch.setenv("AUDIT_TARGET", "azure")
    with pytest.raises(workbook.WorkbookError, match="AUDIT_TARGET is 'azure'. Set it to 'local' or 'aws'"):
        workbook.connect()


# ----------------------------------------------------------------------------------------------- aws: whoever cannot go


@pytest.fixture
def aws_target(tmp_path, monkeypatch):
    for name, value in {"AUDIT_TARGET": "aws", "AWS_CONFIG_FILE": str(tmp_path / "config"),
                        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_DEFAULT_REGION": "eu-west-1",
                        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)


def test_identity_account_and_region_are_shown_first(aws_target, monkeypatch, capsys):
    me = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me"}
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lambda *_: me)
    assert workbook.connect().region_name == "eu-west-1"
    assert re.search(r"on AWS, in account 123456789012 and region eu-west-1, as arn:aws:iam::123456789012:user/me",
                     capsys.readouterr().out)


def test_the_region_may_come_from_aws_region(aws_target, monkeypatch):
    """boto3 itself does not read it, nor does botocore, with which the function makes its client while it is imported
    in Part 2."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lambda *_: {"Account": "1", "Arn": "a"})
    assert workbook.connect().region_name == "eu-north-1"
    client = botocore.session.get_session().create_client("firehose")
    assert client.meta.region_name == "eu-north-1"


def test_no_region(aws_target, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(workbook.WorkbookError, match="No AWS region is set. Set AWS_DEFAULT_REGION"):
        workbook.connect()


def test_no_credentials(aws_target, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.retrieve_full_uri", mock.Mock(side_effect=OSError))
    with pytest.raises(workbook.WorkbookError, match="no AWS credentials.*Sign in.*or unset AUDIT_TARGET"):
        workbook.connect()


def test_a_profile_that_is_not_there(aws_target, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(workbook.WorkbookError, match="nobody.*Sign in"):
        workbook.connect()


@pytest.mark.parametrize("code, sentence", [
    ("ExpiredToken", "no longer valid.*Sign in again"),
    ("InvalidClientTokenId", "either they are wrong, or the region is not enabled.*AWS_DEFAULT_REGION"),
    ("AccessDenied", "A permission is missing for GetCallerIdentity.*README"),
])
def test_credentials_that_aws_does_not_take(aws_target, monkeypatch, code, sentence):
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", mock.Mock(side_effect=client_error(code)))
    with pytest.raises(workbook.WorkbookError, match=sentence):
        workbook.connect()


def test_a_kernel_does_not_change_sides(local, monkeypatch):
    workbook.connect()
    monkeypatch.setenv("AUDIT_TARGET", "aws")
    with pytest.raises(workbook.WorkbookError, match="has been working on the local AWS. Restart it"):
        workbook.connect()


# ----------------------------------------------------------------------------------------------- errors in one sentence


@pytest.mark.parametrize("error, sentence", [
    (client_error("ExpiredTokenException"), "no longer valid"),
    (client_error("UnrecognizedClientException"), "region is not enabled"),
    (client_error("AccessDeniedException", "not authorized to perform: dynamodb:CreateTable", "CreateTable"),
     "A permission is missing for CreateTable: not authorized to perform: dynamodb:CreateTable"),
    (client_error("AccessDeniedException", "Insufficient Lake Formation permission(s) on order_events"),
     "Lake Formation, and not IAM alone.*permission\\(s\\) on order_events.*Use only IAM access control"),
    (client_error("BucketAlreadyExists"), "belongs to another AWS account.*AWS_DEFAULT_REGION.*01_create_a_dynamodb"),
    (NoCredentialsError(), "Sign in"),
    (EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/"), "local AWS does not answer.*first code cell"),
    (EndpointConnectionError(endpoint_url="https://sts.mars-1.amazonaws.com/"), "'sts.mars-1.amazonaws.com' a region"),
    (awswrangler.exceptions.QueryFailed("COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
     "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved. Correct the SQL"),
    (awswrangler.exceptions.QueryFailed("HIVE_CURSOR_ERROR: Failed to read file at s3://b/events/dt=2026-01-01/a.gz"),
     r"SQL is fine, but Athena cannot read events/dt=2026-01-01/a\.gz \(HIVE_CURSOR_ERROR.*set_aside.*06_prove"),
    (workbook.WorkbookError("as it is"), "as it is"),
])
def test_an_error_that_a_learner_meets_is_explained(error, sentence):
    assert re.search(sentence, workbook.explain(error))


@pytest.mark.parametrize("error", [ValueError("x"), client_error("ValidationException"), KeyError("state")])
def test_any_other_error_is_not(error):
    assert workbook.explain(error) is None


def test_a_notebook_shows_the_sentence_and_other_errors_whole(local, tmp_path):
    cells = ["import sys; sys.path.insert(0, " + repr(os.path.dirname(workbook.__file__)) + ")\n"
             "import workbook\nsession = workbook.connect()",
             "session.client('s3', endpoint_url='https://s3.amazonaws.com').list_buckets()",
             "raise workbook.NoCredentialsError()",
             "workbook.needs(5, session)",
             "def deep():\n    return 1 / 0\n\n\ndeep()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    shown = ["\n".join(cell.outputs[-1].get("traceback", [])) for cell in notebook.cells[1:]]
    assert re.fullmatch(r"You work on the local AWS, so the request to s3.amazonaws.com is not sent\. [^\n]*", shown[0])
    assert re.fullmatch(r"NoCredentialsError: There are no AWS credentials to work with [^\n]*", shown[1])
    assert "\n" not in shown[2] and "Run 0" in shown[2]
    assert "deep" in shown[3] and "ZeroDivisionError" in shown[3]


# ------------------------------------------------------------------------------------------- names, order, and waiting


def test_names_follow_from_account_and_region_alone(local):
    session = workbook.connect()
    its = workbook.names(session)
    assert its.bucket == "orders-audit-000000000000-us-east-1" and its.partition == "aws"
    assert its.failures_bucket == "orders-audit-failures-000000000000-us-east-1"
    assert len(workbook.Names("1" * 12, "ap-southeast-2").failures_bucket) <= 63
    assert its.table_arn == "arn:aws:dynamodb:us-east-1:000000000000:table/Orders"
    assert workbook.Names("1", "cn-north-1", "aws-cn").delivery_stream_arn == \
        "arn:aws-cn:firehose:cn-north-1:1:deliverystream/OrdersAuditFirehose"


def test_what_is_gone_is_not_still_there(fresh_aws, monkeypatch):
    """One of each kind that AWS's list of tagged resources shows, by the ARN that stands in it."""
    aws = fresh_aws()
    monkeypatch.setenv("AUDIT_LOCAL_PORT", str(aws.port))
    monkeypatch.setenv("AUDIT_LOCAL_STATE", str(aws.state))
    session = workbook.connect()
    its, tags = workbook.names(session), {"project": "orders-audit"}
    arns = [its.table_arn, its.function_arn, its.log_group_arn, its.delivery_stream_arn, its.bucket_arn,
            its.failures_bucket_arn, its.failures_queue_arn, its._arn("glue", f"database/{its.database}"),
            its._arn("athena", f"workgroup/{its.workgroup}"), its._arn("lambda", "event-source-mapping:none-such")]
    assert [arn for arn in arns if workbook.still_there(session, arn)] == []
    session.client("dynamodb").create_table(
        TableName=its.table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}])
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]},
        "Action": "sts:AssumeRole"}]}
    role = session.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    session.client("lambda").create_function(
        FunctionName=its.function, Role=role, Runtime="python3.12", Handler="code.handler",
        Code={"ZipFile": function_package("", "code.py")})
    session.client("logs").create_log_group(logGroupName=its.log_group)
    for bucket in (its.bucket, its.failures_bucket):
        session.client("s3").create_bucket(Bucket=bucket)
    session.client("firehose").create_delivery_stream(
        DeliveryStreamName=its.delivery_stream,
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": its.bucket_arn})
    session.client("sqs").create_queue(QueueName=its.failures_queue)
    session.client("glue").create_database(DatabaseInput={"Name": its.database}, Tags=tags)
    session.client("athena").create_work_group(Name=its.workgroup)
    assert [arn for arn in arns if not workbook.still_there(session, arn)] == arns[-1:]


def test_a_part_run_too_early_names_the_notebook_to_run(fresh_aws, monkeypatch):
    aws = fresh_aws()
    monkeypatch.setenv("AUDIT_LOCAL_PORT", str(aws.port))
    monkeypatch.setenv("AUDIT_LOCAL_STATE", str(aws.state))
    session = workbook.connect()
    for part in (1, 5):
        with pytest.raises(workbook.WorkbookError, match=rf"needs what Part 1 makes.*Run {workbook.NOTEBOOKS[1]} from"):
            workbook.needs(part, session)
    session.client("dynamodb").create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}])
    workbook.needs(1, session)
    with pytest.raises(workbook.WorkbookError, match=rf"Part 2 makes.*Run {workbook.NOTEBOOKS[2]}"):
        workbook.needs(3, session)


def test_only_the_local_aws_is_told_to_fail(local, capsys):
    session = workbook.connect()
    assert workbook.inject(session, "throttle_firehose", count=0)
    assert workbook.injected(session, "throttle_firehose") == 0
    with pytest.raises(workbook.WorkbookError, match="does not know this fault: fault must be one of"):
        workbook.inject(session, "earthquake")
    capsys.readouterr()
    elsewhere = boto3.Session(region_name="eu-west-1")
    with mock.patch.dict(os.environ):
        del os.environ["AWS_ENDPOINT_URL"]
        assert not workbook.inject(elsewhere, "throttle_firehose", count=2)
    assert capsys.readouterr().out == "Skipped: only the local AWS can be told to fail.\n"
    workbook._faults(local.endpoint, "DELETE")  # others share this local AWS


def test_every_notebook_that_a_message_names_is_there():
    folder = os.path.dirname(workbook.__file__)
    assert all(os.path.exists(os.path.join(folder, name)) for name in workbook.NOTEBOOKS.values())


def test_waiting_returns_what_it_waited_for_with_a_dot_a_second(capsys):
    answers = iter([*[None] * 4, "there"])
    assert workbook.wait_for("it", lambda: next(answers), every=0.4) == "there"
    assert capsys.readouterr().out == "Waiting for it: .ready\n"


def test_waiting_ends_with_what_aws_said_last(capsys):
    def check():
        raise client_error("InvalidParameterValueException", "The role cannot be assumed by Lambda.", "CreateFunction")

    with pytest.raises(workbook.WorkbookError, match="After 0.2 seconds .* sign of the role.*cannot be assumed.*again"):
        workbook.wait_for("the role", check, seconds=0.2, every=0.05, not_yet="cannot be assumed")
    with pytest.raises(ClientError):
        workbook.wait_for("the role", check, seconds=5, not_yet="Cannot access stream")
    with pytest.raises(workbook.WorkbookError, match="sign of it. First Part 3.$"):
        workbook.wait_for("it", lambda: None, seconds=0, advice="First Part 3.")


def test_creating_says_whether_it_was_there(capsys):
    with workbook.create_or_find("Table", KeyError):
        pass
    with workbook.create_or_find("Table", KeyError):
        raise KeyError
    with workbook.delete_if_there("Table", KeyError):
        raise KeyError
    with pytest.raises(ValueError), workbook.create_or_find("Table", KeyError):
        raise ValueError
    assert capsys.readouterr().out == "Table: created\nTable: already there\nTable: gone\n"
