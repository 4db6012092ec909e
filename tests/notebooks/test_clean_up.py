"""What Parts 1 to 7 made, and what 99 has left of it: asked of the services themselves, whatever 99 says."""
from __future__ import annotations

from inventory import NO_TAGS, inventory


def test_all_that_the_workbook_makes_is_tagged(walk):
    """Otherwise 99, which asks for what is tagged, would overlook it, as would a bill by tags."""
    there = walk.before_clean_up
    kinds = {name.rpartition(" ")[0] for name in there}
    assert kinds == {"table", "function", "trigger", "Firehose stream", "bucket", "log group", "role", "database",
                     NO_TAGS, "workgroup", "queue"}
    assert [name for name, tags in there.items()
            if not name.startswith(NO_TAGS) and tags.get("project") != "orders-audit"] == []


def test_nothing_is_left_after_the_clean_up(walk):
    assert inventory(walk.account.status) == {}
