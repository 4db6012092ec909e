"""What an update of a function means for the invocations around it."""
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from bench_parts.function_package import function_package
from test_access import role
from triggered_table import eventually

CODE = """
import pathlib, time

def handler(event, context):
    if event == "fail":
        raise ValueError
    if event:
        here = pathlib.Path(event)
        (here / "begun").touch()
        while not (here / "go on").exists():
            time.sleep(0.01)
    return {answer}
"""


def package(answer: int) -> bytes:
    return function_package(CODE.format(answer=answer), "code.py")


class Function:
    """A function that answers with a number, 0 at first."""

    def __init__(self, aws, name: str):
        self.name, self.client = name, aws.client("lambda")
        self.client.create_function(
            FunctionName=name, Runtime="python3.12", Handler="code.handler", Timeout=10,
            Role=role(aws, name, "lambda.amazonaws.com"), Code={"ZipFile": package(0)})

    def invoke(self, event: str | None = None) -> object:
        return json.load(self.client.invoke(FunctionName=self.name, Payload=json.dumps(event))["Payload"])

    def update(self, answer: int) -> None:
        self.client.update_function_code(FunctionName=self.name, ZipFile=package(answer))
        eventually(lambda: self.client.get_function_configuration(FunctionName=self.name)[
            "LastUpdateStatus"] == "Successful", what="the update")


def test_what_is_under_way_ends_with_the_code_it_began_with_and_what_begins_later_runs_the_new(aws, tmp_path):
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-functions-states.html#functions-states-updating"""
    function = Function(aws, "under-way")
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(function.invoke, str(tmp_path))
        try:
            eventually((tmp_path / "begun").exists, what="the invocation")
            assert "errorType" in function.invoke("fail")
            function.update(1)
            assert function.invoke() == 1
        finally:
            (tmp_path / "go on").touch()
        assert under_way.result() == 0
    assert [function.invoke() for _ in range(3)] == [1] * 3  # and not in the process that has just become free
