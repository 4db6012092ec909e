"""Partition projection: the partitions that a table's properties describe, in place of what Glue knows.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
What Athena says where they do not make sense is in …/troubleshooting-athena.html and
…/partition-projection-setting-up.html as far as it is documented; the rest is in words of our own.
"""
from __future__ import annotations

import calendar
import datetime
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_aws.athena.catalog import Table, folder
from local_aws.athena.exchange import NotVerified, QueryFailed

MOST = 1_000_000  # partitions that a query may project here; Athena itself gives up on fewer
_LONG = range(-2**63, 2**63)  # Java's, which bounds a projected integer
_SECONDS = {"WEEKS": 7 * 86400, "DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}
_MONTHS = {"YEARS": 12, "MONTHS": 1}
_NOW = re.compile(r"\s*NOW\s*(?:([+-])\s*([0-9]+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?\s*)?")
_DIGITS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
_FIELD = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_JAVAS = frozenset("GuyDMLdQqYwWEecFahKkHmsSAnNVvzOXxZpBg[]")  # what means something in a format of Java's


def enabled(parameters: Mapping[str, str]) -> bool:
    """Whether the table's properties turn projection on."""
    return str(parameters.get("projection.enabled", "")).lower() == "true"


def project(table: Table, injected: Mapping[str, Sequence[str]]) -> Iterator[tuple[dict[str, str], str]]:
    """Each partition's values and location, where projection is `enabled`. `injected` gives the values of columns whose
    type is 'injected'.

    Raises QueryFailed: INVALID_TABLE_PROPERTY or HIVE_METASTORE_ERROR where the properties do not make sense,
    CONSTRAINT_VIOLATION where a value that must be injected is not, HIVE_EXCEEDED_PARTITION_LIMIT where there are more
    than `MOST`; and NotVerified for a date format that only Java reads.
    """
    keys = [key.name for key in table.partition_keys]
    missing = [key for key in keys if not table.parameters.get(f"projection.{key}.type")]
    if missing:
        name = f"{table.database}.{table.name}"
        raise QueryFailed("HIVE_METASTORE_ERROR", f"Table {name} is configured for partition projection, but the "
                          f"following partition columns are missing projection configuration: [{', '.join(missing)}] "
                          f"(table {name})")
    columns = [_Column(key, table.parameters) for key in keys]
    template = _template(table, keys)
    ranges = [column.values(injected.get(column.name)) for column in columns]
    count = math.prod(values.count for values in ranges)
    if count > MOST:
        raise QueryFailed("HIVE_EXCEEDED_PARTITION_LIMIT", f"Query over table can potentially read {count} partitions")
    for values in itertools.product(*ranges):
        named = dict(zip(keys, values, strict=True))
        place = table.location.rstrip("/") + "/" + folder(named) if template is None else _filled(template, named)
        yield named, place if place.endswith("/") else place + "/"


def value_missing(column: str) -> QueryFailed:
    """The failure of a query that gives no value of a column whose values are injected."""
    return QueryFailed("CONSTRAINT_VIOLATION", f"For the injected projected partition column {column}, the WHERE "
                       "clause must contain only static equality conditions, and at least one such condition must be "
                       "present.")


def _template(table: Table, keys: Sequence[str]) -> str | None:
    """The table's template of a location: https://docs.aws.amazon.com/athena/latest/ug/partition-projection-setting-up.html
    (it has a placeholder for each partition column)."""
    template = table.parameters.get("storage.location.template")
    if not template:
        return None
    named = {name.lower() for name in re.findall(r"\$\{([^}]*)\}", template)}
    if named != set(keys):
        wrong = ", ".join(sorted(named ^ set(keys)))
        raise _invalid(f"Table property storage.location.template must name each partition column and nothing else, "
                       f"which {wrong} does not fit: {template}")
    return template


def _filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([^}]*)\}", lambda found: values[found[1].lower()], template)


@dataclass(frozen=True)
class _Values:
    """A column's values in order. `count` is known before any is made."""

    count: int
    each: Iterator[str]

    def __iter__(self) -> Iterator[str]:
        return self.each


@dataclass(frozen=True)
class _Column:
    """A partition column and the table's properties, which describe its values."""

    name: str
    parameters: Mapping[str, str]

    def values(self, injected: Sequence[str] | None) -> _Values:
        kind = self.need("type").strip().lower()
        if kind == "enum":
            values = self.need("values").split(",")  # white space is part of a value
            return _Values(len(values), iter(values))
        if kind == "injected":
            if not injected:
                raise value_missing(self.name)
            return _Values(len(injected), iter(injected))
        if kind == "integer":
            return self.integers()
        if kind == "date":
            return self.dates()
        raise self.wrong("type")

    def integers(self) -> _Values:
        bounds = [_integer(text) for text in self.need("range").split(",")]
        if len(bounds) != 2:
            raise self.wrong("range")
        (low, high), step, digits = bounds, self.positive("interval", "1"), self.positive("digits", "1")
        return _Values(max((high - low) // step + 1, 0),
                       (str(number).zfill(digits) for number in range(low, high + 1, step)))

    def dates(self) -> _Values:
        java = self.need("format")
        form = _Format(java)
        default = "1" if form.finest in ("DAYS", "MONTHS") else None
        step = self.positive("interval", default)
        unit = (self.need("interval.unit") if default is None else self.parameters.get(
            f"projection.{self.name}.interval.unit") or form.finest).strip().upper()
        if unit not in _SECONDS and unit not in _MONTHS:
            raise self.wrong("interval.unit")
        try:
            low, high = (_moment(text, form) for text in self.need("range").split(","))
        except (ValueError, OverflowError):
            raise self.wrong("range") from None
        count = _steps(low, high, unit, step) + 1 if low <= high else 0
        return _Values(count, (form.text(_later(low, at * step, unit)) for at in range(count)))

    def need(self, name: str) -> str:
        """A property that must be there."""
        found = self.parameters.get(f"projection.{self.name}.{name}")
        if not found:
            raise _invalid(f"Table property projection.{self.name}.{name} is missing")
        return found

    def positive(self, name: str, default: str | None) -> int:
        """A property that is a positive integer; where there is no `default` it must be there."""
        text = self.need(name) if default is None else self.parameters.get(f"projection.{self.name}.{name}") or default
        number = _integer(text)
        if number < 1:
            raise self.wrong(name)
        return number

    def wrong(self, name: str) -> QueryFailed:
        """The failure of a query where a property's value makes no sense."""
        return _invalid(f"Table property projection.{self.name}.{name} is not valid: "
                        f"{self.parameters.get(f'projection.{self.name}.{name}')}")


class _Format:
    """A date format of Java's DateTimeFormatter. `finest` is the unit of its finest field.

    https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html#patterns
    """

    def __init__(self, java: str):
        self.parts: list[str] = []  # fields as in _FIELD, and literal texts with a quote before them
        for found in re.finditer(r"'((?:[^']|'')*)(')?|([A-Za-z])\3*|.", java, re.DOTALL):
            if found[0].startswith("'"):
                if not found[2]:
                    raise _invalid(f"Pattern ends with an incomplete string literal: {java}")
                self.parts.append("'" + (found[1].replace("''", "'") or "'"))
            elif found[0] in _FIELD:
                self.parts.append(found[0])
            elif found[0][0] in _JAVAS:
                raise NotVerified(f"the date format {java} of a projected column")
            elif found[3]:
                raise _invalid(f"Unknown pattern letter: {found[3]}")
            else:
                self.parts.append("'" + found[0])
        self.finest = next((unit for field, unit in (("ss", "SECONDS"), ("mm", "MINUTES"), ("HH", "HOURS"),
                                                     ("dd", "DAYS"), ("MM", "MONTHS")) if field in self.parts), "YEARS")

    def text(self, moment: datetime.datetime) -> str:
        """A moment in this format."""
        return "".join(part[1:] if part not in _FIELD else
                       str(getattr(moment, _FIELD[part])).zfill(_DIGITS[part]) for part in self.parts)

    def moment(self, text: str) -> datetime.datetime:
        """The moment that a text in this format names, the first of those that it leaves open. Raises ValueError."""
        form = "".join(re.escape(part[1:]) if part not in _FIELD else rf"([0-9]{{{_DIGITS[part]}}})"
                       for part in self.parts)
        found = re.fullmatch(form, text)
        if not found:
            raise ValueError(text)
        fields = {"year": 1970, "month": 1, "day": 1}
        for part, digits in zip(filter(_FIELD.__contains__, self.parts), found.groups(), strict=True):
            fields[_FIELD[part]] = int(digits)
        return datetime.datetime(**fields)


def _integer(text: str) -> int:
    """A number as Java's Long.parseLong reads it, white space around it allowed."""
    number = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,4000}", number) or int(number) not in _LONG:
        raise _invalid(f'For input string: "{number}"')
    return int(number)


def _moment(text: str, form: _Format) -> datetime.datetime:
    """A bound of a range: a date of the projection's format, or NOW, NOW-3YEARS, NOW+1DAY, in UTC."""
    relative = _NOW.fullmatch(text)
    if not relative:
        return form.moment(text)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    if relative[1]:
        now = _later(now, int(relative[1] + relative[2]), relative[3] + "S")
    return form.moment(form.text(now))


def _steps(low: datetime.datetime, high: datetime.datetime, unit: str, step: int) -> int:
    """How many steps of so many units fit between two moments."""
    if unit in _SECONDS:
        return (high - low) // datetime.timedelta(seconds=_SECONDS[unit]) // step
    months = (high.year - low.year) * 12 + high.month - low.month
    count = months // (step * _MONTHS[unit])
    return count if count == 0 or _later(low, count * step, unit) <= high else count - 1


def _later(moment: datetime.datetime, count: int, unit: str) -> datetime.datetime:
    """So many units later; a day that its month does not have becomes the month's last. Raises ValueError or
    OverflowError beyond the years 1 to 9999."""
    if unit in _SECONDS:
        return moment + datetime.timedelta(seconds=count * _SECONDS[unit])
    year, month = divmod(moment.year * 12 + moment.month - 1 + count * _MONTHS[unit], 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))


def _invalid(message: str) -> QueryFailed:
    return QueryFailed("INVALID_TABLE_PROPERTY", message)
