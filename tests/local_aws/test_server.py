"""The local AWS as a whole: it starts, keeps what it holds, listens on the loopback only, and stops without a trace."""
import json
import os
import signal
import socket
import subprocess

import pytest
from botocore.exceptions import ClientError

from test_function_code import Function


def test_start_twice_gets_the_running_one(aws):
    before = json.loads(aws.cli("status", "--json").stdout)
    done = aws.cli("start")
    after = json.loads(aws.cli("status", "--json").stdout)
    assert done.returncode == 0 and aws.endpoint in done.stdout
    assert before["running"] and before["pids"][0] == after["pids"][0]
    assert {"ministack", "duckdb", "sqlglot"} <= set(after["versions"])


def test_it_listens_on_the_loopback_only(aws):
    """No other address of this machine answers on its port, and it has no other port."""
    pid = json.loads(aws.cli("status", "--json").stdout)["pids"][0]
    listed = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout if _has("ss") else ""
    mine = [line.split()[3] for line in listed.splitlines() if f"pid={pid}," in line]
    assert mine in ([], [f"127.0.0.1:{aws.port}"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it asks which address this machine would send from
        own = probe.getsockname()[0]
    if own.startswith("127."):
        pytest.skip("this machine has no address but the loopback")
    with socket.socket() as outside, pytest.raises(OSError):
        outside.settimeout(2)
        outside.connect((own, aws.port))


def _has(program: str) -> bool:
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.environ["PATH"].split(os.pathsep))


def test_unknown_credentials_are_refused(aws):
    stranger = aws.client("dynamodb", aws_access_key_id="AKIASTRANGER", aws_secret_access_key="x")
    with pytest.raises(ClientError) as refused:
        stranger.list_tables()
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_what_it_holds_is_kept_and_reset_empties_it(fresh_aws):
    one = fresh_aws()
    one.client("s3").create_bucket(Bucket="kept")
    one.client("s3").put_object(Bucket="kept", Key="a", Body=b"1")
    one.stop()
    assert one.cli("status").returncode == 3
    one.start()
    assert one.client("s3").get_object(Bucket="kept", Key="a")["Body"].read() == b"1"
    assert one.cli("reset").returncode == 0
    assert one.client("s3").list_buckets()["Buckets"] == []


def test_its_temporary_files_lie_in_its_state_and_go_with_it(fresh_aws, tmp_path, monkeypatch):
    """Also after it was killed: the next start removes them."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    one = fresh_aws()
    assert Function(one, "any").invoke() == 0
    temporary = one.state / "tmp"
    left = set(temporary.iterdir())
    assert any("any" in folder.name for folder in left) and not list(elsewhere.iterdir())
    os.kill(json.loads(one.cli("status", "--json").stdout)["pids"][0], signal.SIGKILL)
    one.start()
    assert not left & set(temporary.iterdir())
    one.stop()
    assert not temporary.exists() and not list(elsewhere.iterdir())


def test_a_busy_port_is_told_in_one_sentence(aws, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            ["python3", "scripts/local_aws", "start", "--port", str(taken.getsockname()[1]), "--state", str(tmp_path)],
            capture_output=True, text=True, cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    assert done.returncode == 1 and "is taken by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_policy_that_demands_tls_does_not_lock_the_learner_out(aws):
    """Local only: the loopback counts as secure transport. https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}},
         "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"]}]}))
    s3.put_object(Bucket="tls-only", Key="a", Body=b"1")


def test_status_answers_over_http(aws):
    assert aws.ask("/_local/status")["region"] == "us-east-1"
