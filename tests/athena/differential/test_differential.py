"""Every verified construct, on the embedded engine and on Trino, over the same objects: the rows compared as text."""
from __future__ import annotations

import re
from typing import Any

import pytest

import cases
import engines
import record
import verified
from bench_parts import notebook_sql


def test_the_embedded_engine_answers_as_trino_did(answers: dict[str, Any], recorded: list[dict[str, Any]]) -> None:
    wrong = []
    for one in recorded:
        got = record.kept(one["sql"], answers[one["sql"]])
        if one.get("place") == "" and "error" in got:
            got["place"] = ""  # Trino names none
        if got != one:
            wrong.append((one, answers[one["sql"]]))
    assert not wrong, f"{len(wrong)} of {len(recorded)}: {wrong[:3]}"


@pytest.mark.trino
def test_both_engines_answer_alike(trino: engines.Trino, duck: engines.DuckDb, answers: dict[str, Any],
                                   recorded: list[dict[str, Any]], record_property) -> None:
    statements = [one["sql"] for one in recorded]
    wrong, values = [], 0
    for sql, theirs in zip(statements, trino.queries(statements), strict=True):
        ours = answers[sql]
        values += sum(len(row) for row in theirs.get("rows", []))
        if "error" in theirs:
            same = ours.get("error") == theirs["error"] and theirs["place"] in ("", ours["place"])
        else:
            same = ours.get("columns") == theirs["columns"] and ours.get("rows") == theirs["rows"]
        if not same:
            wrong.append((sql, ours, theirs))
    record_property("measured", f"differential suite: {len(statements)} statements and {values} values on both "
                                f"engines, "
                                f"{len(wrong)} different (bound: 0)")
    assert not wrong, f"{len(wrong)} of {len(statements)}: {wrong[:3]}"


@pytest.mark.trino
def test_both_engines_read_as_many_bytes(trino: engines.Trino, duck: engines.DuckDb) -> None:
    asked = [sql for sql in cases.QUERIES
             if "order_events" in sql and " limit 0" not in sql and "where false" not in sql]
    for sql, theirs in zip(asked, trino.queries(asked), strict=True):
        ours = duck.query(sql)
        assert abs(ours["bytes"] - theirs["bytes"]) <= 0.05 * theirs["bytes"], (sql, ours["bytes"], theirs["bytes"])


@pytest.mark.trino
def test_both_engines_answer_the_workbooks_questions(trino: engines.Trino, duck: engines.DuckDb) -> None:
    (view,) = notebook_sql.statements(notebook_sql.PART_5, "view").values()
    history = view.partition(" AS\n")[2]
    asked = {name: re.sub(r"\bFROM order_history\b", f"FROM ({history})", sql)
             for name, sql in notebook_sql.statements(notebook_sql.PART_5, "question").items()}
    answered = 0
    for name, theirs in zip(asked, trino.queries(list(asked.values())), strict=True):
        ours = duck.query(asked[name])
        answered += bool(theirs["rows"])
        assert (ours["columns"], ours["rows"]) == (theirs["columns"], theirs["rows"]), name
        assert theirs["bytes"] and abs(ours["bytes"] - theirs["bytes"]) <= 0.05 * theirs["bytes"], name
    assert answered > len(asked) // 2, "these orders are not the notebook's, but most questions have an answer"


def test_every_signature_is_met(duck: engines.DuckDb, recorded: list[dict[str, Any]]) -> None:
    met = {use for one in recorded for use in duck.ask(uses=one["sql"])}
    every = {f"{name}: {shown}" for name, _, shown in duck.ask(verified=True)["functions"]}
    assert every - met == set(), "verified, but no case calls them"


def test_what_is_not_verified_is_refused_by_name(duck: engines.DuckDb) -> None:
    for sql, named in cases.REFUSED.items():
        answer = duck.query(sql)
        assert answer.get("error") == "NOT_SUPPORTED", (sql, answer)
        assert named.lower() in answer["message"].lower(), (sql, answer)
        assert "--engine trino" in answer["message"], (sql, answer)


def test_no_error_speaks_of_duckdb(answers: dict[str, Any]) -> None:
    for sql, answer in answers.items():
        if "error" in answer and answer["error"] != "NOT_SUPPORTED":
            assert not re.search(r"duckdb|binder error|catalog error", answer["message"], re.IGNORECASE), (sql, answer)


def test_the_table_of_what_is_verified_is_current(duck: engines.DuckDb) -> None:
    written = verified.TABLE.read_text(encoding="utf-8")
    assert written == verified.table(duck.ask(verified=True)), "run python tests/athena/differential/verified.py"
    functions = int(written.split(" functions and ")[0].rsplit("\n", 1)[1])
    assert functions >= 150


def test_sqlglot_reads_what_the_grammar_takes(duck: engines.DuckDb, recorded: list[dict[str, Any]],
                                              record_property) -> None:
    taken = [one["sql"] for one in recorded if one.get("error") != "SYNTAX_ERROR"]
    unread = [sql for sql in taken if not duck.ask(sqlglot=sql)]
    # Trino has VARCHAR '…' and INTERVAL - '…', and tells an unknown type only after it has read the statement.
    assert all(re.search(r"varchar 'x'|interval - '1'|as nope", sql) for sql in unread), unread
    wrong = [one["sql"] for one in recorded if one.get("error") == "SYNTAX_ERROR"]
    lenient = sum(duck.ask(sqlglot=sql) for sql in wrong)
    record_property("measured", f"sqlglot takes {lenient} of {len(wrong)} statements whose syntax Trino refuses; the "
                                "engine's grammar takes none")
