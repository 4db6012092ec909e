"""IAM: what a call must be allowed, where ministack asks for less than AWS does, or about more than the call touches.

The rooms of the services say in their `resources` what their requests are about; `resources` here does so for IAM
itself and for services without a room. This is the one place that puts it to use: ministack asks about a request what
the tables say (`request` has their form), `checks` asks for what a request takes beside its own permission (`roles`
that it gives away, `tags` that it sets), `decisions` notes who was allowed what, and `api` gives simulations their
context.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from local_aws.iam import api, checks, resources
from local_aws.iam.decisions import Decisions
from local_aws.iam.request import Request, Resources
from local_aws.ministack_seam import EvalContext, iam_actions, iam_evaluator

if TYPE_CHECKING:
    from local_aws.server import LocalAws

# ministack asks once a request for the resource that it is about, and right after that for its condition keys, without
# saying for which request
_under_way: ContextVar[Request | None] = ContextVar("the request that is being authorized", default=None)


def install(aws: LocalAws) -> None:
    """Correct what IAM asks, by the tables that the rooms have given to `aws`; the rooms are installed before."""
    tables = {table.service: table for table in (resources.IAM, *resources.OTHERS, *aws.resources)}
    iam_actions.replace("extract_iam_action", lambda known: action_by(tables, known))
    iam_actions.replace("extract_resource_arn", lambda known: arn_by(tables, known))
    iam_actions.replace("request_tag_context", lambda known: context_by(tables, known))

    decisions = Decisions()
    iam_evaluator.replace("enforce", decisions.enforcing)
    iam_evaluator.replace("evaluate", lambda evaluate: evaluating(evaluate, decisions))
    aws.route("access", decisions.answer)

    aws.wrap("iam", api.wrapper)
    for table in tables.values():
        aws.wrap(table.service, lambda handler, table=table: checks.guard(handler, table))


def action_by(tables: Mapping[str, Resources], known: Callable[..., str | None]) -> Callable[..., str | None]:
    """ministack's `extract_iam_action`, corrected by the tables."""

    def extract_iam_action(service: str, method: str, path: str, headers: dict, body: bytes,
                           params: dict) -> str | None:
        found = known(service, method, path, headers, body, params)
        if service not in tables:
            return found
        return tables[service].action(Request(service, method, path, headers, body, params), found)

    return extract_iam_action


def arn_by(tables: Mapping[str, Resources], known: Callable[..., str]) -> Callable[..., str]:
    """ministack's `extract_resource_arn`, which first looks into the tables."""

    def extract_resource_arn(service: str, method: str, path: str, headers: dict, body: bytes, params: dict,
                             region: str, account: str) -> str:
        request = Request(service, method, path, headers, body, params, region, account)
        _under_way.set(request)
        about = tables[service].about(request) if service in tables else ()
        return about[-1] if about else known(service, method, path, headers, body, params, region, account)

    return extract_resource_arn


def context_by(tables: Mapping[str, Resources], known: Callable[..., dict]) -> Callable[..., dict]:
    """ministack's `request_tag_context`, with the condition keys of the tables."""

    def request_tag_context(service: str, action: str, body: bytes, params: dict) -> dict[str, Any]:
        request = _under_way.get()
        known_here = request is not None and request.service == service and service in tables
        more = tables[service].context(request, action) if request and known_here else {}
        return {**known(service, action, body, params), **more}

    return request_tag_context


def evaluating(evaluate: Callable[..., object], decisions: Decisions) -> Callable[..., object]:
    """ministack's `evaluate`: a simulation's context is added before the context is noted."""

    def evaluate_in_context(context: EvalContext, *policies: Any) -> object:
        api.evaluating(context)
        decisions.evaluating(context)
        return evaluate(context, *policies)

    return evaluate_in_context
