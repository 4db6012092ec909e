"""What a function can read of its package."""
from __future__ import annotations

import io
import json
import zipfile

import pytest

from bench_parts.function_package import function_package
from test_access import role

HANDLER = """
import pathlib

def handler(event, context):
    return (pathlib.Path(__file__).parent / event).read_text()
"""


@pytest.fixture(scope="module")
def invoke(aws):
    """Deploys a package and invokes it with an event: the answer, and what Invoke says of an error."""
    client = aws.client("lambda")
    client.create_function(
        FunctionName="reads-its-package", Runtime="python3.12", Handler="code.handler", Timeout=10,
        Role=role(aws, "reads-its-package", "lambda.amazonaws.com"), Code={"ZipFile": function_package("", "code.py")})

    def deploy_and_invoke(package: bytes, event: str) -> tuple[object, str | None]:
        client.update_function_code(FunctionName="reads-its-package", ZipFile=package)
        client.get_waiter("function_updated_v2").wait(FunctionName="reads-its-package")
        answer = client.invoke(FunctionName="reads-its-package", Payload=json.dumps(event))
        return json.load(answer["Payload"]), answer.get("FunctionError")

    return deploy_and_invoke


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_a_module_that_others_may_not_read_is_taken_and_then_fails_every_invocation(invoke, mode):
    """https://github.com/hashicorp/terraform-provider-archive/issues/17 and
    https://github.com/ansible-collections/community.aws/pull/167; `ZipFile.writestr` gives 0600 unless told."""
    package = function_package(HANDLER, "code.py", mode)
    for _ in range(2):
        answer, error = invoke(package, "code.py")
        assert error == "Unhandled" and "[Errno 13] Permission denied: '/var/task/code.py'" in answer["errorMessage"]


@pytest.mark.parametrize("mode", [0o644, 0o444, 0o604, 0])
def test_a_module_that_others_may_read_runs(invoke, mode):
    """A mode of 0 is none, as in zip files from Windows: ZipFile would make 0600 of it, so this one is not written."""
    package = function_package(HANDLER, "code.py", mode or 0o600)
    if not mode:
        package = package.replace((0o600 << 16).to_bytes(4, "little"), bytes(4))
    assert invoke(package, "code.py") == (HANDLER, None)


def test_so_it_is_with_every_file(invoke):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name, content, mode in (("code.py", HANDLER, 0o644), ("data/open.txt", "read", 0o644),
                                    ("data/closed.txt", "never read", 0o600)):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            package.writestr(entry, content)
    assert invoke(archive.getvalue(), "data/open.txt") == ("read", None)
    answer, error = invoke(archive.getvalue(), "data/closed.txt")
    assert error and answer["errorMessage"] == "[Errno 13] Permission denied: '/var/task/data/closed.txt'"
