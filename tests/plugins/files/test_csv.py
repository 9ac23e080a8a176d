"""CSV as it comes: quotes, encodings, ragged lines, headers that drift, and files that are no CSV."""

import pytest

from reporting_files.sampling import SAMPLE_BYTES
from tests.plugins.files.reading import put, read

HEAD = b"a,b,c\n"


def rows_of(found):
    return found.rows.drop("source_key", strict=False).rows()


def test_quotes_hold_separators_and_line_ends(tmp_path):
    text = HEAD + b'1,"x, y","line\nand ""line"""\r\n2,y,z\r\n'
    put(str(tmp_path), {"a.csv": text})
    found = read(str(tmp_path))
    assert rows_of(found) == [(1, "x, y", 'line\nand "line"'), (2, "y", "z")]
    assert found.rows["source_key"].to_list() == ["a.csv#1", "a.csv#2"]


def test_a_record_with_too_many_or_too_few_values_is_rejected_alone(tmp_path):
    text = HEAD + b"1,2,3\n4,5\n6,7,8,9\n,,\n\n10,11,12\n"
    put(str(tmp_path), {"a.csv": text})
    found = read(str(tmp_path))
    assert rows_of(found) == [(1, 2, 3), (10, 11, 12)]
    assert found.rejected == [
        ("a.csv#2", "too_few_values", None),
        ("a.csv#3", "too_many_values", None),
    ]
    assert found.rows["source_key"].to_list() == ["a.csv#1", "a.csv#4"]


def test_ragged_records_are_found_beside_quoted_separators(tmp_path):
    text = HEAD + b'1,"2,2,2",3\n4,"5"\n6,"7,",8,9\n10,"11",\n'
    put(str(tmp_path), {"a.csv": text})
    found = read(str(tmp_path), columns={"b": "string"})
    assert rows_of(found) == [(1, "2,2,2", 3), (10, "11", None)]
    assert [item[:2] for item in found.rejected] == [
        ("a.csv#2", "too_few_values"),
        ("a.csv#3", "too_many_values"),
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [(b"3", "too_few_values"), (b'"3","4","5"', "too_many_values")],
)
def test_quoted_numbers_beside_a_ragged_record(tmp_path, record, reason):
    put(str(tmp_path), {"a.csv": b'a,b\n"1",2\n' + record + b"\n"})
    found = read(str(tmp_path), columns={"a": "int64", "b": "int64"})
    assert rows_of(found) == [(1, 2)]
    assert found.rejected == [("a.csv#2", reason, None)]


MORE, FEWER = "too_many_values", "too_few_values"


@pytest.mark.parametrize(
    ("text", "rows", "faults"),
    [
        (b"1,2,\n3\n5,6\n", [("5", "6")], {1: MORE, 2: FEWER}),
        (b"\n1\n,\n5,6\n", [("5", "6")], {1: FEWER}),
        (b"1,2\n,,y\n5,6\n", [("1", "2"), ("5", "6")], {2: MORE}),
        (b"1,2\n,,,,y\n,,,\n5,6\n", [("1", "2"), ("5", "6")], {2: MORE}),
        (b"1,2,3,4\n5,6\n", [("5", "6")], {1: MORE}),
        (b",,,,\n5,6\n", [("5", "6")], {}),
        (b'5, "q,SECRET", 1\n5,6\n', [("5", "6")], {1: MORE}),
        (b'5, "q,SECRET"\n5,6\n', [("5", "6")], {1: MORE}),
        (b'5,"q\n,"\n5,6\n7\n', [("5", "q\n,"), ("5", "6")], {3: FEWER}),
        (b'5,"a"b"c,d"\n5,6\n', [("5", "6")], {1: "csv_invalid"}),
        (b'5" x\n6" y,2\n5,6\n', [('6" y', "2"), ("5", "6")], {1: FEWER}),
        (b'a",,,"\nb,"\na"\n5,6\n', [("5", "6")], {1: MORE, 2: FEWER}),
        (b'1,5" pipe\n2,x\n', [("1", '5" pipe'), ("2", "x")], {}),
        (b'1,5"\r\n2," ""x"\r\n', [("1", '5"'), ("2", ' "x')], {}),
        (b'1,5"\n"a""\n,b",6"', [("1", '5"'), ('a"\n,b', '6"')], {}),
    ],
)
def test_each_record_has_its_own_number_of_values(tmp_path, text, rows, faults):
    put(str(tmp_path), {"a.csv": b"a,b\n" + text})
    found = read(str(tmp_path), columns={"a": "string", "b": "string"})
    assert rows_of(found) == rows
    assert found.rejected == [
        (f"a.csv#{at}", fault, None) for at, fault in faults.items()
    ]


@pytest.mark.parametrize("nulls", [[], ["x,y"]])
def test_a_quoted_separator_does_not_hide_a_missing_value(tmp_path, nulls):
    text = HEAD + b'"x,y",1\n"x,y",2,\n"z,z","a\n,",\n3,"""",4\n'
    put(str(tmp_path), {"a.csv": text})
    types = dict.fromkeys("abc", "string")
    found = read(str(tmp_path), columns=types, null_values=nulls)
    first = None if nulls else "x,y"
    assert rows_of(found) == [
        (first, "2", None),
        ("z,z", "a\n,", None),
        ("3", '"', "4"),
    ]
    assert found.rejected == [("a.csv#1", FEWER, None)]


def test_a_ragged_record_is_found_beside_files_of_the_same_layout(tmp_path):
    put(str(tmp_path), {"a.csv": b"a,b\n1,2,\n", "b.csv": b"a,b\n3\n"})
    found = read(str(tmp_path))
    assert found.rejected == [("a.csv#1", MORE, None), ("b.csv#1", FEWER, None)]


def test_an_empty_last_value_is_a_null(tmp_path):
    put(str(tmp_path), {"a.csv": HEAD + b"1,2,\n3,,4\n"})
    found = read(str(tmp_path))
    assert rows_of(found) == [(1, 2, None), (3, None, 4)]
    assert not found.rejected


def test_a_stray_quote_costs_its_record_only(tmp_path):
    lines = [b"%d,x,y\n" % number for number in range(1000)]
    lines[500] = b'500,"x"y,z\n'
    put(str(tmp_path), {"a.csv": HEAD + b"".join(lines)})
    found = read(str(tmp_path))
    assert found.rejected == [("a.csv#501", "csv_invalid", None)]
    assert found.rows.height == 999
    assert found.rows["a"].to_list() == [*range(500), *range(501, 1000)]


def test_a_quote_that_does_not_end_rejects_the_file(tmp_path):
    good, bad = HEAD + b"1,2,3\n", HEAD + b'1,"2,3\n4,5,6\n'
    put(str(tmp_path), {"a.csv": bad, "b.csv": good})
    found = read(str(tmp_path))
    assert found.rejected == [("a.csv", "csv_invalid", None)]
    assert found.rows["source_key"].to_list() == ["b.csv#1"]


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        (b"\xef\xbb\xbfa,b\n\xc3\xa4,1\n", {}),
        ("a,b\nä,1\n".encode("utf-16"), {}),
        ("a,b\nä,1\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("a,b\r\nä,1\r\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("a;b\nä;1\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("a,b\nä,1".encode("utf-32"), {}),
    ],
)
def test_encodings_that_are_declared_or_marked(tmp_path, data, settings):
    put(str(tmp_path), {"a.csv": data})
    found = read(str(tmp_path), **settings)
    assert rows_of(found) == [("ä", 1)]
    assert found.rows.columns[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason", "settings"),
    [
        ("a,b\nä,1\n".encode("latin-1"), "not_utf_8", {}),
        ("a,b\nä,1\n".encode("utf-16-le"), "looks_like_utf_16", {}),
        ("a,b\nä,1\n".encode("utf-32-be"), "looks_like_utf_32", {}),
        (b"a,b\n\xe4,1\n", "wrong_encoding", {"encoding": "utf-16"}),
        (b"", "empty", {}),
        (b"\n \n", "empty", {}),
        (b"a,b,a\n1,2,3\n", "duplicate_column", {}),
        (b"a,b\r1,2\r", "csv_invalid", {}),
        (b",,\n1,2,3\n", "csv_invalid", {}),
        (b'a,"b\n' + 40_000 * b"1,2\n", "csv_invalid", {}),
        (b'a,"%b"\n1,2\n' % (140_000 * b"b"), "csv_invalid", {}),
        (b"x,y\n1,2\n", "no_known_column", {}),
    ],
)
def test_a_file_that_cannot_be_read_is_one_rejection(tmp_path, data, reason, settings):
    good = b"a,b\n1,2\n"
    encoding = settings.get("encoding")
    put(
        str(tmp_path),
        {"a.csv": good.decode().encode(encoding or "utf-8"), "z.csv": data},
    )
    found = read(str(tmp_path), columns={"a": "string"}, sample_files=1, **settings)
    assert [item[:2] for item in found.rejected] == [("z.csv", reason)]
    assert found.rows["source_key"].to_list() == ["a.csv#1"]


@pytest.mark.parametrize(
    "data",
    [b'a,"b\n' + 40_000 * b"1,2\n", b'a,"%b"\n1,2\n' % (140_000 * b"b")],
    ids=["open quote", "long name"],
)
def test_a_sampled_header_that_cannot_be_read_leaves_the_other_files(tmp_path, data):
    put(str(tmp_path), {"a.csv": b"a,b\n1,2\n", "b.csv": data})
    found = read(str(tmp_path))
    assert found.rejected == [("b.csv", "csv_invalid", None)]
    assert rows_of(found) == [(1, 2)]


def test_bytes_that_are_wrong_in_line_100000_reject_the_whole_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("reporting_files.text.CHUNK", 64 * 1024)
    lines = [b"%d,some text\n" % number for number in range(150_000)]
    lines[100_000] = b"100000,\xff\n"
    put(str(tmp_path), {"a.csv": b"a,b\n" + b"".join(lines), "b.csv": b"a,b\n1,x\n"})
    found = read(str(tmp_path))
    assert found.rejected == [("a.csv", "not_utf_8", None)]
    assert found.rows["source_key"].to_list() == ["b.csv#1"]


def test_a_header_alone_is_no_record_and_no_rejection(tmp_path):
    put(str(tmp_path), {"a.csv": b"a,b", "b.csv": b"a,b\n1,2\n"})
    found = read(str(tmp_path))
    assert rows_of(found) == [(1, 2)]
    assert not found.rejected


def test_columns_are_matched_by_name(tmp_path):
    put(
        str(tmp_path),
        {
            "1.csv": b"a,b\n1,x\n",
            "2.csv": b"b,a\ny,2\n",
            "3.csv": b"a\n3\n",
            "4.csv": b"new,b,a\nz,w,4\n",
            "5.csv": b"a,b\n5,v\n",
        },
    )
    found = read(str(tmp_path), sample_files=1)
    assert found.schema.names() == ["a", "b", "new"]
    assert found.rows.select("a", "b", "new").rows() == [
        (1, "x", None),
        (2, "y", None),
        (3, None, None),
        (4, "w", "z"),
        (5, "v", None),
    ]


def test_the_last_file_says_which_columns_are_new(tmp_path):
    put(str(tmp_path), {f"{at}.csv": b"a\n1\n" for at in range(9)})
    put(str(tmp_path), {"9.csv": b"a,b\n1,0.5\n"})
    assert read(str(tmp_path)).schema.names() == ["a", "b"]


def test_nul_bytes_stay_in_texts(tmp_path):
    put(str(tmp_path), {"a.csv": b"a,b\nx\0y,1\n"})
    assert rows_of(read(str(tmp_path))) == [("x\0y", 1)]


def test_dialect(tmp_path):
    text = b"Prices of May\n\nname|price\n'a|b'|1,5\nn/a|2\n"
    put(str(tmp_path), {"a.txt": text})
    found = read(
        str(tmp_path),
        columns={"price": "decimal(10,2)"},
        decimal_comma=True,
        skip_lines=2,
        quote="'",
        null_values=["n/a"],
    )
    assert [(name, str(price)) for name, price in rows_of(found)] == [
        ("a|b", "1.50"),
        (None, "2.00"),
    ]


def test_files_without_a_header(tmp_path):
    put(str(tmp_path), {"a.csv": b"1;x\n2;y\n", "b.csv": b"3;z\n"})
    found = read(str(tmp_path), header=["a", "b"])
    assert rows_of(found) == [(1, "x"), (2, "y"), (3, "z")]
    assert found.rows["source_key"].to_list() == ["a.csv#1", "a.csv#2", "b.csv#1"]


def test_a_quoted_header_with_a_line_end(tmp_path):
    put(str(tmp_path), {"a.csv": b'"a\nb","c,d"\n1,2\n'})
    found = read(str(tmp_path))
    assert found.schema.names() == ["a\nb", "c,d"]
    assert rows_of(found) == [(1, 2)]


def test_a_large_file_gives_the_rows_of_a_small_one(tmp_path, monkeypatch):
    text = b"n,text\n" + b"".join(
        b'%d,"line %d\nnext"\n' % (number, number) for number in range(20_000)
    )
    put(str(tmp_path), {"a.csv": text})
    whole = read(str(tmp_path))
    monkeypatch.setattr("reporting_files.text.CHUNK", 4096)
    monkeypatch.setattr("reporting_files.contents.SMALL", 1000)
    monkeypatch.setattr("reporting_files.contents.BLOCK", 1777)
    parts = read(str(tmp_path))
    assert whole.rows.equals(parts.rows)
    assert whole.rows.height == 20_000


@pytest.mark.parametrize("repeats", [1, 2, 200])
def test_a_sample_that_ends_within_a_quoted_value(tmp_path, repeats):
    """The depth of calls does not depend on the file."""
    long = "x,\n" * (2000 if repeats > 2 else 400_000)
    records = ['1,5" pipe\n', f'2,"{long}"\n'] * repeats
    text = "".join(["a,b\n", *records])
    assert len(text) > SAMPLE_BYTES
    put(str(tmp_path), {"a.csv": text.encode(), "b.csv": b"a,b\n3,z\n"})
    found = read(str(tmp_path))
    assert rows_of(found) == [*[(1, '5" pipe'), (2, long)] * repeats, (3, "z")]
    assert found.rejected == []


def test_many_records_that_polars_cannot_read_before_a_long_one(tmp_path):
    text = "a,b\n" + '1,"p"q\n' * 600 + '2,"' + "x,\n" * 20_000 + '"\n'
    put(str(tmp_path), {"a.csv": text.encode()})
    found = read(str(tmp_path))
    assert {reason for _, reason, _ in found.rejected} == {"csv_invalid"}
    assert rows_of(found) == [(2, "x,\n" * 20_000)]


@pytest.mark.slow
def test_quotes_within_values_of_a_large_file(tmp_path):
    """Pieces end within quoted values; both ways to read a file find the same rows."""
    right = [(f"{n}\n,", "x" * 60) for n in range(125_000)]
    odd = [('5" pipe', '"a\nb"'), ('"', "z")]
    values = [*right, *odd, *right[:1000]]
    lines = [f'"{a}",{b}\n' for a, b in right]
    body = "".join([*lines, '5" pipe,"""a\nb"""\n', '"""",z\n', *lines[:1000]])
    put(str(tmp_path), {"a.csv": b"a,b\n" + body.encode()})
    assert len(body) > 8 * 1024 * 1024
    found = read(str(tmp_path), columns={"a": "string", "b": "string"})
    assert (rows_of(found), found.rejected) == (values, [])


def test_a_quote_within_a_name(tmp_path):
    put(str(tmp_path), {"a.csv": b'size 5";b\n1;6"\n', "b.csv": b'size 5";b\n2;\n'})
    found = read(str(tmp_path))
    assert found.rows.columns[:2] == ['size 5"', "b"]
    assert rows_of(found) == [(1, '6"'), (2, None)]


def test_blanks_are_null_in_a_column_that_is_not_of_texts(tmp_path):
    put(str(tmp_path), {"a.csv": b"a,b,c\n1, ,x\n2,3, \n"})
    types = {"a": "int64", "b": "int64", "c": "string"}
    found = read(str(tmp_path), columns=types)
    assert (rows_of(found), found.rejected) == ([(1, None, "x"), (2, 3, " ")], [])
