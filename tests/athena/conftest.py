"""Athena on the local AWS, on both engines."""
from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from athena_under_test import Athena
from aws_under_test import Aws
from unavailable import without_trino

# What answers: both engines, unless the tests' local AWS was told which
ENGINES = ["duckdb", "trino"] if "AUDIT_LOCAL_ENGINE" not in os.environ else [os.environ["AUDIT_LOCAL_ENGINE"]]


@pytest.fixture(scope="session")
def trino_aws(aws, tmp_path_factory) -> Iterator[Aws]:
    """The local AWS that tests share whose SQL Trino answers."""
    if aws.engine == "trino":
        yield aws
        return
    one = Aws(tmp_path_factory.mktemp("trino"), "trino")
    done = one.cli("start")
    if done.returncode:
        without_trino(done.stderr.strip().splitlines()[-1])
    yield one
    one.stop()


@pytest.fixture(scope="session", params=[
    pytest.param(name, marks=pytest.mark.trino) if name == "trino" else name for name in ENGINES])
def athena(request) -> Athena:
    """Athena on each engine."""
    return Athena(request.getfixturevalue("trino_aws" if request.param == "trino" else "aws"))


@pytest.fixture(scope="session")
def on_trino(trino_aws) -> Athena:
    return Athena(trino_aws)


@pytest.fixture(scope="session")
def orders(athena: Athena) -> str:
    """A table of three orders, two of which lack something."""
    return athena.json_table({"id": "bigint", "name": "string", "tags": "array<string>"}, {
        "a.json": [{"id": 1, "name": 'a "quoted", name', "tags": ["x", "y"]}, {"id": 2, "name": ""}],
        "b.json.gz": [{"id": 3, "tags": []}]})


@pytest.fixture(scope="session")
def front(aws: Aws) -> Athena:
    """Athena on one engine, for what no engine has a part in."""
    return Athena(aws)
