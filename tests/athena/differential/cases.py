"""What both engines are asked: every verified construct, over ordinary, null, empty and boundary values.

An expression names columns of `POOLS`; it is run, inside try(…), over every combination of their values. So one line
here is some dozens of values there. Everything is text: the suite hands it to either engine as it is.
"""
# ruff: noqa: E501 - a statement is a line
from __future__ import annotations

import re

POOLS: dict[str, list[str]] = {
    "s": ["''", "'abc'", "'Hello World'", "'é😀x'", "'  pad '", "'12'", "'a,b,,c'", "'-3.70'", "null", "'%_'"],
    "s2": ["''", "'b'", "','", "'abc'", "'😀'", "null"],
    "s3": ["'x'", "''", "null"],
    "i": ["0", "1", "-1", "2", "7", "-2147483648", "2147483647", "null"],
    "j": ["0", "1", "-1", "3", "2147483647", "null"],
    "k": ["1", "2", "-2", "0", "9", "null"],
    "n": ["bigint '0'", "bigint '1'", "bigint '-7'", "9223372036854775807", "-9223372036854775808", "bigint '1000000007'",
          "null"],
    "n2": ["bigint '3'", "bigint '0'", "bigint '-1'", "null"],
    "c": ["tinyint '0'", "tinyint '127'", "tinyint '-128'", "tinyint '5'", "null"],
    "h": ["smallint '0'", "smallint '32767'", "smallint '-32768'", "smallint '-9'", "null"],
    "d": ["0e0", "-0e0", "1.5e0", "-2.5e0", "2.5e0", "1e10", "123456.789e0", "1e-5", "1e300", "9.3e18", "nan()",
          "infinity()", "-infinity()", "null"],
    "d2": ["0e0", "2e0", "-0.5e0", "nan()", "infinity()", "null"],
    "f": ["0.25e0", "1e0", "16e0", "1234.5678e0", "2e0", "-1e0", "0e0", "null"],
    "q": ["cast(0 as decimal(10,2))", "cast(1.50 as decimal(10,2))", "cast(-2.25 as decimal(10,2))",
          "cast(99999999.99 as decimal(10,2))", "cast(0.01 as decimal(10,2))", "cast(2.50 as decimal(10,2))", "null"],
    "q2": ["cast(3 as decimal(5,1))", "cast(-0.7 as decimal(5,1))", "cast(0 as decimal(5,1))", "null"],
    "w": ["cast('12345678901234567890123456.789' as decimal(38,6))", "cast('-1.5' as decimal(38,6))",
          "cast('0' as decimal(38,6))", "null"],
    "b": ["true", "false", "null"],
    "b2": ["true", "false", "null"],
    "u": ["date '2024-02-29'", "date '2024-01-31'", "date '2023-12-31'", "date '1969-07-20'", "date '2000-01-01'",
          "date '2024-12-30'", "null"],
    "u2": ["date '2024-03-31'", "date '2023-02-28'", "date '1970-01-01'", "date '2024-02-28'", "null"],
    "t": ["timestamp '2024-02-29 23:59:59.999'", "timestamp '2024-01-31 00:00:00.000'",
          "timestamp '1969-12-31 23:59:59.500'", "timestamp '2024-05-17 10:11:12.345'",
          "timestamp '2025-03-30 02:30:00.000'", "null"],
    "t2": ["timestamp '2024-03-31 00:00:00.000'", "timestamp '2024-01-31 00:00:00.001'",
           "timestamp '1970-01-01 00:00:00.000'", "timestamp '2023-02-28 10:11:12.346'", "null"],
    "z": ["from_unixtime(0)", "from_unixtime(1705337067.123)", "from_unixtime(-1.5)", "null"],
    "z2": ["from_unixtime(1700000000)", "from_unixtime(86399)", "null"],
    "a": ["array[bigint '1',2,3]", "array[bigint '3',null,1,3]", "cast(array[] as array(bigint))",
          "cast(array[null] as array(bigint))", "array[9223372036854775807,-5]", "null"],
    "a2": ["array[bigint '3',4]", "array[null,bigint '1']", "cast(array[] as array(bigint))",
           "array[bigint '1',2,3]", "null"],
    "x": ["array['b','a','é']", "array['a',null,'','a']", "cast(array[] as array(varchar))", "null"],
    "x2": ["array['a']", "array[null,'z']", "cast(array[] as array(varchar))", "null"],
    "m": ["map(array['a','b'],array[bigint '1',null])", "map(array['é'],array[bigint '-3'])",
          "cast(map() as map(varchar,bigint))", "null"],
    "g": ["'{\"a\": 1, \"b\": {\"c\": [1, 2.50, \"x\", null, true]}}'", "'{\"a\": \"text\", \"a\": 2}'", "'[1, \"a\", {\"k\": null}]'",
          "'\"scalar\"'", "'12345678901234567890123.10'", "'null'", "'true'", "''", "'{\"a\": 1'", "'{\"a\": tru}'", "'not json'",
          "'{\"a\":\"\\u00e9\\n\\\"q\\\"\"} tail'", "'{\"b\":1e2,\"a\":-0.0}'", "'{\"b\":\"😀/\\u0001\u2028\",\"a\":{}}'", "'{\"a\":tru'", "null"],
    "y": ["x''", "x'00ff'", "to_utf8('héllo')", "null"],
    "e": ["interval '1' day", "interval '-90' minute", "interval '0' second", "interval '1.5' second", "null"],
    "o": ["interval '1' month", "interval '-14' month", "interval '2' year", "null"],
}

# Expressions of scalar functions: the name that is verified, and how it is called.
FUNCTIONS: dict[str, list[str]] = {
    # text
    "length": ["length(s)", "length(y)"], "lower": ["lower(s)", "lower('ÀÉİΣ')"], "upper": ["upper(s)", "upper('ßﬁéµ')"],
    "concat": ["concat(s,s2)", "concat(s,s2,s3)", "concat(a,a2)", "concat(a,n)", "concat(n,a)", "concat(x,x2)"],
    "concat_ws": ["concat_ws(s2,s,s3)", "concat_ws(s3,x)"],
    "substr": ["substr(s,k)", "substr(s,k,n2)", "substr('abc',n)", "substr('abc',2,n)"],
    "substring": ["substring(s,k)", "substring(s from 2 for 2)", "substring(s,k,2)"],
    "trim": ["trim(s)", "trim(both 'a' from s)", "trim(s,s2)", "trim(s from 'abcx')",
             "trim(U&'\\0009\\00a0\\2003x\\200b\\3000')"],
    "ltrim": ["ltrim(s)", "trim(leading ' H' from s)", "ltrim(s,s2)"],
    "rtrim": ["rtrim(s)", "trim(trailing 'dc ' from s)", "rtrim(s,s2)"],
    "split_part": ["split_part(s,s2,k)"], "split": ["split(s,s2)", "split(s,',',k)", "split(s,'a',2)"],
    "strpos": ["strpos(s,s2)", "strpos('abcabc',s2,k)", "position(s2 in s)", "strpos('aaaa','aa',k)"],
    "starts_with": ["starts_with(s,s2)"], "replace": ["replace(s,s2)", "replace(s,s2,s3)", "replace('abc','b','xyz')", "replace(',',json_extract_scalar(cast(g as varchar),'$.a'),'12')"],
    "lpad": ["lpad(s,k,s2)", "lpad(s,7,'xy')"], "rpad": ["rpad(s,k,s2)", "rpad(s,7,'xy')"],
    "reverse": ["reverse(s)", "reverse(a)", "reverse('🤦🏼‍♂️a')"],
    "translate": ["translate(s,s2,s3)", "translate(s,'abc','x')", "translate('aab','aa','xy')"],
    "chr": ["chr(k)", "chr(i)", "chr(233)", "chr(128512)", "chr(55296)"], "codepoint": ["codepoint('é')", "codepoint('a')"],
    "hamming_distance": ["hamming_distance(s,s2)"], "levenshtein_distance": ["levenshtein_distance(s,s2)"],
    "luhn_check": ["luhn_check(s)", "luhn_check('79927398713')", "luhn_check('79927398714')", "luhn_check('0')"],
    "split_to_map": ["cardinality(split_to_map(s,',','='))", "element_at(split_to_map('a=1,b=2',',','='),'b')",
                     "element_at(split_to_map('a=1,a=2',',','='),'a')"],
    "url_encode": ["url_encode(s)", "url_encode('a b/c?d=e~*-._')"],
    "url_decode": ["url_decode(s)", "url_decode('a%20b+c%C3%A9')"],
    "url_extract_host": ["url_extract_host(s)", "url_extract_host('http://u@ex.org:80/p/a?q=1&r=%20#f')"],
    "url_extract_path": ["url_extract_path(s)", "url_extract_path('http://ex.org/p%20q/a?q=1')"],
    "url_extract_protocol": ["url_extract_protocol(s)", "url_extract_protocol('HTTPS://ex.org/')"],
    "url_extract_query": ["url_extract_query(s)", "url_extract_query('http://ex.org/?q=1&r=%41#f')"],
    "url_extract_fragment": ["url_extract_fragment(s)", "url_extract_fragment('http://ex.org/?q#f%41')"],
    # bytes
    "to_utf8": ["to_utf8(s)"], "from_utf8": ["from_utf8(y)"], "to_hex": ["to_hex(y)"],
    "from_hex": ["from_hex(s)", "from_hex('00fF')", "from_hex('0g')"], "to_base64": ["to_base64(y)"],
    "from_base64": ["from_base64('aMOpbGxv')", "from_base64('YQ==')", "from_base64('')"],
    "to_base64url": ["to_base64url(y)", "to_base64url(x'fbffbf')"], "md5": ["md5(y)"], "sha1": ["sha1(y)"],
    "sha256": ["sha256(y)", "to_hex(sha256(to_utf8(s)))"], "sha512": ["sha512(y)"], "crc32": ["crc32(y)"],
    "hmac_md5": ["hmac_md5(y,x'01')"], "hmac_sha1": ["hmac_sha1(y,x'01')"], "hmac_sha256": ["hmac_sha256(y,x'01')"],
    "hmac_sha512": ["hmac_sha512(y,x'01')"], "to_big_endian_64": ["to_big_endian_64(n)"],
    "from_big_endian_64": ["from_big_endian_64(to_big_endian_64(n))", "from_big_endian_64(y)"],
    "to_big_endian_32": ["to_big_endian_32(i)"],
    "from_big_endian_32": ["from_big_endian_32(to_big_endian_32(i))", "from_big_endian_32(y)"],
    # regular expressions
    "regexp_like": ["regexp_like(s,'b')", "regexp_like(s,'^[A-Z]\\w+ ')", "regexp_like(s,'^$')", "regexp_like(s,'\\d{2}')",
                    "regexp_like(s,'x$')"],
    "regexp_extract": ["regexp_extract(s,'[a-c]+')", "regexp_extract(s,'(\\w)(\\w)?,',k)", "regexp_extract(s,'(z)|b',1)"],
    "regexp_extract_all": ["regexp_extract_all(s,'\\w')", "regexp_extract_all(s,'(\\w),?',1)",
                           "regexp_extract_all(s,'a*')"],
    "regexp_replace": ["regexp_replace(s,'[aeiou]')", "regexp_replace(s,'(\\w)(\\w)','$2$1')", "regexp_replace(s,'','-')",
                       "regexp_replace(s,'(a)|b','<$1>')"],
    "regexp_split": ["regexp_split(s,',')", "regexp_split(s,'\\s*')", "regexp_split(s,'')"],
    "regexp_count": ["regexp_count(s,'[a-z]')", "regexp_count(s,'')"],
    "regexp_position": ["regexp_position(s,'b|,')"],
    # numbers
    "abs": ["abs(i)", "abs(n)", "abs(d)", "abs(q)", "abs(w)", "abs(c)", "abs(h)"],
    "sign": ["sign(i)", "sign(n)", "sign(d)", "sign(q)", "sign(c)", "sign(h)", "sign(w)"],
    "round": ["round(d)", "round(d,k)", "round(f,2)", "round(q)", "round(q,1)", "round(q,k)", "round(w)", "round(i)",
              "round(n)", "round(n,k)", "round(i,k)", "round(c)", "round(h)", "round(2.345e0,2)", "round(-1.005e0,2)"],
    "ceil": ["ceil(d)", "ceil(q)", "ceil(w)", "ceil(i)", "ceil(n)", "ceil(c)", "ceil(h)"],
    "ceiling": ["ceiling(d)", "ceiling(q)", "ceiling(i)", "ceiling(n)", "ceiling(c)", "ceiling(h)"], "floor": ["floor(d)", "floor(q)", "floor(w)", "floor(i)", "floor(n)", "floor(c)", "floor(h)"],
    "truncate": ["truncate(d)", "truncate(q)", "truncate(w)"],
    "mod": ["mod(i,nullif(j,0))", "mod(n,nullif(n2,0))", "mod(d,d2)", "mod(q,q2)", "mod(c,tinyint '3')", "mod(h,smallint '-1')"],
    "sqrt": ["sqrt(d)", "sqrt(f)"], "ln": ["ln(f)", "ln(d)"],
    "power": ["power(f,2)", "power(d,d2)", "power(d2,k)"], "pow": ["pow(2,k)", "pow(f,0.5e0)"],
    "pi": ["pi()"], "e": ["e()"], "radians": ["radians(d)"], "degrees": ["degrees(f)"],
    "greatest": ["greatest(i,j)", "greatest(n,q)", "greatest(s,s2,s3)", "greatest(u,u2)", "greatest(t,t2)"],
    "least": ["least(i,j,k)", "least(s,s2)", "least(z,z2)", "least(q,q2)"],
    "bitwise_and": ["bitwise_and(i,j)", "bitwise_and(n,n2)"], "bitwise_or": ["bitwise_or(i,j)", "bitwise_or(n,n2)"],
    "bitwise_xor": ["bitwise_xor(i,j)", "bitwise_xor(n,n2)"], "bitwise_not": ["bitwise_not(i)", "bitwise_not(n)"],
    "bit_count": ["bit_count(i,32)", "bit_count(n,64)", "bit_count(7,k)"],
    "to_base": ["to_base(i,16)", "to_base(n,36)", "to_base(i,2)", "to_base(5,k)"],
    "from_base": ["from_base(s,16)", "from_base('zz',36)", "from_base('-7f',16)", "from_base('12',k)",
                  "from_base('ffffffffffffffff',16)"],
    "width_bucket": ["width_bucket(f,0,10,4)", "width_bucket(f,10e0,0e0,4)", "width_bucket(d,0,1,n)"],
    "nan": ["nan()"], "infinity": ["infinity()"], "is_nan": ["is_nan(d)"], "is_finite": ["is_finite(d)"],
    "is_infinite": ["is_infinite(d)"],
    # times
    "now": ["now() = current_timestamp", "typeof(now())"],
    "from_unixtime": ["from_unixtime(i)", "from_unixtime(f)", "from_unixtime(1705337067.1235)",
                      "cast(from_unixtime(k) as timestamp)"],
    "to_unixtime": ["to_unixtime(z)", "to_unixtime(t)", "to_unixtime(u)"],
    "date": ["date(t)", "date(s)", "date('2024-02-30')", "date('2024-2-3')", "date(' 2024-02-03 ')"],
    "date_trunc": [*(f"date_trunc('{unit}',u)" for unit in ("day", "week", "month", "quarter", "year")),
                   *(f"date_trunc('{unit}',t)" for unit in ("millisecond", "second", "minute", "hour", "day", "week",
                                                            "month", "quarter", "year")),
                   "date_trunc('HOUR',z)", "date_trunc('year',z)"],
    "date_add": [*(f"date_add('{unit}',k,u)" for unit in ("day", "week", "month", "quarter", "year")),
                 *(f"date_add('{unit}',k,t)" for unit in ("millisecond", "second", "minute", "hour", "day", "week",
                                                          "month", "quarter", "year")), "date_add('month',k,z)"],
    "date_diff": [*(f"date_diff('{unit}',u,u2)" for unit in ("day", "week", "month", "quarter", "year")),
                  *(f"date_diff('{unit}',t,t2)" for unit in ("millisecond", "second", "minute", "hour", "day", "week",
                                                             "month", "quarter", "year")),
                  *(f"date_diff('{unit}',t2,t)" for unit in ("second", "hour", "month", "year")),
                  "date_diff('hour',z,z2)", "date_diff('month',z2,z)", "date_diff('day',u,t)", "date_diff('day',t,z)"],
    **{name: [f"{name}(u)", f"{name}(t)", f"{name}(z)"] for name in (
        "year", "quarter", "month", "week", "week_of_year", "day", "day_of_month", "day_of_week", "dow", "day_of_year",
        "doy", "year_of_week", "yow", "last_day_of_month")},
    **{name: [f"{name}(t)", f"{name}(z)", f"{name}(e)"] for name in ("hour", "minute", "second", "millisecond")},
    "day of an interval": ["day(e)", "day_of_month(e)"],
    "date_format": [f"date_format(t,'{pattern}')" for pattern in (
        "%Y-%m-%d %H:%i:%s", "%a %b %c %d %e %f %h %I %j %k %l %M %p %r %S %T %v %W %x %y %%", "literal é", "%Q%q", "")] +
    ["date_format(z,'%Y%m%d')", "date_format(u,'%d/%m')", "date_format(t,s)"],
    "date_parse": [f"date_parse('{text}','{pattern}')" for text, pattern in (
        ("2024-01-05 13:04:05", "%Y-%m-%d %H:%i:%s"), ("05/01/24", "%d/%m/%y"), ("1/5/2024 1:02 PM", "%c/%e/%Y %l:%i %p"),
        ("Jan 05 2024", "%b %d %Y"), ("2024-01-05", "%Y-%m-%d %H"), ("2024-13-05", "%Y-%m-%d"), ("x", "%Y"),
        ("2024-01-05 13:04:05.678", "%Y-%m-%d %H:%i:%s.%f"), ("10:11:12", "%T"), ("70", "%y"), ("69", "%y"))],
    "format_datetime": [f"format_datetime(t,'{pattern}')" for pattern in (
        "yyyy-MM-dd HH:mm:ss.SSS", "yy M d H h m s a E EEEE MMM MMMM D k K w e x", "''T''HH ''o''''clock''", "SSSSSS S")] +
    ["format_datetime(z,'yyyyMMdd')", "format_datetime(u,'dd.MM.yyyy')"],
    "from_iso8601_timestamp": [f"from_iso8601_timestamp('{text}')" for text in (
        "2024-01-05T10:11:12Z", "2024-01-05T10:11:12.345", "2024-01-05", "2024-01", "2024-01-05T10", "bad",
        "2024-01-05 10:11:12")],
    "from_iso8601_date": [f"from_iso8601_date('{text}')" for text in ("2024-01-05", "2024-02-30", "x")],
    "to_iso8601": ["to_iso8601(u)", "to_iso8601(t)", "to_iso8601(z)"],
    "to_milliseconds": ["to_milliseconds(e)"],
    "parse_duration": [f"parse_duration('{text}')" for text in ("1d", "3.5h", "90 m", "12ms", "1.0001s", "x", "1 week")],
    "human_readable_seconds": ["human_readable_seconds(f)", "human_readable_seconds(93784)", "human_readable_seconds(d)"],
    "current_timezone": ["current_timezone()"], "at_timezone": ["at_timezone(z,'UTC')"],
    "with_timezone": ["with_timezone(t,'UTC')"],
    # JSON
    "json_extract_scalar": ["json_extract_scalar(g,'$.a')", "json_extract_scalar(g,'$.b.c[1]')",
                            "json_extract_scalar(g,'$[\"a\"]')", "json_extract_scalar(g,'$[1]')", "json_extract_scalar(g,'$')",
                            "json_extract_scalar(g,'$.b')", "json_extract_scalar(json_parse(g),'$.a')"],
    "json_extract": ["json_extract(g,'$.b')", "json_extract(g,'$.a')", "json_extract(g,'$')", "json_extract(g,'$[2].k')",
                     "json_extract(json_parse(g),'$.b.c')"],
    "json_parse": ["json_parse(g)", "json_parse(s)", "json '{\"b\":1,\"a\":[ ]}'"],
    "json_format": ["json_format(json_parse(g))", "json_format(json_extract(g,'$.b'))"],
    "json_array_length": ["json_array_length(g)", "json_array_length(json_parse(g))"],
    "json_array_contains": ["json_array_contains(g,'a')", "json_array_contains(g,1)", "json_array_contains(g,true)",
                            "json_array_contains(json_parse(g),'a')", "json_array_contains(json_parse(g),2)",
                            "json_array_contains(json_parse(g),false)"],
    "json_array_get": ["json_array_get(g,k)", "json_array_get(json_parse(g),1)"],
    "json_size": ["json_size(g,'$.b')", "json_size(g,'$')", "json_size(json_parse(g),'$.b.c')"],
    "is_json_scalar": ["is_json_scalar(g)", "is_json_scalar(json_parse(g))"],
    # arrays
    "cardinality": ["cardinality(a)", "cardinality(x)", "cardinality(m)"],
    "contains": ["contains(a,n2)", "contains(a,3)", "contains(x,'a')", "contains(x,s2)"],
    "array_join": ["array_join(x,',')", "array_join(x,',','?')", "array_join(x,s3)", "array_join(a,'-')",
                   "array_join(a,'-','null')", "array_join(array[true,null],',')", "array_join(array[u],',','x')",
                   "array_join(array[true,null],',','n')", "array_join(array[u],'/')"],
    "array_position": ["array_position(a,3)", "array_position(x,s2)", "array_position(a,n2)"],
    "array_distinct": ["array_distinct(a)", "array_distinct(x)"], "array_except": ["array_except(a,a2)", "array_except(x,x2)"],
    "array_intersect": ["array_intersect(a,a2)", "array_intersect(x,x2)"], "array_union": ["array_union(a,a2)", "array_union(x,x2)"],
    "array_remove": ["array_remove(a,3)", "array_remove(x,'a')", "array_remove(a,n2)"],
    "array_sort": ["array_sort(a)", "array_sort(x)"], "array_max": ["array_max(a)", "array_max(x)"],
    "array_min": ["array_min(a)", "array_min(x)"], "arrays_overlap": ["arrays_overlap(a,a2)", "arrays_overlap(x,x2)"],
    "all_match": ["all_match(a, v -> v > 0)", "all_match(x, v -> v = 'a')"], "any_match": ["any_match(a, v -> v > 2)"],
    "none_match": ["none_match(a, v -> v = 3)"], "element_at": ["element_at(a,k)", "element_at(x,k)", "element_at(m,'a')",
                                                               "element_at(m,s)"],
    "transform": ["transform(a, v -> v + 1)", "transform(x, v -> v || '!')", "transform(a, v -> v + i)",
                  "transform(array[a], v -> cardinality(v))", "transform(array[1], v -> transform(a, w -> w * v))"],
    "filter": ["filter(a, v -> v > 1)", "filter(x, v -> v is not null)", "filter(a, v -> v > i)"],
    "flatten": ["flatten(array[a,a2])", "flatten(array[x,null])"], "repeat": ["repeat(s,k)", "repeat(1,3)", "repeat(a,2)"],
    "slice": ["slice(a,k,2)", "slice(x,2,j)", "slice(a,1,0)"], "trim_array": ["trim_array(a,k)", "trim_array(x,1)"],
    "sequence": ["sequence(1,k)", "sequence(k,0)", "sequence(1,10,k)", "sequence(u,date '2024-03-02')", "sequence(0,n)",
                 "sequence(5,1,-2)"],
    "zip": ["zip(a,x)", "zip(a,a2)"], "zip_with": ["zip_with(a,a2,(v,w) -> v + w)", "zip_with(a,x,(v,w) -> w)"],
    "ngrams": ["ngrams(a,2)", "ngrams(x,k)"], "contains_sequence": ["contains_sequence(a,a2)"],
    # maps
    "map": ["map(array['a','b'],array[1,i])", "map(array[k],array[s])", "map(x,x)", "map(array['a','a'],array[1,2])", "map()",
            "map(array['a'],array[1,2])"],
    "map_keys": ["map_keys(m)"], "map_values": ["map_values(m)"], "map_entries": ["map_entries(m)"],
    "map_from_entries": ["map_from_entries(array[row('a',i),row('b',2)])", "map_from_entries(map_entries(m))"],
    "map_filter": ["map_filter(m,(v,w) -> w is not null)", "map_filter(m,(v,w) -> v = 'a')"],
    "transform_values": ["transform_values(m,(v,w) -> w * 2)", "transform_values(m,(v,w) -> v)"],
    # special forms
    "coalesce": ["coalesce(i,j)", "coalesce(i,q)", "coalesce(s,s2,'z')", "coalesce(null,b)"],
    "if": ["if(b,i)", "if(b,i,q)", "if(i > j,s,s2)", "if(null,1,2)"],
    "nullif": ["nullif(i,j)", "nullif(s,s2)", "nullif(d,d2)", "nullif(i,1.0)"],
    "try": ["try(i / nullif(j,-1))", "coalesce(try(cast(s as integer)),-1)"],
    "typeof": ["typeof(i)", "typeof(q * q2)", "typeof(null)", "typeof(array[s])", "typeof(row(1,'a'))"],
}

# Operators, predicates, CASE, casts and subscripts.
_CASTS = {
    "s": "boolean tinyint smallint integer bigint real double decimal(10,2) decimal(38,6) varchar(3) date timestamp "
         "timestamp(0) timestamp(6) varbinary json",
    "i": "boolean tinyint smallint bigint real double decimal(10,0) decimal(5,2) varchar varchar(11) json",
    "n": "boolean tinyint smallint integer real double decimal(19,0) decimal(38,6) varchar json",
    "c": "boolean smallint integer bigint double decimal(3,0) varchar", "h": "tinyint integer decimal(7,2) varchar",
    "d": "boolean tinyint smallint integer bigint decimal(38,2) decimal(10,2) varchar json",
    "q": "boolean tinyint smallint integer bigint double real decimal(12,1) decimal(38,10) decimal(3,1) varchar json",
    "w": "integer bigint double decimal(38,0) decimal(10,2) varchar", "b": "integer bigint double decimal(3,1) varchar json",
    "u": "timestamp timestamp(0) varchar", "t": "date timestamp(0) timestamp(6) varchar", "z": "date timestamp varchar",
    "a": "array(integer) array(varchar) array(double)", "x": "array(integer) array(boolean) json",
    "json_parse(g)": "varchar bigint double boolean",
}
OPERATORS: dict[str, list[str]] = {
    "+": ["i + j", "n + n2", "d + d2", "q + q2", "w + w", "i + n", "i + d", "q + i", "c + c", "h + h", "u + e", "t + e",
          "u + o", "t + o", "z + e", "e + e", "o + o", "e + t", "n + q"],
    "-": ["i - j", "n - n2", "d - d2", "q - q2", "c - tinyint '1'", "t - t2", "u - u2", "u - e", "t - o", "z - z2",
          "e - e", "-i", "-n", "-d", "-q", "-e", "- 5", "+i", "t - u"],
    "*": ["i * j", "n * n2", "d * d2", "q * q2", "w * q", "e * i", "k * e", "o * k", "w * w"],
    "/": ["i / nullif(j,-1)", "n / nullif(n2,-1)", "d / d2", "q / q2", "q2 / q", "w / q2", "i / q", "q / i", "d / i", "1.0 / k", "100.0 * i / j",
          "q / w", "c / tinyint '2'"],
    "%": ["i % j", "n % n2", "d % d2", "q % q2", "i % q2", "w % q"],
    "||": ["s || s2", "s || s2 || s3", "a || a2", "a || n", "n || a"],
    "=": ["i = j", "s = s2", "d = d2", "q = q2", "i = q", "i = d", "b = b2", "u = u2", "u = t", "t = z", "a = a2", "x = x2", "array[n,1] = array[n2,1]",
          "row(i,s) = row(j,s2)", "n = q", "y = y", "d = 0e0", "nan() = d"],
    "<>": ["i <> j", "s != s2", "d <> d2", "a <> a2", "(i,s) <> (j,s2)", "q <> i"],
    "<": ["i < j", "s < s2", "d < d2", "q < q2", "u < u2", "t < t2", "b < b2", "i < q", "z < z2", "u < t", "y < x'01'"],
    "<=": ["i <= j", "d <= d2", "s <= s2", "d <= 1e0", "t <= z"], ">": ["i > j", "d > d2", "s > s2", "d > 1e0"],
    ">=": ["i >= j", "d >= d2", "s >= s2", "q >= d"],
    "AND": ["b and b2", "b and null", "i > 0 and j > 0", "b and b2 and i = 1"],
    "OR": ["b or b2", "b or null", "i > 0 or j is null"],
    "NOT": ["not b", "not (i > j)", "not not b"],
    "IS NULL": ["i is null", "s is null", "a is null", "d is null", "null is null"],
    "IS NOT NULL": ["i is not null", "m is not null"],
    "IS DISTINCT FROM": ["i is distinct from j", "s is not distinct from s2", "d is distinct from d2", "q is distinct from i"],
    "BETWEEN": ["i between j and k", "s between 'a' and s2", "i not between 0 and 2", "d between d2 and 2", "u between u2 and t"],
    "IN": ["i in (1,j,7)", "i not in (1,null)", "s in ('abc',s2)", "d in (1.5e0,d2)", "i in (1.5,2)", "(i,s) in ((1,'abc'),(2,'12'))", "(i,s) in ((1,'abc'))",
           "i in (j)", "b in (true)", "(i,s) not in ((1,'abc'),(7,'12'))", "u in (u2,date '2024-02-29')"],
    "LIKE": ["s like 'a%'", "s like '%b_'", "s like s2", "s not like '%'", "s like '!%!_' escape '!'", "s like ''", "s like '_bc'",
             "s like '%😀%'"],
    "CASE": ["case when i > j then s when b then s2 end", "case i when 1 then 'one' when j then 'j' else 'other' end",
             "case when i > 0 then 1 when i < 0 then 2.5 else j end", "case d when nan() then 1 when d2 then 2 end",
             "case when i <> 0 then 1 / i else 0 end"],
    "[]": ["a[k]", "x[k]", "m['a']", "m[s]", "row(i,s)[2]", "array[i,j,null][2]", "array[a,a2][1][k]"],
    ".": ["cast(row(i,s) as row(one integer, two varchar)).two", "cast(row(row(i)) as row(a row(b bigint))).a.b"],
    "ARRAY": ["array[i,j]", "array[i,q]", "array[s,null]", "array[]", "array[array[i],null]"],
    "ROW": ["row(i,s)", "(i,s,null)", "row(row(i),array[s])", "cast(null as row(a bigint)).a"],
    "EXTRACT": [f"extract({field} from t)" for field in ("year", "quarter", "month", "week", "day", "day_of_week", "dow",
                                                         "day_of_year", "doy", "yow", "hour", "minute", "second")] +
    ["extract(year from u)", "extract(hour from e)", "extract(month from o)", "extract(year from o)", "extract(day from z)"],
    "AT TIME ZONE": ["z at time zone 'UTC'", "t at time zone 'UTC'"],
    "literals": ["1", "-2147483648", "2147483648", "1.50", ".5", "5.", "00.10", "1e0", "1.5E-3", "'it''s'", "U&'\\00e9\\+01F600'",
                 "x'0aFF'", "date '2024-2-3'", "timestamp '2024-01-01 00:00:00'", "timestamp '2024-01-01 1:02:03.123456'",
                 "timestamp '2024-01-01'", "timestamp '2024-01-01 00:00:00 UTC'", "decimal '12.30'", "decimal '-.5'",
                 "double '1.5'", "double 'NaN'", "real '1.1'", "bigint '5'", "boolean 'true'", "interval '3' day",
                 "interval '-2' hour", "interval '1' year", "interval '61' second", "varchar 'x'", "true", "null",
                 "interval - '1' day", "1_000"],
    **{f"CAST({source})": [f"cast({source} as {kind})" for kind in kinds.split()] for source, kinds in _CASTS.items()},
    "CAST(JSON)": ["cast(json_parse('[1,\"a\",null,true]') as array(varchar))", "cast(json_parse(g) as array(varchar))", "element_at(cast(json_parse(g) as map(varchar,varchar)),'a')"],
    "CAST(real '1.1')": ["cast(real '1.1' as varchar)", "cast(real '1e10' as varchar)", "cast(real '0' as varchar)"],
    "CAST('2024-01-01 …')": ["cast('2024-01-01 10:00:00.1239 UTC' as timestamp with time zone)",
                             "cast('2024-01-01' as timestamp with time zone)", "cast('x' as timestamp with time zone)", "cast('2024-1-5 1:02' as timestamp)",
                             "cast('2024-01-05 01:02:03.9999' as timestamp)", "try_cast('2024-02-30 00:00:00' as timestamp)"],
    "CAST(0.25)": ["cast(0.25 as varchar)", "cast(-.5 as varchar)", "cast(cast(0 as decimal(2,2)) as json)"],
    "TRY_CAST": ["try_cast(s as integer)", "try_cast(s as decimal(5,2))", "try_cast(d as tinyint)", "try_cast(n as integer)"],
}

ROWS = """(VALUES
 (1, 'a', 3,    bigint '10',  1.5e0,  cast(1.25 as decimal(10,2)), 'x',  true,  timestamp '2024-01-01 00:00:00.000', date '2024-01-01'),
 (2, 'a', null, bigint '-4',  0.25e0, cast(2.50 as decimal(10,2)), null, false, timestamp '2024-01-02 10:00:00.500', date '2023-05-05'),
 (3, 'a', 3,    null,         null,   null,                        'é',  null,  null, null),
 (4, 'b', -7,   bigint '10',  -8e0,   cast(-3.75 as decimal(10,2)), '',  true,  timestamp '2023-01-02 10:00:00.500', date '2024-01-01'),
 (5, 'b', 12,   bigint '7',   2e0,    cast(0.00 as decimal(10,2)), 'x',  true,  timestamp '2024-01-01 00:00:00.001', date '2030-12-31'),
 (6, 'c', null, null,         null,   null,                        null, null,  null, null),
 (7, null, 5,   bigint '1',   4e0,    cast(10.01 as decimal(10,2)), 'y', false, timestamp '2024-06-01 00:00:00.000', date '2024-02-29')
) AS r(o, g, i, n, d, q, s, b, t, u)"""

# Aggregates, each over all rows, none, groups, with FILTER, and over a window.
AGGREGATES: dict[str, list[str]] = {
    "count": ["count(*)", "count()", "count(i)", "count(distinct i)", "count(distinct g)"],
    "count_if": ["count_if(b)", "count_if(i > 3)"],
    "sum": ["sum(i)", "sum(n)", "sum(d)", "sum(q)", "sum(distinct i)", "sum(distinct q)", "sum(i * 1.5)", "sum(distinct d)"],
    "avg": ["avg(i)", "avg(n)", "avg(d)", "avg(q)", "avg(distinct n)", "avg(distinct q)", "avg(distinct d)"],
    "min": ["min(i)", "min(s)", "min(d)", "min(q)", "min(t)", "min(u)", "min(b)", "min(o,2)", "min(s,2)"],
    "max": ["max(i)", "max(s)", "max(d)", "max(q)", "max(t)", "max(u)", "max(b)", "max(o,2)"],
    "max_by": ["max_by(s,o)", "max_by(i,n)", "max_by(o,d)", "max_by(g,t)", "max_by(row(o,s),o)"],
    "min_by": ["min_by(s,o)", "min_by(i,d)", "min_by(o,u)"],
    "arbitrary": ["arbitrary(0 * o)"], "any_value": ["any_value(o - o)"],
    "array_agg": ["array_agg(s order by o)", "array_agg(i order by o desc)", "array_agg(q order by q, o)",
                  "cardinality(array_agg(distinct i))"],
    "bool_and": ["bool_and(b)"], "bool_or": ["bool_or(b)"], "every": ["every(i > -100)"],
    "map_agg": ["element_at(map_agg(o,s),2)", "map_agg(o,s)[3]", "map_agg(s,g = g)['x']", "cardinality(map_agg(s,o))"],
    "histogram": ["element_at(histogram(s),'x')", "cardinality(histogram(i))"],
    "bitwise_and_agg": ["bitwise_and_agg(i)"], "bitwise_or_agg": ["bitwise_or_agg(n)"],
    "bitwise_xor_agg": ["bitwise_xor_agg(i)"],
}
_OVER = "over (partition by g order by o)"
WINDOWS: dict[str, list[str]] = {
    "row_number": [f"row_number() {_OVER}", "row_number() over (order by g desc nulls first, o)"],
    "rank": ["rank() over (order by i)", "rank() over (partition by g order by n desc nulls first)"],
    "dense_rank": ["dense_rank() over (order by i desc)"], "percent_rank": ["percent_rank() over (order by i)"],
    "cume_dist": ["cume_dist() over (order by i)"], "ntile": ["ntile(3) over (order by o)", f"ntile(2) {_OVER}"],
    "lag": [f"lag(s) {_OVER}", f"lag(i,2) {_OVER}", f"lag(i,1,0) {_OVER}", f"lag(i) ignore nulls {_OVER}", f"lag(o,0) {_OVER}"],
    "lead": [f"lead(s) {_OVER}", f"lead(i,2,-1) {_OVER}", f"lead(s,2) {_OVER}", f"lead(n) ignore nulls {_OVER}", f"lead(i) respect nulls {_OVER}"],
    "first_value": [f"first_value(s) {_OVER}", "first_value(i) ignore nulls over (order by o)",
                    "first_value(o) over (order by o rows between 1 preceding and 1 following)"],
    "last_value": [f"last_value(s) {_OVER}", "last_value(i) over (order by o rows between unbounded preceding and "
                   "unbounded following)", "last_value(s) ignore nulls over (order by o)"],
    "nth_value": [f"nth_value(s,2) {_OVER}", "nth_value(i,2) ignore nulls over (order by o)"],
    "frames": ["sum(i) over (order by o rows 2 preceding)", "sum(i) over (order by o rows between 1 following and 2 following)",
               "count(*) over (order by i)", "sum(n) over (order by i range between unbounded preceding and current row)",
               "array_agg(o) over (order by o rows between current row and unbounded following)",
               "max(i) over (partition by g)", "avg(q) over (order by o)", "count(*) over ()",
               "min(o) over (order by g desc)"],
}

EVENTS = "order_events"  # the table that the suite lays out: see `history`

QUERIES: list[str] = [line.strip() for line in """
select count(*), count(distinct event_id), min(changed_at), max(dt), min(last_updated_date) from order_events
select * from order_events where order_id = '7' order by sequence_number, dt, event_id
select event_id, event_name, order_id, changed_attributes, last_updated_date from order_events order by event_id, dt, sequence_number
select dt, count(*) from order_events where dt >= '2026-11-22' group by dt order by dt
select dt, count(*) from order_events where dt between '2026-11-21' and '2026-11-22' and old_state is not null group by 1 order by 1
select count(*) from order_events where dt in ('2026-11-21', '2026-11-23') or dt is null
select distinct order_id from order_events where cast(dt as date) = date '2026-11-22' order by 1
with history as (select * from (select *, row_number() over (partition by event_id order by dt, sequence_number) copy from order_events) where copy = 1) select old_state, new_state, count(*) n from history group by 1, 2 order by n desc, 1, 2
with history as (select * from (select *, row_number() over (partition by event_id order by dt) copy from order_events) where copy = 1), steps as (select order_id, new_state, cast(changed_at as timestamp) at_, lead(cast(changed_at as timestamp)) over (partition by order_id order by sequence_number) left_at from history) select new_state, count(*), avg(date_diff('second', at_, left_at)), min(date_diff('minute', at_, left_at)), max(date_diff('day', at_, left_at)) from steps where left_at is not null group by new_state order by new_state
select order_id, max_by(new_state, sequence_number) state, count(*) from order_events group by order_id order by order_id
select state, count(*) from (select order_id, max_by(new_state, sequence_number) state from order_events where cast(changed_at as timestamp) <= timestamp '2026-11-22 12:00:00' group by order_id) group by state order by 2 desc, 1
select attribute, count(*) from order_events cross join unnest(changed_attributes) as t(attribute) group by attribute order by attribute
select order_id, attribute, place from order_events left join unnest(changed_attributes) with ordinality as t(attribute, place) on true order by event_id, dt, place limit 50
select order_id, json_extract_scalar(new_image, '$.total'), cast(json_extract_scalar(new_image, '$.total') as decimal(10,2)), json_extract(new_image, '$.state') from order_events where event_name = 'INSERT' order by event_id, dt limit 20
select date_trunc('hour', cast(changed_at as timestamp)) h, count_if(new_state = 'OPEN') opened, sum(if(new_state = 'DELIVERED', 1, 0)) delivered, sum(count(*)) over (order by date_trunc('hour', cast(changed_at as timestamp))) from order_events group by 1 order by 1
select h.order_id from order_events h where h.event_name = 'REMOVE' and not exists (select 1 from order_events o where o.order_id = h.order_id and o.sequence_number > h.sequence_number) order by 1, h.event_id, h.dt
select order_id, old_state, new_state from order_events where (old_state, new_state) not in (('OPEN','PICKEDUP'),('PICKEDUP','DELIVERED'),('DELIVERED','RETURNED')) order by event_id, dt
select new_state, round(100.0 * count(*) / sum(count(*)) over (), 1) pct, cast(count(*) as double) / 2 from order_events group by 1 order by 1
select order_id, array_agg(new_state order by sequence_number, dt) from order_events group by order_id order by 1 limit 10
select array_join(array_distinct(array_agg(new_state order by sequence_number)), ' > ') path, order_id from order_events group by order_id order by 2
select old_state, new_state, grouping(old_state, new_state), count(*) from order_events group by rollup (old_state, new_state) order by 3, 1, 2
select e.order_id, o.n from order_events e join (select order_id, count(*) n from order_events group by order_id having count(*) > 3) o on e.order_id = o.order_id where e.event_name = 'INSERT' order by 1, e.event_id, e.dt
select from_unixtime(last_updated_date) u, changed_by from order_events where last_updated_date is not null order by event_id, dt limit 5
select changed_by, count(*) from order_events group by changed_by having count(*) > 1 order by 2 desc, 1 nulls first
select (select count(*) from order_events), (select max(order_id) from order_events where false)
select order_id, (select count(*) from order_events i where i.order_id = o.order_id) from (select distinct order_id from order_events) o order by 1
select 1 as foo, 'abc', 1.5, 1e0, a from (values 1) t(a)
select a, b from (values (1, 'x'), (2, null), (3, 'y')) t(a, b) where a > 1 order by a desc
select a x, count(*) c, sum(b) from (values ('x',1),('y',2),('x',3),(null,4)) t(a,b) group by a order by a
select a + 1 as x, count(*) from (values 1, 2, 2) t(a) group by a + 1 order by x
select a, count(*) from (values 1, 2, 2) t(a) group by 1 having count(*) > 1
select a as b, b as a from (values (1,2),(2,1)) t(a,b) order by a
select a from (values (1,2),(2,1)) t(a,b) order by b
select a from (values (1,2),(2,1),(null,3)) t(a,b) order by a desc nulls first
select a from (values (1,2),(2,1),(null,3)) t(a,b) order by -a, b
select distinct a from (values 1,1,2,null,null) t(a) order by a desc
select distinct a, b from (values (1,'x'),(1,'x'),(2,null),(2,null)) t(a,b) order by 1, 2
select sum(count(*)) over () from (values 1,2,2) t(a) group by a
select a, rank() over (order by sum(b) desc) from (values (1,2),(2,3)) t(a,b) group by a order by 1
select a, sum(b) over w, count(*) over (partition by a) from (values (1,2),(1,3),(2,5)) t(a,b) window w as (partition by a order by b) order by 1, 2
select 1 union select 2 union all select 2 order by 1
select 1 union all select 2.5 order by 1
select a from (values 1,2,2,3) t(a) intersect select b from (values 2,3,3) u(b) order by 1
select a from (values 1,2,2,3) t(a) except select 2 order by 1
select a from (values 1,2,2,2) t(a) except all select 2 order by 1
(select 1 as a union all select 3) union all (values 2) order by 1 desc limit 2
select null union all select 'x' order by 1
select * from (values 1,2,3,4,5) t(x) order by x desc offset 1 limit 2
select * from (values 1,2,3,4,5) t(x) order by x offset 2 rows fetch first 2 rows only
select * from (values 1,2) t(x) limit 0
select * from (values 1,2) t(x) order by x limit all
values (1, 'a'), (2, null)
values 1, 2.5, null
table order_events limit 0
with a as (select 1 x), b(y) as (select x + 1 from a) select * from a, b
with a as (with b as (select 1 x) select x + 1 y from b) select * from a a1 join a a2 on a1.y = a2.y
with t as (select 1 x) select * from t union all select * from t
select (select max(x) from (values 1,2) t(x)), 1 in (select x from (values 1) t(x)), exists (select 1 where false), 3 not in (values 1, null)
select x, x in (select y from (values 1, 2, null) u(y)), x not in (select y from (values 1, 2) u(y)) from (values 1, 3, null) t(x) order by 1
select * from (values (1,'a'),(2,'b')) t(id,n) join (values (1,'x'),(3,'y')) u(id,m) using (id)
select * from (values (1,'a'),(2,'b')) t(id,n) left join (values (1,'x'),(3,'y')) u(id,m) using (id) order by id
select * from (values (1,'a'),(2,'b')) t(id,n) full join (values (1,'x'),(3,'y')) u(id,m) using (id) order by id
select * from (values (1,'a'),(2,'b')) t(id,n) right join (values (1,'x'),(3,'y')) u(id,m) using (id) order by id
select * from (values (1,'a'),(2,'b')) t(id,n) full outer join (values (1,'x'),(3,'y')) u(id,m) on t.id = u.id order by 1, 3
select t.*, u.m from (values (1,'a'),(2,'b')) t(id,n) left join (values (1,'x'),(3,'y')) u(id,m) on t.id = u.id and u.m = 'x' order by 1
select t.id, u.id from (values 1,2) t(id) cross join (values 3,4) u(id) order by 1, 2
select t.id, u.id from (values 1,2) t(id), (values 2,3) u(id) where t.id < u.id order by 1, 2
select t.id, u.id from (values 1,2,null) t(id) join (values 2,null) u(id) on t.id = u.id or t.id is null order by 1, 2
select t.a, u.a, v.a from (values 1,2) t(a) left join ((values 1,3) u(a) join (values 3,1) v(a) on u.a = v.a) on t.a = u.a order by 1
select x, n from (values (array[10,20]), (null), (array[])) t(a) cross join unnest(a) with ordinality as u(x, n) order by 2
select id, x, n from (values (1,array[10,20]),(2,null),(3,array[])) t(id,a) left join unnest(a) with ordinality as u(x,n) on true order by id, n
select p, q from (values (array[1,2,3], array['a'])) t(a,b) cross join unnest(a, b) as u(p, q) order by 1
select k, v from (values map(array['a','b'], array[1,2])) t(m) cross join unnest(m) as u(k, v) order by 1
select * from unnest(array[1,2], array['x','y']) with ordinality as t(a, b, n) order by n
select * from unnest(array[row(1,'a'),row(2,'b')]) as t(a, b) order by 1
select * from unnest(sequence(1, 5)) t(n) where n % 2 = 1 order by 1
select grouping(a, b), a, b, sum(c) from (values (1,'x',1),(2,'y',2)) t(a,b,c) group by grouping sets ((a, b), (a), ()) order by 1, 2, 3
select a, b, sum(c) from (values (1,'x',1),(2,'y',2)) t(a,b,c) group by cube (a, b) order by a, b
select a, count(*) from (values 1) t(a) where false group by grouping sets ((a), ())
select count(*), sum(a), max(b) from (values (1,'x')) t(a,b) where false
select a, count(*) from (values 1) t(a) where false group by a
select count(*) from (values 1,2) t(a) having count(*) > 5
select t.a.x, a.y from (select cast(row(1,'b') as row(x bigint, y varchar))) t(a)
select "A", "q u" from (values (1, 2)) t(a, "q u")
select T.A from (values 1) t(a)
select case when count(*) > 1 then 'many' else 'few' end, coalesce(max(a), 0) from (values 1,2) t(a)
select max(a) filter (where b), count(*) filter (where not b) from (values (1,true),(2,false),(3,null)) t(a,b)
select cast(sum(a) as double) / count(*) from (values 1,2,4) t(a)
select a / 2, a / 2.0, a / 2e0 from (values 3, -3) t(a) order by 1
select 'x' || cast(a as varchar) from (values 1.50, null) t(a)
select reduce_me from (select 1 reduce_me)
select -- a comment
  1 /* another */ + 2
""".strip().split("\n") if line.strip() and not line.startswith("  1 /*") and not line.startswith("select -- ")] + [
    "select -- a comment\n  1 /* another */ + 2", "select a\nfrom (values 1) t(a)\nwhere a > 0;".rstrip(";")]

# What Trino refuses: both engines with the same error name, and the same place where Trino tells one.
ERRORS: list[str] = [line.strip() for line in """
select nope from (values 1) t(a)
select t.b from (values 1) t(a)
select u.a from (values 1) t(a)
select * from nope
select * from nope.nope
select * from a.b.c.d
select x.* from (values 1) t(a)
select '5' > 3
select 1 = 'a'
select true + 1
select 'a' || 1
select 1 || 2
select not 1
select 1 and true
select -'a'
select 1 in ('a')
select 1 between 'a' and 2
select 1 like 'a'
select nvl(1, 2)
select ifnull(1, 2)
select isnull(1)
select len('a')
select datediff('day', date '2024-01-01', date '2024-01-02')
select to_timestamp('x')
select list_value(1)
select struct_pack(a := 1)
select read_csv('/etc/passwd')
select * from read_csv('/etc/passwd')
select * from '/etc/passwd'
select getenv('HOME')
copy (select 1) to '/tmp/x'
select 1; select 2
pragma version
select upper(1)
select length(1)
select sum('a')
select avg(true)
select substr('abc')
select date_diff('day', 'a', 'b')
select date_trunc('foo', date '2024-01-01')
select date_add('hour', 1, date '2024-01-01')
select json_extract_scalar(1, '$.a')
select contains(array['a'], 1)
select cardinality('a')
select coalesce(1, 'a')
select coalesce(1)
select if(1, 2)
select nullif(1, 'a')
select case when 1 then 2 end
select case when true then 1 else 'a' end
select array[1, 'a']
select array[1,2]['a']
select row(1)[2]
select cast('a' as nope)
select cast(1 as date)
select cast(date '2024-01-01' as integer)
select cast(array[1] as integer)
select cast('x' as integer)
select cast('2024-02-30' as date)
select cast(1e300 as bigint)
select cast(300 as tinyint)
select cast(1000 as decimal(3,1))
select 1 / 0
select 1 % 0
select 1.0 / 0
select mod(1, 0)
select 2147483647 + 1
select 9223372036854775807 * 2
select abs(-2147483648)
select array[1,2][3]
select array[1,2][0]
select array[1,2][-1]
select map(array['a'], array[1])['b']
select element_at(array[1], 0)
select split_part('a', ',', 0)
select from_base('x', 10)
select regexp_extract('a', '(a)', 2)
select sequence(1, 20000)
select sum(x) from (values 9223372036854775807, 1) t(x)
select (select x from (values 1, 2) t(x))
select a, count(*) from (values 1) t(a)
select a + 1, sum(a) from (values 1) t(a)
select * from (values 1) t(a) group by 1
select a from (values (1,2)) t(a, b) group by b
select count(*) from (values 1) t(a) where count(*) > 1
select count(*) from (values 1) t(a) group by count(*)
select sum(sum(a)) from (values 1) t(a)
select a from (values 1) t(a) having a > 1
select row_number() from (values 1) t(a)
select row_number() over (order by a) from (values 1) t(a) where row_number() over () = 1
select lag(a) over () from (values 1) t(a)
select upper('a') over ()
select a x from (values 1) t(a) where x = 1
select a x, x + 1 from (values 1) t(a)
select * from (values 1) t(a), (values 2) u(a) where a = 1
select distinct a from (values (1,2)) t(a,b) order by b
select a from (values 1) t(a) order by 2
select a from (values 1) t(a) group by 2
select a from (values 1) t(a) order by nope
select 1 union select 'a'
select 1 union select 1, 2
select * from (values (1,2)) t(a)
values (1, 2), (3)
values 1, 'a'
with a(x, y) as (select 1) select * from a
select * from (values 1) t(a) join (values 1) u(b) using (a)
select * from (values 1) t(a) join (values 1) u(b) on a + b
select * from unnest(1)
select * from (values 1) t(a) where a
select * from (values 1) t(a) limit -1
select * from (values 1) t(a) limit 1 offset 1
select a::int from (values 1) t(a)
select a ilike 'x' from (values 'x') t(a)
select 1 = 2 = 3
select a b c
select * from (values 1) t(a),
select a, from (values 1) t(a)
select from (values 1) t(a)
select
select 1 +
select 1 from
select (1, 2
select 1 as
select 1 where
selec 1
select 'a
select "a
select x'zz'
select x'abc'
select `a` from (values 1) t(a)
select 1 1
select {'a': 1}
select a.b.c.d from (values 1) t(a)
select 1 from (values 1) t(a) group by all
select * exclude (a) from (values 1) t(a)
select a from (values 1) t(a) qualify row_number() over () = 1
select 1 == 1
select 1 <=> 1
select 5 // 2
select 2 ** 3
select 1 & 1
select !true
select a -> a from (values 1) t(a)
select date '2024-13-01'
select timestamp 'x'
select decimal 'x'
select interval '1' week
select interval 'x' day
select 99999999999999999999
select count(*, 1)
select count(distinct *)
select max(distinct)
select 1 is true
select 1 not null
select * from (select 1) where _col0 = 1
select cast(1 as varchar(0))
select try(1 / 0, 2)
select transform(array[1], x -> y)
select transform(array[1], (x, y) -> x)
select filter(array[1], x -> x)
select x -> x
select position('a', 'b')
select extract(foo from date '2024-01-01')
select extract(year from 1)
select * from order_events where dt = 1
select changed_attributes[9] from order_events where cardinality(changed_attributes) > 0
select old_state + 1 from order_events
""".strip().split("\n") if line.strip()]

# What Athena has and this engine refuses, by name: never a wrong answer, never another product's error.
REFUSED: dict[str, str] = {
    "select approx_distinct(a) from (values 1) t(a)": "approx_distinct",
    "select approx_percentile(a, 0.5) from (values 1) t(a)": "approx_percentile",
    "select * from (values 1) t(a) tablesample bernoulli (10)": "TABLESAMPLE",
    "select sin(1)": "sin", "select rand()": "rand", "select uuid()": "uuid",
    "select from_unixtime(0) at time zone 'Europe/Berlin'": "AT TIME ZONE",
    "select regexp_like('a', '(?i)A')": "regular expression",
    "select json_extract('{}', '$..a')": "JSON path",
    "select map_agg(a, a) from (values 1) t(a)": "map_agg",
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select * from t": "RECURSIVE",
    "select * from (values 1) t(a) natural join (values 1) u(a)": "NATURAL",
    "select * from (values 1) t(a) cross join lateral (select a)": "LATERAL",
    "select cast('a' as char(3))": "char", "select time '10:00:00'": "TIME",
    "select reduce(array[1], 0, (s, x) -> s + x, s -> s)": "reduce",
    "explain select 1": "EXPLAIN", 'select "$path" from order_events': "$path",
    "select try(from_iso8601_timestamp('2024-01-01'))": "time zone",
    "select from_iso8601_timestamp('2024-01-01T00:00:00+02:00')": "time zone", "select [1, 2]": "ARRAY", "select listagg(a, ',') within group (order by a) from (values 'x') t(a)": "LISTAGG",
    "select json_value('{}', 'lax $.a')": "JSON_VALUE", "select * from information_schema.tables": "information_schema",
    "select sum(a) over (order by a range between 1 preceding and current row) from (values 1) t(a)": "RANGE",
    "select array[1] < array[2]": "<", "select stddev(a) from (values 1) t(a)": "stddev",
}


def pools_of(expression: str) -> tuple[str, ...]:
    """The pools that an expression names."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", expression)
    own = set(re.findall(r"\b(\w)(?=, ?\w\) ?->|\) ?->| ?->)", bare))  # a lambda's own names
    return tuple(sorted({name for name in re.findall(r"(?<![\w'.\"])[a-z]\d?(?![\w(\"])", bare) if name in POOLS} - own))


def untried(expression: str) -> bool:
    """Whether the engine refuses a try(…) around the expression: it may meet a time zone that it does not know."""
    return "iso8601_timestamp" in expression or "as timestamp with time zone" in expression


def over_pools(names: tuple[str, ...], expressions: list[str]) -> str:
    """A statement that gives expressions' values for every combination of the values of the columns they name."""
    tried = ", ".join(one if untried(one) else f"try({one})" for one in expressions)
    if not names:
        return f"SELECT {tried}"
    sources = []
    for name in names:
        values = ", ".join(f"({at}, {value})" for at, value in enumerate(POOLS[name]))
        sources.append(f"(VALUES {values}) AS p_{name}(at_{name}, {name})")
    keys = ", ".join(f"at_{name}" for name in names)
    return f"SELECT {keys}, {tried} FROM {' CROSS JOIN '.join(sources)} ORDER BY {keys}"


def rows_statements(expressions: list[str]) -> list[str]:
    """Statements that give aggregates of all rows, of none, and of groups."""
    every = ", ".join(expressions)
    return [f"SELECT {every} FROM {ROWS}", f"SELECT {every} FROM {ROWS} WHERE o < 0",
            f"SELECT g, {every} FROM {ROWS} GROUP BY g ORDER BY g",
            f"SELECT g, grouping(g), {every} FROM {ROWS} WHERE o % 3 <> 1 GROUP BY GROUPING SETS ((g), ()) ORDER BY 2, 1"]


def window_statement(expressions: list[str]) -> str:
    return f"SELECT o, {', '.join(expressions)} FROM {ROWS} ORDER BY o"


MANY = 12  # expressions that share a statement


def _chunks(items: list[str]) -> list[list[str]]:
    return [items[at:at + MANY] for at in range(0, len(items), MANY)]


def statements() -> list[list[str]]:
    """All statements, each with those that it falls apart into where it fails as a whole: [statement, *alone]."""
    by_pools: dict[tuple[str, ...], list[str]] = {}
    for group in (FUNCTIONS, OPERATORS):
        for expressions in group.values():
            for one in expressions:
                by_pools.setdefault(pools_of(one), []).append(one)
    found = [[over_pools(names, chunk), *(over_pools(names, [one]) for one in chunk)]
             for names, expressions in by_pools.items()
             for chunk in _chunks([one for one in dict.fromkeys(expressions) if not untried(one)])]
    found += [[over_pools(names, [one])] for names, expressions in by_pools.items() for one in dict.fromkeys(expressions)
              if untried(one)]
    for chunk in _chunks([one for group in AGGREGATES.values() for one in group]):
        found += [[sql, *(rows_statements([one])[at] for one in chunk)] for at, sql in enumerate(rows_statements(chunk))]
    for chunk in _chunks([one for group in WINDOWS.values() for one in group]):
        found.append([window_statement(chunk), *(window_statement([one]) for one in chunk)])
    return found + [[sql] for sql in QUERIES + ERRORS]
