"""What a process and all that it started hold in memory."""
from __future__ import annotations

import subprocess


def memory(pid: int) -> float:
    """The resident memory, in MB, of a process and all that it started."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    family, size = {pid}, 0
    while (grown := family | {child for child, parent, _ in rows if parent in family}) != family:
        family = grown
    for process, _, kilobytes in rows:
        size += kilobytes if process in family else 0
    return size / 1024
