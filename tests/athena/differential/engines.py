"""The two engines of the differential suite, over the same files: DuckDB in a process of its environment, and Trino."""
from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import json_lines
from environments import ROOT, ensure, requirements

HERE = Path(__file__).parent
LOCAL_AWS = ROOT / "scripts" / "local_aws"
HIVE_JSON = "org.apache.hive.hcatalog.data.JsonSerDe"
COLUMNS = [["event_id", "string"], ["event_name", "string"], ["order_id", "string"], ["sequence_number", "string"],
           ["changed_at", "string"], ["old_state", "string"], ["new_state", "string"], ["last_updated_date", "bigint"],
           ["changed_by", "string"], ["changed_attributes", "array<string>"], ["old_image", "string"],
           ["new_image", "string"], ["detail", "string"]]
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]  # the first has no objects
FLOW = {"OPEN": ["PICKEDUP", "CANCELLED", "DELIVERED"], "PICKEDUP": ["DELIVERED", "OPEN"],
        "DELIVERED": ["RETURNED", None], "RETURNED": [None], "CANCELLED": [None]}


def history(seed: int, orders: int) -> list[dict[str, Any]]:
    """Seeded order histories as audit events, in the order of their changes."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    start = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
    for order in range(orders):
        state, image, moment = None, None, start + datetime.timedelta(seconds=chance.randrange(86400 * 2))
        for step in range(chance.randrange(1, 6)):
            then = "OPEN" if step == 0 else chance.choice(FLOW[state])  # type: ignore[index]
            new = None if then is None else {
                "orderId": str(order), "state": then, "lastUpdatedDate": int(moment.timestamp()),
                "total": chance.choice([0, 1, 12.5, 99.99, -3]),
                "note": chance.choice([None, "", "é 😀", 'say "hi"\n'])}
            events.append({
                "event_id": hashlib.md5(f"{seed}/{order}/{step}".encode()).hexdigest(),
                "event_name": "INSERT" if step == 0 else "REMOVE" if then is None else "MODIFY", "order_id": str(order),
                "sequence_number": f"{(order * 10 + step + 1) * 1000:040}",
                "changed_at": moment.strftime("%Y-%m-%d %H:%M:%S"), "old_state": state, "new_state": then,
                "last_updated_date": None if new is None or chance.random() < 0.2 else new["lastUpdatedDate"],
                "changed_by": chance.choice([None, "anna", "bob é", "dynamodb-ttl"]),
                "changed_attributes": chance.choice([None, [], ["state"], ["lastUpdatedDate", "state"],
                                                     ["note", None]]),
                "old_image": image and json.dumps(image), "new_image": new and json.dumps(new, ensure_ascii=False),
                "detail": None})
            if then is None:
                break
            state, image, moment = then, new, moment + datetime.timedelta(seconds=chance.randrange(1, 90000))
    return events


def lay_out(lake: Path, events: list[dict[str, Any]]) -> None:
    """The events as objects under events/dt=…/, two a day; some are delivered again on the next day. Beside them the
    objects of `json_lines`."""
    again: list[dict[str, Any]] = []
    for day, name in enumerate(DAYS):
        place = lake / "events" / f"dt={name}"
        place.mkdir(parents=True)
        if day == 0:
            continue
        own = events[(day - 1) * len(events) // 3:day * len(events) // 3]
        share, again = own + again, own[::7]
        for part in range(2):
            lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in share[part::2])
            (place / f"part-{part}.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    json_lines.lay_out(lake)


def _worker(script: str, *places: Path) -> subprocess.Popen[str]:
    """A process in the local AWS's environment that answers line by line."""
    python = ensure(ROOT / ".local_aws" / "venv", requirements(LOCAL_AWS / "requirements.txt"), "the local AWS")
    return subprocess.Popen(
        [str(python), str(HERE / script), str(ROOT / "scripts"), *map(str, places)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8")


class DuckDb:
    """The embedded engine, in its own process."""

    def __init__(self, lake: Path):
        self.process = _worker("duckdb_worker.py", lake)
        self.table("order_events", COLUMNS, "events", [["dt", "string"]])
        self.table("json_lines", json_lines.COLUMNS, "lines", [["p", "int"]])

    def ask(self, **asked: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the engine's process died over {asked}"
        return json.loads(line)

    def table(self, name: str, columns: list[list[str]], location: str, keys: list[list[str]] | None = None,
              serde: str = HIVE_JSON) -> None:
        self.ask(table={"name": name, "columns": columns, "location": location, "keys": keys or [], "serde": serde})

    def query(self, sql: str) -> dict[str, Any]:
        return normal(self.ask(sql=sql))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


def normal(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as it is compared: names in lower case, types without blanks, an error's place apart from its text."""
    if "error" in answer:
        place = re.match(r"line \d+:\d+", answer["message"])
        return {"error": answer["error"], "place": place[0] if place else "", "message": answer["message"]}
    columns = [[name.lower(), re.sub(r", ", ",", kind.lower())] for name, kind in answer["columns"]]
    return {"columns": columns, "rows": answer["rows"], "bytes": answer.get("bytes", 0)}


class Trino:
    """A Trino of the suite's own over the same files, asked by the exact engine's client in its environment."""

    def __init__(self, lake: Path, folder: Path):
        self.process = _worker("trino_worker.py", lake, folder)
        prepare(self)

    def queries(self, statements: list[str]) -> Iterator[dict[str, Any]]:
        """The answers in order, while the next ones are being found already."""
        assert self.process.stdin and self.process.stdout
        for sql in statements:
            self.process.stdin.write(json.dumps(sql) + "\n")
        self.process.stdin.flush()
        for sql in statements:
            line = self.process.stdout.readline()
            assert line, f"the engine's process died over {sql}"
            yield normal(json.loads(line))

    def query(self, sql: str) -> dict[str, Any]:
        (answer,) = self.queries([sql])
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


def prepare(trino: Trino) -> None:
    """Have Trino know the suite's schema and table."""
    kinds = {"string": "varchar", "array<string>": "array(varchar)", "timestamp": "timestamp(3)"}
    columns = ", ".join(f"{name} {kinds.get(kind, kind)}" for name, kind in COLUMNS)
    lines = ", ".join(f"{name} {kinds.get(kind, kind)}" for name, kind in json_lines.COLUMNS)
    for sql in ("CREATE SCHEMA IF NOT EXISTS t", "DROP TABLE IF EXISTS order_events",
                f"CREATE TABLE order_events ({columns}, dt varchar WITH (partition_projection_type = 'date', "
                f"partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['{DAYS[0]}', "
                f"'{DAYS[-1]}']"
                ")) WITH (external_location = 'local:///events', format = 'JSON', partitioned_by = ARRAY['dt'], "
                "partition_projection_enabled = true)", "DROP TABLE IF EXISTS json_lines",
                f"CREATE TABLE json_lines ({lines}, p integer WITH (partition_projection_type = 'integer', "
                f"partition_projection_range = ARRAY['0', '{len(json_lines.objects()) - 1}'])) WITH "
                f"(external_location = "
                "'local:///lines', format = 'JSON', partitioned_by = ARRAY['p'], partition_projection_enabled = true)"):
        answer = trino.query(sql)
        if "error" in answer:
            raise RuntimeError(answer["message"])
