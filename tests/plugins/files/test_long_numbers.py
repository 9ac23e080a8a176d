"""Numbers of NDJSON and JSON with more digits than a float or an int64 keeps."""

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_files.long_numbers import with_long_as_texts
from tests.plugins.files.reading import put, read

LONG = "1.123456789012345678901"


def text_of(form, numbers):
    records = [f'{{"k": 1, "w": {number}}}' for number in numbers]
    if form == "ndjson":
        return "\n".join(records).encode()
    return ("[" + ",\n".join(records) + "]").encode()


@pytest.mark.parametrize("form", ["ndjson", "json"])
@pytest.mark.parametrize(
    ("number", "dtype", "value"),
    [
        ("71087959232824.63", "decimal(18,2)", Decimal("71087959232824.63")),
        ("1234567890123456.78", "decimal(18,2)", Decimal("1234567890123456.78")),
        ("-1234567890123456.78", "decimal(18,2)", Decimal("-1234567890123456.78")),
        ("1234567890123456789e-3", "decimal(19,3)", Decimal("1234567890123456.789")),
        ("1e22", "decimal(38,2)", Decimal(10**22)),
        ("2.0000000000000000001", "decimal(18,2)", None),
        ("0.30000000000000004", "decimal(10,2)", Decimal("0.30")),
        (LONG, "string", LONG),
        (LONG, "float64", float(LONG)),
        ("1234567890123456e-99999999999999999999", "decimal(18,2)", None),
        (str(2**63 - 1), "int64", 2**63 - 1),
        (str(2**63), "int64", None),
        (str(-(2**63) - 1), "int32", None),
        (str(2**63), "decimal(38,2)", Decimal(2**63)),
        (str(2**63), "string", str(2**63)),
        (str(2**63), "float64", float(2**63)),
        (str(2**63 + 1), "float64", None),
        ("9" * 40, "float64", None),
        (str(2**63), "boolean", None),
        (str(2**63), "date", None),
        ("9" * 40, "string", "9" * 40),
        ("9" * 40, "decimal(38,0)", None),
    ],
)
def test_a_number_is_exact_or_rejected(tmp_path, form, number, dtype, value):
    put(str(tmp_path), {f"a.{form}": text_of(form, [number])})
    found = read(str(tmp_path), columns={"w": dtype})
    if value is None:
        assert found.rejected == [(f"a.{form}#1", "wrong_type", "w")]
    else:
        assert (found.rejected, found.rows["w"].to_list()) == ([], [value])


@pytest.mark.parametrize("form", ["ndjson", "json"])
@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([LONG, "1.5", "7"], pl.String()),
        (["7", "1.5", LONG], pl.String()),
        (["7", str(2**63)], pl.String()),
        ([str(-(2**63) - 1), "7"], pl.String()),
        (["9" * 40], pl.String()),
        (["12345678901234567", "0.5"], pl.String()),
        (["0.5", "true", "12345678901234567"], pl.String()),
        (["12345678901234567", "5"], pl.Int64()),
        (["0.10000000000000001", "0.5"], pl.Float64()),
        (["0.30000000000000004", "1e22"], pl.Float64()),
    ],
)
def test_a_sample_is_of_texts_if_a_number_is_too_long(tmp_path, form, numbers, dtype):
    put(str(tmp_path), {f"a.{form}": text_of(form, numbers)})
    found = read(str(tmp_path))
    assert (found.schema["w"], found.rejected) == (dtype, [])
    texts = numbers if dtype == pl.String else map(dtype.to_python(), numbers)
    assert found.rows["w"].to_list() == list(texts)


def test_an_integer_beside_a_fraction_is_exact(tmp_path):
    numbers = ["0.5", "-9007199254740993", "12"]
    put(str(tmp_path), {"a.ndjson": text_of("ndjson", numbers)})
    found = read(str(tmp_path), columns={"w": "decimal(38,2)"})
    assert found.rejected == []
    assert found.rows["w"].to_list() == [Decimal(number) for number in numbers]


def test_a_number_beyond_float64_is_no_record(tmp_path):
    numbers = ["1", "9" * 400, "1234567890123456789e400"]
    put(str(tmp_path), {"a.ndjson": text_of("ndjson", numbers)})
    found = read(str(tmp_path), columns={"w": "string"})
    assert found.rows["w"].to_list() == ["1"]
    assert [item[1] for item in found.rejected] == ["json_invalid"] * 2


@pytest.mark.parametrize(
    "line",
    [
        '{"a":"x:%s,","b":{"c":%s},"d":[{"e":%s}],"f":[%s]}',
        r'{"a":"\\","b":"\":%s,","c":{"d":"}","e":%s,"f":%s},"g":[%s]}',
        '{"a":"x:%s, {"b":%s, "c":%s, [%s}',
        r'{"a":"x:%s,\" {b:%s}, :%s, [%s}',
        '{"a":{{"b":%s,"c":[:%s,"d":%s,%s}',
    ],
)  # fmt: skip
def test_strings_nested_values_and_lines_that_are_no_json_stay(line):
    text = line.replace("%s", LONG).encode() + b"\n"
    good = b'{"z": %s}\n' % LONG.encode()
    changed = with_long_as_texts(good + text + good, as_floats=False)
    quoted = b'{"z": "%s"}\n' % LONG.encode()
    assert changed == quoted + text + quoted


def test_many_long_numbers_in_strings_or_a_record_take_little_time():
    numbers = {f"n{at}": 10**25 + at for at in range(20_000)}
    inner = json.dumps(numbers)
    strings = {f"s{at}": f":{LONG}," for at in range(20_000)}
    text = json.dumps({"s": inner, **numbers, **strings, "t": inner}).encode()
    changed = json.loads(with_long_as_texts(text, as_floats=False))
    texts = {name: str(number) for name, number in numbers.items()}
    assert changed == {"s": inner, **texts, **strings, "t": inner}


DECIMALS = st.builds(
    lambda digits, scale: Decimal(digits).scaleb(-scale),
    st.integers(1, 18).flatmap(lambda most: st.integers(-(10**most), 10**most)),
    st.integers(0, 18),
)
STRINGS = st.lists(
    st.sampled_from(
        ['"', "\\", ":", ",", "{", "}", "[", "]", " ", "é", LONG, f":{LONG},", "12"]
    ),
    max_size=6,
).map("".join)
NUMBERS = st.sampled_from([LONG, str(2**64), "1.5", "12345678901234567", "0"])


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(DECIMALS, STRINGS, NUMBERS, st.booleans()), min_size=1, max_size=6
    ),
    st.sampled_from([(38, 18), (38, 2), (18, 2), (18, 17), (20, 10)]),
)
def test_decimals_are_exact_beside_any_strings_and_nested_values(rows, size):
    lines, quoted = [], []
    for number, text, other, ascii_only in rows:
        string = json.dumps(text, ensure_ascii=ascii_only)
        nested = f'{{"w": {other}, "l": [{{"w": {other}}}, {string}]}}'
        line = f'{{{string}: {string}, "n": {nested}, "w": WWW, "t": {string}}}'
        written = f"{number:f}"
        kept = Decimal(repr(float(written))) == number
        kept = kept if "." in written else -(2**63) <= number < 2**63
        lines.append(line.replace("WWW", written, 1))
        quoted.append(line.replace("WWW", written if kept else f'"{written}"'))
    text = "\n".join([*lines, ""]).encode()
    expected = "\n".join([*quoted, ""]).encode()
    assert with_long_as_texts(text, as_floats=False) == expected

    precision, scale = size
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.ndjson").write_bytes(text)
        as_text = read(folder, columns={"w": "string", "t": "string"})
        found = read(
            folder,
            columns={"w": f"decimal({precision},{scale})", "t": "string"},
        )
    numbers = [row[0] for row in rows]
    assert [Decimal(value) for value in as_text.rows["w"]] == numbers
    assert as_text.rows["t"].to_list() == [row[1] for row in rows]
    rejected = {key for key, error, field in found.rejected if field == "w"}
    assert len(rejected) == len(found.rejected)
    read_as = (
        dict(found.rows.select("source_key", "w").rows()) if found.rows.width else {}
    )
    for at, number in enumerate(numbers, 1):
        key = f"a.ndjson#{at}"
        digits = -number.normalize().as_tuple().exponent
        fits = digits <= scale and abs(number) < 10 ** (precision - scale)
        if fits:
            assert read_as[key] == number
        elif key not in rejected:  # noise of a float
            assert len(number.as_tuple().digits) > 15
            assert abs(read_as[key] - number) <= abs(number) * Decimal("1e-15")
