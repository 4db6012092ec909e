"""What calls of IAM's own are about, and of the services that have no room here.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
A simulation is about the principal: ministack asks about `*`, so that a policy which names it, as it should, would
allow nothing. Deleting versions of objects needs s3:DeleteObjectVersion on each
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html): ministack asks for s3:DeleteObject on the
first.
"""
from __future__ import annotations

from local_aws.iam.request import Request, Resources
from local_aws.ministack_seam import iam_actions


def _policy_source(request: Request) -> list[str]:
    return [source for source in request.params.get("PolicySourceArn", [])[:1] if source]


def _deletes_versions(request: Request, found: str | None) -> str | None:
    if found == "s3:DeleteObject" and request.method == "POST":
        targets = iam_actions._s3_batch_delete_targets(request.path.strip("/"), request.body)
        return "s3:DeleteObjectVersion" if targets and targets[0][1] else found
    return found


IAM = Resources("iam", arns={"*": _policy_source}, tagged={"iam:CreateRole": "iam:TagRole"})
OTHERS = (
    Resources("s3", action=_deletes_versions),
    Resources("logs", tagged={"logs:CreateLogGroup": "logs:TagResource"}),
    Resources("sqs", tagged={"sqs:CreateQueue": "sqs:TagQueue"}),
)
