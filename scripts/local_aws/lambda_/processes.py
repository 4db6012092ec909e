"""An update of a function leaves the invocations under way alone, and every new one runs the function as it is now.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-functions-states.html#functions-states-updating
In ministack an update ends the processes of invocations under way, and so does an invocation whose process fails those
of all others. And one that began before an update, and gets its process only after it, leaves that process, with the
code of before, to all that follow.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from local_aws.ministack_seam import lambda_runtime, lambda_svc

Process = Any  # ministack's Worker: its class is had at run time only

_this_thread = threading.local()  # `process`: the one that this thread's invocation works with


def install() -> None:
    """Correct ministack's pool of processes."""
    lambda_svc.replace("acquire_worker", acquiring)
    lambda_svc.replace("release_worker", releasing)
    lambda_svc.replace("invalidate_worker", lambda invalidate: invalidate_idle)


def acquiring(acquire: Callable[..., tuple[Process, str]]) -> Callable[..., tuple[Process, str]]:
    """ministack's `acquire_worker`, which never answers with the code of before."""

    def acquire_current(name: str, config: dict, *rest: Any, **more: Any) -> tuple[Process, str]:
        """A process for an invocation, and whether it is 'reused': one with the code of before is ended instead."""
        while True:
            process, how = acquire(name, config, *rest, **more)
            if how != "reused" or process.config.get("RevisionId") == config.get("RevisionId"):
                _this_thread.process = process
                return process, how
            end(lambda candidate, stale=process: candidate is stale)

    return acquire_current


def releasing(release: Callable[[Process], None]) -> Callable[[Process], None]:
    """ministack's `release_worker`; this thread works with none from then on."""

    def release_current(process: Process) -> None:
        _this_thread.process = None
        release(process)

    return release_current


def invalidate_idle(name: str, qualifier: str | None = None, account: str | None = None,
                    region: str | None = None) -> None:
    """End a function's processes. Those that are at work go when they are next to be used, but for the one that this
    thread works with."""
    own = getattr(_this_thread, "process", None)
    end(lambda candidate: not candidate.in_use or candidate is own, account, region, name, qualifier)


def end(chosen: Callable[[Process], bool], *key: str | None) -> None:
    """End the chosen processes of a function: its account, region, name and version, of which None is any."""
    with lambda_runtime._lock:
        doomed = [(pool, process) for function, pool in lambda_runtime._workers.items() for process in pool
                  if all(part in (None, own) for part, own in zip(key, function.split(":"), strict=False))
                  and chosen(process)]
        for pool, process in doomed:
            pool.remove(process)
    lambda_runtime.kill_workers([process for _, process in doomed])
