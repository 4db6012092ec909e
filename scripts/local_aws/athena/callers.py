"""Who asked: a query acts on Glue and S3 as its caller, as Athena does by forwarding the caller's access.

https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena-calledvia.html
The local AWS knows the secret of every key that it gave out, so the query's calls are ordinary ones, signed as the
caller's and checked as any other.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config

from local_aws.athena.exchange import QueryFailed
from local_aws.ministack_seam import iam_evaluator, responses, router

if TYPE_CHECKING:
    from local_aws.server import Client, LocalAws

_CONFIG = Config(max_pool_connections=16, retries={"mode": "standard", "max_attempts": 4}, read_timeout=120,
                 s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
                 response_checksum_validation="when_required")


@dataclass(frozen=True)
class Caller:
    """A caller's credentials in one account and region, and where the local AWS answers."""

    aws: LocalAws
    account: str
    region: str
    arn: str
    access_key: str
    secret_key: str
    token: str | None

    def client(self, service: str) -> Client:
        """A boto3 client that acts as the caller."""
        return self.aws.client(service, region_name=self.region, config=_CONFIG, aws_access_key_id=self.access_key,
                               aws_secret_access_key=self.secret_key, aws_session_token=self.token)


def caller_of(aws: LocalAws, headers: dict, query_params: dict) -> Caller:
    """The caller of the request being answered (on its own thread or in its context), whose signature was checked."""
    found = iam_evaluator.resolve_credential(router.extract_access_key_id(headers, query_params),
                                             responses.get_account_id())
    if not isinstance(found, iam_evaluator.ResolvedCredential):
        raise PermissionError(found.message)
    return Caller(aws, found.account_id, responses.get_region(), found.principal_arn, found.access_key_id,
                  found.secret_access_key, found.session_token)


def refused(error: Exception, about: str) -> QueryFailed:
    """What a query says when Glue or S3 answered a call with an error; `about` is its database, table or s3:// URL."""
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return QueryFailed("", f"The local AWS could not be asked about {about}: {error}", 1)
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    text = error.response["Error"].get("Message", "")
    if about.startswith("s3://"):
        denied = code in ("AccessDenied", "403", "Forbidden")
        what = f"Access Denied: Permission denied on S3 path: {about}" if denied else f"{text or code}: {about}"
        return QueryFailed("PERMISSION_DENIED" if denied else "HIVE_FILESYSTEM_ERROR",
                           f"{what} (Service: Amazon S3; Status Code: {status}; Error Code: "
                           f"{'AccessDenied' if denied else code})")
    if "AccessDenied" in code:
        return QueryFailed("", f"Insufficient permissions to execute the query. Access Denied: {text} (Service: "
                               f"AWSGlue; Status Code: {status}; Error Code: AccessDeniedException)")
    return QueryFailed("HIVE_METASTORE_ERROR", f"{text} (Service: AWSGlue; Status Code: {status}; Error Code: {code})")
