"""Runs a command and ends it when whoever started this has ended, however that came about (by force too).

Its standard input is a pipe that its parent holds open and never writes to: a parent that is gone has closed it.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run the command until it or this process's parent ends; gives the command's exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the pipe says when to end
        signal.signal(number, lambda *_: None)  # what is ignored here would be ignored by the command, too
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_parent() -> None:
        os.read(0, 1)
        process.kill()  # it keeps nothing that a slower end would save

    threading.Thread(target=end_with_parent, daemon=True).start()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
