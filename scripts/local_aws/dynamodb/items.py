"""Items and attribute values as DynamoDB compares and keeps them, in its typed JSON: {"N": "1.1"}, {"SS": ["a"]}."""
from __future__ import annotations

from local_aws.ministack_seam import dynamodb


def same(one: object, other: object) -> bool:
    """Whether two items or attribute values are equal to DynamoDB, to which a set has no order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            sorted(one[name]) == sorted(other[name])
            if name in ("SS", "NS", "BS") and isinstance(one[name], list) and isinstance(other[name], list)
            else same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def canonical(item: dict) -> dict:
    """An item, or a map in one, with its numbers as DynamoDB keeps them: 1.10 is 1.1."""
    number = dynamodb._ddb_canonicalize_number

    def tidy(name: str, part: object) -> object:
        if name == "N" and isinstance(part, str):
            return number(part) or part
        if name == "NS" and isinstance(part, list):
            return [number(text) or text for text in part]
        if isinstance(part, list):
            return [canonical(element) if isinstance(element, dict) else element for element in part]
        return canonical(part) if isinstance(part, dict) else part

    return {name: tidy(name, part) for name, part in item.items()}


def keys_of(table: dict, item: dict) -> tuple[object, object]:
    """What an item is kept under in ministack's `table`: its partition key's and its sort key's value."""
    partition, sort = (dynamodb._extract_key_val(item.get(name)) if name else "__no_sort__"
                       for name in (table["pk_name"], table["sk_name"]))
    return partition, sort


def item_at(table: dict, partition: object, sort: object) -> dict | None:
    """The item that ministack's `table` keeps under these keys, if there is one."""
    return table["items"].get(partition, {}).get(sort)
