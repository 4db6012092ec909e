"""Queries that chance composes: typed expressions over order histories, and the clauses around them.

A template is SQL with the kinds of what it takes in braces, such as '({number} + {number})'; each is filled by a
template of that kind, and ever simpler ones. Sums of floating-point numbers depend on the order in which rows meet, on
Trino itself: the numbers here are such that every order gives the same.
"""
from __future__ import annotations

import random
import re
from dataclasses import dataclass

KEYS = "event_id, dt, sequence_number"
SOURCE = ("(SELECT *, length(order_id) + coalesce(last_updated_date % 97, 0) AS n, "
          "cast(changed_at AS timestamp) AS at_ FROM order_events)")

# What is no further composed, of each kind
LEAVES = {
    "text": ["order_id", "event_name", "old_state", "new_state", "changed_by", "changed_at", "new_image", "dt", "''",
             "'OPEN'", "'a'", "'1'", "'é😀'", "'%E%'", "','", "cast(null as varchar)"],
    "number": ["last_updated_date", "n", "0", "1", "-1", "2", "7", "100", "cast(null as bigint)", "bigint '86400'",
               "2147483647"],
    "decimal": ["1.5", "-0.25", "100.0", "cast(null as decimal(10,2))",
                "try_cast(json_extract_scalar(new_image, '$.total') as decimal(10,2))"],
    "double": ["0e0", "1.5e0", "-2.25e0", "double 'NaN'", "cast(n as double)", "cast(null as double)", "1e10"],
    "moment": ["at_", "timestamp '2026-11-22 00:00:00.000'", "cast(from_unixtime(last_updated_date) as timestamp)",
               "cast(null as timestamp)"],
    "array": ["changed_attributes", "array['state', null]", "cast(array[] as array(varchar))"],
    "truth": ["true", "old_state is null", "new_state = 'OPEN'", "n > 50", "cast(null as boolean)",
              "event_name <> 'REMOVE'"],
    "unit": ["second", "minute", "hour", "day", "week", "month", "quarter", "year"],
    "compared": ["=", "<>", "<", "<=", ">", ">="],
    "small": ["-3", "-1", "0", "1", "2", "3", "5", "9"], "place": ["1", "2", "3", "4"],
}
COMPOSED = {
    "text": [
        "({text} || {text})", "concat({text}, '-', {text})", "lower({text})", "upper({text})", "trim({text})",
        "substr({text}, {number})", "substr({text}, {small}, {small})", "split_part({text}, 'E', {place})",
        "split_part({text}, ',', {place})", "split_part({text}, '', {place})", "replace({text}, {text}, {text})",
        "coalesce({text}, {text})", "nullif({text}, {text})", "if({truth}, {text}, {text})",
        "case when {truth} then {text} when {truth} then {text} end", "json_extract_scalar(new_image, '$.state')",
        "json_extract_scalar(new_image, '$.total')", "json_extract_scalar(new_image, '$.note')",
        "json_extract_scalar(new_image, '$.nope')", "json_extract_scalar(new_image, '$')",
        "cast({number} as varchar)", "cast({decimal} as varchar)", "cast({moment} as varchar)",
        "cast({double} as varchar)", "array_join({array}, {text})",
        "element_at({array}, {place})", "regexp_extract({text}, '[A-Z]+')", "regexp_extract({text}, '(\\d)(\\d)')",
        "regexp_extract({text}, '^.')"],
    "number": [
        "({number} + {number})", "({number} - {number})", "({number} * {number})", "({number} / {number})",
        "({number} % {number})", "length({text})", "abs({number})", "(- {number})", "coalesce({number}, {number})",
        "if({truth}, {number}, {number})", "nullif({number}, {number})", "cardinality({array})",
        "strpos({text}, {text})", "try_cast({text} as bigint)", "date_diff('{unit}', {moment}, {moment})",
        "year({moment})", "month({moment})", "day({moment})", "hour({moment})", "day_of_week({moment})",
        "week({moment})", "try_cast({decimal} as bigint)", "try_cast({double} as integer)"],
    "decimal": [
        "({decimal} + {number!})", "({decimal} - {number!})", "({decimal} * {number!})", "({decimal} + {decimal!})",
        "({decimal} - {decimal!})", "({decimal} / {decimal!})", "round({decimal}, 1)",
        "round({decimal})", "abs({decimal})", "cast({number!} as decimal(12,1))"],
    "double": [
        "({double} + {double})", "({double} - {double})", "({double} * {double})", "({double} / {double})",
        "abs({double})", "round({double})", "cast({number} as double)"],
    "moment": [
        "date_trunc('{unit}', {moment})", "date_add('{unit}', {small}, {moment})",
        "date_add('{unit}', 40, {moment})",
        "cast(cast({moment} as date) as timestamp)", "coalesce({moment}, {moment})"],
    "array": [
        "array_distinct({array})", "array_sort({array})",
        "array[{text}, {text}]", "split({text}, 'E')"],
    "truth": [
        "({text} {compared} {text})", "({number} {compared} {number})", "({double} {compared} {double})",
        "({decimal} {compared} {number})", "({moment} {compared} {moment})", "({truth} and {truth})",
        "({truth} or {truth})", "(not {truth})", "({text} in ({text}, {text}))",
        "({number} not in ({number}, {number}))", "({text} like '%E%')", "({text} like '_P%')", "({text} like '')",
        "({number} between {number} and {number})", "({text} is not null)", "({text} is distinct from {text})",
        "contains({array}, {text})",
        "regexp_like({text}, '^[A-Z]')", "regexp_like({text}, '\\d+')"],
}
EXPRESSIONS = {"text": 3, "number": 3, "decimal": 2, "double": 2, "moment": 2, "array": 2, "truth": 3}  # how deep
AGGREGATES = [
    "count(*)", "count({text})", "count(distinct {text})", "max({text})", "min({text})", "sum({number} % 1000)",
    "avg({number} % 1000)", "sum({decimal})", "avg({decimal})", "count_if({truth})", "bool_or({truth})",
    "bool_and({truth})", "max_by({text}, event_id || dt)", "min_by({number}, event_id || dt)", "max({moment})",
    "count({text!}) filter (where {truth!})", "array_agg({text!} order by event_id, dt)"]
GROUPED_BY = ["{text}", "{number}", "{truth}", "cast(at_ as date)"]
HAVING = ["", "HAVING count(*) > 2", "HAVING max(n) > 20 OR min(n) IS NULL"]
WINDOWS = [
    "row_number()", "rank()", "dense_rank()", "count(*)", "lag({text!})", "lead({text!}, 2)", "lag({number!}, 1, 0)",
    "first_value({text!})", "last_value({text!})", "sum({number!} % 1000)", "max({text!})"]
PARTITIONS = ["", "partition by order_id ", "partition by new_state, event_name "]
ORDERS = ["", "desc ", "desc nulls first ", "nulls first "]
JOINED_ON = ["a.order_id = b.order_id AND a.new_state = b.old_state",
             "a.order_id = b.order_id AND b.event_name = 'REMOVE'",
             "a.new_state = b.old_state AND a.order_id = b.order_id AND a.n <= b.n"]
SHAPES = [
    f"SELECT {KEYS} FROM SOURCE WHERE order_id IN (SELECT order_id FROM SOURCE WHERE {{truth}}) AND {{truth}} "
    f"ORDER BY {KEYS}",
    f"SELECT {KEYS} FROM SOURCE WHERE order_id NOT IN (SELECT order_id FROM SOURCE WHERE {{truth}}) ORDER BY {KEYS}",
    f"SELECT {KEYS}, (SELECT count(*) FROM SOURCE WHERE {{truth}}) FROM SOURCE WHERE {{truth}} ORDER BY {KEYS}",
    "SELECT DISTINCT new_state, ({truth}) FROM SOURCE ORDER BY 1, 2",
    "SELECT new_state FROM SOURCE WHERE {truth} UNION SELECT old_state FROM SOURCE WHERE {truth} ORDER BY 1",
    "SELECT order_id FROM SOURCE WHERE {truth} EXCEPT SELECT order_id FROM SOURCE WHERE {truth} ORDER BY 1",
    "SELECT order_id FROM SOURCE WHERE {truth} INTERSECT SELECT order_id FROM SOURCE WHERE {truth} ORDER BY 1",
    f"SELECT {KEYS}, v, p FROM SOURCE CROSS JOIN UNNEST(changed_attributes) WITH ORDINALITY AS u(v, p) WHERE {{truth}} "
    f"ORDER BY {KEYS}, p",
    "SELECT v, count(*) FROM SOURCE LEFT JOIN UNNEST(changed_attributes) AS u(v) ON TRUE WHERE {truth} GROUP BY v "
    "ORDER BY 1",
    "WITH w AS (SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY dt) c FROM SOURCE) SELECT order_id, "
    "max_by(new_state, sequence_number), count(*) FROM w WHERE c = 1 AND {truth} GROUP BY order_id ORDER BY 1"]


@dataclass(frozen=True)
class Query:
    """A generated statement; `expressions` are the composed ones among its columns, the first at place `keys`."""

    sql: str
    expressions: tuple[str, ...] = ()
    keys: int = 0

    @property
    def size(self) -> int:
        """As how many queries it counts: each expression of every row is one."""
        return max(1, len(self.expressions))


class Chance:
    """Composes queries, for each seed the same."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def query(self) -> Query:
        return self._random.choice([self._selection, self._selection, self._groups, self._windows, self._join,
                                    self._shape])()

    def _fill(self, template: str, depth: int) -> str:
        """A template with SQL in its braces, of at most `depth` levels; '{text!}' takes what is not composed."""
        return re.sub(r"\{(\w+)(!?)}", lambda kind: self._of(kind[1], 0 if kind[2] else depth), template)

    def _of(self, kind: str, depth: int) -> str:
        more = COMPOSED.get(kind, ()) if depth > 0 else ()
        chosen = self._random.choice(more if more and self._random.random() < 0.8 else LEAVES[kind])
        return self._fill(chosen, depth - 1)

    def _some(self, templates: list[str], depth: int, least: int, most: int) -> list[str]:
        count = self._random.randint(least, most)
        return [self._fill(self._random.choice(templates), depth) for _ in range(count)]

    def _selection(self) -> Query:
        """A dozen expressions of every row."""
        kinds = self._random.choices(list(EXPRESSIONS), k=12)
        expressions = tuple(f"try({self._of(kind, EXPRESSIONS[kind])})" for kind in kinds)
        return Query(f"SELECT {KEYS}, {', '.join(expressions)} FROM {SOURCE} WHERE {self._of('truth', 2)} "
                     f"ORDER BY {KEYS} LIMIT 60", expressions, 3)

    def _groups(self) -> Query:
        keys = self._some(GROUPED_BY, 1, 0, 2)
        aggregates = self._some(AGGREGATES, 1, 3, 6)
        places = ", ".join(str(at + 1) for at in range(len(keys)))
        group = f"GROUP BY {places} {self._random.choice(HAVING)} ORDER BY {places}" if keys else ""
        return Query(f"SELECT {', '.join(keys + aggregates)} FROM {SOURCE} WHERE {self._of('truth', 1)} {group}")

    def _windows(self) -> Query:
        over = [f"{function} over ({self._random.choice(PARTITIONS)}order by changed_by {self._random.choice(ORDERS)}, "
                f"{KEYS})" for function in self._some(WINDOWS, 0, 4, 8)]
        return Query(f"SELECT {KEYS}, {', '.join(over)} FROM {SOURCE} WHERE {self._of('truth', 1)} ORDER BY {KEYS}",
                     tuple(over), 3)

    def _join(self) -> Query:
        how, on = self._random.choice(["JOIN", "LEFT JOIN"]), self._random.choice(JOINED_ON)
        left, right = (f"(SELECT * FROM {SOURCE} WHERE {self._of('truth', 1)})" for _ in range(2))
        return Query(f"SELECT a.event_id, b.event_id, a.new_state, b.new_state, a.dt, b.dt FROM {left} a {how} "
                     f"{right} b ON {on} ORDER BY 1, 2, 5, 6 LIMIT 100")

    def _shape(self) -> Query:
        return Query(self._fill(self._random.choice(SHAPES).replace("SOURCE", SOURCE), 1))
