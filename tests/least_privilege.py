"""Who may do what: a person with exactly the permissions of the policy file, the roles that the notebooks make, and
what IAM decided at each step of the notebooks."""
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from aws_under_test import ask, session
from bench_parts.function_package import function_package

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "notebooks" / "policies"
RUN, EXERCISES = "run_the_workbook", "do_the_exercises"  # the policy files
PERSON = "runs-the-workbook"
MAKE_POLICIES = {"iam:CreateRole", "iam:PutRolePolicy", "s3:PutBucketPolicy", "sqs:SetQueueAttributes"}
# On which the policies let a call depend
CONDITIONS = ("aws:requesttag/project", "iam:passedtoservice", "lambda:functionarn")


def policy_of(file: str, account: str, region: str) -> dict:
    """A policy file with its two placeholders filled in, as the text beside it says."""
    text = (POLICIES / f"{file}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("ACCOUNT", account).replace("REGION", region))


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def without_each_action(policy: dict) -> Iterator[tuple[str, str, dict]]:
    """(Sid, action, the policy without that action in that statement), for each action of each statement."""
    for place, statement in enumerate(policy["Statement"]):
        for action in as_list(statement["Action"]):
            left = [one for one in as_list(statement["Action"]) if one != action]
            less = [{**statement, "Action": left}] if left else []
            statements = [*policy["Statement"][:place], *less, *policy["Statement"][place + 1:]]
            yield statement["Sid"], action, {**policy, "Statement": statements}


class Account:
    """The account of a local AWS, as its root."""

    def __init__(self, status: dict):
        self.status, self.region = status, status["region"]
        self.iam, self.s3, self.sqs, self.awslambda, self.firehose, sts = (
            session(status).client(service, endpoint_url=status["endpoint"])
            for service in ("iam", "s3", "sqs", "lambda", "firehose", "sts"))
        self.number = sts.get_caller_identity()["Account"]

    def person(self, *files: str) -> dict[str, str]:
        """Make the person, with these policies; what to set in the environment for notebooks to run as them."""
        self.iam.create_user(UserName=PERSON)
        for file in files:
            self.iam.put_user_policy(UserName=PERSON, PolicyName=file,
                                     PolicyDocument=json.dumps(policy_of(file, self.number, self.region)))
        key = self.iam.create_access_key(UserName=PERSON)["AccessKey"]
        return {"AUDIT_LOCAL_ACCESS_KEY_ID": key["AccessKeyId"],
                "AUDIT_LOCAL_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def decisions(self) -> list[dict]:
        """What IAM has decided since this was last asked."""
        return ask(self.status, "/_local/access", "DELETE")

    def policies(self) -> dict[str, dict]:
        """What there is: each role's policies and trust policy, each bucket's and the queue's policy."""
        made = {}
        for role in self.iam.list_roles()["Roles"]:
            name = role["RoleName"]
            made[f"{name}: who may assume it"] = role["AssumeRolePolicyDocument"]
            for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
                made[f"{name}: {policy}"] = self.iam.get_role_policy(
                    RoleName=name, PolicyName=policy)["PolicyDocument"]
        for bucket in self.s3.list_buckets()["Buckets"]:
            with suppress(ClientError):  # it has none yet
                made[f"bucket {bucket['Name']}"] = json.loads(
                    self.s3.get_bucket_policy(Bucket=bucket["Name"])["Policy"])
        for queue in self.sqs.list_queues().get("QueueUrls", []):
            attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"]).get("Attributes", {})
            if "Policy" in attributes:
                made["the queue's"] = json.loads(attributes["Policy"])
        return made

    def make_role(self, name: str, trust: dict) -> str:
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

    def make_function(self, role: str) -> None:
        self.awslambda.create_function(FunctionName="any", Role=role, Runtime="python3.12", Handler="code.handler",
                                       Code={"ZipFile": function_package("", "code.py")})

    def make_delivery_stream(self, role: str) -> None:
        self.firehose.create_delivery_stream(DeliveryStreamName="any", ExtendedS3DestinationConfiguration={
            "RoleARN": role, "BucketARN": "arn:aws:s3:::any"})

    def allows(self, policy: dict, action: str, resource: str, context: dict[str, str]) -> bool:
        """Whether IAM would allow a call under this policy alone."""
        entries = [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                   for key, value in context.items()]
        answer = self.iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(policy)], ActionNames=[action], ResourceArns=[resource], ContextEntries=entries)
        return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


class Walk:
    """What IAM decided while the notebooks ran as the person, for each step in order; and the policies that they made,
    also those that they replaced or removed again."""

    def __init__(self, account: Account):
        self.account = account
        self.steps: list[tuple[str, dict]] = []
        self.policies: dict[str, dict] = {}
        self.before_clean_up: dict[str, dict[str, str]] | None = None  # what there was, with its tags

    def note(self, step: str) -> None:
        """After a step: keep what it has left behind."""
        decisions = self.account.decisions()
        self.steps += [(step, decision) for decision in decisions]
        if MAKE_POLICIES & {decision["action"] for decision in decisions}:
            self.policies.update(self.account.policies())

    def refused(self, who: str, policy: dict, less: dict, action: str) -> Iterator[str]:
        """The steps, in order, with a call of `who` that `policy` allows and `less` does not."""
        judged: dict[tuple, bool] = {}
        last = None
        for step, decision in self.steps:
            if decision["action"] != action or who not in decision["principal"] or step == last:
                continue
            context = {key: decision["context"][key] for key in CONDITIONS if key in decision["context"]}
            call = (decision["resource"], *context.items())
            if call not in judged:
                judged[call] = (not self.account.allows(less, action, decision["resource"], context)
                                and self.account.allows(policy, action, decision["resource"], context))
            if judged[call]:
                last = step
                yield step


WALK = pytest.StashKey[Walk]()


def step_of(cell, cells: list, notebook: str) -> str:
    """A cell's name: its notebook's number and the heading that it stands under."""
    before = [one.source for one in cells[: cells.index(cell)] if one.cell_type == "markdown"]
    headings = [line.lstrip("# ") for source in before for line in source.splitlines() if line.startswith("#")]
    return f"{notebook[:2]}, {headings[-1] if headings else 'before any heading'}"
