"""What Athena does on Glue, asked as SQL: views, external tables, CREATE TABLE AS and INSERT INTO."""
from __future__ import annotations

import json
from base64 import b64decode

import pytest
from botocore.exceptions import ClientError


def test_a_view_is_kept_in_glue_and_used_later(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/create-view.html"""
    view = athena.unique()
    athena.done(f"CREATE OR REPLACE VIEW {view} AS SELECT id FROM {orders}")
    athena.done(f"CREATE OR REPLACE VIEW {view} AS SELECT id, upper(name) AS loud FROM {orders}")
    found = athena.glue.get_table(DatabaseName=athena.name, Name=view)["Table"]
    assert found["TableType"] == "VIRTUAL_VIEW" and found["Parameters"]["presto_view"] == "true"
    text = found["ViewOriginalText"]
    assert text.startswith("/* Presto View: ") and text.endswith(" */")
    kept = json.loads(b64decode(text[len("/* Presto View: "):-len(" */")]))
    assert kept["columns"] == [{"name": "id", "type": "bigint"}, {"name": "loud", "type": "varchar"}]
    assert athena.rows(f"SELECT loud FROM {view} WHERE id = 1") == [['A "QUOTED", NAME']]
    assert "already exists" in athena.reason(f"CREATE VIEW {view} AS SELECT id FROM {orders}")
    athena.done(f"DROP VIEW {view}")
    assert athena.reason(f"SELECT 1 FROM {view}").startswith("TABLE_NOT_FOUND")


def test_glue_leaves_out_a_description_that_nobody_gave(athena, orders):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetTable.html"""
    assert "Description" not in athena.glue.get_table(DatabaseName=athena.name, Name=orders)["Table"]
    assert "Description" not in athena.glue.get_database(Name=athena.name)["Database"]


def test_an_external_table_is_made_shown_and_dropped(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/create-table.html, …/show-tables.html, …/drop-table.html"""
    table = athena.unique()
    athena.put_json(f"data/{table}/dt=2025-01-01/a.json", {"id": 1, "tags": ["x"]})
    found = athena.done(
        f"CREATE EXTERNAL TABLE {table} (id bigint, tags array<string>) PARTITIONED BY (dt string) ROW FORMAT SERDE "
        f"'org.apache.hive.hcatalog.data.JsonSerDe' LOCATION 's3://{athena.bucket}/data/{table}/'")
    assert (found["StatementType"], found["SubstatementType"]) == ("DDL", "CREATE_TABLE")
    assert found["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    kept = athena.glue.get_table(DatabaseName=athena.name, Name=table)["Table"]
    assert [(one["Name"], one["Type"]) for one in kept["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"), ("tags", "array<string>")]
    assert athena.rows(f"SHOW TABLES '{table}'") == [[table]]
    assert athena.rows(f"SELECT id FROM {table}") == []
    athena.done(f"MSCK REPAIR TABLE {table}")
    assert athena.rows(f"SELECT id, tags, dt FROM {table}") == [["1", "[x]", "2025-01-01"]]
    athena.done(f"DROP TABLE {table}")
    assert athena.rows(f"SHOW TABLES '{table}'") == []
    athena.s3.head_object(Bucket=athena.bucket, Key=f"data/{table}/dt=2025-01-01/a.json")  # the data stays


def test_a_table_is_made_of_a_query_and_added_to(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/ctas.html, …/insert-into.html"""
    table = athena.unique()
    found = athena.done(f"CREATE TABLE {table} WITH (format = 'PARQUET', external_location = "
                        f"'s3://{athena.bucket}/made/{table}/') AS SELECT id, name FROM {orders} WHERE id < 3")
    assert found["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    manifest = athena.text(found["Statistics"]["DataManifestLocation"]).split()
    assert manifest and all(one.startswith(f"s3://{athena.bucket}/made/{table}/") for one in manifest)
    athena.done(f"INSERT INTO {table} SELECT id, name FROM {orders} WHERE id = 3")
    assert athena.rows(f"SELECT id, name FROM {table} ORDER BY id") == [
        ["1", 'a "quoted", name'], ["2", ""], ["3", None]]
    again = athena.reason(f"CREATE TABLE {table} AS SELECT 1 AS one")
    assert again.startswith("TABLE_ALREADY_EXISTS"), again


def test_a_partitioned_table_is_made_of_a_query(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/ctas-examples.html"""
    table = athena.unique()
    athena.done(f"CREATE TABLE {table} WITH (format = 'PARQUET', partitioned_by = ARRAY['half']) AS "
                f"SELECT id, if(id < 3, 'low', 'high') AS half FROM {orders}")
    kept = athena.glue.get_partitions(DatabaseName=athena.name, TableName=table)["Partitions"]
    assert sorted(one["Values"] for one in kept) == [["high"], ["low"]]
    assert athena.rows(f"SELECT id FROM {table} WHERE half = 'high'") == [["3"]]


def test_what_is_added_is_compressed_as_the_table_says(athena, orders):
    """https://docs.aws.amazon.com/athena/latest/ug/compression-support-zstd-levels.html"""
    sizes = {}
    for level in (1, 19):
        table = athena.unique()
        athena.done(f"CREATE TABLE {table} WITH (format = 'PARQUET', write_compression = 'ZSTD', compression_level = "
                    f"{level}) AS SELECT '' AS text WITH NO DATA")
        found = athena.done(f"INSERT INTO {table} SELECT cast(n * n * n AS varchar) AS text "
                            "FROM UNNEST(sequence(1, 9000)) AS t(n)")
        (url,) = athena.text(found["Statistics"]["DataManifestLocation"]).split()
        sizes[level] = len(athena.text(url, encoding="latin-1"))
        assert athena.rows(f"SELECT count(DISTINCT text) FROM {table}") == [["9000"]]
    if athena.aws.engine == "duckdb":  # Trino has one level
        assert sizes[19] < 0.95 * sizes[1]
    assert "compression_level" in athena.reason(
        "CREATE TABLE t WITH (write_compression = 'GZIP', compression_level = 5) AS SELECT 1 AS one")


def test_patterns_know_two_signs(front):
    """https://docs.aws.amazon.com/athena/latest/ug/show-tables.html, …/show-databases.html, …/show-views.html"""
    table = front.json_table({"id": "bigint"}, {})
    front.done(f"CREATE VIEW {table}_view AS SELECT id FROM {table}")
    assert front.rows(f"SHOW TABLES '{table}*'") == [[table], [f"{table}_view"]]
    assert front.rows(f"SHOW TABLES IN {front.name} '{table.upper()}.*'") == [[table], [f"{table}_view"]]
    assert front.rows(f"SHOW TABLES 'nothing|{table}|*_nothing'") == [[table]]
    assert front.rows(f"SHOW VIEWS LIKE '*{table[2:]}*'") == [[f"{table}_view"]]
    assert front.rows(f"SHOW DATABASES LIKE '{front.name[:-1]}*'") == [[front.name]]
    for literal in ("a(", "[", "+", "?", table[:-1] + "?", table[:-1] + "[a-z0-9]", "\\", "(|)"):
        assert front.rows(f"SHOW TABLES '{literal}'") == []


@pytest.mark.parametrize("sql", [
    "ALTER TABLE {orders} ADD COLUMNS (", "ALTER TABLE {orders} ADD COLUMNS", "ALTER TABLE {orders} ADD COLUMNS (id)",
    "ALTER TABLE {orders} ADD COLUMNS (a strng)", "ALTER TABLE {orders} ADD COLUMNS id bigint",
    "ALTER TABLE {orders} ADD PARTITION (day = '1')", "ALTER TABLE {orders} SET TBLPROPERTIES ('a')",
    "ALTER TABLE {orders} SET LOCATION 'here'", "ALTER TABLE {bare} ADD PARTITION (day = '1')",
    "CREATE EXTERNAL TABLE {new} (id bigint) STORED AS INPUTFORMAT 'a' LOCATION 's3://{bucket}/x/'",
    "CREATE EXTERNAL TABLE {new} (id) LOCATION 's3://{bucket}/x/'", "CREATE EXTERNAL TABLE {new} (id bigint",
    "CREATE EXTERNAL TABLE {new} (id bigint) LOCATION 's3://{bucket}/x/' TBLPROPERTIES ('a')",
    "CREATE EXTERNAL TABLE {new} LIKE {orders}", "CREATE EXTERNAL TABLE",
    "CREATE TABLE {new} WITH (format = ARRAY['JSON']) AS SELECT 1 AS a",
    "CREATE TABLE {new} WITH (partitioned_by = 'day') AS SELECT 1 AS day",
    "CREATE TABLE {new} WITH (external_location = 5) AS SELECT 1 AS a",
    "CREATE TABLE {new} WITH (external_location = ARRAY['s3://{bucket}/x/']) AS SELECT 1 AS a",
    "CREATE TABLE {new} WITH (field_delimiter = ARRAY[',']) AS SELECT 1 AS a",
    "CREATE TABLE {new} WITH (compression_level = ARRAY['3'], write_compression = 'ZSTD') AS SELECT 1 AS a",
    "SHOW COLUMNS IN", "SHOW PARTITIONS", "SHOW CREATE TABLE", "DESCRIBE", "DROP TABLE", "MSCK REPAIR TABLE {view}",
    "SHOW CREATE VIEW {broken}", "SELECT * FROM {broken}", "DESCRIBE {broken}"])
def test_no_error_of_pythons_comes_through(front, sql):
    orders = front.json_table({"id": "bigint"}, {})
    given = {"orders": orders, "new": front.unique(), "bucket": front.bucket, "bare": front.unique(),
             "broken": front.unique(), "view": front.unique()}
    front.glue.create_table(DatabaseName=front.name, TableInput={
        "Name": given["bare"], "PartitionKeys": [{"Name": "day", "Type": "string"}]})
    front.glue.create_table(DatabaseName=front.name, TableInput={
        "Name": given["broken"], "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "/* Presto View: bm8= */"})
    front.done(f"CREATE VIEW {given['view']} AS SELECT 1 AS one")
    try:
        status = front.run(sql.format(**given))["Status"]
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidRequestException"
    else:
        assert status["State"] == "FAILED", status
        assert "GENERIC_INTERNAL_ERROR" not in status["StateChangeReason"], status


@pytest.mark.parametrize("sql", ["DESCRIBE {bare}", "SHOW COLUMNS IN {bare}", "SHOW CREATE TABLE {bare}"])
def test_a_table_of_which_glue_knows_little_is_shown(front, sql):
    bare = front.unique()
    front.glue.create_table(DatabaseName=front.name, TableInput={
        "Name": bare, "PartitionKeys": [{"Name": "day", "Type": "string"}]})
    assert "day" in str(front.rows(sql.format(bare=bare)))
