"""Who gets into the local AWS: the owner of its keys, with any tool; nobody else on this machine, and no page."""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from aws_under_test import ROOT, Aws
from bench_parts.function_package import function_package

LAMBDA = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
OF_THE_USER = {"SSH_AUTH_SOCK": "/tmp/agent", "GITHUB_TOKEN": "theirs", "HOME": "/tmp/theirs", "USER": "theirs",
               "AWS_BEARER_TOKEN_BEDROCK": "theirs", "MY_SECRET": "theirs",
               "DBUS_SESSION_BUS_ADDRESS": "unix:path=/tmp/bus"}
PACKAGE = function_package("import os\ndef handler(event, context):\n    return dict(os.environ)\n")
ONCE = Config(retries={"total_max_attempts": 1})
INTERNAL = ("/_ministack/reset", "/_ministack/config", "/_ministack/health", "/_local/status", "/_local/faults",
            "/_local/access", "/_localstack/health", "/_aws/sqs/messages")


def raw(aws: Aws, method: str = "GET", path: str = "/", headers: dict[str, str] | None = None, body: bytes = b"",
        host: str | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The answer to exactly this request."""
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": host or f"127.0.0.1:{aws.port}", "Content-Length": str(len(body)),
                            **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def signed(aws: Aws, service: str = "dynamodb", method: str = "POST", path: str = "/", body: bytes = b"{}",
           target: str | None = "DynamoDB_20120810.ListTables", host: str | None = None) -> dict[str, str]:
    """The headers of a request that the local root has signed."""
    status = aws.root
    request = AWSRequest(method, f"http://{host or f'127.0.0.1:{aws.port}'}{path}", data=body, headers={
        **({"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"} if target else {})})
    SigV4Auth(Credentials(status["access_key_id"], status["secret_access_key"]), service,
              status["region"]).add_auth(request)
    return dict(request.headers)


@pytest.fixture(scope="module")
def kept(aws: Aws) -> Iterator[Callable[[], None]]:
    """Check that what there was is still there, and nothing else."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="kept-safe")
    s3.put_object(Bucket="kept-safe", Key="a", Body=b"1")

    def check() -> None:
        assert s3.get_object(Bucket="kept-safe", Key="a")["Body"].read() == b"1"
        assert aws.ask("/_local/faults") == {"faults": []}

    yield check


@pytest.fixture(scope="module")
def other() -> Iterator[Aws]:
    """Another local AWS: its state folder was open before, as all above it still is; its user has secrets in the
    environment; and it waits 3 s for the rest of a request. Clients that have begun one do not hold its stop up."""
    folder = Path(tempfile.mkdtemp(prefix="audit-"))
    folder.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "state").chmod(0o755)
    other = Aws(folder / "state", "duckdb", {**OF_THE_USER, "AUDIT_LOCAL_SILENT_SECONDS": "3"})
    try:
        other.start()
        yield other
        with contextlib.closing(begin(other, "P")), contextlib.closing(begin(other, half_a_request(other))):
            other.stop()
    finally:
        other.cli("stop")
        shutil.rmtree(folder, ignore_errors=True)


def begin(aws: Aws, text: str) -> socket.socket:
    """A connection on which nothing but this was sent."""
    connection = socket.create_connection(("127.0.0.1", aws.port), timeout=60)
    connection.sendall(text.encode())
    return connection


def half_a_request(aws: Aws) -> str:
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(aws).items())
    return f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{aws.port}\r\n{head}Content-Length: 100000\r\n\r\n{{"


# ------------------------------------------------------------------------------------------------------------ the keys


def test_status_gives_the_keys_which_are_the_states_own(aws: Aws, other: Aws) -> None:
    first, again = aws.root, aws.status()
    assert re.fullmatch(r"AKLOCAL[A-Z2-7]{13}", first["access_key_id"]) and len(first["secret_access_key"]) == 40
    keys = ("access_key_id", "secret_access_key")
    assert [first[name] for name in keys] == [again[name] for name in keys]
    assert not {other.root["access_key_id"], other.root["secret_access_key"]} & {
        first["access_key_id"], first["secret_access_key"]}


# A service of each protocol; SQS has codes of its own
REFUSALS = {"dynamodb": ("list_tables", "UnrecognizedClientException"),
            "lambda": ("list_functions", "UnrecognizedClientException"), "sqs": ("list_queues", "InvalidClientTokenId"),
            "sts": ("get_caller_identity", "InvalidClientTokenId"), "s3": ("list_buckets", "InvalidAccessKeyId")}


@pytest.mark.parametrize("service", REFUSALS)
@pytest.mark.parametrize("key", ["test", "123456789012"])
def test_no_other_key_is_taken(aws: Aws, service: str, key: str) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and its like"""
    operation, code = REFUSALS[service]
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service, aws_access_key_id=key, aws_secret_access_key="test"), operation)()
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("service", REFUSALS)
def test_the_roots_key_without_its_secret_is_not_taken(aws: Aws, service: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service, aws_access_key_id=aws.root["access_key_id"], aws_secret_access_key="test"),
                REFUSALS[service][0])()
    assert "signature" in refused.value.response["Error"]["Message"].lower()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nothing_is_answered_unsigned(aws: Aws, kept: Callable[[], None], method: str) -> None:
    for path in ("/", "/kept-safe", "/kept-safe/a", "/health", "/2015-03-31/functions", "/v2/", "/oauth2/authorize",
                 "/.well-known/jwks.json"):
        status, _, body = raw(aws, method, path, {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
        assert status in (400, 403) and b"kept-safe</Name>" not in body, path
    kept()


def test_a_tool_finds_everything_in_what_env_prints(aws: Aws, tmp_path: Path) -> None:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = subprocess.run(
        ["sh", "-c", f'eval "$({sys.executable} scripts/local_aws env --port {aws.port} --state {aws.state})" && '
         f'exec {sys.executable} -c "{program}"'], capture_output=True, text=True, cwd=ROOT, env={
             "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "theirs",
             "AWS_REGION": "eu-west-1", "http_proxy": "http://proxy.example.com:1"})
    assert done.stdout.strip() == "arn:aws:iam::000000000000:root", done.stderr


def test_env_says_where_nothing_runs(tmp_path: Path) -> None:
    done = Aws(tmp_path, "duckdb").cli("env")
    assert done.returncode == 1 and done.stderr.startswith("The local AWS is not running") and not done.stdout


def test_presigned_urls_work_for_any_tool_until_somebody_changes_them(aws: Aws, kept: Callable[[], None]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html"""
    s3 = aws.client("s3", config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("get_object", {"Bucket": "kept-safe", "Key": "a"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"1"
    put = s3.generate_presigned_url("put_object", {"Bucket": "kept-safe", "Key": "b"})
    urllib.request.urlopen(urllib.request.Request(put, b"2", method="PUT")).close()
    assert s3.get_object(Bucket="kept-safe", Key="b")["Body"].read() == b"2"
    for changed in (url.replace("/a?", "/b?"), re.sub(r"Signature=\w{5}", "Signature=00000", url)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(changed)
        assert refused.value.code == 403
    kept()


# ----------------------------------------------------------------------------------------- pages, and names of the host


@pytest.mark.parametrize(("headers", "host"), [
    ({}, "attacker.example:{port}"), ({}, "127.0.0.1:1"), ({}, "127.0.0.1"), ({}, "localhost.example:{port}"),
    ({}, "127.0.0.1:{port}@attacker.example"),
    ({"Origin": "http://attacker.example"}, None), ({"Origin": "null"}, None),
    ({"Origin": "http://127.0.0.1:8888"}, None), ({"Origin": "https://127.0.0.1:{port}"}, None),
    ({"Sec-Fetch-Site": "cross-site"}, None), ({"Sec-Fetch-Site": "same-site"}, None)])
def test_what_a_page_sends_is_refused_even_if_it_is_signed(aws: Aws, kept: Callable[[], None], headers: dict,
                                                          host: str | None) -> None:
    name = (host or "127.0.0.1:{port}").format(port=aws.port)
    for path, service, target in (("/", "dynamodb", "DynamoDB_20120810.ListTables"),
                                  ("/_ministack/reset", "local", None), ("/_local/status", "local", None)):
        good = signed(aws, service, path=path, target=target, host=name)
        sent = {**good, **{key: value.format(port=aws.port) for key, value in headers.items()}}
        status, answered, body = raw(aws, "POST", path, sent, b"{}", name)
        assert status == 403 and "error" in json.loads(body), path
        assert not [header for header in answered if header.lower().startswith("access-control")]
    kept()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_its_own_names_and_its_own_origin_are_let_in(aws: Aws, name: str) -> None:
    host = f"{name}:{aws.port}"
    for more in ({}, {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        status, headers, body = raw(aws, "POST", "/", {**signed(aws, host=host), **more}, b"{}", host)
        assert status == 200 and "TableNames" in json.loads(body)
        assert not [header for header in headers if header.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/kept-safe/a", "/_ministack/reset", "/2015-03-31/functions"])
def test_preflights_are_refused(aws: Aws, path: str) -> None:
    for headers in ({}, {"Origin": f"http://127.0.0.1:{aws.port}", "Access-Control-Request-Method": "POST"}):
        status, answered, _ = raw(aws, "OPTIONS", path, headers)
        assert status == 403 and not [name for name in answered if name.lower().startswith("access-control")]


def test_a_bucket_with_cors_opens_nothing(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="with-cors")
    s3.put_bucket_cors(Bucket="with-cors", CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    s3.put_object(Bucket="with-cors", Key="a", Body=b"1")
    url = s3.generate_presigned_url("get_object", {"Bucket": "with-cors", "Key": "a"})
    path = url.partition(str(aws.port))[2]
    assert raw(aws, "GET", path, {"Origin": "http://attacker.example"})[0] == 403
    status, headers, _ = raw(aws, "GET", path)
    assert status == 200 and "Access-Control-Allow-Origin" not in headers


# --------------------------------------------------------------------------------------------------- the server's own


@pytest.fixture(scope="module")
def administrator(aws: Aws) -> tuple[str, str]:
    """The key and its secret of a user who may do anything."""
    iam = aws.client("iam")
    iam.create_user(UserName="administrator")
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.mark.parametrize("path", INTERNAL)
def test_what_is_about_the_local_aws_itself_is_for_the_root_alone(aws: Aws, kept: Callable[[], None], path: str,
                                                                  administrator: tuple[str, str]) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert raw(aws, method, path)[0] == 403
        for user, secret in (administrator, ("test", "test"), (aws.root["access_key_id"], "test")):
            request = AWSRequest(method, f"{aws.endpoint}{path}")
            SigV4Auth(Credentials(user, secret), "local", "us-east-1").add_auth(request)
            assert raw(aws, method, path, dict(request.headers))[0] == 403
    kept()


def test_a_link_to_a_functions_code_can_be_followed_by_who_has_it(aws: Aws, function: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html"""
    location = aws.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == PACKAGE
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(location.partition("?")[0])
    assert refused.value.code == 403


# ------------------------------------------------------------------------------------------------------- functions


def make_function(aws: Aws, name: str) -> str:
    """The ARN of a function that tells its environment."""
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA)["Role"]["Arn"]
    made = aws.client("lambda").create_function(
        FunctionName=name, Role=role, Runtime="python3.12", Handler="function.handler", Code={"ZipFile": PACKAGE},
        Environment={"Variables": {"OWN": "1"}})
    return made["FunctionArn"]


@pytest.fixture(scope="module")
def function(aws: Aws) -> str:
    """The ARN of a function, named `curious`, that has run."""
    arn = make_function(aws, "curious")
    aws.client("lambda").invoke(FunctionName="curious")
    return arn


def test_a_function_gets_its_own_environment_and_nothing_of_the_users(other: Aws) -> None:
    make_function(other, "curious")
    seen = json.load(other.client("lambda").invoke(FunctionName="curious")["Payload"])
    assert seen["OWN"] == "1" and seen["AWS_LAMBDA_FUNCTION_NAME"] == "curious"
    assert not [name for name, value in OF_THE_USER.items() if seen.get(name) == value]
    assert not {"theirs", other.root["access_key_id"], other.root["secret_access_key"]} & set(seen.values())


def test_nobody_can_compute_the_credentials_of_a_functions_role(aws: Aws, function: str) -> None:
    """As ministack does, from the ARNs."""
    digest = hashlib.sha256(f"{function}:arn:aws:iam::000000000000:role/curious".encode()).hexdigest()
    computed = {"aws_access_key_id": f"ASIA{digest[:16].upper()}",
                "aws_secret_access_key": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
                "aws_session_token": hashlib.sha256(f"token:{digest}".encode()).hexdigest()}
    with pytest.raises(ClientError) as refused:
        aws.client("sts", **computed).get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


# ------------------------------------------------------------------------------------------- files, and another user


def test_whatever_lies_in_the_state_is_its_owners_alone(aws: Aws, kept: Callable[[], None], function: str) -> None:
    """Objects and a function's code included."""
    kept()
    found = [aws.state, *aws.state.rglob("*")]
    assert len(found) > 10
    assert [path for path in found if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
    assert stat.S_IMODE((aws.state / "root_keys.json").stat().st_mode) == 0o600


def test_an_older_state_is_closed_at_the_next_start(other: Aws) -> None:
    assert stat.S_IMODE(other.state.stat().st_mode) == 0o700


@pytest.fixture
def as_another_user() -> Callable[[Callable[[], object]], object]:
    """A function that runs another one as the user nobody, and returns what that returns (for JSON)."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can become another user, and this is not root")

    def run(tried: Callable[[], object]) -> object:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                told = {"returned": tried()}
            except BaseException as error:
                told = {"raised": type(error).__name__}
            os.write(writer, json.dumps(told).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            told = json.load(answer)
        os.waitpid(child, 0)
        return told

    return run


def test_another_user_of_the_machine_learns_nothing_and_changes_nothing(
        other: Aws, as_another_user: Callable[[Callable[[], object]], object]) -> None:
    """All that lies above the state folder is open to everybody here: what keeps others out is the state's own."""
    s3 = other.client("s3")
    s3.create_bucket(Bucket="kept")
    server = other.root["pids"][0]

    def call(path: str, method: str = "GET", **headers: str) -> Callable[[], object]:
        def ask() -> object:
            try:
                request = urllib.request.Request(other.endpoint + path, method=method, headers=headers)
                with urllib.request.urlopen(request) as answer:
                    return answer.status
            except urllib.error.HTTPError as refused:
                return refused.code
        return ask

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    urllib.request.install_opener(opener)  # before it is another user, who may not read the libraries
    scope = "Credential=test/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    assert as_another_user(call("/"))["returned"] == 403
    assert as_another_user(call("/_ministack/reset", "POST"))["returned"] == 403
    assert as_another_user(call("/_local/status"))["returned"] == 403
    assert as_another_user(call("/", "POST", **{
        "X-Amz-Target": "DynamoDB_20120810.ListTables", "Authorization": f"AWS4-HMAC-SHA256 {scope}"},
    ))["returned"] == 400
    for path in (other.state, other.state / "s3", other.state / "tmp"):
        assert as_another_user(lambda path=path: os.listdir(path)) == {"raised": "PermissionError"}
    for path in (other.state / "root_keys.json", other.state / "server.log", Path(f"/proc/{server}/environ")):
        assert as_another_user(lambda path=path: path.read_text()) == {"raised": "PermissionError"}
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["kept"]


def test_a_state_folder_of_another_user_is_not_taken(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can make a folder another user's, and this is not root")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    done = Aws(theirs, "duckdb").cli("start")
    assert done.returncode == 1 and "belongs to another user" in done.stderr and "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------- many, large and slow


def test_two_hundred_connections_are_served_at_once(aws: Aws) -> None:
    headers = signed(aws)
    connections = [http.client.HTTPConnection("127.0.0.1", aws.port, timeout=60) for _ in range(200)]
    try:
        with ThreadPoolExecutor(200) as pool:
            list(pool.map(lambda one: one.connect(), connections))
            for connection in connections:
                connection.request("POST", "/", b"{}", headers)
            assert {connection.getresponse().status for connection in connections} == {200}
    finally:
        for connection in connections:
            connection.close()


def test_clients_that_send_almost_nothing_hold_nothing_up(other: Aws) -> None:
    """Each is answered, or left, once it has sent nothing for the seconds that the server waits."""
    with contextlib.ExitStack() as clients:
        for text in ("", "P", "POST / HTTP/1.1\r\nHost: a"):
            for _ in range(25):
                clients.enter_context(begin(other, text))
        slow = [clients.enter_context(begin(other, half_a_request(other))) for _ in range(25)]
        assert other.client("dynamodb").list_tables()["TableNames"] == []
        for client in slow:
            answered = client.makefile("rb").read(2000)
            assert answered.startswith(b"HTTP/1.1 408") and b"RequestTimeout" in answered


@pytest.mark.parametrize(("service", "path", "target", "largest", "status", "code"), [
    ("dynamodb", "/", "DynamoDB_20120810.PutItem", 16 * 1024**2, 413, b"RequestEntityTooLarge"),
    ("lambda", "/2015-03-31/functions", None, 69_905_067, 413, b"RequestEntityTooLarge"),
    ("s3", "/kept-safe/large", None, 5 * 1024**3, 400, b"EntityTooLarge")])
def test_a_body_that_is_too_large_is_refused_before_it_is_there(aws: Aws, service: str, path: str, target: str | None,
                                                                largest: int, status: int, code: bytes) -> None:
    method = "PUT" if service == "s3" else "POST"
    sent = {**signed(aws, service, method, path, b"", target), "Content-Length": str(largest + 1)}
    answered, _, body = raw(aws, method, path, sent)
    assert answered == status and code in body


def test_a_body_of_unknown_length_is_refused_while_it_arrives(aws: Aws) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=60)
    chunk = b"x" * 2**20
    connection.putrequest("POST", "/", skip_host=True)
    for name, value in {**signed(aws), "Host": f"127.0.0.1:{aws.port}", "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    sent = 0
    try:
        while sent < 64:  # it never ends by itself
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            sent += 1
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server has closed; one that only stops reading lets the client time out
    assert 16 <= sent < 64
    connection.close()
    assert "TableNames" in aws.client("dynamodb", config=ONCE).list_tables()
