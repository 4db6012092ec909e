"""What only the exact engine has: a process that starts, ends and comes back, users of its own, and its own count of
bytes. What both engines have is asked of both, in the other files."""
from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import signal
import time
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from athena_under_test import Athena
from aws_under_test import Aws
from unavailable import without_trino

pytestmark = pytest.mark.trino
LONG = "SELECT sum(a.n * b.n + c.n) FROM {numbers} a CROSS JOIN {numbers} b CROSS JOIN {numbers} c"


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Aws:
    """A local AWS whose Trino may be killed, and whose engine may be changed."""
    one = Aws(tmp_path_factory.mktemp("own"), "trino")
    done = one.cli("start")
    if done.returncode:
        without_trino(done.stderr.strip().splitlines()[-1])
    yield one
    one.cli("stop")


def with_engine(aws: Aws, engine: str) -> Athena:
    """The same local AWS, its SQL answered by that engine from now on."""
    aws.engine = engine
    aws.start()
    return Athena(aws)


def javas(aws: Aws) -> list[int]:
    """Trino's process among those of a local AWS."""
    told = json.loads(aws.cli("status", "--json").stdout)
    assert told["engine"] == "trino" and told["versions"]["trino"] == "476"
    return [pid for pid in told["pids"] if "/bin/java" in command(pid).split("\0")[0]]


def command(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as words:
        return words.read()
    return ""


def numbers(athena: Athena) -> str:
    return athena.json_table({"n": "bigint"}, {"a.json": [{"n": at} for at in range(3000)]})


def begun(athena: Athena, sql: str) -> str:
    """A query that runs and will for a while."""
    athena.done("SELECT 1")  # so that Trino has started
    started = athena.athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": athena.name}, WorkGroup=athena.workgroup)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if any(one["state"] == "RUNNING" and one["query"] == sql for one in queries(athena)):
            return started["QueryExecutionId"]
        time.sleep(0.05)
    raise AssertionError("Trino does not run the query")


def queries(athena: Athena, user: str | None = None) -> list[dict]:
    """What Trino tells of its queries, to a user whom only the local AWS knows, or to another."""
    etc = athena.aws.state / "athena" / "trino" / "etc"
    port = dict(line.split("=", 1) for line in (etc / "config.properties").read_text().split())["http-server.http.port"]
    ours = json.loads((etc / "rules.json").read_text())["queries"][0]["user"].removesuffix(".*")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/query", headers={"X-Trino-User": user or ours})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks at processes where Linux shows them")
def test_trino_is_noticed_where_it_has_gone_and_nothing_is_left_of_it(own):
    athena = with_engine(own, "trino")
    table = numbers(athena)
    assert not javas(own), "it starts with the first query"
    name = begun(athena, LONG.format(numbers=table))
    (first,) = javas(own)
    os.kill(first, signal.SIGKILL)
    failed = athena.ended(name)["Status"]
    assert failed["State"] == "FAILED"
    assert failed["StateChangeReason"].startswith("GENERIC_INTERNAL_ERROR: The engine (Trino) ended while")
    assert failed["AthenaError"]["ErrorCategory"] == 1 and failed["AthenaError"]["Retryable"]
    assert athena.rows(f"SELECT count(*) FROM {table}") == [["3000"]], "the next query starts it again"
    (second,) = javas(own)
    assert second != first
    os.kill(json.loads((own.state / "server.json").read_text())["pid"], signal.SIGKILL)
    until = time.monotonic() + 10
    while command(second) and time.monotonic() < until:
        time.sleep(0.05)
    assert not command(second), "Trino outlived the local AWS"


def test_what_one_engine_made_the_other_reads(own):
    """https://docs.aws.amazon.com/athena/latest/ug/views.html"""
    athena = with_engine(own, "duckdb")
    table = athena.json_table({"id": "bigint", "name": "string"}, {
        "a.json.gz": [{"id": at, "name": f"n{at * at}"} for at in range(5000)]})
    questions = []
    for engine in ("duckdb", "trino"):
        own.engine = engine
        own.start()
        athena.done(f"CREATE VIEW of_{engine} AS SELECT id, upper(name) AS loud, timestamp '2024-01-01 00:00:00' AS at "
                    f"FROM {table} WHERE id < 10")
        athena.done(f"CREATE TABLE in_{engine} WITH (format = 'PARQUET', write_compression = 'SNAPPY') AS "
                    f"SELECT id, name || '{engine}' AS text FROM {table}")
        questions += [f"SELECT id, loud, at FROM of_{engine} ORDER BY id", f"SELECT sum(id) FROM in_{engine}",
                      f"SELECT max(text) FROM in_{engine}"]
    by_trino = [(athena.rows(sql), scanned(athena, sql)) for sql in questions]
    own.engine = "duckdb"
    own.start()
    for sql, (rows, theirs) in zip(questions, by_trino, strict=True):
        assert athena.rows(sql) == rows, sql
        assert abs(scanned(athena, sql) - theirs) <= 0.05 * theirs, (sql, theirs)


def test_a_stopped_query_is_stopped_in_trino(on_trino):
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_StopQueryExecution.html"""
    sql = LONG.format(numbers=numbers(on_trino))
    name = begun(on_trino, sql)
    on_trino.athena.stop_query_execution(QueryExecutionId=name)
    assert on_trino.ended(name)["Status"]["State"] == "CANCELLED"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        (told,) = (one for one in queries(on_trino) if one["query"] == sql)
        if told["state"] == "FAILED":
            break
        time.sleep(0.05)
    assert (told["state"], told["errorCode"]["name"]) == ("FAILED", "USER_CANCELED")


def test_nobody_else_on_this_machine_may_ask_trino(on_trino):
    on_trino.done("SELECT 1")
    assert queries(on_trino), "the local AWS sees its own"
    assert not [one for one in queries(on_trino, "somebody") if one["session"]["user"] != "somebody"]
    etc = on_trino.aws.state / "athena" / "trino" / "etc"
    assert etc.parent.stat().st_mode & 0o077 == 0
    assert (etc.parent.parent / "trino.json").stat().st_mode & 0o077 == 0


def test_the_bytes_read_are_those_of_the_objects_and_columns(on_trino):
    """https://docs.aws.amazon.com/athena/latest/ug/columnar-storage.html"""
    table = on_trino.json_table({"id": "bigint"}, {})
    packed = gzip.compress(b"".join(b'{"id": %d}\n' % at for at in range(20_000)))
    on_trino.s3.put_object(Bucket=on_trino.bucket, Key=f"data/{table}/a.gz", Body=packed)
    assert scanned(on_trino, f"SELECT max(id) FROM {table}") == len(packed)

    body = io.BytesIO()
    pq.write_table(pa.table({"id": range(50_000), "text": [f"{at * at:x}" for at in range(50_000)]}), body)
    group = pq.ParquetFile(body).metadata.row_group(0)
    columnar = on_trino.unique()
    on_trino.s3.put_object(Bucket=on_trino.bucket, Key=f"data/{columnar}/a", Body=body.getvalue())
    on_trino.done(f"CREATE EXTERNAL TABLE {columnar} (id bigint, text string) STORED AS PARQUET LOCATION "
                  f"'s3://{on_trino.bucket}/data/{columnar}/'")
    footer = min(49_152, len(body.getvalue()))
    for at, name in enumerate(("id", "text")):
        read = scanned(on_trino, f"SELECT max({name}) FROM {columnar}")
        assert read == group.column(at).total_compressed_size + footer, name


def scanned(athena: Athena, sql: str) -> int:
    return athena.done(sql)["Statistics"]["DataScannedInBytes"]


@pytest.mark.parametrize(("form", "compression", "named"), [
    ("PARQUET", "ZSTD", b"PAR1"), ("ORC", "ZLIB", b"ORC"), ("AVRO", "DEFLATE", b"Obj"), ("JSON", "GZIP", b"\x1f\x8b"),
    ("TEXTFILE", "NONE", b"1,x")])
def test_a_table_is_made_in_every_format(on_trino, form, compression, named):
    """https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html"""
    table = on_trino.unique()
    more = ", field_delimiter = ','" if form == "TEXTFILE" else ""
    found = on_trino.done(f"CREATE TABLE {table} WITH (format = '{form}', write_compression = '{compression}'{more}, "
                          f"external_location = 's3://{on_trino.bucket}/made/{table}/', partitioned_by = ARRAY['day']) "
                          "AS SELECT 1 AS id, 'x' AS text, '2024-01-01' AS day")
    (url,) = on_trino.text(found["Statistics"]["DataManifestLocation"]).split()
    assert url.startswith(f"s3://{on_trino.bucket}/made/{table}/day=2024-01-01/")
    assert on_trino.text(url, encoding="latin-1").startswith(named.decode("latin-1"))
    on_trino.done(f"INSERT INTO {table} (text, id, day) SELECT 'longer', 2, '2024-01-02'")
    assert on_trino.rows(f"SELECT id, text, day FROM {table} ORDER BY id") == [
        ["1", "x", "2024-01-01"], ["2", "longer", "2024-01-02"]]
    assert on_trino.rows(f"SHOW PARTITIONS {table}") == [["day=2024-01-01"], ["day=2024-01-02"]]


def test_a_table_that_cannot_be_filled_is_not_there(on_trino):
    table = on_trino.unique()
    assert on_trino.reason(f"CREATE TABLE {table} AS SELECT 1 / length(name) AS n FROM (VALUES '') AS t(name)"
                           ).startswith("DIVISION_BY_ZERO")
    assert on_trino.rows(f"SHOW TABLES '{table}'") == []


@pytest.mark.parametrize(("sql", "words"), [
    ("SELECT * FROM system.runtime.queries", "Catalog 'system' not found"),
    ("SELECT 1 FROM system.metadata.catalogs c", "Catalog 'system' not found"),
    ("WITH SESSION query_max_run_time = '1h' SELECT 1", "mismatched input 'SESSION'"),
    ("WITH FUNCTION f() RETURNS bigint RETURN 1 SELECT f()", "mismatched input 'FUNCTION'"),
    ("EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1 AS one", "explains queries only"),
    ("SET SESSION query_max_run_time = '1h'", "not supported: SET SESSION"),
    ("CALL system.flush_metadata_cache()", "not supported: CALL"), ("GRANT SELECT ON t TO u", "not supported: GRANT"),
    ("SHOW SESSION", "not supported: SHOW SESSION"), ("SHOW CATALOGS", "not supported: SHOW CATALOGS"),
    ("INSERT INTO system.runtime.queries SELECT 1", "Catalog 'system' not found")])
def test_what_trino_has_and_athena_has_not_is_refused(on_trino, sql, words):
    """https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html"""
    assert words in on_trino.reason(sql)


def test_errors_keep_their_place(on_trino):
    table = on_trino.json_table({"id": "bigint"}, {})
    assert on_trino.reason(f"INSERT INTO {table}\nSELECT nope").startswith("COLUMN_NOT_FOUND: line 2:8:")
    assert on_trino.reason(f"INSERT INTO {table} SELECT nope").startswith(
        f"COLUMN_NOT_FOUND: line 1:{len(f'INSERT INTO {table} SELECT ') + 1}:")
    assert on_trino.reason("CREATE TABLE made_of AS SELECT nope AS a").startswith("COLUMN_NOT_FOUND: line 1:32:")
    assert on_trino.reason("CREATE VIEW made_of AS SELECT nope AS a").startswith("COLUMN_NOT_FOUND: line 1:31:")


def test_a_region_of_its_own(on_trino):
    elsewhere = on_trino.aws.session.client("athena", endpoint_url=on_trino.aws.endpoint, region_name="eu-west-1")
    with contextlib.suppress(elsewhere.exceptions.InvalidRequestException):
        elsewhere.create_work_group(Name="there", Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{on_trino.bucket}/results/"}})
    found = on_trino.run("SELECT 1", elsewhere, WorkGroup="there")
    assert "the region us-east-1 only" in found["Status"]["StateChangeReason"]
