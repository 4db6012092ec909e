"""Partition projection: the partitions that a table's properties describe, in place of what Glue knows.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""
from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from local_aws.athena.catalog import folder
from local_aws.athena.engine import QueryFailed

MOST = 1_000_000  # partitions that a query may project here; Athena itself gives up on fewer
_UNITS = {"YEARS": 12, "MONTHS": 1, "WEEKS": 7 * 86400, "DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}
_FIELDS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_NOW = re.compile(r"NOW(?:\s*([+-])\s*(\d+)\s*(\w+?)S?)?", re.IGNORECASE)


def enabled(parameters: Mapping[str, str]) -> bool:
    """Whether the table's properties turn projection on."""
    return str(parameters.get("projection.enabled", "")).lower() == "true"


def project(keys: Sequence[str], parameters: Mapping[str, str], location: str,
            injected: Mapping[str, Sequence[str]]) -> Iterator[tuple[dict[str, str], str]]:
    """Each partition's values and location. Raises QueryFailed where the properties do not make sense, or a value is
    injected that the query does not give."""
    ranges = [_values(key, parameters, injected) for key in keys]
    template = parameters.get("storage.location.template")
    count = 1
    for values in ranges:
        count *= len(values)
    if count > MOST:
        raise QueryFailed("HIVE_EXCEEDED_PARTITION_LIMIT", f"Query over table can potentially read {count} partitions")
    for values in itertools.product(*ranges):
        named = dict(zip(keys, values, strict=True))
        if template:
            place = re.sub(r"\$\{(\w+)\}", lambda found, named=named: named[found[1].lower()], template)
        else:
            place = location.rstrip("/") + "/" + folder(named)
        yield named, place if place.endswith("/") else place + "/"


def _values(key: str, parameters: Mapping[str, str], injected: Mapping[str, Sequence[str]]) -> Sequence[str]:
    kind = _need(key, "type", parameters).lower()
    if kind == "enum":
        return [value.strip() for value in _need(key, "values", parameters).split(",")]
    if kind == "injected":
        if not injected.get(key):
            raise value_missing(key)
        return list(injected[key])
    low, separator, high = _need(key, "range", parameters).partition(",")
    if not separator:
        raise _invalid(key, "range", parameters)
    if kind == "integer":
        digits = int(_option(key, "digits", parameters, "0"))
        return [str(number).zfill(digits) for number in
                range(int(low), int(high) + 1, int(_option(key, "interval", parameters, "1")))]
    if kind == "date":
        return _dates(key, low.strip(), high.strip(), parameters)
    raise _invalid(key, "type", parameters)


def value_missing(key: str) -> QueryFailed:
    """The failure of a query that gives no value of a column whose values are injected."""
    return QueryFailed("CONSTRAINT_VIOLATION", f"For the injected projected partition column {key}, the WHERE clause "
                       "must contain only static equality conditions, and at least one such condition must be present.")


def _dates(key: str, low: str, high: str, parameters: Mapping[str, str]) -> list[str]:
    java = _need(key, "format", parameters)
    form = re.sub(r"yyyy|MM|dd|HH|mm|ss|'([^']*)'|%", lambda found: found[1] if found[1] is not None
                  else _FIELDS.get(found[0], "%%"), java)
    finest = next((unit for letters, unit in (("ss", "SECONDS"), ("mm", "MINUTES"), ("HH", "HOURS"), ("dd", "DAYS"),
                                              ("MM", "MONTHS")) if letters in java), "YEARS")
    unit = _option(key, "interval.unit", parameters, finest).upper().rstrip("S") + "S"
    step = int(_option(key, "interval", parameters, "1"))
    if unit not in _UNITS or step < 1:
        raise _invalid(key, "interval.unit", parameters)
    try:
        at, last = _moment(low, form), _moment(high, form)
    except ValueError:
        raise _invalid(key, "range", parameters) from None
    found, start, count = [], at, 0
    while at <= last:
        found.append(at.strftime(form))
        if len(found) > MOST:
            raise _invalid(key, "range", parameters)
        count += step
        at = _later(start, count, unit)
    return found


def _moment(text: str, form: str) -> datetime.datetime:
    """A bound of a range: a date of the projection's format, or NOW, NOW-3YEARS, NOW+1DAYS."""
    relative = _NOW.fullmatch(text)
    if not relative:
        return datetime.datetime.strptime(text, form)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    if relative[1]:
        now = _later(now, int(relative[1] + relative[2]), relative[3].upper() + "S")
    return datetime.datetime.strptime(now.strftime(form), form)


def _later(moment: datetime.datetime, count: int, unit: str) -> datetime.datetime:
    if unit not in _UNITS:
        raise ValueError(unit)
    if unit not in ("YEARS", "MONTHS"):
        return moment + datetime.timedelta(seconds=count * _UNITS[unit])
    month = moment.year * 12 + moment.month - 1 + count * _UNITS[unit]
    year, month = divmod(month, 12)
    following = datetime.datetime(year + (month == 11), (month + 1) % 12 + 1, 1)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, (following - datetime.timedelta(1)).day))


def _option(key: str, name: str, parameters: Mapping[str, str], default: str) -> str:
    return parameters.get(f"projection.{key}.{name}", default)


def _need(key: str, name: str, parameters: Mapping[str, str]) -> str:
    found = parameters.get(f"projection.{key}.{name}")
    if not found:
        raise _invalid(key, name, parameters)
    return found


def _invalid(key: str, name: str, parameters: Mapping[str, str]) -> QueryFailed:
    value = parameters.get(f"projection.{key}.{name}")
    return QueryFailed("INVALID_TABLE_PROPERTY", f"Table property projection.{key}.{name} is "
                       + (f"not valid: {value}" if value else "missing"))
