"""A table's partitions: those that Glue is told of, and those that the table's properties describe."""
from __future__ import annotations

import pytest

ROW = {"id": "bigint"}


def projected(**parameters: str) -> dict[str, str]:
    return {"projection.enabled": "true", **{f"projection.part.{key}": value for key, value in parameters.items()}}


def test_partitions_are_added_shown_and_dropped(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-partition.html, …/alter-table-drop-partition.html,
    …/show-partitions.html"""
    table = athena.json_table(ROW, {"day=1/a.json": [{"id": 1}], "elsewhere/a.json": [{"id": 2}]},
                              partition_keys=("day",))
    athena.done(f"ALTER TABLE {table} ADD PARTITION (day = '1') PARTITION (day = '2') "
                f"LOCATION 's3://{athena.bucket}/data/{table}/elsewhere/'")
    assert athena.rows(f"SHOW PARTITIONS {table}") == [["day=1"], ["day=2"]]
    assert athena.rows(f"SELECT id, day FROM {table} ORDER BY id") == [["1", "1"], ["2", "2"]]
    assert "AlreadyExistsException" in athena.reason(f"ALTER TABLE {table} ADD PARTITION (day = '1')")
    athena.done(f"ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (day = '1') PARTITION (day = '3')")
    athena.done(f"ALTER TABLE {table} DROP PARTITION (day = '2')")
    assert athena.rows(f"SHOW PARTITIONS {table}") == [["day=1"], ["day=3"]]
    assert athena.rows(f"SELECT id FROM {table}") == [["1"]]
    assert "Partition not found" in athena.reason(f"ALTER TABLE {table} DROP PARTITION (day = '2')")
    athena.done(f"ALTER TABLE {table} DROP IF EXISTS PARTITION (day = '2')")
    assert "partition spec" in athena.reason(f"ALTER TABLE {table} ADD PARTITION (hour = '1')")


def test_a_table_is_changed(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-columns.html, …/alter-table-set-tblproperties.html,
    …/alter-table-set-location.html"""
    table = athena.json_table(ROW, {"old/a.json": [{"id": 1}], "new/a.json": [{"id": 2, "more": "x"}]})
    athena.done(f"ALTER TABLE {table} ADD COLUMNS (more string)")
    assert [row[0].split() for row in athena.rows(f"DESCRIBE {table}")] == [["id", "bigint"], ["more", "string"]]
    athena.done(f"ALTER TABLE {table} SET LOCATION 's3://{athena.bucket}/data/{table}/new/'")
    assert athena.rows(f"SELECT id, more FROM {table}") == [["2", "x"]]
    athena.done(f"ALTER TABLE {table} SET TBLPROPERTIES ('kept_for' = '7 years')")
    assert athena.rows(f"SHOW TBLPROPERTIES {table}('kept_for')") == [["kept_for\t7 years"]]


@pytest.mark.parametrize(("parameters", "folder", "value"), [
    (projected(type="enum", values="low,high"), "high", "high"),
    (projected(type="integer", range="0,20", digits="2"), "07", "07"),
    (projected(type="date", range="2025-01-01,2025-02-01", format="yyyy-MM-dd"), "2025-01-31", "2025-01-31"),
    (projected(type="date", range="2025-01-01-00,2025-01-02-00", format="yyyy-MM-dd-HH", interval="1",
               **{"interval.unit": "HOURS"}), "2025-01-01-13", "2025-01-01-13"),
])
def test_partitions_are_projected(athena, parameters, folder, value):
    """https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html"""
    table = athena.json_table(ROW, {f"part={folder}/a.json": [{"id": 1}], "part=outside/a.json": [{"id": 2}]},
                              parameters, ("part",))
    assert athena.rows(f"SELECT id, part FROM {table}") == [["1", value]]
    assert athena.rows(f"SELECT id FROM {table} WHERE part = '{value}'") == [["1"]]
    assert athena.rows(f"SELECT id FROM {table} WHERE part < '{value}'") == []


def test_an_injected_value_must_be_given(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html"""
    table = athena.json_table(ROW, {"part=a/a.json": [{"id": 1}], "part=b/a.json": [{"id": 2}]},
                              projected(type="injected"), ("part",))
    assert athena.rows(f"SELECT id FROM {table} t WHERE t.part = 'b'") == [["2"]]
    assert athena.rows(f"SELECT id FROM {table} WHERE part IN ('a', 'b') ORDER BY id") == [["1"], ["2"]]
    assert athena.reason(f"SELECT id FROM {table}").startswith("CONSTRAINT_VIOLATION")


def test_a_template_says_where_partitions_lie(athena):
    """https://docs.aws.amazon.com/athena/latest/ug/partition-projection-setting-up.html"""
    place = athena.unique()
    table = athena.json_table(ROW, {}, {
        **projected(type="date", range="2025-01-01,2025-01-31", format="yyyy-MM-dd"),
        "storage.location.template": f"s3://{athena.bucket}/data/{place}/on-${{part}}/"}, ("part",))
    athena.put_json(f"data/{place}/on-2025-01-02/a.json", {"id": 1})
    assert athena.rows(f"SELECT id, part FROM {table}") == [["1", "2025-01-02"]]


@pytest.mark.parametrize(("parameters", "reason"), [
    (projected(), "HIVE_METASTORE_ERROR: Table {table} is configured for partition projection, but the following "
                  "partition columns are missing projection configuration: [part] (table {table})"),
    (projected(type="integer", range="1-10"), 'INVALID_TABLE_PROPERTY: For input string: "1-10"'),
    (projected(type="integer", range="1,9223372036854775807"),
     "HIVE_EXCEEDED_PARTITION_LIMIT: Query over table can potentially read 9223372036854775807 partitions"),
    (projected(type="date", range="yesterday", format="yyyy-MM-dd"),
     "INVALID_TABLE_PROPERTY: Table property projection.part.range is not valid: yesterday"),
])
def test_what_makes_no_sense_of_a_projection_is_told(athena, parameters, reason):
    """https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html (partition projection),
    …/partition-projection-setting-up.html"""
    table = athena.json_table(ROW, {}, parameters, ("part",))
    assert athena.reason(f"SELECT id FROM {table}") == reason.format(table=f"{athena.name}.{table}")
