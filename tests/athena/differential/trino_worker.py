"""Runs statements on a Trino of the suite's own, over files, as the local Athena's exact engine does over S3: one text
in JSON a line in, one answer a line out, in order. Only the suite starts it.
"""
from __future__ import annotations

import json
import queue
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])  # the folder of the package local_aws

import worker  # noqa: E402
from local_aws.athena.exchange import QueryFailed  # noqa: E402
from local_aws.athena.on_trino.client import ask  # noqa: E402
from local_aws.athena.on_trino.process import TrinoServer  # noqa: E402

LAKE, FOLDER = sys.argv[2:4]
AT_ONCE = 4
SERVER = TrinoServer(Path(FOLDER), {
    "connector.name": "hive", "hive.metastore": "file", "hive.metastore.catalog.dir": "local:///",
    "fs.native-local.enabled": "true", "local.location": LAKE, "hive.non-managed-table-writes-enabled": "true",
    "hive.partition-projection-enabled": "true", "parquet.small-file-threshold": "0B",
    "parquet.max-merge-distance": "0B"}, "suite")


def answer(sql: str) -> dict[str, Any]:
    try:
        asked = ask(SERVER, sql, "t", worker.Unwatched(), SERVER.secret)
        return worker.answer(asked, asked.rows())
    except QueryFailed as failed:
        return worker.failure(failed)


def main() -> None:
    waiting: queue.Queue[Future[dict[str, Any]] | None] = queue.Queue()

    def tell() -> None:
        while future := waiting.get():
            print(json.dumps(future.result()), flush=True)

    telling = threading.Thread(target=tell)
    telling.start()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for line in sys.stdin:
            waiting.put(threads.submit(answer, json.loads(line)))
    waiting.put(None)
    telling.join()
    SERVER.stop()


main()
