"""Numbers: the texts that Java makes of them and reads, decimals of 38 digits, rounding."""
from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function
from local_aws.athena.text import double_text

BELOW = "".join(map(chr, range(33)))  # what Java's String.trim takes off


@function("DOUBLE -> VARCHAR")
def double_to_text(value: float) -> str:
    """1.0E0, as Trino casts a double to varchar."""
    if not math.isfinite(value):
        return double_text(value)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{Decimal(repr(value)).adjusted()}"


@function("VARCHAR, VARCHAR -> BIGINT")
def text_to_whole(text: str, kind: str) -> int:
    """A whole number; `kind` is Java's TINYINT, SMALLINT, INT or BIGINT. Raises INVALID_CAST_ARGUMENT."""
    bits = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}[kind]
    found = re.fullmatch(r"[+-]?\d+", text.strip(BELOW))
    if found and -2 ** (bits - 1) <= int(found[0]) < 2 ** (bits - 1):
        return int(found[0])
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {kind}")


@function("VARCHAR -> DOUBLE")
def text_to_double(text: str) -> float:
    """What Java's Double.parseDouble reads, hexadecimal apart. Raises INVALID_CAST_ARGUMENT."""
    trimmed = text.strip()
    if re.fullmatch(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?)", trimmed, re.ASCII):
        return float(trimmed.rstrip("dDfF"))
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to DOUBLE")


def _fits(value: Decimal, precision: int, scale: int) -> str | None:
    """The value rounded to a decimal's scale, or None where it has more digits than the decimal."""
    with localcontext() as context:
        context.prec = 400
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        return None if abs(rounded) >= Decimal(10) ** (precision - scale) else format(rounded, "f")


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def text_to_decimal(text: str, precision: int, scale: int) -> str:
    """A decimal's text, rounded half up to its scale. Raises INVALID_CAST_ARGUMENT."""
    failure = f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value "
    if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text, re.ASCII):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"{failure}is not a number.")
    try:
        result = _fits(Decimal(text), precision, scale)
    except InvalidOperation:
        result = None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"{failure}too large.")
    return result


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def decimal_cast(text: str, precision: int, scale: int) -> str:
    """A decimal's text as a smaller decimal, rounded half up. Raises INVALID_CAST_ARGUMENT."""
    result = _fits(Decimal(text), precision, scale)
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast DECIMAL '{text}' to DECIMAL({precision}, {scale})")
    return result


@function("DOUBLE, INTEGER, INTEGER -> VARCHAR")
def double_to_decimal(value: float, precision: int, scale: int) -> str:
    """The decimal of a double's shortest digits, rounded half up. Raises INVALID_CAST_ARGUMENT."""
    result = _fits(Decimal(repr(value)), precision, scale) if math.isfinite(value) else None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT",
                         f"Cannot cast DOUBLE '{double_text(value)}' to DECIMAL({precision}, {scale})")
    return result


@function("DOUBLE, INTEGER -> DOUBLE")
def round_to(value: float, places: int) -> float:
    """Half away from zero, on the double times a power of ten, as Trino computes it."""
    if not math.isfinite(value):
        return value
    factor = 10.0 ** places
    scaled = abs(value) * factor
    if scaled >= 2.0 ** 63 or math.isinf(scaled):
        with localcontext() as context:
            context.prec = 800
            return float(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    whole = math.floor(scaled)
    rounded = (whole + (scaled - whole >= 0.5)) / factor
    return -rounded if value < 0 else rounded
