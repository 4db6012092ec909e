"""Athena as AWS documents it, its SQL answered by one of two engines behind one small interface.

Follows https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html and
https://docs.aws.amazon.com/athena/latest/ug/what-is.html.

What faces the caller: `api` answers requests, `workgroups` completes ministack's, `refusals` is how it says no,
`resources` says for IAM what requests are about, `execution` is a query's life and `store` keeps them all; `runner`
runs a statement, `ddl` and its neighbours do on Glue what Athena itself does there, `writes` checks where rows go,
`results` and `text` say how answers read; `glue_answers` corrects Glue's.

What an engine sees: `interface` is what `on_duckdb` and `on_trino` implement, `exchange` what goes to and fro (columns,
rows, targets, failures), and `catalog` all that they may know of the world, as the caller may (`aws_catalog`
is the catalog as it is). `handing_on` makes one engine of the two.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.server import LocalAws


def install(aws: LocalAws) -> None:
    """Take queries over from ministack."""
    from local_aws.athena import api, glue_answers, resources  # here, so that an engine can be imported without them
    from local_aws.athena.on_trino import setup

    operations = api.Operations(aws)
    if aws.engine == "trino":
        aws.versions["trino"] = setup.VERSION
    aws.reports["answered"] = operations.answered
    aws.reports["trino"] = setup.state  # until there is an engine that knows better
    aws.on_stop(operations.end)
    aws.on_reset(operations.reset)
    aws.wrap("athena", lambda handler: api.wrapper(handler, aws, operations))
    aws.wrap("glue", glue_answers.wrapper)
    aws.resources += [resources.workgroups(operations.history), resources.CATALOG]
