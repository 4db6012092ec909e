"""Records of JSON become one Parquet object with the columns of a Glue table; those that do not fit are set aside.

Follows https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html. The conversion itself is
ministack's; here it is given a whole batch, and a batch with a bad record in it is converted without that record.
"""
from __future__ import annotations

import base64
import json
import time

from local_aws.ministack_seam import firehose, responses


def to_parquet(conversion: dict, records: list[bytes], stream_arn: str, arrival: float) -> tuple[bytes | None, bytes]:
    """Return the Parquet object, or None where no record can be converted, and the error documents, one a line."""
    region, account = stream_arn.split(":")[3:5]
    schema = conversion.get("SchemaConfiguration") or {}
    table = {"catalogId": schema.get("CatalogId") or account, "databaseName": schema.get("DatabaseName"),
             "tableName": schema.get("TableName"), "region": schema.get("Region") or region,
             "versionId": schema.get("VersionId", "LATEST")}

    def convert(batch: list[bytes]) -> bytes:
        with responses.request_scope(account, region):
            return firehose._convert_to_parquet(conversion, b"\n".join(batch))

    try:
        return convert(records), b""
    except firehose._DeliveryError:
        pass
    good, documents = [], []
    for record in records:
        try:
            convert([record])
            good.append(record)
        except firehose._DeliveryError as error:
            documents.append(json.dumps({
                "attemptsMade": 1, "arrivalTimestamp": int(arrival * 1000),
                "attemptEndingTimestamp": int(time.time() * 1000), "rawData": base64.b64encode(record).decode(),
                "ErrorCode": error.code, "ErrorMessage": error.message, "dataCatalogTable": table}))
    return convert(good) if good else None, "".join(line + "\n" for line in documents).encode()
