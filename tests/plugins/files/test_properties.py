"""What is written as CSV or NDJSON comes back, whatever the values, the layout and the sizes of pieces."""

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_files import contents, text
from reporting_files.csv_dialect import CsvTable
from reporting_files.csv_records import CsvRecords
from reporting_files.text import check_records, whole_records
from tests.plugins.files.reading import read

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8
) | st.sampled_from(
    ['"', '""', ",", "\n", ' "x" ', "007", "true", "-1.50", ";", "a\tb"]
)


def put(folder, files):
    for name, data in files.items():
        (Path(folder) / name).write_bytes(data)


ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.integers(-(10**6), 10**6)), max_size=30)


def as_csv(rows, separator, quoting, end):
    target = io.StringIO(newline="")
    writer = csv.writer(
        target, delimiter=separator, quoting=quoting, lineterminator=end
    )
    writer.writerow(["a", "b", "n"])
    writer.writerows(rows)
    return target.getvalue()


@settings(max_examples=100)
@given(
    st.lists(ROWS, min_size=1, max_size=4),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.booleans(),
)
def test_csv_comes_back(files, separator, quoting, end, encoding, in_pieces):
    types = {"a": "string", "b": "string", "n": "int64"}
    with tempfile.TemporaryDirectory() as folder:
        put(
            folder,
            {
                f"{at}.csv": as_csv(rows, separator, quoting, end).encode(encoding)
                for at, rows in enumerate(files)
            },
        )
        sizes = text.CHUNK, contents.SMALL, contents.BLOCK
        try:
            if in_pieces:
                text.CHUNK, contents.SMALL, contents.BLOCK = 40, 10, 7
            found = read(folder, columns=types)
        finally:
            text.CHUNK, contents.SMALL, contents.BLOCK = sizes
    assert not found.rejected
    expected = [
        (a or None, b or None, n, f"{at}.csv#{number}")
        for at, rows in enumerate(files)
        for number, (a, b, n) in enumerate(rows, 1)
    ]
    given_rows = [
        (a or None, b or None, n, key)
        for a, b, n, key in (
            found.rows.select("a", "b", "n", "source_key").rows()
            if found.rows.width
            else []
        )
    ]
    assert given_rows == expected


WRITTEN = st.sampled_from(
    ["", "a", " ", ' "a,b"', 'a"b"', '"a"', '"a,b"', '"a\n,"', '""', '"""a"']
)


@settings(max_examples=200)
@given(st.lists(st.lists(WRITTEN, max_size=4), min_size=1, max_size=8), st.booleans())
def test_numbers_of_values_are_those_of_the_csv_module(records, returns):
    lines = [",".join(values) for values in records]
    body = "".join(line + ("\r\n" if returns else "\n") for line in lines)
    lengths = map(len, csv.reader(io.StringIO(body, newline="")))
    valued = [
        length for line, length in zip(lines, lengths, strict=True) if line.strip(",")
    ]
    parser = CsvRecords(CsvTable(["a", "b"], ",", 0), '"', [], {})
    raw = parser.parse(body.encode())
    faults = [None] * raw.frame.height if raw.faults is None else list(raw.faults)
    sizes = {"too_few_values": 1, None: 2, "too_many_values": 3}
    assert [sizes[fault] for fault in faults] == [
        min(max(length, 1), 3) for length in valued
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"a": TEXTS | st.none(), "n": st.integers(-(2**53), 2**53)}
        ),
        max_size=20,
    )
)
def test_ndjson_comes_back(rows):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        put(folder, {"a.ndjson": lines.encode()})
        found = read(folder, columns={"a": "string", "n": "int64"})
    if not lines:
        assert found.rejected == [("a.ndjson", "empty", None)]
        return
    assert not found.rejected
    assert found.rows.select("a", "n").rows() == [
        (row.get("a"), row.get("n")) for row in rows
    ]


@given(
    st.text(st.sampled_from('a,"\n'), max_size=60),
    st.integers(1, 9),
    st.integers(1, 20),
    st.integers(1, 40),
)
def test_pieces_are_whole_records_and_lose_nothing(content, block, size, most):
    data = content.encode()
    blocks = [data[at : at + block] for at in range(0, len(data), block)]
    try:
        pieces = list(whole_records(blocks, b'"', most, size))
    except Exception as error:
        reason = error.reason
        if reason == "csv_invalid":
            assert data.count(b'"') % 2
        return
    assert b"".join(pieces) in (data, data + b"\n")
    for piece in pieces:
        assert piece.endswith(b"\n")
        assert piece.count(b'"') % 2 == 0
    check_records(blocks, b'"', max(most, len(data)))
