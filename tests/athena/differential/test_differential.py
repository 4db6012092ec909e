"""What the embedded engine is verified for, a test a statement: it answers as Trino did, and Trino still does."""
from __future__ import annotations

import functools
import re

import pytest

import engines
import fixtures
import verified
from answers import Answer
from bench_parts import notebook_sql
from fixtures import Case

CASES = [pytest.param(case, id=case.name) for case in fixtures.every()]
# The engines differ in whether they read anything for no rows
READING = [pytest.param(case, id=case.name) for case in fixtures.read("orders")
           if not re.search(r"limit 0|where false", case.text)]


@functools.cache
def workbook_questions() -> dict[str, str]:
    """Part 5's questions, its view written out."""
    (view,) = notebook_sql.statements(notebook_sql.PART_5, "view").values()
    history = view.partition(" AS\n")[2]
    return {name: re.sub(r"\bFROM order_history\b", f"FROM ({history})", sql)
            for name, sql in notebook_sql.statements(notebook_sql.PART_5, "question").items()}


@pytest.mark.parametrize("case", CASES)
def test_the_embedded_engine_answers_as_recorded(duck: engines.DuckDb, case: Case) -> None:
    _agrees(case, duck.query(case.sql), "the embedded engine")
    message = duck.query(case.sql).message
    assert not re.search(r"duckdb|binder error|catalog error", message, re.IGNORECASE), "Athena's words, not DuckDB's"


@pytest.mark.trino
@pytest.mark.parametrize("case", CASES)
def test_trino_answers_as_recorded(of_trino: dict[Case, Answer], case: Case) -> None:
    _agrees(case, of_trino[case], "Trino")


def _agrees(case: Case, answer: Answer, engine: str) -> None:
    assert case.agrees(answer), (f"{case.sql}\n{engine}: {case.line(answer)}\nrecorded: {case.recorded}\n"
                                 f"in full: {answer.message or answer.rows}")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in fixtures.read("refused")])
def test_what_is_not_verified_is_refused_by_name(duck: engines.DuckDb, case: Case) -> None:
    answer = duck.query(case.sql)
    assert answer.error == "NOT_SUPPORTED", answer
    assert case.recorded.lower() in answer.message.lower()


@pytest.mark.trino
@pytest.mark.parametrize("case", READING)
def test_both_engines_read_as_many_bytes(duck: engines.DuckDb, of_trino: dict[Case, Answer], case: Case) -> None:
    _as_many_bytes(duck.query(case.sql), of_trino[case])


@pytest.fixture(scope="session")
def of_trino_to_the_workbook(trino: engines.Trino) -> dict[str, Answer]:
    questions = workbook_questions()
    return dict(zip(questions, trino.queries(list(questions.values())), strict=True))


@pytest.mark.trino
@pytest.mark.parametrize("name", workbook_questions())
def test_both_engines_answer_the_workbooks_questions(
        duck: engines.DuckDb, of_trino_to_the_workbook: dict[str, Answer], name: str) -> None:
    ours, theirs = duck.query(workbook_questions()[name]), of_trino_to_the_workbook[name]
    assert (ours.columns, ours.rows) == (theirs.columns, theirs.rows)
    assert theirs.bytes_read
    _as_many_bytes(ours, theirs)


def _as_many_bytes(ours: Answer, theirs: Answer) -> None:
    assert abs(ours.bytes_read - theirs.bytes_read) <= 0.05 * theirs.bytes_read


@pytest.mark.trino
def test_the_workbooks_questions_have_answers(of_trino_to_the_workbook: dict[str, Answer]) -> None:
    answered = sum(bool(answer.rows) for answer in of_trino_to_the_workbook.values())
    assert answered > len(of_trino_to_the_workbook) // 2, "these orders are not the notebook's, but much holds of them"


def test_every_signature_is_met(duck: engines.DuckDb, used: dict[str, list[Case]]) -> None:
    every = {f"{name}: {shown}" for name, _, shown in duck.request(verified=True)["functions"]}
    assert every - set(used) == set(), "verified, but no case calls them"


def test_the_table_of_what_is_verified_is_current(duck: engines.DuckDb) -> None:
    table = verified.table(duck.request(verified=True))
    assert verified.TABLE.read_text(encoding="utf-8") == table, "run python tests/athena/differential/verified.py"


def test_the_engine_is_the_size_of_its_purpose(duck: engines.DuckDb) -> None:
    held = duck.request(verified=True)
    assert 60 <= len({name for name, *_ in held["functions"]} | set(held["special"])) <= 80


def test_sqlglot_reads_what_the_grammar_takes(duck: engines.DuckDb, record_property) -> None:
    wrong = [case.sql for case in fixtures.every() if case.recorded.startswith("SYNTAX_ERROR")]
    taken = [case.sql for case in fixtures.every() if not case.recorded.startswith("SYNTAX_ERROR")]
    unread = [sql for sql in taken if not duck.request(sqlglot=sql)]
    # Trino has INTERVAL - '…', and names an unknown type only after it has read the statement
    assert all(re.search(r"interval - '1'|as nope", sql) for sql in unread), unread
    lenient = sum(duck.request(sqlglot=sql) for sql in wrong)
    record_property("measured", f"sqlglot takes {lenient} of {len(wrong)} statements whose syntax Trino refuses; the "
                                "engine's grammar takes none")
