"""What an update of a function means for the invocations around it."""
from __future__ import annotations

import io
import json
import threading
import time
import zipfile

from test_access import role

CODE = """
def handler(event, context):
    if event:
        raise ValueError
    return {answer}
"""


def package(answer: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("code.py", CODE.format(answer=answer))
    return archive.getvalue()


def test_what_begins_after_an_update_runs_the_new_code(aws):
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-functions-states.html#functions-states-updating"""
    client, over = aws.client("lambda"), threading.Event()
    client.create_function(FunctionName="updated", Runtime="python3.12", Handler="code.handler", Timeout=10,
                           Role=role(aws, "updated", "lambda.amazonaws.com"), Code={"ZipFile": package(0)})

    def invoke(event=None) -> object:
        return json.load(client.invoke(FunctionName="updated", Payload=json.dumps(event))["Payload"])

    def keep_failing() -> None:  # so that each invocation needs a process of its own, which takes time
        while not over.is_set():
            invoke("fail")

    threads = [threading.Thread(target=keep_failing) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        answers = []
        for number in range(1, 5):
            client.update_function_code(FunctionName="updated", ZipFile=package(number))
            while client.get_function_configuration(FunctionName="updated")["LastUpdateStatus"] != "Successful":
                time.sleep(0.05)
            answers.append([invoke() for _ in range(8)])
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert answers == [[number] * 8 for number in range(1, 5)]
