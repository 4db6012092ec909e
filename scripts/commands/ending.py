"""How a command ends: with its status, with one sentence for what it cannot do, or quietly where it is interrupted."""
from __future__ import annotations

import contextlib
import errno
import signal
import sys
from collections.abc import Callable, Iterator

from environments import ROOT, SetupError

INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended


def run_to_end(command: Callable[[], int]) -> None:
    """Run a command and end this process with its status. What it cannot do (SetupError, a full disk) becomes one
    sentence; Ctrl-C, and a terminal that closes, end it with INTERRUPTED."""
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal stops a command as Ctrl-C does
        if signal.getsignal(number) is not signal.SIG_IGN:  # unless told not to, as by nohup
            signal.signal(number, interrupt)
    try:
        status = command()
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        status = INTERRUPTED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"The disk is full ({error.filename or ROOT}): make room and start again.")
    sys.exit(status)


@contextlib.contextmanager
def interrupts_ignored() -> Iterator[None]:
    """While something is being stopped, a second Ctrl-C must not leave half of it running."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
