"""Every exercise's hidden solution passes its check, every planted wrong answer fails it, and nothing said is quiet.

The notebooks run in order on a local AWS of their own, as a learner would run them: first wrong answers are given,
then the solution from the notebook itself.
"""
from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import exercises
from aws_under_test import REGION
from least_privilege import EXERCISES, RUN, Account, Walk, policy_of, without_each_action

NOTEBOOKS = Path(exercises.__file__).parent
PARTS = sorted(NOTEBOOKS.glob("0[1-7]_*.ipynb"))

# For each exercise, wrong answers (expressions, or statements that set `wrong`) with what the check says of them. Where
# an exercise changes a resource, the answer itself does not count: the check looks at the resource.
WRONG = {
    "1.1": [("['orderId', 'state', 'lastUpdatedDate']", "Ask the table what it declares"),
            ("dynamodb.describe_table(TableName=names.table)['Table']['AttributeDefinitions']", "the AttributeName"),
            ("'orderId'", "put the list of names"), ("[]", "does not declare")],
    "1.2": [("orders.get_item(Key={'orderId': '101'})['Item']", "has also sent lastUpdatedDate, orderId"),
            ("orders.get_item(Key={'orderId': '101'})", 'take its \\["Item"\\]'),
            ("{'state': 'LOST'}", "is OPEN, not LOST"), ("'OPEN'", "a dictionary")],
    "1.3": [("{}", "is DISABLED, not ENABLED")],
    "2.1": [("decision('firehose:PutRecordBatch', names.delivery_stream_arn)", "The role may not"),
            ("'explicitDeny'", "merely not allowed"), ("'no'", "no decision")],
    "2.2": [("json.loads(stream_processor.audit_line(record))", "MODIFY, not REMOVE"),
            ("stream_processor.audit_line(record)", "a dictionary"),
            ("json.loads(stream_processor.audit_line({**record, 'eventName': 'REMOVE'}))", "has a new image"),
            ("{}", "not REMOVE")],
    "2.3": [("{}", "for 14 days, not for 30")],
    "3.1": [("5", "One of the five is an INSERT"), ("'four'", "put a number"), ("3", "It is not 3")],
    "3.2": [("['state', 'lastUpdatedBy']", "state is the same before and after"), ("[]", "only in the new image"),
            ("'lastUpdatedBy'", "a list of names")],
    "3.3": [("{}", "window is 1 seconds, not 2")],
    "4.1": [("'dt=2025-12-31'", "day of the change"), ("'2026-01-01'", "the format"), ("20260101", "a text")],
    "4.2": [("len(body) / len(gzip.decompress(body))", "the other way round"), ("1000", "it is not 1000"),
            ("'2'", "a number")],
    "4.3": [("{}", "has no lifecycle rule"),
            ("s3.put_bucket_lifecycle_configuration(Bucket=names.bucket, LifecycleConfiguration={'Rules': [{'ID': 'all'"
             ", 'Status': 'Enabled', 'Filter': {'Prefix': ''}, 'Expiration': {'Days': 30}}]})", "deletes audit events"),
            ("s3.put_bucket_lifecycle_configuration(Bucket=names.bucket, LifecycleConfiguration={'Rules': [{'ID': 'x', "
             "'Status': 'Enabled', 'Filter': {'Prefix': 'firehose-errors/'}, 'Expiration': {'Days': 3}}]})",
             "after 3 days, not after 30"),
            ("s3.put_bucket_lifecycle_configuration(Bucket=names.bucket, LifecycleConfiguration={'Rules': [{'ID': 'x', "
             "'Status': 'Enabled', 'Filter': {'Prefix': 'firehose-errors/'}, 'Expiration': {'Days': 30}}]})",
             "only gets a delete marker"),
            ("s3.put_bucket_lifecycle_configuration(Bucket=names.bucket, LifecycleConfiguration={'Rules': [{'ID': 'x', "
             "'Status': 'Enabled', 'Filter': {'Prefix': 'firehose-errors/'}, 'Expiration': {'Days': 30}, "
             "'NoncurrentVersionExpiration': {'NoncurrentDays': 1}}]})", "add AbortIncompleteMultipartUpload")],
    "5.1": [("ask('SELECT changed_by, count(*) AS changes FROM order_history GROUP BY 1 ORDER BY 2 DESC, 1')",
             "nobody"),
            ("ask('SELECT changed_by, count(*) AS changes FROM order_history WHERE changed_by IS NOT NULL GROUP BY 1 "
             "ORDER BY 1')", "busiest does not come first"),
            ("ask(\"SELECT changed_by, count(*) AS changes FROM order_history WHERE changed_by <> 'desk-gwen' "
             "GROUP BY 1 ORDER BY 2 DESC, 1\")", "desk-gwen is not in it"),
            ("ask('SELECT changed_by, count(*) AS n FROM order_history GROUP BY 1')", "no column changes"),
            ("5", "put the DataFrame")],
    "5.2": [("int(ask(\"SELECT count(DISTINCT order_id) AS n FROM order_history WHERE new_state = 'PICKEDUP' AND "
             "updated_at <= timestamp '2024-01-19 12:00:00' AND length(order_id) = 4\")['n'][0])",
             "latest state"),
            ("wednesday", "a number"), ("1", "It is not 1")],
    "5.3": [("stuck", "has \\d+ rows, not 5"), ("stays.head(5)", "The slowest is order"), ("stays", "not 5"),
            ("'1009'", "DataFrame")],
    "6.1": [("['by value', 'by ledger']", "the last image"), ("['by chain', 'by ledger']", "nothing before it"),
            ("['ledger']", "none of the three"), ("'by ledger'", "a list of names"), ("[]", "One proof does see it")],
    "6.2": [("int(ask('SELECT count(*) AS lines FROM order_events')['lines'][0])", "number of all lines"),
            ("-1", "It is not -1"), ("'2'", "a number")],
    "6.3": [("{}", "for 4 days, not for 14")],
    "7.1": [("'Lambda'", "no quota of the table"), ("'Firehose: records a second'", "of another it uses"),
            ("2", "as text")],
    "7.2": [("100", "minutes or more"), ("10_000", "smaller batches"), ("150", "multiple of 100"),
            ("'large'", "a number")],
    "7.3": [("{}", "is 100,000,000 bytes")],
}


def exercises_of(notebook) -> dict[str, dict[str, int]]:
    """Where, in the notebook, each exercise has its empty cell, its solution and its check."""
    places: dict[str, dict[str, int]] = {}
    for place, cell in enumerate(notebook.cells):
        for role in {"exercise", "solution", "check"} & set(cell.metadata.get("tags", [])):
            number = ".".join(re.fullmatch(rf"{role}-(\d+)-(\d+)", cell.id).groups())
            assert role not in places.setdefault(number, {}), f"{number} has two cells tagged {role}"
            places[number][role] = place
    return places


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_each_part_has_exercises_each_with_an_empty_cell_a_hint_a_solution_and_a_check(path):
    notebook = nbformat.read(path, 4)
    places = exercises_of(notebook)
    assert 2 <= len(places) <= 4
    for number, roles in places.items():
        assert list(sorted(roles, key=roles.get)) == ["exercise", "solution", "check"], number
        answer = "answer_" + number.replace(".", "_")
        assert notebook.cells[roles["exercise"]].source == f"{answer} = None"
        assert "<summary>Hint</summary>" in notebook.cells[roles["exercise"] - 1].source, number
        assert solution_of(notebook.cells[roles["solution"]], answer)
        assert f'exercises.check("{number}", {answer}, session)' in notebook.cells[roles["check"]].source
        assert notebook.cells[roles["check"]].outputs == [], f"{number} speaks while nothing is filled in"


def solution_of(cell, answer: str) -> str:
    found = re.fullmatch(r"<details><summary>Solution</summary>\n\n```python\n(.*?)\n```\n.*</details>", cell.source,
                         re.DOTALL)
    assert found and f"{answer} = " in found[1], f"{cell.id} needs a collapsed ```python block that sets {answer}"
    return found[1]


def test_every_exercise_has_planted_wrong_answers():
    known = {number for path in PARTS for number in exercises_of(nbformat.read(path, 4))}
    assert known == set(exercises.CHECKS) == set(WRONG)


def with_answers(notebook):
    """The notebook with wrong answers given, and the solution filled in, at each exercise's empty cell."""
    places = exercises_of(notebook)
    at = {roles["exercise"]: number for number, roles in places.items()}
    cells = []
    for place, cell in enumerate(notebook.cells):
        if number := at.get(place):
            for wrong, _ in WRONG[number]:
                given = nbformat.v4.new_code_cell(f'import exercises\nexercises.check("{number}", {wrong}, session)')
                given.metadata["wrong"] = number
                cells.append(given)
            answer = "answer_" + number.replace(".", "_")
            cell.source = solution_of(notebook.cells[places[number]["solution"]], answer)
        cells.append(cell)
    notebook.cells = cells
    return notebook


def texts(notebook, chosen) -> list[str]:
    return ["".join(output.text for output in cell.outputs) for cell in notebook.cells if chosen(cell)]


def test_every_solution_passes_and_every_wrong_answer_fails(fresh_aws, monkeypatch, record_property):
    aws = fresh_aws()
    account = Account(aws.status())
    learner = {"AUDIT_TARGET": "local", "AUDIT_LOCAL_PORT": str(aws.port), "AUDIT_LOCAL_STATE": str(aws.state),
               **account.person(RUN, EXERCISES)}  # with the permissions of the policy files, and no others
    for name, value in learner.items():
        monkeypatch.setenv(name, value)
    walk = Walk(account)
    passed = failed = 0
    for path in PARTS:
        notebook = nbformat.read(path, 4)
        numbers = list(exercises_of(notebook))
        NotebookClient(with_answers(notebook), kernel_name="python3", timeout=300,
                       resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
        for number in numbers:
            said = texts(notebook, lambda cell, number=number: cell.metadata.get("wrong") == number)
            for (wrong, sentence), text in zip(WRONG[number], said, strict=True):
                assert re.match(rf"Exercise {number}: not yet\. .*{sentence}", text), f"{wrong}: {text or 'is quiet'}"
                failed += 1
            its_check = f"check-{number.replace('.', '-')}"
            assert texts(notebook, lambda cell, its=its_check: cell.id == its) == [f"Exercise {number}: right.\n"]
            passed += 1
        walk.note(path.stem)
    assert not [decision for _, decision in walk.steps if "user/" in decision["principal"] and not decision["allowed"]]
    policy = policy_of(EXERCISES, account.number, REGION)
    for sid, action, less in without_each_action(policy):
        assert any(walk.refused("user/", policy, less, action)), f"no exercise needs {action} in {sid}"
    record_property("measured", f"exercises: {passed} solutions pass, {failed} wrong answers fail")
