"""Ask Trino every case of `fixtures/` and write its answers there:

    python tests/athena/differential/record.py
"""
from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[2] / "scripts"), str(HERE)]

import engines  # noqa: E402
import fixtures  # noqa: E402
import lake  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake.lay_out(Path(folder) / "lake")
        trino = engines.Trino(Path(folder) / "lake", Path(folder) / "trino")
        try:
            found = trino.cases(fixtures.every())
        finally:
            trino.close()
    changed = [case for case, answer in found.items() if not case.agrees(answer)]
    for topic in fixtures.TOPICS:
        fixtures.write(topic, [case.line(found[case]) for case in fixtures.read(topic)])
    print(f"{len(found)} answers, {len(changed)} of them new")


if __name__ == "__main__":
    main()
