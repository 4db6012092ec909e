"""Start, stop and ask after the local AWS. Needs nothing but Python: the rest is set up on first use."""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # the one place that lets `local_aws` and what the commands share be imported
from environments import ROOT, SetupError, ensure, lock, requirements
from local_aws import keys
from local_aws.athena.on_trino.setup import ensure as ensure_trino
from local_aws.server import HOST, KEPT

READY_WITHIN, STOPPED_WITHIN = 30, 60  # seconds


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; the exit status. 1 with one sentence where it cannot be done."""
    options = parse(arguments)
    try:
        verbs = {"setup": setup, "start": start, "stop": stop, "status": status, "env": env, "reset": reset,
                 "serve": serve}
        return verbs[options.verb](options)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. `python3 scripts/local_aws status` shows what is running.", file=sys.stderr)
        return 130


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The verb and the options, with their defaults from the environment; `state` is absolute."""
    parser = argparse.ArgumentParser(
        prog="python3 scripts/local_aws",
        description="A local AWS for the workbook: no account, no cost, on this machine's loopback only. What it holds "
                    "is kept between starts.",
        epilog="Defaults come from AUDIT_LOCAL_PORT, AUDIT_LOCAL_STATE and AUDIT_LOCAL_ENGINE where these are set; "
               "AUDIT_LOCAL_TRINO is the folder of Trino's files (default .local_aws/trino).")
    parser.add_argument("verb", choices=("setup", "start", "stop", "status", "env", "reset", "serve"),
                        help="set up what `start` needs, and start nothing; start it (or find it running); stop it, "
                             "keeping what it holds; tell its status; env: print what the AWS CLI and other tools need "
                             "to reach it, for eval \"$(python3 scripts/local_aws env)\"; empty it; serve: what "
                             "`start` runs in the background, in its environment")
    parser.add_argument("--engine", choices=("duckdb", "trino"), default=os.environ.get("AUDIT_LOCAL_ENGINE") or None,
                        help="what answers Athena's SQL: duckdb, embedded, hands on to Trino what is not verified to "
                             "equal Trino's answer, and refuses it where Trino is not set up (the default); trino, "
                             "exact, for everything (450 MB to fetch, 0.5 GB on disk, 1 GB of memory while it runs)")
    parser.add_argument("--port", type=int, default=os.environ.get("AUDIT_LOCAL_PORT") or 4566,
                        help="where it listens on 127.0.0.1 (default 4566)")
    parser.add_argument("--state", type=Path, help="the folder it keeps its state in (default .local_aws/state)",
                        default=os.environ.get("AUDIT_LOCAL_STATE") or ROOT / ".local_aws" / "state")
    parser.add_argument("--json", action="store_true", help="status as JSON")
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65536:
        parser.error(f"--port must be from 1 to 65535, not {options.port}")
    if options.engine not in (None, "duckdb", "trino"):
        parser.error(f"AUDIT_LOCAL_ENGINE must be duckdb or trino, not {options.engine}")
    options.state = Path(options.state).expanduser().resolve()
    return options


def setup(options: argparse.Namespace) -> int:
    """Have ready what `start` needs, and start nothing. Raises SetupError."""
    set_up(options)
    print(f"The local AWS is set up{', and so is Trino' if options.engine == 'trino' else ''}.")
    return 0


def set_up(options: argparse.Namespace) -> Path:
    """Have what the local AWS needs with the engine asked for, downloading now what is not there: its interpreter."""
    if options.engine == "trino":
        ensure_trino()
    return ensure(ROOT / ".local_aws" / "venv", requirements(HERE / "requirements.txt"), "the local AWS")


def start(options: argparse.Namespace) -> int:
    """Find it running, or start it; another engine than it has restarts it. Raises SetupError."""
    python = set_up(options)
    try:
        keys.private(options.state)
        os.umask(0o077)  # whatever lies there is its owner's alone
        keys.ensure(options.state)
        with lock(options.state / "lock"):
            found = running(options)
            if found and options.engine in (None, found["engine"]):
                print(f"The local AWS is running at {found['endpoint']} ({found['engine']}).")
                return 0
            if found:  # another engine is asked for; a regular stop loses nothing
                end(found, options)
            launch(python, options)
    except OSError as error:
        raise SetupError(f"The local AWS cannot keep its state in {options.state}: {error.strerror}. Choose another "
                         "folder with --state, or make room.") from error
    return 0


def launch(python: Path, options: argparse.Namespace) -> None:
    """Start the server in the background, and return when it answers. Raises SetupError if it does not in time."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, options.port))
        except OSError:
            raise SetupError(f"Port {options.port} is taken by another program: choose another with --port N or "
                             "AUDIT_LOCAL_PORT=N.") from None
    engine = options.engine or "duckdb"
    log_file = options.state / "server.log"
    with open(log_file, "w") as words:
        process = subprocess.Popen(
            [str(python), str(HERE), "serve", "--port", str(options.port), "--state", str(options.state),
             "--engine", engine],
            stdin=subprocess.DEVNULL, stdout=words, stderr=words, cwd=str(options.state),
            start_new_session=True)  # a Ctrl-C in the terminal or the kernel that started it is not meant for it
    record(options).write_text(json.dumps({"pid": process.pid, "port": options.port}))
    deadline = time.monotonic() + READY_WITHIN
    try:
        while not (found := running(options)):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log_file.read_text().split("\n")
                last = next((line for line in reversed(said) if line.strip()), "no reason given")
                raise SetupError(f"The local AWS did not start: {last[:300]} (all of it is in {log_file})")
            time.sleep(0.05)
    except BaseException:  # Ctrl-C included: one that does not answer yet could not be stopped later
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    print(f"The local AWS is running at {found['endpoint']} ({engine}).")


def serve(options: argparse.Namespace) -> int:
    """Be the server, in the environment that `start` has set up."""
    from local_aws import server

    keys.private(options.state)
    os.umask(0o077)
    server.serve(options.port, options.state, options.engine or "duckdb", keys.ensure(options.state))
    return 0


def stop(options: argparse.Namespace) -> int:
    """End it, if it is running."""
    found = running(options)
    if not found:
        print("The local AWS is not running.")
        return 0
    end(found, options)
    print("The local AWS is stopped; what it holds is kept.")
    return 0


def end(found: dict, options: argparse.Namespace) -> None:
    """Stop what `running` found: it ends the calls under way and writes its state first. Raises SetupError if it has to
    be ended by force."""
    family = descendants(found["pid"])
    os.kill(found["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOPPED_WITHIN
    while alive(found["pid"]):
        if time.monotonic() > deadline:
            os.kill(found["pid"], signal.SIGKILL)
            raise SetupError(f"The local AWS did not stop within {STOPPED_WITHIN} s and was ended by force: what "
                             f"changed since its start may be lost. Its log is {options.state / 'server.log'}.")
        time.sleep(0.05)
    for pid in family:  # workers that outlived it
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    record(options).unlink(missing_ok=True)


def status(options: argparse.Namespace) -> int:
    """Print how it is; 0 if it is running, else 3."""
    found = running(options)
    if options.json:
        facts = {"running": bool(found), "endpoint": None, "region": None, "engine": None, "versions": {}, "pids": [],
                 "answered": {}, "trino": None, "state": str(options.state), "access_key_id": None,
                 "secret_access_key": None}
        if root := keys.read(options.state):
            facts.update(asdict(root))
        if found:
            facts.update({name: found[name] for name in facts.keys() & found.keys()},
                         pids=[found["pid"], *descendants(found["pid"])])
        print(json.dumps(facts, indent=2))
    elif found:
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        answered = ", ".join(f"{count} by {name}" for name, count in found["answered"].items()) or "0"
        print(f"The local AWS is running at {found['endpoint']} ({found['engine']}; {versions}).\n"
              f"Queries answered since its start: {answered}. {found['trino']}\n"
              f"It keeps its state in {options.state}.")
    else:
        print("The local AWS is not running.")
    return 0 if found else 3  # as service managers tell 'not running'


def env(options: argparse.Namespace) -> int:
    """Print shell commands that let the AWS CLI and any SDK reach the local AWS, and nothing else."""
    found, root = running(options), keys.read(options.state)
    if not found or not root:
        raise SetupError("The local AWS is not running: python3 scripts/local_aws start")
    beside = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
    for name, value in {
            "AWS_ACCESS_KEY_ID": root.access_key_id, "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
            "AWS_ENDPOINT_URL": found["endpoint"], "AWS_REGION": found["region"], "AWS_DEFAULT_REGION": found["region"],
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": beside}.items():
        print(f"export {name}={shlex.quote(value)}")
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    return 0


def reset(options: argparse.Namespace) -> int:
    """Empty it, whether it is running or not."""
    found = running(options)
    if found:
        with local_http().open(keys.signed(found["endpoint"] + "/_ministack/reset", keys.ensure(options.state), "POST"),
                               timeout=60):
            pass
    else:
        for name in KEPT:
            shutil.rmtree(options.state / name, ignore_errors=True)
    print("The local AWS is empty.")
    return 0


def record(options: argparse.Namespace) -> Path:
    """The file that says which process and port it was started with."""
    return options.state / "server.json"


def running(options: argparse.Namespace) -> dict | None:
    """What runs on this state folder, by its own answer: its status with pid and endpoint, or None."""
    try:
        noted = json.loads(record(options).read_text())
        endpoint = f"http://{HOST}:{noted['port']}"
        root = keys.read(options.state)
        if root is None:
            return None
        with local_http().open(keys.signed(endpoint + "/_local/status", root), timeout=10) as answer:
            answered = json.load(answer)
    except (OSError, ValueError, KeyError):
        return None
    return {**answered, "endpoint": endpoint} if answered.get("pid") == noted["pid"] else None


def local_http() -> urllib.request.OpenerDirector:
    """An opener that asks no proxy for what is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def alive(pid: int) -> bool:
    """Whether a process is there."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # where it is this process's own child, a dead one stays until asked for
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def descendants(pid: int) -> list[int]:
    """The pids of a process's children and theirs."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True).stdout
    children: dict[int, list[int]] = {}
    for line in table.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found, todo = [], [pid]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


if __name__ == "__main__":
    sys.exit(main())
