"""What AWS refuses in the settings of a delivery stream, before anything is sent to it.

Follows https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html,
https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html and, for prefixes, `prefixes`.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_aws.firehose.delivery import EXTENSIONS
from local_aws.firehose.prefixes import violation
from local_aws.firehose.role import Refused, assume

if TYPE_CHECKING:
    from local_aws.server import LocalAws

HINTS = {"SizeInMBs": (1, 128), "IntervalInSeconds": (0, 900)}
CONVERSION_MIB = 64  # the smallest buffer of a stream that converts records
DESTINATIONS = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration", "ExtendedS3DestinationUpdate",
                "S3DestinationUpdate")


class Invalid(Exception):
    """A request that AWS refuses, with the name of AWS's error."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def violated(place: str, constraint: str) -> Invalid:
    """The error in AWS's words for a value out of its range."""
    return Invalid("ValidationException", (
        f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must have {constraint}"))


def refuse(message: str) -> Invalid:
    """The error for settings that do not go together, or that the local AWS does not have."""
    return Invalid("InvalidArgumentException", message)


def check(aws: LocalAws, request: dict, present: dict[str, Any]) -> None:
    """Raise Invalid where a CreateDeliveryStream or UpdateDestination would be refused. `present` are the settings that
    the destination has, to which an update only adds; {} for a new one."""
    for name in DESTINATIONS:
        if name in request:
            check_destination(aws, {**present, **request[name]}, f"{name[0].lower()}{name[1:]}")


def check_destination(aws: LocalAws, settings: dict[str, Any], place: str) -> None:
    """Raise Invalid where AWS refuses an S3 destination; `place` is its name in AWS's messages."""
    hints = settings.get("BufferingHints") or {}
    for name, (least, most) in HINTS.items():
        if hints and not isinstance(hints.get(name), int):
            raise refuse("BufferingHints need both SizeInMBs and IntervalInSeconds")
        if hints and not least <= hints[name] <= most:
            bound = f"less than or equal to {most}" if hints[name] > most else f"greater than or equal to {least}"
            raise violated(f"{place}.bufferingHints.{name[0].lower()}{name[1:]}", f"value {bound}")
    compression = settings.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in EXTENSIONS:
        raise refuse(f"The local AWS does not compress as {compression}")
    if settings.get("CustomTimeZone", "UTC") not in ("", "UTC"):
        raise refuse("The local AWS does not support CustomTimeZone")
    conversion = settings.get("DataFormatConversionConfiguration") or {}
    if conversion and conversion.get("Enabled", True):
        if compression != "UNCOMPRESSED":
            raise refuse("CompressionFormat must be UNCOMPRESSED when data format conversion is enabled: Parquet "
                         "compresses")
        if hints and hints["SizeInMBs"] < CONVERSION_MIB:
            raise refuse(f"BufferingHints.SizeInMBs must be at least {CONVERSION_MIB} when data format conversion is "
                         "enabled")
    partitioned = bool((settings.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))
    if broken := violation(settings.get("Prefix") or "", settings.get("ErrorOutputPrefix") or "", partitioned):
        raise refuse(broken)
    if settings.get("RoleARN"):
        try:
            assume(aws, settings["RoleARN"], "")
        except Refused as error:
            raise refuse(str(error)) from None
