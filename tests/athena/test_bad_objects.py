"""Objects and answers that are not as one would like them: told in Athena's words, or answered all the same."""
from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@pytest.fixture
def parquet_table(athena):
    """A table of Parquet, of two files: the second lacks a column that the table has."""
    name = athena.unique()
    for key, columns in {"a": {"id": [1], "more": ["x"]}, "b": {"id": [2]}}.items():
        body = io.BytesIO()
        pq.write_table(pa.table(columns), body)
        athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{name}/{key}", Body=body.getvalue())
    athena.glue.create_table(DatabaseName=athena.name, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "more", "Type": "string"}],
            "Location": f"s3://{athena.bucket}/data/{name}/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": PARQUET}}})
    return name


def test_a_column_that_a_file_lacks_is_null(athena, parquet_table):
    assert athena.rows(f"SELECT id, more FROM {parquet_table} ORDER BY id") == [["1", "x"], ["2", None]]


@pytest.mark.parametrize(("body", "why"), [
    (b'{"id": 3, "more": "this is JSON, which the table does not hold"}\n', 'Expected magic number: PAR1 got: d"}\n'),
    (b"PAR1", "URL is not a valid Parquet File"),
    (b"PAR1" + b"x" * 50 + b"PAR1", "Metadata index: -2021161030 out of range")], ids=["JSON", "short", "no footer"])
def test_a_file_of_another_type_is_named(athena, parquet_table, body, why):
    url = f"s3://{athena.bucket}/data/{parquet_table}/c.json"
    athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{parquet_table}/c.json", Body=body)
    reason = athena.reason(f"SELECT count(*) FROM {parquet_table} WHERE id > 0")
    assert reason == f"HIVE_BAD_DATA: Malformed Parquet file. {why.replace('URL', url)} [{url}]"


def test_an_empty_object_has_no_rows(athena):
    table = athena.json_table({"id": "bigint"}, {"a.json": [{"id": 1}]})
    athena.s3.put_object(Bucket=athena.bucket, Key=f"data/{table}/b.json", Body=b"")
    assert athena.rows(f"SELECT id FROM {table}") == [["1"]]


def test_objects_in_folders_below_are_read_and_hidden_ones_are_not(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html"""
    table = athena.json_table({"id": "bigint"}, {
        "a.json": [{"id": 1}], "2026/11/24/19/b.json": [{"id": 2}], "2026/_hidden/c.json": [{"id": 3}],
        ".hidden/d.json": [{"id": 4}], "2026/_e.json": [{"id": 5}]})
    assert athena.rows(f"SELECT id FROM {table} ORDER BY id") == [["1"], ["2"]]


def test_a_result_of_a_million_rows(athena):
    found = athena.done("SELECT a.n, b.m FROM UNNEST(sequence(1, 1000)) AS a(n) CROSS JOIN "
                        "UNNEST(sequence(1, 1000)) AS b(m)")
    lines = athena.text(found["ResultConfiguration"]["OutputLocation"]).split("\n")
    assert len(lines) == 1_000_002 and lines[0] == '"n","m"' and lines[-1] == ""
    assert len(set(lines[1:-1])) == 1_000_000
    first = athena.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])
    assert len(first["ResultSet"]["Rows"]) == 1_000 and first["NextToken"]
