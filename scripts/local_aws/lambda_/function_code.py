"""An update of a function leaves the invocations under way alone, and every new one runs the function as it is now.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-functions-states.html#functions-states-updating
In ministack an update ends the processes of invocations under way, and so does an invocation whose process fails those
of all others. And one that began before an update, and gets its process only after it, leaves that process, with the
code of before, to all that follow.
"""
from __future__ import annotations

import threading


def install(aws) -> None:
    from ministack.core import lambda_runtime as runtime
    from ministack.services import lambda_svc

    acquire, release, mine = runtime.acquire_worker, runtime.release_worker, threading.local()

    def acquire_current(name, config, *rest, **more):
        while True:
            worker, how = acquire(name, config, *rest, **more)
            if how != "reused" or worker.config.get("RevisionId") == config.get("RevisionId"):
                mine.worker = worker
                return worker, how
            end(lambda one, stale=worker: one is stale)

    def release_current(worker) -> None:
        mine.worker = None
        release(worker)

    def invalidate_idle(name, qualifier=None, account=None, region=None) -> None:
        """Those that are at work go when they are next to be used, but for the one that this thread works with."""
        own = getattr(mine, "worker", None)
        end(lambda one: not one.in_use or one is own, account, region, name, qualifier)

    def end(which, *key) -> None:
        """End the processes of a function that `which` says; None in its key (account, region, name, version) is any.
        """
        with runtime._lock:
            doomed = [(workers, one) for its, workers in runtime._workers.items() for one in workers
                      if all(part in (None, its_part) for part, its_part in zip(key, its.split(":"), strict=False))
                      and which(one)]
            for workers, one in doomed:
                workers.remove(one)
        runtime.kill_workers([one for _, one in doomed])

    lambda_svc.acquire_worker, lambda_svc.release_worker = acquire_current, release_current
    lambda_svc.invalidate_worker = invalidate_idle
