"""FileExtension: in the names of objects, in place of Firehose's own; and what AWS refuses in it.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html and
https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""
from __future__ import annotations

import gzip
import re

import pytest
from botocore.exceptions import ClientError

from test_firehose import Delivery
from triggered_table import eventually


@pytest.mark.parametrize("compression, extension, ending", [
    ("UNCOMPRESSED", ".json.gz", ".json.gz"), ("UNCOMPRESSED", "", ""), ("UNCOMPRESSED", ".a!-_*'()9", ".a!-_*'()9"),
    ("GZIP", ".json", ".json"), ("GZIP", "", ".gz"),
])
def test_it_takes_the_place_of_the_default_extension(aws, compression, extension, ending):
    delivery = Delivery(aws, seconds=0, CompressionFormat=compression, FileExtension=extension)
    delivery.put(b"a")
    (key,) = eventually(delivery.keys)
    assert re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(.*)", key)[2] == ending
    body = delivery.s3.get_object(Bucket=delivery.name, Key=key)["Body"].read()
    assert (gzip.decompress(body) if compression == "GZIP" else body) == b"a", "an extension does not compress"


def test_gzip_members_are_buffered_by_what_arrives_and_joined(aws):
    delivery = Delivery(aws, seconds=900, CompressionFormat="UNCOMPRESSED", FileExtension=".json.gz")
    members = [gzip.compress(bytes([65 + number]) * 400_000, 0) for number in range(3)]
    small = gzip.compress(b"b" * 3_000_000)
    delivery.put(*members[:2], small)
    assert delivery.keys() == [], "3.8 MB of text, but less than a MiB of what arrives"
    delivery.put(members[2])
    (key,) = eventually(delivery.keys)
    text = delivery.read(key)
    assert (len(text), text[:1], text[800_000:800_001], text[-1:]) == (4_200_000, b"A", b"b", b"C")


def test_an_update_changes_it_and_leaves_it_where_it_names_none(aws):
    delivery = Delivery(aws, seconds=0, CompressionFormat="UNCOMPRESSED", FileExtension=".json.gz")

    def update(**settings) -> dict:
        described = delivery.firehose.describe_delivery_stream(DeliveryStreamName=delivery.name)
        stream = described["DeliveryStreamDescription"]
        delivery.firehose.update_destination(
            DeliveryStreamName=delivery.name, CurrentDeliveryStreamVersionId=stream["VersionId"],
            DestinationId=stream["Destinations"][0]["DestinationId"], ExtendedS3DestinationUpdate=settings)
        described = delivery.firehose.describe_delivery_stream(DeliveryStreamName=delivery.name)
        return described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]

    assert update(Prefix="other/")["FileExtension"] == ".json.gz"
    assert update(FileExtension=".jsonl.gz")["FileExtension"] == ".jsonl.gz"
    delivery.put(b"a")
    (key,) = eventually(delivery.keys)
    assert key.startswith("other/") and key.endswith(".jsonl.gz")
    with pytest.raises(ClientError, match="extendedS3DestinationUpdate.fileExtension"):
        update(FileExtension="gz")


@pytest.mark.parametrize("extension, constraint", [
    ("gz", "satisfy regular expression pattern"), (".", "satisfy regular expression pattern"),
    (".GZ", "satisfy regular expression pattern"), (".json gz", "satisfy regular expression pattern"),
    (".json/gz", "satisfy regular expression pattern"), (".gz\n", "satisfy regular expression pattern"),
    ("." + "a" * 128, "have length less than or equal to 128"),
])
def test_what_is_no_extension_is_refused(aws, extension, constraint):
    place = "extendedS3DestinationConfiguration.fileExtension"
    with pytest.raises(ClientError, match=f"(?s)Value .*at '{place}' failed.*Member must {constraint}"):
        Delivery(aws, FileExtension=extension)
