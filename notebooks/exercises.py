"""The checks behind 'Check yourself': each looks at an answer, or at what it did to the learner's live resources.

A check is a function of the answer and the session. It returns what is still missing, in one sentence, or None where
the answer is right. `check` prints that and never raises: a wrong answer must not stop a notebook from running on.
"""
from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3

import costs
import orders
import seals
import simulation
import workbook

Answer = Any  # whatever a learner has put there
Missing = str | None  # what is still missing, in one sentence
Check = Callable[[Answer, boto3.Session], Missing]
CHECKS: dict[str, Check] = {}


def check(number: str, answer: Answer, session: boto3.Session) -> None:
    """Print whether `answer` solves the exercise, or what is missing. Quiet while the answer is None."""
    if answer is None:
        return
    try:
        missing = CHECKS[number](answer, session)
    except Exception as error:  # of any kind: the answer is whatever the learner has put there
        missing = f"The answer is not of the kind that the exercise asks for ({type(error).__name__}: {error})."
    print(f"Exercise {number}: not yet. {missing}" if missing else f"Exercise {number}: right.")


def exercise(number: str) -> Callable[[Check], Check]:
    """Make a function the check of the exercise of that number."""
    def register(function: Check) -> Check:
        CHECKS[number] = function
        return function

    return register


def _kind(answer: Answer, kind: type | tuple[type, ...], what: str) -> Missing:
    return None if isinstance(answer, kind) else f"Your answer is of type {type(answer).__name__}; put {what} there."


# ------------------------------------------------------------------------------------------------------------- Part 1


@exercise("1.1")
def declared_attributes(answer: Answer, session: boto3.Session) -> Missing:
    """A list with the one name that the table declares, `orderId`: DynamoDB knows the key's attributes alone."""
    if wrong := _kind(answer, (list, tuple, set), "the list of names"):
        return wrong
    if any(isinstance(name, dict) for name in answer):
        return "These are the definitions; take the AttributeName out of each."
    if "state" in answer or "lastUpdatedDate" in answer:
        return "You list what order 101 has. Ask the table what it declares: describe_table, AttributeDefinitions."
    return None if list(answer) == ["orderId"] else f"The table does not declare {list(answer)}."


@exercise("1.2")
def projected_item(answer: Answer, session: boto3.Session) -> Missing:
    """Order 101 as get_item returns it when it is projected on `state`: no other attribute, and the table's state."""
    if wrong := _kind(answer, dict, "the item, a dictionary"):
        return wrong
    if "Item" in answer:
        return 'This is the whole answer of get_item; take its ["Item"].'
    if "state" not in answer:
        return "The item has no state."
    if others := sorted(answer.keys() - {"state"}):
        return f"DynamoDB has also sent {', '.join(others)}: project on state alone."
    item = session.resource("dynamodb").Table(workbook.names(session).table).get_item(Key={"orderId": "101"})["Item"]
    return None if answer["state"] == item["state"] else f"Order 101 is {item['state']}, not {answer['state']}."


@exercise("1.3")
def recoverable_table(answer: Answer, session: boto3.Session) -> Missing:
    """The table has point-in-time recovery switched on; the answer itself does not count."""
    backups = session.client("dynamodb").describe_continuous_backups(TableName=workbook.names(session).table)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    status = recovery.get("PointInTimeRecoveryStatus")
    return None if status == "ENABLED" else f"Point-in-time recovery of the table is {status}, not ENABLED."


# ------------------------------------------------------------------------------------------------------------- Part 2


@exercise("2.1")
def decision_on_deletion(answer: Answer, session: boto3.Session) -> Missing:
    """IAM's decision on the role and firehose:DeleteDeliveryStream: `implicitDeny`, as no statement allows it."""
    if wrong := _kind(answer, str, "the decision, a text,"):
        return wrong
    if answer == "allowed":
        return "The role may not. Did you ask for firehose:DeleteDeliveryStream?"
    if answer == "explicitDeny":
        return "No statement forbids it: IAM distinguishes what is forbidden from what is merely not allowed."
    return None if answer == "implicitDeny" else f"'{answer}' is no decision of IAM."


@exercise("2.2")
def event_of_a_deletion(answer: Answer, session: boto3.Session) -> Missing:
    """The audit event of a REMOVE of order 101, a dictionary: with an old image and without a new one."""
    if wrong := _kind(answer, dict, "the audit event, a dictionary (json.loads turns the line into one),"):
        return wrong
    if answer.get("detail"):
        return f"The function does not understand the record, and says: {answer['detail']}"
    if answer.get("event_name") != "REMOVE":
        return f"The event's name is {answer.get('event_name')}, not REMOVE."
    if answer.get("order_id") != "101":
        return f"It is order {answer.get('order_id')}, not 101."
    if answer.get("new_image") is not None:
        return "It has a new image; a deleted item has none."
    return None if answer.get("old_image") else "It has no old image: what was deleted?"


@exercise("2.3")
def kept_logs(answer: Answer, session: boto3.Session) -> Missing:
    """The function's log group keeps its logs for 30 days; the answer itself does not count."""
    name = workbook.names(session).log_group
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    days = next((group.get("retentionInDays") for group in groups if group["logGroupName"] == name), None)
    return None if days == 30 else f"The log group keeps its logs for {days or 'unlimited'} days, not for 30."


# ------------------------------------------------------------------------------------------------------------- Part 3


@exercise("3.1")
def records_with_an_old_image(answer: Answer, session: boto3.Session) -> Missing:
    """How many of the stream's records have an old image: 4, the MODIFYs."""
    if wrong := _kind(answer, int, "a number"):
        return wrong
    if answer == 5:
        return "One of the five is an INSERT: there was nothing before it."
    return None if answer == 4 else f"It is not {answer}: count the records whose 'dynamodb' has an 'OldImage'."


@exercise("3.2")
def touched_attributes(answer: Answer, session: boto3.Session) -> Missing:
    """The names of the attributes that a change touched: `lastUpdatedBy` alone."""
    if wrong := _kind(answer, (list, tuple, set), "a list of names"):
        return wrong
    if extra := sorted(set(answer) - {"lastUpdatedBy"}):
        return f"{', '.join(map(str, extra))} is the same before and after: compare the values, not only the names."
    return None if set(answer) == {"lastUpdatedBy"} else "An attribute that is only in the new image has changed, too."


@exercise("3.3")
def window(answer: Answer, session: boto3.Session) -> Missing:
    """The trigger waits for 2 seconds to fill a batch; the answer itself does not count."""
    its = workbook.names(session).function
    triggers = session.client("lambda").list_event_source_mappings(FunctionName=its)["EventSourceMappings"]
    seconds = [trigger.get("MaximumBatchingWindowInSeconds") for trigger in triggers]
    return None if seconds == [2] else f"The trigger's window is {', '.join(map(str, seconds))} seconds, not 2."


# ------------------------------------------------------------------------------------------------------------- Part 4


@exercise("4.1")
def partition_of_arrival(answer: Answer, session: boto3.Session) -> Missing:
    """The partition of an event that arrives in 2026, though its change is of 2025: `dt=2026-01-01`."""
    if wrong := _kind(answer, str, "the partition, a text,"):
        return wrong
    if "2025-12-31" in answer:
        return "That is the day of the change. The prefix has the time at which Firehose took the event."
    return None if answer.strip("/") == "dt=2026-01-01" else f"Not '{answer}': the format is like 'dt=2024-01-15'."


@exercise("4.2")
def compression(answer: Answer, session: boto3.Session) -> Missing:
    """How many times smaller the bucket's oldest object of events is than its text, to 0.05."""
    if wrong := _kind(answer, (int, float), "a number"):
        return wrong
    s3, bucket = session.client("s3"), workbook.names(session).bucket
    entries = s3.list_objects_v2(Bucket=bucket, Prefix="events/")["Contents"]
    key = min(entries, key=lambda entry: entry["LastModified"])["Key"]
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    ratio = len(gzip.decompress(body)) / len(body)
    if abs(answer * ratio - 1) < 0.01:
        return "That is the other way round: how many times *smaller* is the object?"
    return None if abs(answer - ratio) < 0.05 else f"For the oldest object it is not {answer}."


@exercise("4.3")
def errors_that_go(answer: Answer, session: boto3.Session) -> Missing:
    """A lifecycle rule expires what is under firehose-errors/ after 30 days, old versions and unfinished uploads too,
    and no event; the answer itself does not count."""
    s3, bucket = session.client("s3"), workbook.names(session).bucket
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except s3.exceptions.ClientError:
        return "The bucket has no lifecycle rule."
    active = {rule.get("Filter", {}).get("Prefix", rule.get("Prefix")): rule
              for rule in rules if rule["Status"] == "Enabled"}
    for prefix in active:
        if "events/".startswith(prefix or "") or (prefix or "").startswith("events"):
            return f"The rule for '{prefix or ''}' deletes audit events, too."
    rule = active.get("firehose-errors/", {})
    days = rule.get("Expiration", {}).get("Days")
    if days != 30:
        return f"Objects under firehose-errors/ expire after {days or 'no'} days, not after 30."
    if "NoncurrentVersionExpiration" not in rule:
        return "The bucket keeps versions, so an expired record only gets a delete marker: it stays, and costs on."
    return None if "AbortIncompleteMultipartUpload" in rule else (
        "Parts of an upload that never ended are no version, and stay: add AbortIncompleteMultipartUpload.")


# ------------------------------------------------------------------------------------------------------------- Part 5


def _weeks() -> list[orders.Change]:
    return orders.ledger(orders.history())


@exercise("5.1")
def changes_of_each_writer(answer: Answer, session: boto3.Session) -> Missing:
    """A DataFrame (`changed_by`, `changes`) with the week's changes of each writer, the busiest first and no nobody."""
    if missing := _columns(answer, "changed_by", "changes"):
        return missing
    truth = Counter(change.by for change in _weeks() if change.by)
    counted = {row["changed_by"]: row["changes"] for row in answer.to_dict("records")}
    for writer in truth.keys() - {"shop"}:  # the shop and others also wrote the orders of Part 3
        if writer not in counted:
            return f"{writer} is not in it."
        if not truth[writer] <= counted[writer] <= truth[writer] + 4:
            return f"{writer} made {truth[writer]} changes of the week's orders, not {counted[writer]}."
    if any(not isinstance(writer, str) for writer in counted):
        return "It has a row for changes that name nobody: leave those out."
    most = list(answer["changes"])
    return None if most == sorted(most, reverse=True) else "The busiest does not come first."


@exercise("5.2")
def picked_up_at_noon(answer: Answer, session: boto3.Session) -> Missing:
    """How many orders were PICKEDUP on Friday, 2024-01-19 12:00 UTC, by the latest change of each until then."""
    if wrong := _kind(answer, (int, float), "a number (take it out of the DataFrame)"):
        return wrong
    noon = 1705665600  # Friday, 2024-01-19 12:00:00 UTC
    states = {}
    for change in _weeks():
        if change.at <= noon:
            states[change.order_id] = change.new_state
    right = Counter(states.values())["PICKEDUP"]
    ever = len({change.order_id for change in _weeks() if change.at <= noon and change.new_state == "PICKEDUP"})
    if answer == ever:
        return "That many had been picked up *by* then; many of them had gone on. Take each order's latest state."
    return None if answer == right else f"It is not {int(answer)}: take each order's latest change until that moment."


@exercise("5.3")
def slowest_orders(answer: Answer, session: boto3.Session) -> Missing:
    """A DataFrame (`order_id`, `hours`) of the 5 orders that took longest from opened to delivered, in whole hours."""
    if missing := _columns(answer, "order_id", "hours"):
        return missing
    opened, taken = {}, {}
    for change in _weeks():
        if change.event_name == "INSERT":
            opened[change.order_id] = change.at
        if change.new_state == "DELIVERED" and change.order_id not in taken:
            taken[change.order_id] = change.at - opened[change.order_id]
    slowest = sorted(taken, key=lambda order_id: (-(taken[order_id] // orders.HOUR), order_id))[:5]
    if len(answer) != 5:
        return f"It has {len(answer)} rows, not 5."
    if list(answer["order_id"]) != slowest:
        return f"The slowest is order {slowest[0]}; the rows are by hours, the longest first, then by order."
    return None if [int(hours) for hours in answer["hours"]] == [taken[it] // orders.HOUR for it in slowest] else (
        "The orders are right, but not the hours: whole hours from opened to delivered.")


def _columns(answer: Answer, *columns: str) -> Missing:
    if not hasattr(answer, "columns"):
        return f"Your answer is of type {type(answer).__name__}; put the DataFrame that ask returns there."
    lacking = [column for column in columns if column not in answer.columns]
    return f"The DataFrame has no column {', '.join(lacking)}." if lacking else None


# ------------------------------------------------------------------------------------------------------------- Part 6


@exercise("6.1")
def proofs_that_see_a_missing_opening(answer: Answer, session: boto3.Session) -> Missing:
    """The names of the proofs that see an audit without an order's first change: `by ledger` alone."""
    if wrong := _kind(answer, (list, tuple, set), "a list of names"):
        return wrong
    known = {"by value", "by chain", "by ledger"}
    if unknown := [name for name in answer if name not in known]:
        return f"'{unknown[0]}' is none of the three: {', '.join(sorted(known))}."
    if "by value" in answer:
        return "The replay is of the last image of each order, and that is not missing: 'by value' sees nothing."
    if "by chain" in answer:
        return "What comes first has nothing before it to be compared with: 'by chain' sees nothing."
    return None if set(answer) == {"by ledger"} else "One proof does see it."


@exercise("6.2")
def copies_in_the_bucket(answer: Answer, session: boto3.Session) -> Missing:
    """How many lines of the bucket are copies of an event that is there already."""
    if wrong := _kind(answer, int, "a number (take it out of the DataFrame, with int)"):
        return wrong
    s3, bucket = session.client("s3"), workbook.names(session).bucket
    lines = [line for key in seals.keys(s3, bucket, "events/")
             for line in gzip.decompress(seals.read(s3, bucket, key)).splitlines()]
    copies = len(lines) - len({json.loads(line)["event_id"] for line in lines})
    if answer == len(lines):
        return "That is the number of all lines; how many events do they hold?"
    return None if answer == copies else f"It is not {answer}: subtract the number of events from that of the lines."


@exercise("6.3")
def long_memory(answer: Answer, session: boto3.Session) -> Missing:
    """The queue of failures keeps its messages for 14 days; the answer itself does not count."""
    sqs = session.client("sqs")
    queue = sqs.get_queue_url(QueueName=workbook.names(session).failures_queue)["QueueUrl"]
    kept = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
    days = int(kept["MessageRetentionPeriod"]) / 86400
    return None if days == 14 else f"The queue keeps its messages for {days:g} days, not for 14."


# ------------------------------------------------------------------------------------------------------------- Part 7


@exercise("7.1")
def first_quota_of_textbook(answer: Answer, session: boto3.Session) -> Missing:
    """The name of the default quota that textbook meets first at 10,000 changes a second."""
    if wrong := _kind(answer, str, "the quota's name, as text"):
        return wrong
    first, *others = costs.quotas(simulation.Pipe(1, packed=False), 10_000)
    if answer == first.quota:
        return None
    share = next((use.share for use in others if use.quota == answer), None)
    return f"'{answer}' is no quota of the table." if share is None else (
        f"Of '{answer}' it uses {share:.2f}; of another it uses {first.share:.1f}.")


@exercise("7.2")
def smallest_batch_that_recovers(answer: Answer, session: boto3.Session) -> Missing:
    """The smallest batch size, a multiple of 100, with which the simulated backlog is gone 10 minutes after a fault."""
    if wrong := _kind(answer, int, "a number of records"):
        return wrong
    fault = (600, 1_200)

    def minutes(size: int) -> float:
        pipe = simulation.Pipe(1_000, batch_size=size, window=1, event_bytes=600, compressed=True)
        recovered = simulation.simulate(pipe, 3_600, fault).recovered(fault)
        return 60 if recovered is None else recovered / 60

    if answer % 100 or not 100 <= answer <= 10_000:
        return "The size is to be a multiple of 100, from 100 to 10,000."
    if minutes(answer) > 10:
        return f"With batches of {answer:,} it takes {minutes(answer):.0f} minutes or more."
    return "It recovers in time, but so does it with smaller batches." if minutes(answer - 100) <= 10 else None


@exercise("7.3")
def lower_limit(answer: Answer, session: boto3.Session) -> Missing:
    """The workgroup's limit on bytes a query is 10,000,000; the answer itself does not count."""
    name = workbook.names(session).workgroup
    limit = session.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"].get(
        "BytesScannedCutoffPerQuery")
    return None if limit == 10_000_000 else f"The limit of workgroup {name} is {limit:,} bytes."
