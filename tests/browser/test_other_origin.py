"""A page of another origin, in a real browser, gets nothing out of the local AWS and changes nothing in it."""
from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aws_under_test import Aws
from environments import ROOT, SetupError, ensure
from test_jupyterlab import BROWSERS, PLAYWRIGHT, WITHIN
from unavailable import unavailable

pytestmark = pytest.mark.browser


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>Another origin</title><body>")

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[int]:
    """The port at which the page is."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with contextlib.closing(server.socket):
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("site", ["127.0.0.1", "localhost"])  # the same site as the local AWS, and another
def test_a_page_of_another_origin_gets_nothing(aws: Aws, page: int, site: str) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        unavailable("No page in a browser", f"there is none of {', '.join(BROWSERS)} on this machine")
    try:
        python = ensure(ROOT / ".venv-browser", PLAYWRIGHT, "the browser's driver")
    except SetupError as error:
        unavailable("No page in a browser", error)
    s3, bucket = aws.client("s3"), f"beside-{site.replace('.', '-')}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="secret", Body=b"the secret")
    request = AWSRequest("POST", aws.endpoint, data=b"{}", headers={
        "X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"})
    SigV4Auth(Credentials(aws.root["access_key_id"], aws.root["secret_access_key"]), "dynamodb",
              "us-east-1").add_auth(request)
    given = {"endpoint": aws.endpoint, "signed": dict(request.headers),
             "presigned": s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "secret"})}
    done = subprocess.run([python, Path(__file__).with_name("other_origin.py"), f"http://{site}:{page}/", "--browser",
                           browser], input=json.dumps(given), stdout=subprocess.PIPE, text=True, timeout=WITHIN)
    assert done.returncode == 0
    seen = json.loads(done.stdout)
    assert seen["read"] == []
    answered = [(method, status) for method, _, status in seen["answered"]]
    assert {status for _, status in answered} == {403}
    assert {"OPTIONS", "POST", "GET"} >= {method for method, _ in answered} >= {"POST", "GET"}
    assert sum(url.endswith("/_ministack/reset") for _, url, _ in seen["answered"]) >= 2, "it has tried"
    assert s3.get_object(Bucket=bucket, Key="secret")["Body"].read() == b"the secret"
    assert aws.ask("/_local/faults") == {"faults": []}
