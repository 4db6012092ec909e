"""Which functions there are, which of a name's signatures a call means, and its DuckDB text.

The functions themselves are in `verified`, one line each. Resolution is Trino's: the signature that takes the
arguments as they are, else the one that needs the least coercion.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local_aws.athena.engine import QueryFailed
from local_aws.athena.on_duckdb.grammar import Node, refused
from local_aws.athena.on_duckdb.types import UNKNOWN, UNORDERED, coerces, common, duckdb, orderable, unordered, words
from local_aws.athena.types import Type
from local_aws.athena.types import _parts as _split

if TYPE_CHECKING:
    from local_aws.athena.on_duckdb.expressions import Context, Expr, Expressions


@dataclass(frozen=True)
class Signature:
    """One line of the registry. `text` is a template of DuckDB's: {0}, {1} … are the arguments, {all} all of them with
    commas, {type} DuckDB's name of the result's type, {over}, {distinct} and {order} an aggregate's clauses. A callable
    gets (compiler, arguments, node, result type) and gives the text or an Expr."""

    name: str
    kind: str  # scalar, aggregate or window
    parameters: tuple[Any, ...]
    result: Any
    text: str | Callable[..., Any]
    variadic: bool = False
    shown: str = ""
    options: frozenset[str] = field(default_factory=frozenset)


REGISTRY: dict[str, list[Signature]] = {}
VARIABLES = frozenset("tukvesrw")  # one letter is a type variable


def parse(text: str) -> Any:
    """A parameter's type: a Type whose name may be a variable, or ('function', parameters, result) for a lambda."""
    text = text.strip()
    if text.startswith("function("):
        *given, result = map(parse, _split(text[len("function("):-1]))
        return ("function", tuple(given), result)
    head, bracket, rest = text.partition("(")
    if not bracket:
        return Type(text)
    body, _, tail = rest.rpartition(")")
    name = head + tail
    if not body.strip():
        return Type(name)
    if name in ("array", "map", "row"):
        inner = tuple(map(parse, _split(body)))
        return Type(name, inner=inner, fields=(None,) * len(inner) if name == "row" else ())
    return Type(name, numbers=tuple(int(part) if part.strip().isdigit() else part.strip() for part in body.split(",")))


def register(kind: str, name: str, signature: str, text: str | Callable[..., Any], *options: str) -> None:
    """Add one signature: `register('scalar', 'upper', 'varchar(x) -> varchar(x)', 'upper({0})')`."""
    given, _, result = signature.partition("->")
    parts = [part for part in _split(given) if part]
    variadic = bool(parts) and parts[-1].endswith("...")
    parameters = tuple(parse(part.removesuffix("...")) for part in parts)
    for one in name.split("|"):
        REGISTRY.setdefault(one, []).append(
            Signature(one, kind, parameters, parse(result), text, variadic, signature, frozenset(options)))


_ORDER = ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")


def _match(wanted: Any, given: Type, bound: dict[str, Any]) -> int | None:
    """How far the given type is from the wanted one (0: the same), binding variables; None where it does not fit."""
    name = wanted.name
    if name in VARIABLES and not wanted.inner:
        held = bound.get(name)
        both = given if held is None else common(held, given)
        if both is None:
            return None
        bound[name] = both
        return 0 if held is None or held == both == given else 1
    if given.name == "unknown":
        for one in wanted.inner:
            _match(one, UNKNOWN, bound)
        for variable in wanted.numbers if name == "varchar" else ():
            bound.setdefault(variable, 0)
        return 1
    if given.name == name:
        if wanted.inner:
            if len(wanted.inner) != len(given.inner):
                return None
            costs = [_match(one, own, bound) for one, own in zip(wanted.inner, given.inner, strict=True)]
            return None if None in costs else sum(costs)  # type: ignore[arg-type]
        for variable, number in zip(wanted.numbers, given.numbers, strict=False):
            if isinstance(variable, str):
                known = bound.get(variable, 0)
                bound[variable] = None if known is None else max(known, number)
            elif variable != number:
                return None if name not in ("timestamp",) else 1
        if wanted.numbers and not given.numbers:
            bound.update(dict.fromkeys(wanted.numbers))  # without a bound
        return 0
    if wanted.inner:
        return None
    plain = Type(name) if not wanted.numbers else None
    if plain is not None and coerces(given, plain):
        return 1 + (_ORDER.index(name) - _ORDER.index(given.name) if name in _ORDER and given.name in _ORDER else 3)
    if name == "decimal" and given.name in _ORDER[:4]:
        digits = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}[given.name]
        for variable, number in zip(wanted.numbers, (digits, 0), strict=True):
            if isinstance(variable, str):
                bound[variable] = number
        return 5
    if name == "timestamp" and given.name == "date":
        bound.setdefault("p", 3)
        return 2
    if name == "timestamp with time zone" and given.name in ("date", "timestamp"):
        bound["p"] = given.numbers[0] if given.numbers else 3
        return 4
    return None


def _bind(kind: Any, bound: dict[str, Any]) -> Type:
    """A type with its variables filled in."""
    if kind.name in VARIABLES and not kind.inner:
        return bound.get(kind.name, UNKNOWN)
    if kind.inner:
        return replace(kind, inner=tuple(_bind(one, bound) for one in kind.inner))
    if any(isinstance(number, str) for number in kind.numbers):
        if kind.name == "varchar" and any(bound.get(number) is None for number in kind.numbers):
            return Type("varchar")
        if any(number not in bound for number in kind.numbers if isinstance(number, str)):
            return Type("varchar") if kind.name == "varchar" else replace(kind, numbers=(3,))
        return replace(kind, numbers=tuple(bound[n] if isinstance(n, str) else n for n in kind.numbers))
    return kind


def resolve(name: str, given: Sequence[Type | None], node: Node, kinds: tuple[str, ...]) -> tuple[Signature, dict]:
    """The signature that a call with these types means; None stands for a lambda."""
    best: tuple[int, Signature, dict[str, Any]] | None = None
    for one in REGISTRY.get(name, ()):
        if one.kind not in kinds:
            continue
        wanted = list(one.parameters)
        if one.variadic:
            wanted = wanted[:-1] + [wanted[-1]] * max(len(given) - len(wanted) + 1, 0)
        if len(wanted) != len(given):
            continue
        bound: dict[str, Any] = {}
        cost = 0
        for need, have in zip(wanted, given, strict=True):
            if have is None or isinstance(need, tuple):
                step = 0 if have is None and isinstance(need, tuple) else None
            else:
                step = _match(need, have, bound)
            if step is None:
                break
            cost += step
        else:
            if "orderable" in one.options and not orderable(bound.get("t", bound.get("e", UNKNOWN))):
                continue
            if best is None or cost < best[0]:
                best = (cost, one, bound)
    if best is None:
        _unknown(name, given, node)
    assert best is not None
    return best[1], best[2]


def _unknown(name: str, given: Sequence[Type | None], node: Node) -> None:
    from local_aws.athena.on_duckdb.names import TRINO_FUNCTIONS

    where = f"line {node.line}:{node.column}: "
    if name not in TRINO_FUNCTIONS and name not in REGISTRY:
        raise QueryFailed("FUNCTION_NOT_FOUND", f"{where}Function '{name}' not registered")
    if name not in REGISTRY or "partial" in {o for one in REGISTRY[name] for o in one.options}:
        raise refused(f"the function {name}({', '.join(words(k) if k else 'lambda' for k in given)})", node)
    shown = ", ".join(words(kind) if kind is not None else "<function>" for kind in given)
    expected = ", ".join(f"{name}({one.shown.partition('->')[0].strip()})" for one in REGISTRY[name])
    raise QueryFailed("FUNCTION_NOT_FOUND",
                      f"{where}Unexpected parameters ({shown}) for function {name}. Expected: {expected}")


def apply(on: Expressions, name: str, arguments: list[Expr], node: Node) -> Expr:
    """A scalar function of compiled values."""
    chosen, bound = resolve(name, [one.type for one in arguments], node, ("scalar",))
    return _emit(on, chosen, bound, arguments, node, {})


def _coerce(on: Expressions, chosen: Signature, bound: dict, arguments: list[Expr]) -> list[Expr]:
    wanted = list(chosen.parameters)
    if chosen.variadic:
        wanted = wanted[:-1] + [wanted[-1]] * (len(arguments) - len(wanted) + 1)
    return [one if isinstance(need, tuple) else on.coerced(one, _bind(need, bound))
            for need, one in zip(wanted, arguments, strict=True)]


def _emit(on: Expressions, chosen: Signature, bound: dict, arguments: list[Expr], node: Node, clauses: dict) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr

    if "any order" not in chosen.options and chosen.kind == "scalar" and any(unordered(one.type) for one in arguments):
        raise refused(f"{node.name} of a map whose entries have no order (element_at, cardinality and [] are)", node)
    arguments = _coerce(on, chosen, bound, arguments)
    result = _bind(chosen.result, bound)
    if "makes no order" in chosen.options:
        result = replace(result, numbers=UNORDERED)
    if callable(chosen.text):
        made = chosen.text(on, arguments, node, result, {"over": "", "distinct": "", "order": "", **clauses})
        if isinstance(made, Expr):
            return made
        return Expr(made, result)
    parts = [one.sql for one in arguments]
    names = {"over": "", "distinct": "", "order": "", **clauses}
    return Expr(chosen.text.format(*parts, all=", ".join(parts), type=duckdb(result), **names), result)


def call(on: Expressions, node: Node, context: Context) -> Expr:
    """A call in the query's text: special forms, window functions, aggregates, scalar functions."""
    name = node.name
    special = SPECIAL.get(name)
    if special is not None:
        return special(on, node, context)
    kinds = {one.kind for one in REGISTRY.get(name, ())}
    if "aggregate" in kinds:
        return _aggregate(on, node, context)
    if "window" in kinds:
        if node.over is None:
            raise QueryFailed("MISSING_OVER", f"line {node.line}:{node.column}: Window function {name} requires an "
                                              "OVER clause")
        return _window(on, node, context)
    if node.over is not None or node.filter is not None or node.distinct or node.order:
        if name not in REGISTRY:
            _unknown(name, [], node)
        if node.over is not None:
            raise QueryFailed("FUNCTION_NOT_WINDOW", f"line {context.query_at.line}:{context.query_at.column}: Not a "
                                                     f"window "
                                                     f"function: {name}" if context.query_at else f"Not a window "
                                                                                                  f"function: {name}")
        raise QueryFailed("FUNCTION_NOT_AGGREGATE", f"line {node.line}:{node.column}: Not a window function: {name}"
                          if node.over else f"line {node.line}:{node.column}: Not an aggregate function: {name}")
    if getattr(node, "star", False):
        _unknown(name, [], node)
    return _scalar(on, node, context)


def _where(context: Context, node: Node) -> str:
    """Where an error about a whole clause is: at the clause's expression."""
    at = context.clause_at or node
    return f"line {at.line}:{at.column}: "


def _scalar(on: Expressions, node: Node, context: Context) -> Expr:
    compiled = [None if one.kind == "lambda" else on.expression(one, context) for one in node.arguments]
    if node.name not in REGISTRY:
        _unknown(node.name, [one.type if one else None for one in compiled], node)
    chosen, bound = resolve(node.name, [one.type if one else None for one in compiled], node, ("scalar",))
    if None in compiled:
        from local_aws.athena.on_duckdb.expressions import Expr

        wanted = list(chosen.parameters)
        for at, (one, given) in enumerate(zip(node.arguments, list(compiled), strict=True)):
            if given is None:
                _, kinds, result = wanted[at]
                head, body = on.lambda_body(one, [_bind(kind, bound) for kind in kinds], context)
                step = _match(result, body.type, bound)
                if step is None:
                    _unknown(node.name, [part.type if part else None for part in compiled], node)
                if result.name in VARIABLES and _bind(result, bound) != body.type and step:
                    raise refused("a lambda whose result is coerced", one)
                compiled[at] = Expr(head + on.coerced(body, _bind(result, bound)).sql, body.type)
    return _emit(on, chosen, bound, [one for one in compiled if one is not None], node, {})


def _aggregate(on: Expressions, node: Node, context: Context) -> Expr:
    where = f"line {node.line}:{node.column}: "
    if node.over is not None:
        return _window(on, node, context)
    if not context.aggregates:
        where = _where(context, node)
        raise QueryFailed("EXPRESSION_NOT_SCALAR", f"{where}{context.clause} cannot contain aggregations, window "
                                                   f"functions or grouping operations: [{node.name}]")
    if context.inside:
        outer = context.found_aggregate or node
        raise QueryFailed("NESTED_AGGREGATION", f"line {outer.line}:{outer.column}: Cannot nest aggregations inside "
                                                f"aggregation '{outer.name}': [{node.name}]")
    context.found_aggregate = context.found_aggregate or node
    context.inside = "aggregate"
    loose = len(context.loose)
    try:
        result = _call_aggregate(on, node, context, "")
    finally:
        context.inside = ""
    del context.loose[loose:]
    return result


def _call_aggregate(on: Expressions, node: Node, context: Context, over: str) -> Expr:
    arguments = [on.expression(one, context) for one in node.arguments]
    if getattr(node, "star", False) and node.name != "count":
        _unknown(node.name, [], node)
    chosen, bound = resolve(node.name, [one.type for one in arguments], node, ("aggregate", "window"))
    clauses = {"over": over, "distinct": "", "order": ""}
    if node.nulls and chosen.kind == "aggregate":
        raise refused(f"{node.nulls} NULLS on {node.name}", node)
    if node.distinct:
        if over:
            raise QueryFailed("NOT_SUPPORTED", f"line {node.line}:{node.column}: DISTINCT in window function "
                                               "parameters not yet supported: " + node.name)
        if "distinct" not in chosen.options:
            raise refused(f"{node.name}(DISTINCT …)", node)
        clauses["distinct"] = "DISTINCT "
    if node.order:
        if over:
            raise QueryFailed("NOT_SUPPORTED", f"line {node.line}:{node.column}: Window function with ORDER BY is not "
                                               "supported")
        if node.distinct or "order" not in chosen.options:
            raise refused(f"{node.name}(… ORDER BY …)", node)
        clauses["order"] = " ORDER BY " + sort_items(on, node.order, context)
    if node.filter is not None:
        if over:
            raise QueryFailed("NOT_SUPPORTED", f"line {node.line}:{node.column}: FILTER is not yet supported for "
                                               f"window "
                                               "functions")
        value = on.boolean(node.filter, context, "Filter")
        clauses["over"] = f" FILTER (WHERE {value.sql}){over}"
    return _emit(on, chosen, bound, arguments, node, clauses)


def sort_items(on: Expressions, items: Sequence[Node], context: Context) -> str:
    parts = []
    for item in items:
        value = on.expression(item.expression, context)
        if not orderable(value.type):
            raise QueryFailed("TYPE_MISMATCH", f"line {item.line}:{item.column}: Type {words(value.type)} is not "
                                               "orderable, and therefore cannot be used in ORDER BY")
        if value.type.inner:
            raise refused(f"the order of {words(value.type)}", item)
        parts.append(f"{value.sql} {'DESC' if item.descending else 'ASC'} NULLS "
                     f"{'FIRST' if item.nulls_first else 'LAST'}")
    return ", ".join(parts)


def _window(on: Expressions, node: Node, context: Context) -> Expr:
    where = f"line {node.line}:{node.column}: "
    if not context.windows:
        where = _where(context, node)
        raise QueryFailed("EXPRESSION_NOT_SCALAR", f"{where}{context.clause} cannot contain aggregations, window "
                                                   f"functions or grouping operations: [{node.name}]")
    if context.inside:
        raise QueryFailed("NESTED_WINDOW" if context.inside == "window" else "NESTED_WINDOW",
                          f"{where}Cannot nest window functions inside {context.inside} '{node.name}'")
    context.found_window = context.found_window or node
    window = _named(node.over, context)
    if window.base is not None and window.named is False:
        raise refused("a window that extends a named one", node)
    partition = ", ".join(on.expression(one, context).sql for one in window.partition)
    order = sort_items(on, window.order, context)
    frame = _frame(on, window, context, node)
    ranks = {one.kind for one in REGISTRY[node.name]} == {"window"}
    if ranks and node.name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"):
        if window.frame is not None and node.name in ("lag", "lead"):
            raise QueryFailed("INVALID_WINDOW_FRAME",
                              f"{where}Cannot specify window frame for {node.name} function")
        if node.name in ("lag", "lead") and not window.order:
            raise QueryFailed("MISSING_ORDER_BY", f"line {node.over.line}:{node.over.column}: {node.name} function "
                                                  f"requires an ORDER BY window clause")
        frame = ""
    if node.distinct and ranks:
        raise QueryFailed("NOT_SUPPORTED", f"{where}DISTINCT in window function parameters not yet supported: "
                                           f"{node.name}")
    nulls = ""
    if node.nulls:
        if node.name not in ("lag", "lead", "first_value", "last_value", "nth_value"):
            raise refused(f"{node.nulls} NULLS on {node.name}", node)
        nulls = f" {node.nulls} NULLS" if node.nulls == "IGNORE" else ""
    parts = [part for part in (f"PARTITION BY {partition}" if partition else "", f"ORDER BY {order}" if order else "",
                               frame) if part]
    return _call_window(on, node, context, f" OVER ({' '.join(parts)})", nulls)


def _call_window(on: Expressions, node: Node, context: Context, over: str, nulls: str) -> Expr:
    # A window function's arguments may be aggregates of a grouped query: 'sum(count(*)) OVER ()'.
    given, node.nulls = node.nulls, None
    windows, context.windows = context.windows, False
    try:
        result = _call_aggregate(on, node, context, over)
    finally:
        node.nulls, context.windows = given, windows
    if nulls:
        cut = result.sql.index(over)
        head = result.sql[:cut]
        if not head.endswith(")"):
            raise refused("IGNORE NULLS here", node)
        result = replace(result, sql=head[:-1] + nulls + ")" + result.sql[cut:])
    return result


def _named(window: Node, context: Context) -> Node:
    if window.named:
        found = context.named_windows.get(window.base.lower())
        if found is None:
            raise QueryFailed("INVALID_WINDOW_REFERENCE",
                              f"line {window.line}:{window.column}: Cannot resolve WINDOW name {window.base}")
        return _named(found, context) if found.named else found
    return window


def _frame(on: Expressions, window: Node, context: Context, node: Node) -> str:
    frame = window.frame
    if frame is None:
        return ""
    end = frame.end
    if frame.unit == "RANGE":
        for bound in (frame.start, end):
            if bound is not None and bound.value is not None:
                raise refused("a RANGE frame with an offset", frame)

    def side(bound: Node) -> str:
        if bound.value is None:
            return bound.kind_of
        value = on.expression(bound.value, context)
        if not isinstance(value.value, int) or isinstance(value.value, bool):
            raise refused("a window frame whose offset is no whole number", bound)
        if value.value < 0:
            raise QueryFailed("INVALID_WINDOW_FRAME", f"Window frame {bound.kind_of} offset must not be negative")
        return f"{value.value} {bound.kind_of}"

    start_kind, end_kind = frame.start.kind_of, end.kind_of if end is not None else "CURRENT ROW"
    where = f"line {frame.line}:{frame.column}: "
    if start_kind == "UNBOUNDED FOLLOWING":
        raise QueryFailed("INVALID_WINDOW_FRAME", f"{where}Window frame start cannot be UNBOUNDED FOLLOWING")
    if end_kind == "UNBOUNDED PRECEDING":
        raise QueryFailed("INVALID_WINDOW_FRAME", f"{where}Window frame end cannot be UNBOUNDED PRECEDING")
    if (start_kind == "CURRENT ROW" and end_kind == "PRECEDING") or (
            start_kind == "FOLLOWING" and end_kind in ("PRECEDING", "CURRENT ROW")):
        raise QueryFailed("INVALID_WINDOW_FRAME",
                          f"{where}Window frame starting from {start_kind} cannot end with {end_kind}")
    return f"{frame.unit} BETWEEN {side(frame.start)} AND {side(end) if end is not None else 'CURRENT ROW'}"


# ---- special forms: what looks like a call and is not one function

def _coalesce(on: Expressions, node: Node, context: Context) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr, unique

    if len(node.arguments) < 2:
        raise QueryFailed("SYNTAX_ERROR", f"line {node.line}:{node.column}: The 'coalesce' function must "
                                                       "have at least two arguments")
    parts = [on.expression(one, context) for one in node.arguments]
    shown = ", ".join(unique(words(one.type) for one in parts))
    parts, kind = on.unified(parts, node.arguments,
                             "All COALESCE operands must be the same type or coercible to a common type. Cannot find "
                             "common type between {0} and {1}, all types (without duplicates): [" + shown + "]")
    return Expr(f"coalesce({', '.join(one.sql for one in parts)})", kind)


def _if(on: Expressions, node: Node, context: Context) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr

    if len(node.arguments) not in (2, 3):
        raise QueryFailed("SYNTAX_ERROR", f"line {node.line}:{node.column}: Invalid number of arguments "
                                                       "for 'if' function")
    condition = on.boolean(node.arguments[0], context, "IF condition")
    parts = [on.expression(one, context) for one in node.arguments[1:]]
    parts, kind = on.unified(parts, node.arguments[1:], "Result types for IF must be the same: {0} vs {1}")
    default = f" ELSE {parts[1].sql}" if len(parts) == 2 else ""
    return Expr(f"(CASE WHEN {condition.sql} THEN {parts[0].sql}{default} END)", kind)


def _nullif(on: Expressions, node: Node, context: Context) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr

    if len(node.arguments) != 2:
        raise QueryFailed("SYNTAX_ERROR", f"line {node.line}:{node.column}: Invalid number of arguments "
                                                       "for 'nullif' function")
    first, second = (on.expression(one, context) for one in node.arguments)
    if common(first.type, second.type) is None:
        raise QueryFailed("TYPE_MISMATCH", f"line {node.line}:{node.column}: Types are not comparable with NULLIF: "
                                           f"{words(first.type)} vs {words(second.type)}")
    if first.type.name == "unknown":
        return first
    return Expr(f"(CASE WHEN {on.compare(first, second, '=', node)} THEN NULL ELSE {first.sql} END)", first.type)


def _try(on: Expressions, node: Node, context: Context) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr

    if len(node.arguments) != 1:
        raise QueryFailed("SYNTAX_ERROR", f"line {node.line}:{node.column}: The 'try' function must have "
                                                       "exactly one argument")
    found = context.found_aggregate, context.found_window
    value = on.expression(node.arguments[0], context)
    if (context.found_aggregate, context.found_window) != found or "SELECT" in value.sql:
        raise refused("try(…) around an aggregate, window function or subquery", node)
    untried(value.sql, node)
    return Expr(f"TRY({value.sql})", value.type)


def _typeof(on: Expressions, node: Node, context: Context) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr, text

    if len(node.arguments) != 1:
        _unknown("typeof", [on.expression(one, context).type for one in node.arguments], node)
    return Expr(text(words(on.expression(node.arguments[0], context).type)), Type("varchar"))


def untried(sql: str, node: Node) -> None:
    """Refuse a TRY around what may itself refuse a value while it runs: the refusal would become a null in silence."""
    if "py_text_to_zoned(" in sql or "py_from_iso8601_timestamp(" in sql:
        raise refused("try(…) around a text with a time zone", node)


SPECIAL: dict[str, Callable[..., Any]] = {"coalesce": _coalesce, "if": _if, "nullif": _nullif, "try": _try,
                                          "typeof": _typeof}

