"""The one seam to ministack: every name of it that the local AWS uses or replaces, each with the reason.

A correction wraps a service's handler (`LocalAws.wrap`) wherever that is enough. Where it is not, an inner function of
ministack's is replaced, or what it keeps is read. No other module imports ministack: it takes one of the objects below,
which stand for ministack's modules and give the declared names only. They import their module when a name is first
asked for, since ministack reads its settings from the environment as it is imported.

`check` is called at the start, so that another version of ministack is refused by name, and not found out later.
"""
from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any

from environments import SetupError

_modules: list[Module] = []

EvalContext = Any  # ministack's: who asks for what, with the condition keys; its class is had at run time only


class Module:
    """One of ministack's modules. `used` and `replaced` say why each name is needed."""

    def __init__(self, path: str, used: Mapping[str, str], replaced: Mapping[str, str] | None = None):
        self._path, self._used, self._replaceable = f"ministack.{path}", used, replaced or {}
        self._replaced: set[str] = set()
        _modules.append(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever ministack has by that name
        if name not in self._used and name not in self._replaceable:
            raise AttributeError(f"{self._path}.{name} is not declared in {__name__}")
        return getattr(importlib.import_module(self._path), name)

    def replace(self, name: str, wrapper: Callable[[Any], Any]) -> None:
        """Put `wrapper(the original)` in the place of one of the names in `replaced`.

        Once for each name: where two corrections need the same function, one place joins them in an order that it
        states (`local_aws.iam` does so for all that IAM asks). A second replacement raises RuntimeError.
        """
        if name in self._replaced or name not in self._replaceable:
            raise RuntimeError(f"{self._path}.{name} is " + (
                "replaced already" if name in self._replaced else f"not declared as replaced in {__name__}"))
        module = importlib.import_module(self._path)
        setattr(module, name, wrapper(getattr(module, name)))
        self._replaced.add(name)

    def check(self) -> None:
        """Raise SetupError if ministack lacks one of the names."""
        try:
            module: object = importlib.import_module(self._path)
        except ImportError:
            module = None
        for name, reason in {**self._used, **self._replaceable}.items():
            if not hasattr(module, name):
                raise SetupError(f"ministack {importlib.metadata.version('ministack')} lacks {self._path}.{name}, "
                                 f"which the local AWS needs: {reason}.")


def check() -> None:
    """Raise SetupError, in one sentence, if the installed ministack lacks a name that is needed."""
    for module in _modules:
        module.check()


app = Module("app", used={
    "app": "the ASGI application that the server's gate stands in front of",
    "SERVICE_HANDLERS": "the table of handlers, one a service, each of which can be wrapped",
    "_credential_failure": "the form in which a service refuses a caller it does not know",
    "_decode_aws_chunked_body": "a body that was signed in pieces, without their signatures",
    "_routing_params": "what a request's service is told by",
}, replaced={
    "pin_signed_request": "the gate has checked the signature, the root's too, before the application is called",
    "pin_request_origin": "the loopback counts as TLS for aws:SecureTransport: it never leaves the machine",
})

# The request under way, and the forms of answers

responses = Module("core.responses", used={
    "get_account_id": "the account of the request under way",
    "get_region": "the region of the request under way",
    "request_scope": "to act in an account and region outside a request",
    "json_response": "the form of a JSON service's answer",
    "error_response_json": "the form of a JSON service's error",
    "fix_error_content_type": "the content type of a service's errors",
    "set_request_account_id": "the account that a key belongs to, for the request under way",
    "_service_model": "botocore's model of a service, by ministack's name",
})
sigv4 = Module("core.sigv4", used={
    "decode_header_value": "a header as it is signed",
})
router = Module("core.router", used={
    "detect_service": "the service that a request is for",
    "extract_access_key_id": "who signed the request",
    "extract_region": "the region that the request was signed for",
})
concurrency = Module("core.concurrency", used={
    "run_reentrant": "to run what calls the local AWS itself off the event loop, in the request's account and region",
})

# IAM

iam_actions = Module("core.iam_actions", used={
    "access_denied_response": "the form of a refusal, which differs between services",
    "_s3_batch_delete_targets": "the keys and versions that DeleteObjects names",
}, replaced={
    "extract_iam_action": "some calls are another action to AWS than to ministack",
    "extract_resource_arn": "some calls are about a resource that ministack does not find",
    "request_tag_context": "condition keys of the request that ministack does not know",
})
iam_evaluator = Module("core.iam_evaluator", used={
    "AmbiguousAccessKeyError": "where two accounts have a key of one name",
    "AuthError": "what `enforce` says of a caller who cannot be known",
    "CredentialResolutionError": "what `resolve_credential` says of a key that is not known",
    "check_credentials": "whether a request's signature is the one of its key",
    "find_iam_access_key_account": "the account that a key belongs to",
    "pin_signed_body": "the body that is signed",
    "pin_signed_request": "the request that is signed",
    "EvalContext": "what a trust policy is evaluated with",
    "evaluate_trust_policy": "whether a service may assume a role",
    "ResolvedCredential": "a caller's key with its secret, for calls on the caller's behalf",
    "resolve_credential": "to find that from the access key",
}, replaced={
    "_is_root_key": "the root's signature is not checked",
    "enforce": "each decision is noted, for /_local/access",
    "is_root_access_key": "no key, 'test' and any number of 12 digits are the root",
    "evaluate": "a simulation's context, and the context of a decision, are to be had nowhere else",
})
iam = Module("services.iam", used={"_roles": "the trust policies of roles, by name"})
sts = Module("services.sts", used={
    "register_session": "temporary credentials of a role, as a service gets them",
    "_sessions": "the session of a caller, to give it a second key",
}, replaced={
    "is_root_access_key": "see iam_evaluator's",
})

# DynamoDB and its streams

dynamodb = Module("services.dynamodb", used={
    "_tables": "the tables, with their items and what their stream is",
    "_normalize_table_name": "a table's name where a request gives its ARN",
    "_extract_key_val": "the value that an item is kept under",
    "_set_item": "to bring a table up to its stream after a kill",
    "_item_size_bytes": "SizeBytes of a stream record",
    "_ddb_canonicalize_number": "numbers in PartiQL as DynamoDB keeps them",
    "_partiql_key_target": "which item a PartiQL statement is about",
    "_stream_records": "the records of open streams, to give them back after a stop",
    "_stream_trimmed": "how many records an open stream has forgotten",
    "_closed_streams": "closed streams with their records",
}, replaced={
    "_next_stream_seq": "sequence numbers fall when the clock does",
    "_build_change_record": "SizeBytes is 0, time to live leaves no userIdentity, the event ID has hyphens",
    "_emit_stream_event": "a set in another order counts as a change; a record is in memory only",
    "_remove_item": "what time to live deletes leaves no record",
    "_partiql_insert": "leaves no record",
    "_partiql_update": "leaves no record",
    "_partiql_delete": "leaves no record",
    "_execute_transaction": "the records of a PartiQL transaction are written when all of it has succeeded",
    "load_persisted_state": "the records come back when the tables are there",
    "drop_stream_records": "a stream that closes is kept on disk, too",
})
dynamodb_streams = Module("services.dynamodb_streams", used={
    "_decode_iterator": "the stream that a shard iterator is for",
})

# Lambda

lambda_svc = Module("services.lambda_svc", used={}, replaced={
    "execution_credentials": "see lambda_runtime's",
    "acquire_worker": "an invocation must not get a process with the code of before an update",
    "release_worker": "so that it is known which thread works with which process",
    "invalidate_worker": "an update ends the processes of invocations under way",
    "_emit_lambda_logs": "a log is written whatever the function's role may do",
})
lambda_runtime = Module("core.lambda_runtime", used={
    "_workers": "the processes of functions, by account, region, name and version",
    "_lock": "held while those change",
    "kill_workers": "to end processes",
}, replaced={
    "execution_credentials": "who knows a function's ARN can compute the credentials of its role",
    "_PYTHON_WORKER_SCRIPT": "a function reads no file of its package that others may not read",
})
cloudwatch_logs = Module("services.cloudwatch_logs", used={
    "_log_groups": "whether a log group must be created to write into it",
})

# Firehose

firehose = Module("services.firehose", used={
    "_streams": "the delivery streams, by name",
    "_build_description": "a delivery stream as DescribeDeliveryStream shows it",
    "_convert_to_parquet": "the conversion of records",
    "_DeliveryError": "what it raises for records that do not fit",
}, replaced={
    "_dest_description": "DescribeDeliveryStream leaves a destination's FileExtension out",
})

# Athena

athena = Module("services.athena", used={
    "_workgroups": "to take a workgroup's limit away, which ministack's UpdateWorkGroup ignores",
})
