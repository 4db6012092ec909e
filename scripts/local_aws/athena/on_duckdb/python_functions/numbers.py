"""Numbers: the texts that Java makes of them and reads, decimals of 38 digits, rounding."""
from __future__ import annotations

import math
import re
import struct
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function
from local_aws.athena.text import double_text as _double
from local_aws.athena.text import real_text as _real


@function("DOUBLE -> VARCHAR")
def double_to_text(value: float) -> str:
    """1.0E0, as Trino casts a double to varchar."""
    if not math.isfinite(value):
        return _double(value)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    power = exponent + len(digits) - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


@function("DOUBLE -> VARCHAR")
def real_to_text(value: float) -> str:
    if not math.isfinite(value):
        return _real(value)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    bits = struct.pack("f", value)
    text = next(t for t in (f"{value:.{n}e}" for n in range(9)) if struct.pack("f", float(t)) == bits)
    figures, _, power = text.partition("e")
    return (figures if "." in figures else figures + ".0") + f"E{int(power)}"


@function("VARCHAR, VARCHAR -> BIGINT")
def text_to_whole(text: str, kind: str) -> int:
    bits = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}[kind]
    found = re.fullmatch(r"[+-]?\d+", text.strip(BELOW))
    if found and -2 ** (bits - 1) <= int(found[0]) < 2 ** (bits - 1):
        return int(found[0])
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {kind}")


BELOW = "".join(map(chr, range(33)))  # what Java's String.trim takes off


@function("VARCHAR -> DOUBLE")
def text_to_double(text: str) -> float:
    trimmed = text.strip()
    if re.fullmatch(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?)", trimmed, re.ASCII):
        return float(trimmed.rstrip("dDfF") if trimmed[-1:] in "dDfF" else trimmed)
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to DOUBLE")


@function("VARCHAR -> DOUBLE")
def text_to_real(text: str) -> float:
    try:
        return text_to_double(text)
    except TrinoError:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to REAL") from None


def _fits(value: Decimal, precision: int, scale: int) -> str | None:
    with localcontext() as context:
        context.prec = 120
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** (precision - scale):
            return None
        return format(rounded, "f")


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def text_to_decimal(text: str, precision: int, scale: int) -> str:
    try:
        if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text, re.ASCII):
            raise InvalidOperation
        result = _fits(Decimal(text), precision, scale)
    except InvalidOperation:
        raise TrinoError("INVALID_CAST_ARGUMENT",
                         f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value is not a number.") \
            from None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT",
                         f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value too large.")
    return result


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def decimal_cast(text: str, precision: int, scale: int) -> str:
    result = _fits(Decimal(text), precision, scale)
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast DECIMAL '{text}' to DECIMAL({precision}, {scale})")
    return result


@function("DOUBLE, INTEGER, INTEGER -> VARCHAR")
def double_to_decimal(value: float, precision: int, scale: int) -> str:
    result = _fits(Decimal(repr(value)), precision, scale) if math.isfinite(value) else None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast DOUBLE '{_double(value)}' to DECIMAL({precision}, "
                                                  f"{scale})")
    return result


@function("VARCHAR, VARCHAR -> VARCHAR")
def decimal_multiply(left: str, right: str) -> str:
    with localcontext() as context:
        context.prec = 100
        return _wide(Decimal(left) * Decimal(right))


def _wide(value: Decimal) -> str:
    if len(value.as_tuple().digits) > 38:
        raise TrinoError("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return format(value, "f")


@function("VARCHAR, VARCHAR, INTEGER -> VARCHAR")
def decimal_divide(left: str, right: str, scale: int) -> str:
    if Decimal(right) == 0:
        raise TrinoError("DIVISION_BY_ZERO", "Division by zero")
    with localcontext() as context:
        context.prec = 100
        return _wide((Decimal(left) / Decimal(right)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP))


@function("VARCHAR, VARCHAR -> VARCHAR")
def decimal_mod(left: str, right: str) -> str:
    if Decimal(right) == 0:
        raise TrinoError("DIVISION_BY_ZERO", "Division by zero")
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(left) % Decimal(right), "f")


@function("VARCHAR, INTEGER -> VARCHAR")
def decimal_round(text: str, places: int) -> str:
    value = Decimal(text)
    if places >= -value.as_tuple().exponent:
        return text
    with localcontext() as context:
        context.prec = 100
        return format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")


@function("DOUBLE, DOUBLE -> DOUBLE")
def fmod(left: float, right: float) -> float:
    if right == 0 or math.isnan(left) or math.isnan(right) or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


@function("DOUBLE -> DOUBLE")
def round(value: float) -> float:  # noqa: A001 - Trino's name
    return round_to(value, 0)


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


@function("BIGINT, INTEGER -> BIGINT")
def round_whole(value: int, places: int) -> int:
    if places >= 0:
        return value
    return int(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _integral(text: str, rounding: str) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1), rounding) + 0, "f")


@function("VARCHAR -> VARCHAR")
def decimal_truncate(text: str) -> str:
    return _integral(text, ROUND_DOWN)


@function("VARCHAR -> VARCHAR")
def decimal_ceiling(text: str) -> str:
    return _integral(text, ROUND_CEILING)


@function("VARCHAR -> VARCHAR")
def decimal_floor(text: str) -> str:
    return _integral(text, ROUND_FLOOR)


@function("DOUBLE, DOUBLE -> DOUBLE")
def power(base: float, exponent: float) -> float:
    if math.isnan(base) and exponent != 0 or math.isnan(exponent) or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan  # where C says 1, Java says NaN
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
        return math.nan


@function("BIGINT, BIGINT -> BIGINT")
def bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Bits specified in bit_count must be between 2 and 64, got "
                                                      f"{bits}")
    if not -2 ** (bits - 1) <= value < 2 ** (bits - 1):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Number must be representable with the bits specified. "
                                                      f"{value} cannot be represented with {bits} bits")
    return bin(value & (2 ** bits - 1)).count("1")


_FIGURES = "0123456789abcdefghijklmnopqrstuvwxyz"


def _radix(radix: int) -> None:
    if not 2 <= radix <= 36:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")


@function("BIGINT, BIGINT -> VARCHAR")
def to_base(value: int, radix: int) -> str:
    _radix(radix)
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _FIGURES[digit] + digits
    if len(digits) + (value < 0) > 64:
        raise TrinoError("GENERIC_INTERNAL_ERROR", "Character count exceeds length limit 64")
    return "-" + digits if value < 0 else digits


@function("VARCHAR, BIGINT -> BIGINT")
def from_base(text: str, radix: int) -> int:
    _radix(radix)
    try:
        if not re.fullmatch(r"[+-]?[0-9A-Za-z]+", text):
            raise ValueError
        value = int(text, radix)
        if not -2**63 <= value < 2**63:
            raise ValueError
        return value
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{radix} number: {text}") from None


@function("DOUBLE, DOUBLE, DOUBLE, BIGINT -> BIGINT")
def width_bucket(value: float, low: float, high: float, count: int) -> int:
    if count <= 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bucketCount must be greater than 0")
    if math.isnan(value):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "operand must not be NaN")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bounds must be finite")
    if low == high:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bounds cannot equal each other")
    lower, upper = min(low, high), max(low, high)
    if value < lower:
        bucket = 0
    elif value >= upper:
        bucket = count + 1
    else:
        bucket = int(count * (value - lower) / (upper - lower) + 1)
    return count - bucket + 1 if low > high else bucket
