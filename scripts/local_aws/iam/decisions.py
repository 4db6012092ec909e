"""Who was allowed what: every decision of IAM that the local AWS takes.

A policy is minimal if each of its actions is one that was needed; that can be told from the decisions of a whole run.
`GET /_local/access` lists them ({principal, action, resource, context, allowed, count}), `DELETE` also forgets them.
The root's calls are not decided on, so not listed.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from local_aws.ministack_seam import EvalContext

MOST = 20_000  # different decisions kept; a run of the workbook takes some hundreds


class Decisions:
    """The decisions since the last `DELETE`, each with how often it was taken."""

    def __init__(self) -> None:
        self._counts: dict[tuple, int] = {}
        self._changing = threading.Lock()
        self._evaluated: ContextVar[list[EvalContext]] = ContextVar("contexts evaluated for the decision under way")

    def evaluating(self, context: EvalContext) -> None:
        """The evaluator looks at policies for a request, whose `EvalContext` this is."""
        if (contexts := self._evaluated.get(None)) is not None:
            contexts.append(context)

    def enforcing(self, enforce: Callable[..., object]) -> Callable[..., object]:
        """`enforce`, whose decisions are noted. It evaluates the caller's policies, then the resource's: the first
        context says who asks for what; what counts is what both say."""

        def enforce_and_note(*request: Any, **more: Any) -> object:
            token = self._evaluated.set([])
            try:
                refused = enforce(*request, **more)
                contexts = self._evaluated.get()
            finally:
                self._evaluated.reset(token)
            for context in contexts[:1]:
                self._note(context, refused is None)
            return refused

        return enforce_and_note

    def _note(self, context: EvalContext, allowed: bool) -> None:
        conditions = tuple(sorted((key, str(value)) for key, value in context.service_context.items() if value))
        decision = (context.principal_arn, context.action, context.resource_arn, conditions, allowed)
        with self._changing:
            if decision in self._counts or len(self._counts) < MOST:
                self._counts[decision] = self._counts.get(decision, 0) + 1

    def answer(self, method: str, body: bytes) -> tuple[int, Any]:
        """`/_local/access`: (status, object for JSON)."""
        with self._changing:
            listed = [{"principal": principal, "action": action, "resource": resource, "context": dict(conditions),
                       "allowed": allowed, "count": count}
                      for (principal, action, resource, conditions, allowed), count in self._counts.items()]
            if method == "DELETE":
                self._counts.clear()
        return 200, listed
