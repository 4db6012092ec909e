"""Queries that hypothesis composes: typed expressions over order histories, and the clauses around them.

Sums of floating-point numbers depend on the order in which rows meet, on Trino itself: the numbers here are such that
every order gives the same.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

COLUMNS = {
    "varchar": ["order_id", "event_name", "old_state", "new_state", "changed_by", "changed_at", "new_image", "dt"],
    "bigint": ["last_updated_date", "n"],
    "array": ["changed_attributes"],
}
TEXTS = ["''", "'OPEN'", "'a'", "'1'", "'é😀'", "'%E%'", "','", "cast(null as varchar)"]
NUMBERS = ["0", "1", "-1", "2", "7", "100", "cast(null as bigint)", "bigint '86400'", "2147483647"]
UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
SOURCE = (
    "(SELECT *, length(order_id) + coalesce(last_updated_date % 97, 0) AS n, cast(changed_at AS timestamp) AS at_ FROM "
    "order_events)"
)


def _one_of(depth: int, leaf: list[str], more: list[Any]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(leaf)
    return leaves if depth <= 0 else st.one_of(leaves, *more, *more)


def text(depth: int) -> st.SearchStrategy[str]:
    if depth <= 0:
        return st.sampled_from(COLUMNS["varchar"] + TEXTS)
    s, n, b, a, t = text(depth - 1), whole(depth - 1), truth(depth - 1), array(depth - 1), moment(depth - 1)
    return _one_of(
        depth,
        COLUMNS["varchar"] + TEXTS,
        [
            st.tuples(s, s).map("({0[0]} || {0[1]})".format),
            st.tuples(s, s).map("concat({0[0]}, '-', {0[1]})".format),
            s.map("lower({})".format),
            s.map("upper({})".format),
            s.map("trim({})".format),
            s.map("reverse({})".format),
            st.tuples(s, n).map("substr({0[0]}, {0[1]})".format),
            st.tuples(s, st.integers(-3, 5), st.integers(-1, 6)).map("substr({0[0]}, {0[1]}, {0[2]})".format),
            st.tuples(s, st.sampled_from(["'E'", "','", "''", "' '"]), st.integers(1, 4)).map(
                "split_part({0[0]}, {0[1]}, {0[2]})".format
            ),
            st.tuples(s, s, s).map("replace({0[0]}, {0[1]}, {0[2]})".format),
            st.tuples(s, s).map("coalesce({0[0]}, {0[1]})".format),
            st.tuples(s, s).map("nullif({0[0]}, {0[1]})".format),
            st.tuples(b, s, s).map("if({0[0]}, {0[1]}, {0[2]})".format),
            st.tuples(b, s, b, s).map("case when {0[0]} then {0[1]} when {0[2]} then {0[3]} end".format),
            st.sampled_from(["$.state", "$.total", "$.note", "$.nope", "$"]).map(
                "json_extract_scalar(new_image, '{}')".format
            ),
            n.map("cast({} as varchar)".format),
            decimal(depth - 1).map("cast({} as varchar)".format),
            t.map("cast({} as varchar)".format),
            double(depth - 1).map("cast({} as varchar)".format),
            st.tuples(t, st.sampled_from(["%Y-%m-%d", "%H:%i", "%W %e %M", "%v %x"])).map(
                "date_format({0[0]}, '{0[1]}')".format
            ),
            st.tuples(t, st.sampled_from(["yyyy-MM-dd", "HH:mm", "EEE d", "D"])).map(
                "format_datetime({0[0]}, '{0[1]}')".format
            ),
            st.tuples(a, s).map("array_join({0[0]}, {0[1]})".format),
            st.tuples(a, st.integers(1, 3)).map("element_at({0[0]}, {0[1]})".format),
            st.tuples(s, st.sampled_from(["[A-Z]+", "(\\d)(\\d)", "^.", "e|E"])).map(
                "regexp_extract({0[0]}, '{0[1]}')".format
            ),
            st.tuples(s, st.sampled_from(["[aeiou]", "\\s+", "E$"])).map(
                "regexp_replace({0[0]}, '{0[1]}', '_')".format
            ),
            st.tuples(s, st.integers(0, 9)).map("lpad({0[0]}, {0[1]}, '.')".format),
            st.tuples(s, s).map("greatest({0[0]}, {0[1]})".format),
            s.map("max({}) over (partition by order_id)".format) if depth > 9 else s,
        ],
    )


def whole(depth: int) -> st.SearchStrategy[str]:
    if depth <= 0:
        return st.sampled_from(COLUMNS["bigint"] + NUMBERS)
    s, n, a, t = text(depth - 1), whole(depth - 1), array(depth - 1), moment(depth - 1)
    return _one_of(
        depth,
        COLUMNS["bigint"] + NUMBERS,
        [
            st.tuples(n, st.sampled_from("+-*/%"), n).map("({0[0]} {0[1]} {0[2]})".format),
            s.map("length({})".format),
            n.map("abs({})".format),
            n.map("(- {})".format),
            n.map("sign({})".format),
            st.tuples(n, n).map("coalesce({0[0]}, {0[1]})".format),
            st.tuples(truth(depth - 1), n, n).map("if({0[0]}, {0[1]}, {0[2]})".format),
            st.tuples(n, n).map("nullif({0[0]}, {0[1]})".format),
            a.map("cardinality({})".format),
            st.tuples(s, s).map("strpos({0[0]}, {0[1]})".format),
            s.map("try_cast({} as bigint)".format),
            st.tuples(st.sampled_from(UNITS), t, t).map("date_diff('{0[0]}', {0[1]}, {0[2]})".format),
            st.tuples(st.sampled_from(["year", "month", "day", "hour", "day_of_week", "week", "day_of_year"]), t).map(
                "{0[0]}({0[1]})".format
            ),
            decimal(depth - 1).map("try_cast({} as bigint)".format),
            double(depth - 1).map("try_cast({} as integer)".format),
            st.tuples(n, n).map("least({0[0]}, {0[1]})".format),
            st.tuples(a, s).map("array_position({0[0]}, {0[1]})".format),
        ],
    )


def decimal(depth: int) -> st.SearchStrategy[str]:
    leaf = [
        "1.5",
        "-0.25",
        "100.0",
        "cast(null as decimal(10,2))",
        "try_cast(json_extract_scalar(new_image, '$.total') as decimal(10,2))",
    ]
    if depth <= 0:
        return st.sampled_from(leaf)
    q, n = decimal(depth - 1), whole(0)
    return _one_of(
        depth,
        leaf,
        [
            st.tuples(q, st.sampled_from("+-*"), n).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(q, st.sampled_from("+-/%"), decimal(0)).map("({0[0]} {0[1]} {0[2]})".format),
            q.map("round({}, 1)".format),
            q.map("round({})".format),
            q.map("abs({})".format),
            q.map("floor({})".format),
            n.map("cast({} as decimal(12,1))".format),
            q.map("ceil({})".format),
        ],
    )


def double(depth: int) -> st.SearchStrategy[str]:
    leaf = ["0e0", "1.5e0", "-2.25e0", "nan()", "cast(n as double)", "cast(null as double)", "1e10"]
    if depth <= 0:
        return st.sampled_from(leaf)
    d = double(depth - 1)
    return _one_of(
        depth,
        leaf,
        [
            st.tuples(d, st.sampled_from("+-*/"), d).map("({0[0]} {0[1]} {0[2]})".format),
            d.map("abs({})".format),
            d.map("round({})".format),
            d.map("floor({})".format),
            whole(depth - 1).map("cast({} as double)".format),
            d.map("sqrt({})".format),
        ],
    )


def moment(depth: int) -> st.SearchStrategy[str]:
    leaf = [
        "at_",
        "timestamp '2026-11-22 00:00:00.000'",
        "cast(from_unixtime(last_updated_date) as timestamp)",
        "cast(null as timestamp)",
    ]
    if depth <= 0:
        return st.sampled_from(leaf)
    t = moment(depth - 1)
    return _one_of(
        depth,
        leaf,
        [
            st.tuples(st.sampled_from(UNITS), t).map("date_trunc('{0[0]}', {0[1]})".format),
            st.tuples(st.sampled_from(UNITS), st.integers(-40, 40), t).map("date_add('{0[0]}', {0[1]}, {0[2]})".format),
            t.map("({} + interval '1' day)".format),
            t.map("({} - interval '1' month)".format),
            t.map("cast(cast({} as date) as timestamp)".format),
            st.tuples(t, t).map("coalesce({0[0]}, {0[1]})".format),
        ],
    )


def array(depth: int) -> st.SearchStrategy[str]:
    leaf = ["changed_attributes", "array['state', null]", "cast(array[] as array(varchar))"]
    if depth <= 0:
        return st.sampled_from(leaf)
    a, s = array(depth - 1), text(depth - 1)
    return _one_of(
        depth,
        leaf,
        [
            a.map("array_distinct({})".format),
            a.map("array_sort({})".format),
            a.map("reverse({})".format),
            st.tuples(a, a).map("({0[0]} || {0[1]})".format),
            st.tuples(a, s).map("array_remove({0[0]}, {0[1]})".format),
            a.map("filter({}, x -> x <> 'state')".format),
            a.map("transform({}, x -> upper(x))".format),
            st.tuples(s, s).map("array[{0[0]}, {0[1]}]".format),
            s.map("split({}, 'E')".format),
            st.tuples(a, a).map("array_intersect({0[0]}, {0[1]})".format),
            st.tuples(a, a).map("array_except({0[0]}, {0[1]})".format),
        ],
    )


def truth(depth: int) -> st.SearchStrategy[str]:
    leaf = [
        "true",
        "old_state is null",
        "new_state = 'OPEN'",
        "n > 50",
        "cast(null as boolean)",
        "event_name <> 'REMOVE'",
    ]
    if depth <= 0:
        return st.sampled_from(leaf)
    s, n, b = text(depth - 1), whole(depth - 1), truth(depth - 1)
    compare = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    return _one_of(
        depth,
        leaf,
        [
            st.tuples(s, compare, s).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(n, compare, n).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(double(depth - 1), compare, double(depth - 1)).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(decimal(depth - 1), compare, n).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(moment(depth - 1), compare, moment(depth - 1)).map("({0[0]} {0[1]} {0[2]})".format),
            st.tuples(b, st.sampled_from(["and", "or"]), b).map("({0[0]} {0[1]} {0[2]})".format),
            b.map("(not {})".format),
            st.tuples(s, s, s).map("({0[0]} in ({0[1]}, {0[2]}))".format),
            st.tuples(n, n, n).map("({0[0]} not in ({0[1]}, {0[2]}))".format),
            st.tuples(s, st.sampled_from(["'%E%'", "'_P%'", "''", "'%'"])).map("({0[0]} like {0[1]})".format),
            st.tuples(n, n, n).map("({0[0]} between {0[1]} and {0[2]})".format),
            s.map("({} is not null)".format),
            st.tuples(s, s).map("({0[0]} is distinct from {0[1]})".format),
            st.tuples(array(depth - 1), s).map("contains({0[0]}, {0[1]})".format),
            st.tuples(array(depth - 1), array(depth - 1)).map("arrays_overlap({0[0]}, {0[1]})".format),
            st.sampled_from(["=", "<>"]).map("(changed_attributes {} array['state'])".format),
            st.tuples(s, st.sampled_from(["^[A-Z]", "\\d+", "é"])).map("regexp_like({0[0]}, '{0[1]}')".format),
        ],
    )


DEPTH = 3
EXPRESSION = st.one_of(text(DEPTH), whole(DEPTH), decimal(2), double(2), moment(2), array(2), truth(DEPTH))
KEYS = "event_id, dt, sequence_number"


def selection() -> st.SearchStrategy[str]:
    """A dozen expressions of every row."""
    return st.tuples(st.lists(EXPRESSION, min_size=12, max_size=12), truth(2)).map(
        lambda made: (
            f"SELECT {KEYS}, {', '.join(f'try({one})' for one in made[0])} FROM {SOURCE} WHERE {made[1]} "
            f"ORDER BY {KEYS}, 4 LIMIT 60"
        )
    )


AGGREGATE = st.one_of(
    st.just("count(*)"),
    text(1).map("count({})".format),
    text(1).map("count(distinct {})".format),
    text(1).map("max({})".format),
    text(1).map("min({})".format),
    whole(1).map("sum({} % 1000)".format),
    whole(1).map("avg({} % 1000)".format),
    decimal(1).map("sum({})".format),
    decimal(1).map("avg({})".format),
    truth(1).map("count_if({})".format),
    truth(1).map("bool_or({})".format),
    truth(1).map("bool_and({})".format),
    text(1).map(("max_by({}, " + "event_id || dt)").format),
    whole(1).map(("min_by({}, event_id || dt)").format),
    moment(1).map("max({})".format),
    st.tuples(text(0), truth(0)).map("count({0[0]}) filter (where {0[1]})".format),
    text(0).map(("array_agg({} order by event_id, dt)").format),
)


def grouping() -> st.SearchStrategy[str]:
    def build(made: Any) -> str:
        keys, aggregates, where, having = made
        items = [f"{key} k{at}" for at, key in enumerate(keys)]
        group = f" GROUP BY {', '.join(str(at) for at in range(1, len(keys) + 1))}" if keys else ""
        order = ", ".join(str(at) for at in range(1, len(keys) + len(aggregates) + 1) if at <= len(keys)) or "1"
        return (
            f"SELECT {', '.join(items + aggregates)} FROM {SOURCE} WHERE {where}{group}{having if keys else ''} "
            f"ORDER BY {order}"
        )

    keys = st.lists(st.one_of(text(1), whole(1), truth(1), st.just("cast(at_ as date)")), max_size=2)
    having = st.sampled_from(["", " HAVING count(*) > 2", " HAVING max(n) > 20 OR min(n) IS NULL"])
    return st.tuples(keys, st.lists(AGGREGATE, min_size=3, max_size=6), truth(1), having).map(build)


WINDOW = st.tuples(
    st.one_of(
        st.sampled_from(["row_number()", "rank()", "dense_rank()", "count(*)", "ntile(3)"]),
        text(0).map("lag({})".format),
        text(0).map("lead({}, 2)".format),
        whole(0).map("lag({}, 1, 0)".format),
        text(0).map("first_value({})".format),
        text(0).map("last_value({})".format),
        whole(0).map("sum({} % 1000)".format),
        text(0).map("max({})".format),
        text(0).map("lag({}) ignore nulls".format),
    ),
    st.sampled_from(["", "partition by order_id ", "partition by new_state, event_name "]),
    st.sampled_from(["", "desc ", "desc nulls first ", "nulls first "]),
).map(lambda made: f"{made[0]} over ({made[1]}order by changed_by {made[2]}, {KEYS})")


def windows() -> st.SearchStrategy[str]:
    return st.tuples(st.lists(WINDOW, min_size=4, max_size=8), truth(1)).map(
        lambda made: f"SELECT {KEYS}, {', '.join(made[0])} FROM {SOURCE} WHERE {made[1]} ORDER BY {KEYS}"
    )


def joins() -> st.SearchStrategy[str]:
    how = st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
    return st.tuples(
        how,
        truth(1),
        truth(1),
        st.sampled_from(
            [
                "a.order_id = b.order_id AND a.new_state = b.old_state",
                "a.order_id = b.order_id AND b.event_name = 'REMOVE'",
                "a.new_state = b.old_state AND a.order_id = b.order_id AND a.n <= b.n",
            ]
        ),
    ).map(
        lambda made: (
            f"SELECT a.event_id, b.event_id, a.new_state, b.new_state, a.dt, b.dt FROM (SELECT * FROM {SOURCE} WHERE "
            f"{made[1]}) a "
            f"{made[0]} (SELECT * FROM {SOURCE} WHERE {made[2]}) b ON {made[3]} ORDER BY 1, 2, 5, 6 LIMIT 100"
        )
    )


def subqueries() -> st.SearchStrategy[str]:
    shape = st.sampled_from(
        [
            "SELECT {k} FROM {s} WHERE order_id IN (SELECT order_id FROM {s} WHERE {b}) AND {c} ORDER BY {k}",
            "SELECT {k} FROM {s} o WHERE NOT EXISTS (SELECT 1 FROM {s} i WHERE i.order_id = o.order_id AND i.n > "
            "o.n) AND {c} ORDER BY {k}",
            "SELECT {k}, (SELECT count(*) FROM {s} WHERE {b}) FROM {s} WHERE {c} ORDER BY {k}",
            "SELECT DISTINCT new_state, ({c}) FROM {s} ORDER BY 1, 2",
            "SELECT new_state FROM {s} WHERE {b} UNION SELECT old_state FROM {s} WHERE {c} ORDER BY 1",
            "SELECT order_id FROM {s} WHERE {b} EXCEPT SELECT order_id FROM {s} WHERE {c} ORDER BY 1",
            "SELECT order_id FROM {s} WHERE {b} INTERSECT SELECT order_id FROM {s} WHERE {c} ORDER BY 1",
            "SELECT {k}, v, p FROM {s} CROSS JOIN UNNEST(changed_attributes) WITH ORDINALITY AS u(v, p) WHERE {b} "
            "ORDER BY {k}, p",
            "SELECT v, count(*) FROM {s} LEFT JOIN UNNEST(changed_attributes) AS u(v) ON TRUE WHERE {b} GROUP BY v "
            "ORDER BY 1",
            "WITH w AS (SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY dt) c FROM {s}) SELECT order_id, "
            "max_by(new_state, "
            "sequence_number), count(*) FROM w WHERE c = 1 AND {b} GROUP BY order_id ORDER BY 1",
            "SELECT new_state, event_name, grouping(new_state, event_name), count(*) FROM {s} WHERE {b} GROUP BY "
            "CUBE (new_state, event_name) "
            "ORDER BY 3, 1, 2",
        ]
    )
    return st.tuples(shape, truth(1), truth(1)).map(lambda made: made[0].format(k=KEYS, s=SOURCE, b=made[1], c=made[2]))


QUERY = st.one_of(selection(), selection(), grouping(), windows(), joins(), subqueries())
