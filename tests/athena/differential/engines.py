"""The two engines of the differential suite, over the same files: DuckDB in a process of its environment, and Trino."""
from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


class DuckDb:
    """The embedded engine, in its own process."""

    def __init__(self, lake: Path):
        python = ensure(ROOT / ".local_aws" / "venv", requirements(LOCAL_AWS / "requirements.txt"), "the local AWS")
        self.process = subprocess.Popen(
            [str(python), str(HERE / "duckdb_worker.py"), str(LOCAL_AWS), str(lake)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8")
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
    """A Trino of the suite's own, with a catalog over the same files: https://trino.io/docs/476/develop/client-protocol.html"""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None = None):
        self.url, self.process = url, process
        self.threads = ThreadPoolExecutor(4)

    def _call(self, url: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(url, body, {"X-Trino-User": "suite", "X-Trino-Catalog": "awsdatacatalog",
                                                     "X-Trino-Schema": "t", "X-Trino-Time-Zone": "UTC",
                                                     "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())  # type: ignore[no-any-return]

    def query(self, sql: str) -> dict[str, Any]:
        sys.path.insert(0, str(LOCAL_AWS))
        from athena.text import formatter
        sys.path.pop(0)

        columns, rows = [], []
        state = self._call(f"{self.url}/v1/statement", sql.encode())
        while True:
            if "error" in state:
                return normal({"error": state["error"]["errorName"], "message": state["error"]["message"]})
            columns = state.get("columns", columns)
            rows += state.get("data", [])
            if "nextUri" not in state:
                break
            state = self._call(state["nextUri"])
        forms = [formatter(column["type"]) for column in columns]
        texts = [[three_digits(form(value), column["type"])
                  for form, column, value in zip(forms, columns, row, strict=True)] for row in rows]
        return normal({"columns": [[column["name"], column["type"]] for column in columns], "rows": texts,
                       "bytes": state.get("stats", {}).get("physicalInputBytes", 0)})

    def queries(self, statements: list[str]) -> Iterator[dict[str, Any]]:
        """The answers in order, while the next ones are asked for already."""
        return self.threads.map(self.query, statements)

    def close(self) -> None:
        self.threads.shutdown()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


def three_digits(text: str | None, kind: str) -> str | None:
    """A time with at least three digits of the second, as Athena shows it."""
    if text is None or not kind.startswith("timestamp"):
        return text
    return re.sub(r"(:\d\d)(?:\.(\d{1,2}))?(?=$| )", lambda found: f"{found[1]}.{(found[2] or '').ljust(3, '0')}", text)


def start_trino(java: Path, home: Path, folder: Path, lake: Path, port: int) -> Trino:
    """Start Trino from an unpacked server, with a metastore of files, and have it know the table of events."""
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True)
    (etc / "node.properties").write_text(
        f"node.environment=suite\nnode.id=suite\nnode.data-dir={folder / 'data'}\nnode.bind-ip=127.0.0.1\n"
        "node.internal-address=127.0.0.1\n")
    (etc / "config.properties").write_text(
        f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={port}\n"
        f"discovery.uri=http://127.0.0.1:{port}\nplugin.dir={home / 'plugin'}\ncatalog.config-dir={etc / 'catalog'}\n")
    (etc / "catalog" / "awsdatacatalog.properties").write_text(
        f"connector.name=hive\nhive.metastore=file\nhive.metastore.catalog.dir=local:///\nfs.native-local.enabled=true\n"
        f"local.location={lake}\nhive.non-managed-table-writes-enabled=true\nhive.partition-projection-enabled=true\n"
        "parquet.small-file-threshold=0B\nparquet.max-merge-distance=0B\n")
    log = open(folder / "log", "wb")  # noqa: SIM115 - the process keeps it
    process = subprocess.Popen(
        [str(java), "-Xmx1G", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/lib/*",
         f"-Dconfig={etc / 'config.properties'}", f"-Dnode.data-dir={folder / 'data'}", "-Dnode.environment=suite",
         "-Dnode.id=suite", "-Dnode.bind-ip=127.0.0.1", "-Dnode.internal-address=127.0.0.1",
         "io.trino.server.TrinoServer"], cwd=folder, stdout=log, stderr=log)
    trino = Trino(f"http://127.0.0.1:{port}", process)
    for _ in range(240):
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            if not trino._call(f"{trino.url}/v1/info")["starting"]:
                break
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.5)
    return trino


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
        assert "error" not in answer, answer


def installed() -> tuple[Path, Path]:
    """The Java and the unpacked Trino that the local AWS sets up. Raises where they cannot be had."""
    if os.environ.get("AUDIT_TRINO_HOME"):
        return Path(os.environ["AUDIT_TRINO_JAVA"]), Path(os.environ["AUDIT_TRINO_HOME"])
    python = ensure(ROOT / ".local_aws" / "venv", requirements(LOCAL_AWS / "requirements.txt"), "the local AWS")
    done = subprocess.run([str(python), "-c", "import sys; sys.path.insert(0, sys.argv[1]); from athena.on_trino import "
                                              "setup;"
                           " found = setup.ensure(); print(found.java, found.server, sep='\\n')", str(LOCAL_AWS)],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    java, home = done.stdout.strip().splitlines()[-2:]
    return Path(java), Path(home)
