"""Objects of JSON, well and badly formed, each alone in a partition: what does the Hive JSON SerDe make of it?"""
from __future__ import annotations

import gzip
from pathlib import Path

COLUMNS = [["s", "string"], ["b", "bigint"], ["i", "int"], ["d", "double"], ["f", "boolean"], ["a", "array<string>"],
           ["q", "decimal(10,2)"], ["u", "date"], ["t", "timestamp"], ["y", "tinyint"]]

VALUES = {
    "s": ['"x"', "1", "1.50", "1e2", "true", '{"q" : 1}', "[1,  2]", "null", '"x\\u0000y"',
          '"\\ud83d\\ude00"', '"\\ud800"', "-0", "12345678901234567890123", '""', '"\\u00e9\\n\\""'],
    "b": ["1", "1.5", "-1.9", '"7"', '"x"', "true", "1e3", "9223372036854775807", "9223372036854775808",
          "-9223372036854775808", "null", "[]", "{}", "1.0E2", "-0"],
    "i": ["2147483647", "2147483648", '"5"', "1.9"], "y": ["127", "128", "200", "256", "-129"],
    "d": ["1", "1.5", '"1.5"', "1e400", '"NaN"', "NaN", "true"], "f": ["true", "false", '"true"', '"TRUE"', "1", '"x"'],
    "a": ['["a",1,null,true,1.5]', '"x"', '[["a"]]', '[{"a":1}]', "{}", "[]", "null"],
    "q": ["1.005", '"1.5"', "12345678901.1", "1", "-0.005"], "u": ['"2020-01-05"', '"2020-1-5"', '"x"', "1"],
    "t": ['"2020-01-01 00:00:00"', '"2020-01-01T00:00:00"', '"2020-01-01 00:00:00.123456"', '"x"'],
}
WHOLE = [
    '{"s":"a","s":"b"}', '{"S":"a","s":"b"}', '{"S":"a","B":2}', '{"b":1} {"b":2}', '{"b":1},', '{"b":1', "\n",
    '{"b":1}\n\n{"b":2}', '{"b":1}\n   \n', '{"b":1}\r\n{"b":2}\r\n', '{"b":1}\r{"b":2}', "[1]", "null", '"x"', "{}",
    '{"b":1} garbage', "{'b':1}", "{b:1}", '{"b":1,}', '{"b":01}', '// c\n{"b":1}', '\ufeff{"b":1}', '{"s":"a\tb"}',
    '{"z":{"b":5},"b":1}', '{"b":+1}', '{"b":.5}', ' {"b":1}', '{"b":1}\n{"b":2}', '{"z":"é😀","s":"é😀"}',
    '{"z":[1,{"s":"inner"}],"s":"outer"}', '{"b":1}\n{"b":"x"}', '{"s":"one"}\n{"s":2}\n{"s":null}\n{}',
]


def packed(data: bytes) -> bytes:
    """Gzip that does not tell when, nor on which system or with which Python it was made."""
    made = gzip.compress(data, mtime=0)
    return made[:9] + b"\x03" + made[10:]


BYTES = {
    "not-utf8.json": b'{"s":"\xff"}', "plain.gz": b'{"b":1}\n', "packed.json": packed(b'{"b":1}\n'),
    "two-members.gz": packed(b'{"b":1}\n') + packed(b'{"b":2}\n'),
    "broken.gz": packed(b'{"b":1}\n')[:-9],
    "broken-later.gz": packed("".join(f'{{"b":{n},"s":"{n * n * 7919}"}}\n' for n in range(5000)).encode())[:-40],
    "whole.gz": packed(b'{"b":1,"s":"x"}\n{"b":2}\n'), "_hidden.json": b"not JSON",
    ".hidden": b"neither",
    "empty.json": b"",
}


def objects() -> list[tuple[str, bytes]]:
    """Each object's name and bytes; its place in the list is its partition."""
    lines = [f'{{"{column}": {value}}}' for column, values in VALUES.items() for value in values] + WHOLE
    return [("object.json", line.encode()) for line in lines] + list(BYTES.items())


def lay_out(lake: Path) -> None:
    for at, (name, body) in enumerate(objects()):
        place = lake / "lines" / f"p={at}"
        place.mkdir(parents=True)
        (place / name).write_bytes(body)


def statements() -> list[str]:
    """Every column of every object; and what is not read of one where other columns are bad."""
    names = ", ".join(name for name, _ in COLUMNS)
    every = range(len(objects()))
    some = [at for at in every if at % 3 == 0]
    return [f"SELECT {names} FROM json_lines WHERE p = {at}" for at in every] + \
        [f"SELECT count(*), count(b) FROM json_lines WHERE p = {at}" for at in some] + \
        [f"SELECT count(*) FROM json_lines WHERE p = {at}" for at in some]
