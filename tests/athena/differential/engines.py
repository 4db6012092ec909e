"""The two engines of the differential suite over the same files (`lake.py`): the embedded one in a process of its
environment, and Trino."""
from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fixtures
import lake
import objects
from answers import Answer
from environments import ROOT, ensure, requirements
from fixtures import Case

HERE = Path(__file__).parent
LOCAL_AWS = ROOT / "scripts" / "local_aws"
HIVE_JSON = "org.apache.hive.hcatalog.data.JsonSerDe"


class _Worker:
    """A process in the local AWS's environment that answers line by line, in JSON."""

    def __init__(self, script: str, *places: Path):
        python = ensure(ROOT / ".local_aws" / "venv", requirements(LOCAL_AWS / "requirements.txt"), "the local AWS")
        self.process = subprocess.Popen(
            [str(python), str(HERE / script), str(ROOT / "scripts"), *map(str, places)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8")

    def ask(self, *asked: Any) -> Iterator[Any]:
        """The answers in order, while the next ones are being found already."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.writelines(json.dumps(one) + "\n" for one in asked)
        self.process.stdin.flush()
        for one in asked:
            line = self.process.stdout.readline()
            assert line, f"the engine's process died over {one}"
            yield json.loads(line)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


class DuckDb(_Worker):
    """The embedded engine."""

    def __init__(self, folder: Path):
        super().__init__("duckdb_worker.py", folder)
        self._answers: dict[str, Answer] = {}
        for name, columns, keys in (("order_events", lake.COLUMNS, [["dt", "string"]]),
                                    ("objects", objects.COLUMNS, [["p", "string"]])):
            location = "events" if name == "order_events" else name
            self.request(table={"name": name, "columns": list(columns.items()), "keys": keys, "location": location,
                             "serde": HIVE_JSON})

    def request(self, **asked: Any) -> Any:
        """What the worker answers to a request that is no query."""
        (answer,) = self.ask(asked)
        return answer

    def query(self, sql: str) -> Answer:
        if sql not in self._answers:
            self._answers[sql] = Answer.of(self.request(sql=sql))
        return self._answers[sql]


class Trino(_Worker):
    """A Trino of the suite's own, asked by the exact engine's client."""

    def __init__(self, lake_folder: Path, folder: Path):
        super().__init__("trino_worker.py", lake_folder, folder)
        for failed in self.queries(_tables()):
            if failed.error:
                raise RuntimeError(failed.message)

    def queries(self, statements: Sequence[str]) -> Iterator[Answer]:
        return map(Answer.of, self.ask(*statements))

    def cases(self, cases: Iterable[Case]) -> dict[Case, Answer]:
        """The answers to cases, of which one statement asks as many as it can; where such a statement fails, each is
        asked by itself."""
        found: dict[Case, Answer] = {}
        alone: list[Case] = []
        groups = fixtures.together(list(cases))
        for group, answer in zip(groups, self.queries([fixtures.statement(group) for group in groups]), strict=True):
            if answer.error and len(group) > 1:
                alone += group
            else:
                found.update(zip(group, fixtures.shares(group, answer), strict=True))
        found.update(zip(alone, self.queries([case.sql for case in alone]), strict=True))
        return found


def _tables() -> list[str]:
    """The statements that have Trino know the suite's tables, each partition projected."""
    events = f"""'date', partition_projection_format = 'yyyy-MM-dd',
        partition_projection_range = ARRAY['{lake.DAYS[0]}', '{lake.DAYS[-1]}']"""
    places = sorted({objects.partition(case.text) for case in fixtures.read("objects")})
    enumerated = f"'enum', partition_projection_values = ARRAY[{', '.join(map(repr, places))}]"
    return ["CREATE SCHEMA t", *(f"""CREATE TABLE {name} (
        {', '.join(f'{column} {_trino(kind)}' for column, kind in columns.items())},
        {key} varchar WITH (partition_projection_type = {projected})
        ) WITH (external_location = 'local:///{location}', format = 'JSON', partitioned_by = ARRAY['{key}'],
        partition_projection_enabled = true)""" for name, columns, key, projected, location in (
            ("order_events", lake.COLUMNS, "dt", events, "events"),
            ("objects", objects.COLUMNS, "p", enumerated, "objects")))]


def _trino(kind: str) -> str:
    """Glue's name of a type in Trino's words."""
    return {"string": "varchar", "array<string>": "array(varchar)", "timestamp": "timestamp(3)"}.get(kind, kind)
