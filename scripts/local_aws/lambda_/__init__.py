"""Event source mappings from DynamoDB streams that behave as the Lambda guide says, on public calls only.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html and the pages under it.

`mappings` is the API, `poller` reads a stream and invokes, `batches` decides what becomes of a batch, `destinations`
tells of what was discarded, `calls` are the calls, `store` keeps settings and positions, `permissions` knows for which
function a mapping is.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.server import LocalAws


def install(aws: LocalAws) -> None:
    # here, as tests import `batches` alone
    from local_aws.lambda_ import execution_role, package_files, processes, resources
    from local_aws.lambda_.mappings import Mappings

    mappings = Mappings(aws)
    mappings.load()
    execution_role.install()
    package_files.install()
    processes.install()
    aws.wrap("lambda", mappings.wrapper)
    aws.wrap("lambda", execution_role.wrapper)
    aws.resources.append(resources.resources(mappings))
    aws.stream_readers.append(mappings.wake)
    aws.on_start(mappings.start)
    aws.on_stop(mappings.stop)
    aws.on_reset(mappings.reset)
