"""Least privilege, proven: no permission is missing, and none can go.

    pytest --nbval notebooks tests/notebooks/test_least_privilege.py

The notebooks run as a person with exactly the permissions of the policy file, against a local AWS that enforces IAM:
that none is missing shows in their passing. All that IAM decided on the way, for the person and for the roles that the
notebooks make, is asked again of the same IAM under the policy less one action, for each action of each statement: a
call that was allowed must be refused, and the first step that makes such a call is the one that would fail.
"""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from environments import SetupError, ensure, requirements
from least_privilege import EXERCISES, POLICIES, RUN, Walk, as_list, policy_of, without_each_action
from unavailable import unavailable
from written import keep_written

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = POLICIES / "README.md"
EVALUATED = "<!-- From here on written by tests/notebooks/test_least_privilege.py -->"
AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
FUNCTION_ROLE, FIREHOSE_ROLE = "OrdersStreamProcessorRole", "OrdersAuditFirehoseRole"

# What AWS lets nobody limit to a resource, and where it says so
NO_NARROWER = {
    "dynamodb:ListStreams": "amazondynamodb.html",
    "lambda:CreateEventSourceMapping": "awslambda.html",  # a condition limits it to one function
    "lambda:ListEventSourceMappings": "awslambda.html",
    "logs:DescribeLogGroups": "amazoncloudwatchlogs.html",
    "tag:GetResources": "amazonresourcegrouptaggingapi.html",
}

# What AWS asks and the local AWS does not: whose permission it is, what needs it, and where AWS says so
_LARGE = "05, Ask", "https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html"
_FIREHOSE = ("04, See the waiting changes arrive",
             "https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3")
NOT_ASKED = {
    ("person", "glue:BatchGetPartition"): (
        "07, Compact the audit",
        "https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"),
    **{("person", f"glue:{action}"): ("07, Compact the audit", _LARGE[1])
       for action in ("CreatePartition", "GetPartition", "UpdatePartition")},
    ("person", "s3:AbortMultipartUpload"): _LARGE,
    ("person", "s3:ListBucketMultipartUploads"): _LARGE,
    ("person", "s3:ListMultipartUploadParts"): _LARGE,
    (FIREHOSE_ROLE, "s3:AbortMultipartUpload"): _FIREHOSE,
    (FIREHOSE_ROLE, "s3:GetBucketLocation"): _FIREHOSE,
    (FIREHOSE_ROLE, "s3:ListBucket"): _FIREHOSE,
    (FIREHOSE_ROLE, "s3:ListBucketMultipartUploads"): _FIREHOSE,
}

# What a role does of itself, sooner or later: the step that waits for it
WAITED_FOR = {
    (FUNCTION_ROLE, "logs:CreateLogStream"): "07, Measure your own run",
    (FUNCTION_ROLE, "logs:PutLogEvents"): "07, Measure your own run",
    (FUNCTION_ROLE, "firehose:PutRecordBatch"): "04, See the waiting changes arrive",
    (FIREHOSE_ROLE, "s3:PutObject"): "04, See the waiting changes arrive",
}

# Steps that go on when a call of theirs is refused, as tests/test_removals.py has found
TOLERATED = {
    # boto3's waiter knows from the refusal that the bucket exists
    ("person", "s3:ListBucket", "04, Create the bucket"),
    ("person", "s3:ListBucket", "04, Keep what cannot be delivered"),
}


@pytest.fixture(scope="module")
def walk(request: pytest.FixtureRequest, walk: Walk) -> Walk:
    if request.session.testsfailed:
        pytest.skip("the notebooks have failed, so what they need is not known")
    return walk


def of_roles(walk: Walk) -> dict[str, dict]:
    """The policies that say what a role may do, by '<role>: <policy>'."""
    return {name: policy for name, policy in walk.policies.items()
            if name.startswith((FUNCTION_ROLE, FIREHOSE_ROLE)) and not name.endswith("who may assume it")}


def needs(walk: Walk, who: str, principal: str, policy: dict) -> list[tuple[str, str, str]]:
    """(Sid, action, the step that fails without it) for each action of each statement that allows something."""
    found, steps = [], list(dict.fromkeys(step for step, _ in walk.steps))
    for sid, action, less in without_each_action(policy):
        statement = next(one for one in policy["Statement"] if one["Sid"] == sid)
        if statement["Effect"] == "Deny":
            continue
        asked = any(decision["action"] == action and principal in decision["principal"] for _, decision in walk.steps)
        if (who, action) in NOT_ASKED:
            assert not asked, f"the local AWS does ask for {action}: take it out of NOT_ASKED"
            resource = as_list(statement["Resource"])[0].replace("*", "some")
            assert walk.account.allows(policy, action, resource, {})
            assert not walk.account.allows(less, action, resource, {}), f"{who}: {action} stands in {sid} for nothing"
            step, page = NOT_ASKED[who, action]
            found.append((sid, action, f"{step} ([on AWS]({page}))"))
        else:
            step = next((step for step in walk.refused(principal, policy, less, action)
                         if (who, action, step) not in TOLERATED), None)
            assert step, f"{who}: without {action} in {sid} nothing fails, so it can go"
            seen = WAITED_FOR.get((who, action), step)
            assert steps.index(step) <= steps.index(seen), f"{who}: {action} is first used after {seen}, in {step}"
            found.append((sid, action, seen))
    return found


def test_the_person_is_refused_nothing(walk):
    refused = {(step, decision["action"], decision["resource"]) for step, decision in walk.steps
               if "user/" in decision["principal"] and not decision["allowed"]}
    assert not refused


def test_without_any_one_action_a_step_fails(walk, record_property):
    """The person's policy and the roles', action by action; the steps stand in the table beside the policy file."""
    person = policy_of(RUN, walk.account.number, walk.account.region)
    rows = [("Whoever runs the workbook", *row) for row in needs(walk, "person", "user/", person)]
    for name, policy in of_roles(walk).items():
        role = name.partition(":")[0]
        rows += [(f"The role `{role}`", *row) for row in needs(walk, role, role, policy)]
    record_property("measured", f"permissions: {len(rows)} actions in {len({row[:2] for row in rows})} statements, "
                                "each needed by a named step")
    text = TABLE.read_text(encoding="utf-8")
    fresh = f"{text.partition(EVALUATED)[0]}{EVALUATED}\n\n{table(rows)}"
    keep_written({TABLE: fresh})


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """In Markdown, one part a principal."""
    parts = []
    for who in dict.fromkeys(row[0] for row in rows):
        lines = [f"| {sid} | `{action}` | {step} |" for whose, sid, action, step in rows if whose == who]
        parts.append("\n".join([f"## {who}", "", "| Statement | Without | this fails first |", "| --- | --- | --- |",
                                *lines, ""]))
    pages = [f"| `{action}` | [{page.removesuffix('.html')}]({AUTHORIZATION}{page}) |"
             for action, page in NO_NARROWER.items()]
    return "\n".join([*parts, "## What stands on `*`, as AWS allows none narrower", "",
                      "| Action | AWS's table of actions and resources |", "| --- | --- |", *pages, ""])


def test_nothing_stands_on_a_star_that_could_be_narrower(walk):
    wide = set()
    for policy in (*persons().values(), *walk.policies.values()):
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                assert not any("*" in action for action in as_list(statement["Action"])), statement["Sid"]
                if "*" in as_list(statement.get("Resource", [])):
                    wide |= set(as_list(statement["Action"]))
    assert wide == set(NO_NARROWER)


def persons() -> dict[str, dict]:
    """The files' policies; that of the exercises comes on top of the other, so both are judged together."""
    run, exercises = (policy_of(file, "123456789012", "us-east-1") for file in (RUN, EXERCISES))
    return {RUN: run, EXERCISES: {**run, "Statement": run["Statement"] + exercises["Statement"]}}


def test_the_files_fit_wherever_a_policy_can_be_attached():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 6,144 characters, spaces not counted,
    in a managed policy, 10,240 in all inline policies of a role."""
    lengths = [len(json.dumps(policy_of(file, "123456789012", "ap-southeast-2"), separators=(",", ":")))
               for file in (RUN, EXERCISES)]
    assert max(lengths) <= 6_144 and sum(lengths) <= 10_240


def test_the_command_in_the_text_fills_the_files_in():
    command = re.search(r"^sed (?:.*\\\n)*.*", TABLE.read_text(encoding="utf-8"), re.MULTILINE)[0].partition(" >")[0]
    command = re.sub(r"\$\(aws [^)]*\)", "123456789012", command)
    filled = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(filled) == persons()[RUN]


@pytest.mark.parametrize("bucket", ["orders-audit", "orders-audit-failures"])
def test_the_buckets_refuse_what_comes_in_the_open(walk, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit. The one statement
    with `s3:*`: it forbids."""
    name = f"{bucket}-{walk.account.number}-{walk.account.region}"
    (statement,) = walk.policies[f"bucket {name}"]["Statement"]
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    everybody = {"Sid": "Everybody", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [
        everybody, {key: value for key, value in statement.items() if key != "Principal"}]}
    for action, resource in (("s3:GetObject", f"arn:aws:s3:::{name}/x"), ("s3:ListBucket", f"arn:aws:s3:::{name}")):
        assert not walk.account.allows(policy, action, resource, {"aws:SecureTransport": "false"})
        assert walk.account.allows(policy, action, resource, {"aws:SecureTransport": "true"})
        assert walk.account.allows(
            {**policy, "Statement": [everybody]}, action, resource, {"aws:SecureTransport": "false"})


def test_the_roles_can_be_assumed_as_their_trust_policies_say_and_not_without(walk):
    for role, make in ((FUNCTION_ROLE, walk.account.make_function), (FIREHOSE_ROLE, walk.account.make_delivery_stream)):
        trust = walk.policies[f"{role}: who may assume it"]
        (statement,) = trust["Statement"]
        assert statement["Action"] == "sts:AssumeRole"
        less = {**trust, "Statement": [{**statement, "Action": "sts:TagSession"}]}
        with pytest.raises(ClientError, match="assume"):
            make(walk.account.make_role(f"{role}-less", less))
        make(walk.account.make_role(f"{role}-same", trust))


def test_s3_may_tell_the_queue_as_its_policy_says_and_not_without(walk):
    policy, account = walk.policies["the queue's"], walk.account
    (statement,) = policy["Statement"]
    bucket = statement["Condition"]["ArnEquals"]["aws:SourceArn"].rpartition(":")[2]
    account.s3.create_bucket(Bucket=bucket)
    queue = account.sqs.create_queue(QueueName=statement["Resource"].rpartition(":")[2])["QueueUrl"]

    def notify() -> None:
        account.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": statement["Resource"], "Events": ["s3:ObjectCreated:*"]}]})

    with pytest.raises(ClientError, match="Unable to validate"):
        notify()
    account.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    notify()


LINT = """
import json, sys, parliament
for name, policy in json.load(sys.stdin).items():
    for finding in parliament.analyze_policy_string(json.dumps(policy)).findings:
        print(f"{name}: {finding.issue}: {finding.title} {finding.detail}")
no_resource = set(sys.argv[1:])
for service in parliament.iam_definition:
    for action in service["privileges"]:
        name = f"{service['prefix']}:{action['privilege']}"
        if name in no_resource and any(kind["resource_type"] for kind in action["resource_types"]):
            print(f"{name} can be limited to a resource")
"""


# It asks for an ARN of each type that an action can be about. AWS's page marks none of them as required, and only
# workgroups are tagged: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonathena.html
ONE_TYPE_IS_ENOUGH = re.compile(
    r"RESOURCE_MISMATCH: +\[\{'action': 'athena:TagResource'[^}]*\}(, \{'action': 'athena:TagResource'[^}]*\})*\]$")


@pytest.fixture(scope="module")
def parliament() -> Path:
    """The Python of an environment with parliament, which knows AWS's table of actions and resource types."""
    try:
        return ensure(ROOT / ".local_aws" / "parliament", requirements(Path(__file__).with_name("parliament.txt")),
                      "the linter of policies")
    except SetupError as error:
        unavailable("Not linted as AWS would", error)


def lint(python: Path, policies: dict[str, dict], *no_resource: str) -> list[str]:
    """What parliament finds. It takes no account of zeros, as the local one is."""
    done = subprocess.run([python, "-W", "ignore", "-c", LINT, *no_resource], capture_output=True, text=True,
                          input=json.dumps(policies).replace("000000000000", "123456789012"))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_linter_finds_nothing(walk, parliament):
    """In no policy but those that say who may assume a role, which have no resource and are not for it to judge."""
    judged = {name: policy for name, policy in walk.policies.items() if not name.endswith("who may assume it")}
    assert len(judged) >= 6
    found = lint(parliament, {**persons(), **judged}, *NO_NARROWER)
    assert [line for line in found if not ONE_TYPE_IS_ENOUGH.search(line)] == []


@pytest.mark.parametrize(("action", "resource", "found"), [
    ("s3:PutObjekt", "arn:aws:s3:::bucket/*", "UNKNOWN_ACTION"),
    ("s3:PutObject", "arn:aws:s3:::bucket", "RESOURCE_MISMATCH"),
    ("dynamodb:ListStreams", "arn:aws:dynamodb:us-east-1:123456789012:table/Orders", "RESOURCE_MISMATCH"),
    ("lambda:CreateFunction", "*", "RESOURCE_STAR"),
])
def test_the_linter_finds_mistakes(parliament, action, resource, found):
    policy = {"Version": "2012-10-17", "Statement": [
        {"Sid": "Wrong", "Effect": "Allow", "Action": action, "Resource": resource}]}
    assert any(found in line for line in lint(parliament, {"wrong": policy}))
    assert lint(parliament, {}, "lambda:CreateFunction") == ["lambda:CreateFunction can be limited to a resource"]
