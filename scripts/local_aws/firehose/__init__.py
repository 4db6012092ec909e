"""Firehose that buffers: records wait on disk until they are many or old enough, and become one object of S3.

Follows https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html,
https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html and
https://docs.aws.amazon.com/firehose/latest/dev/troubleshooting.html.

A delivery that fails is tried again until it succeeds; AWS gives up after 24 hours, and the records are lost.
Streams that transform records, or partition them by content, are left to ministack, which delivers each record at once.

`api` answers requests, by the rules of `settings` and `prefixes`, `resources` says for IAM what they are about, `store`
keeps records in files. `streams` has the buffer of each delivery stream; `buffer` says when a batch is due, `delivery`
makes it an object, `conversion` a Parquet one, `role` is as whom.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.firehose import api, resources, store
from local_aws.firehose.streams import Streams
from local_aws.ministack_seam import firehose

if TYPE_CHECKING:
    from local_aws.server import LocalAws


def install(aws: LocalAws) -> None:
    """Take the records of delivery streams over."""
    streams = Streams(aws)
    firehose.replace("_dest_description", store.with_file_extension)
    aws.wrap("firehose", lambda handler: api.wrapper(handler, aws, streams))
    aws.resources.append(resources.DELIVERY_STREAMS)
    aws.on_start(streams.resume)
    aws.on_stop(streams.stop)
    aws.on_reset(streams.reset)
