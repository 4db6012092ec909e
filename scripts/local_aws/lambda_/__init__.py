"""Lambda: event source mappings from DynamoDB streams as the Lambda guide says, and what functions run with.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html and the pages under it.

`api` answers requests, `resources` says for IAM what they are about, `store` keeps mappings and their positions.
`mappings` has the mappings and the poller of each; `poller` reads a stream and invokes, `filters` chooses records,
`batches` decides what becomes of a batch, `destinations` tells of what was discarded, `calls` are the public calls that
all this makes. `package_files` are a function's, `processes` are those that it runs in, `logs` are what these write.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.lambda_ import api, logs, package_files, processes, resources
from local_aws.lambda_.mappings import Mappings

if TYPE_CHECKING:
    from local_aws.server import LocalAws


def install(aws: LocalAws) -> None:
    """Take event source mappings from streams over, and correct how functions run."""
    mappings = Mappings(aws)
    package_files.install()
    processes.install()
    logs.install()
    aws.wrap("lambda", lambda handler: api.wrapper(handler, mappings))
    aws.resources.append(resources.resources(mappings))
    aws.stream_readers.append(mappings.wake)
    aws.on_start(mappings.start)
    aws.on_stop(mappings.stop)
    aws.on_reset(mappings.reset)
