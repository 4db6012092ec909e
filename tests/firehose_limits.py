"""Firehose's limits: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html"""

RECORD_BYTES = 1000 * 1024  # before base64
CALL_RECORDS = 500
CALL_BYTES = 4 * 1024 * 1024
