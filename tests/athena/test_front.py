"""Athena's API on the local AWS, asked from outside as on AWS: executions, results, errors, settings and limits."""
from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError


def test_results_lie_where_the_execution_says(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html"""
    found = athena.done(f"SELECT id, name, tags FROM {orders} ORDER BY id")
    url = found["ResultConfiguration"]["OutputLocation"]
    assert url == f"s3://{athena.bucket}/results/{found['QueryExecutionId']}.csv"
    assert athena.text(url) == ('"id","name","tags"\n"1","a ""quoted"", name","[x, y]"\n"2","",\n"3",,"[]"\n')
    kept = athena.s3.list_objects_v2(Bucket=athena.bucket, Prefix=f"results/{found['QueryExecutionId']}")["Contents"]
    assert [one["Key"] for one in kept] == [f"results/{found['QueryExecutionId']}.csv",
                                            f"results/{found['QueryExecutionId']}.csv.metadata"]
    assert found["StatementType"] == "DML" and found["WorkGroup"] == athena.workgroup
    assert found["Statistics"]["DataScannedInBytes"] > 0


def test_rows_types_and_absent_values_through_the_api(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html"""
    found = athena.done(f"SELECT id, name, tags, 1.5 AS d FROM {orders} ORDER BY id")
    answer = athena.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])["ResultSet"]
    assert [(one["Name"], one["Type"]) for one in answer["ResultSetMetadata"]["ColumnInfo"]] == [
        ("id", "bigint"), ("name", "varchar"), ("tags", "array"), ("d", "decimal")]
    assert answer["Rows"][0]["Data"] == [{"VarCharValue": name} for name in ("id", "name", "tags", "d")]
    assert answer["Rows"][3]["Data"] == [{"VarCharValue": "3"}, {}, {"VarCharValue": "[]"}, {"VarCharValue": "1.5"}]


def test_json_with_arrays_gzip_and_absent_columns(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html and …/compression-formats.html"""
    assert athena.rows(f"SELECT id, cardinality(tags), name IS NULL FROM {orders} ORDER BY id") == [
        ["1", "2", "false"], ["2", None, "false"], ["3", "0", "true"]]
    assert athena.rows(f"SELECT id, tag FROM {orders} CROSS JOIN UNNEST(tags) AS t (tag) ORDER BY tag") == [
        ["1", "x"], ["1", "y"]]


@pytest.mark.parametrize(("sql", "words"), [
    ("SELECT missing FROM {orders}", "COLUMN_NOT_FOUND: line 1:8: Column 'missing' cannot be resolved"),
    ("SELECT 1 FROM missing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{database}.missing' does not exist"),
    ("SELECT '5' > 3", "TYPE_MISMATCH: line 1:12: Cannot apply operator:"),
    ("SELECT id / 0 FROM {orders}", "DIVISION_BY_ZERO: "),
])
def test_a_query_that_cannot_be_answered_fails_in_athenas_words(athena, orders, sql, words):
    """https://docs.aws.amazon.com/athena/latest/ug/error-reference.html"""
    reason = athena.reason(sql.format(orders=orders))
    assert reason.startswith(words.format(database=athena.name)), reason


def test_a_failed_query_has_no_results(athena):
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html"""
    found = athena.run("SELECT missing")
    with pytest.raises(ClientError, match="Final query state: FAILED"):
        athena.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])


def test_partition_projection_prunes(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html"""
    days = ("2025-01-01", "2025-01-02", "2025-01-03")
    table = athena.json_table({"id": "bigint"}, {f"dt={day}/x.json": [{"id": at}] for at, day in enumerate(days)}, {
        "projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2025-01-01,2025-01-05"}, ("dt",))
    whole = athena.done(f"SELECT id FROM {table}")["Statistics"]["DataScannedInBytes"]
    part = athena.done(f"SELECT id FROM {table} WHERE dt = '2025-01-02'")["Statistics"]["DataScannedInBytes"]
    assert 0 < part < whole
    assert whole == 3 * part
    assert athena.rows(f"SELECT id, dt FROM {table} WHERE dt >= '2025-01-02' ORDER BY id") == [
        ["1", "2025-01-02"], ["2", "2025-01-03"]]


def test_results_are_paged(athena):
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html"""
    table = athena.json_table({"id": "bigint"}, {"a.json": [{"id": at} for at in range(7)]})
    found = athena.done(f"SELECT id FROM {table} ORDER BY id")
    pages = list(athena.athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=found["QueryExecutionId"], PaginationConfig={"PageSize": 3}))
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [3, 3, 2]
    assert [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]] == [
        "id", *map(str, range(7))]


def test_execution_parameters(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements-querying-using-execution-parameters.html"""  # noqa: E501
    sql = f"SELECT id FROM {orders} WHERE id = ? OR name = ?"
    assert athena.rows(sql, ExecutionParameters=["3", "''"]) in ([["3"], ["2"]], [["2"], ["3"]])
    assert "INVALID_PARAMETER_USAGE" in athena.reason(sql, ExecutionParameters=["3"])


def test_a_workgroups_settings_win_where_it_enforces_them(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html"""
    elsewhere = {"OutputLocation": f"s3://{athena.bucket}/elsewhere/"}
    strict = athena.make_workgroup(f"{athena.workgroup}-strict", EnforceWorkGroupConfiguration=True)
    loose = athena.done("SELECT 1", ResultConfiguration=elsewhere)
    forced = athena.done("SELECT 1", ResultConfiguration=elsewhere, WorkGroup=strict)
    assert loose["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{athena.bucket}/elsewhere/")
    assert forced["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{athena.bucket}/results/")


def test_a_query_that_reads_more_than_its_workgroup_allows_is_cancelled(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html"""
    small = athena.make_workgroup(f"{athena.workgroup}-small", BytesScannedCutoffPerQuery=10_000_000)
    table = athena.unique()
    line = b'{"id": 1, "pad": "' + b"x" * 1_000_000 + b'"}\n'
    for at in range(3):
        athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{table}/{at}.json", Body=line * 4)
    athena.done(f"CREATE EXTERNAL TABLE {table} (id bigint, pad string) ROW FORMAT SERDE "
                f"'org.apache.hive.hcatalog.data.JsonSerDe' LOCATION 's3://{athena.bucket}/data/{table}/'")
    found = athena.run(f"SELECT max(pad) FROM {table}", WorkGroup=small)
    assert found["Status"]["State"] == "CANCELLED"
    assert found["Status"]["StateChangeReason"].startswith("Bytes scanned limit was exceeded")
    athena.done(f"SELECT count(id) FROM {table}")


def test_a_query_is_stopped(athena):
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_StopQueryExecution.html"""
    table = athena.json_table({"id": "bigint"}, {"a.json": [{"id": at} for at in range(3000)]})
    started = athena.athena.start_query_execution(
        QueryString=f"SELECT sum(a.id * b.id + c.id) FROM {table} a CROSS JOIN {table} b CROSS JOIN {table} c",
        QueryExecutionContext={"Database": athena.name}, WorkGroup=athena.workgroup)["QueryExecutionId"]
    until = time.monotonic() + 10
    while _state(athena, started) == "QUEUED" and time.monotonic() < until:
        time.sleep(0.02)
    assert _state(athena, started) == "RUNNING"
    athena.athena.stop_query_execution(QueryExecutionId=started)
    assert athena.ended(started)["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        athena.athena.get_query_results(QueryExecutionId=started)


def _state(athena, name: str) -> str:
    return athena.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"]["State"]


def test_a_statement_too_long_is_refused(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/service-limits.html"""
    fits = "SELECT 1 --" + "x" * (262_144 - 11)
    athena.done(fits)
    with pytest.raises(ClientError) as refused:
        athena.run(fits + "x")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


@pytest.mark.parametrize("sql", ["SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
                                 "COPY (SELECT 1) TO '/tmp/out.csv'", "SELECT 1; SELECT 2", "SELEC 1"])
def test_what_is_not_athenas_is_refused(athena, sql):
    """https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html"""
    try:
        found = athena.run(sql)
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidRequestException"
    else:
        assert found["Status"]["State"] == "FAILED", found["Status"]


@pytest.mark.parametrize("ctas", [False, True])
def test_awswrangler_reads_a_query(athena, orders, ctas, monkeypatch):
    """https://aws-sdk-pandas.readthedocs.io/en/stable/stubs/awswrangler.athena.read_sql_query.html"""
    wr = pytest.importorskip("awswrangler")
    for service in ("athena", "glue", "s3", "sts"):
        monkeypatch.setattr(wr.config, f"{service}_endpoint_url", athena.aws.endpoint)
    frame = wr.athena.read_sql_query(
        f"SELECT id, name, tags FROM {orders} WHERE id < 3 ORDER BY id", database=athena.name,
        ctas_approach=ctas, workgroup=athena.workgroup, s3_output=f"s3://{athena.bucket}/wrangler/",
        boto3_session=athena.aws.session)
    assert sorted(frame["id"].tolist()) == [1, 2]
    assert frame.sort_values("id")["name"].iloc[0] == 'a "quoted", name'
