"""Excel: values of formulas, dates, sheets by name, empty sheets, cells of several types."""

import io
from datetime import UTC, date, datetime

import pytest
import xlsxwriter

from tests.plugins.files.reading import put, read


def workbook(fill):
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        fill(book)
    return target.getvalue()


def test_formulas_dates_and_empty_rows(tmp_path):
    def fill(book):
        sheet = book.add_worksheet("Prices")
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_row(0, 0, ["sku", "price", "day", "double"])
        for row in (1, 2, 4):
            sheet.write(row, 0, f"A{row}")
            sheet.write(row, 1, row + 0.25)
            sheet.write_datetime(row, 2, datetime(2024, 1, row), day)
            sheet.write_formula(row, 3, f"=B{row + 1}*2", None, 2 * row + 0.5)

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    found = read(str(tmp_path), columns={"price": "decimal(10,2)", "day": "date"})
    assert [
        (sku, str(price), day, double)
        for sku, price, day, double, _ in found.rows.rows()
    ] == [
        ("A1", "1.25", date(2024, 1, 1), 2.5),
        ("A2", "2.25", date(2024, 1, 2), 4.5),
        ("A4", "4.25", date(2024, 1, 4), 8.5),
    ]
    assert not found.rejected
    assert found.rows["source_key"].to_list() == ["a.xlsx#1", "a.xlsx#2", "a.xlsx#4"]


def test_blank_rows_are_no_records_beside_rejected_ones(tmp_path):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["n", None, "word"])
        sheet.write_row(2, 0, [1, None, "x"])
        sheet.write(3, 1, "a note")
        sheet.write_row(4, 0, ["y", None, None])
        sheet.write_blank(5, 2, None, book.add_format({"bold": True}))
        sheet.write_row(6, 0, [None, None, "z"])

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    found = read(str(tmp_path), columns={"n": "int64"})
    assert found.rows.select("n", "word", "source_key").rows() == [
        (1, "x", "a.xlsx#2"),
        (None, "z", "a.xlsx#6"),
    ]
    assert found.rejected == [("a.xlsx#4", "wrong_type", "n")]


def test_a_sheet_by_name_and_one_that_is_not_there(tmp_path):
    def fill(book):
        book.add_worksheet("Empty")
        book.add_worksheet("Second").write_column(0, 0, ["n", 1, 2])

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    assert read(str(tmp_path), sheet="Second").rows["n"].to_list() == [1, 2]
    found = read(str(tmp_path))
    assert (found.rows.height, found.rejected) == (0, [])
    missing = read(str(tmp_path), sheet="Third")
    assert missing.rejected == [("a.xlsx", "no_such_sheet", None)]


def test_cells_of_several_types(tmp_path):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["n", 1, "x", 3, "4"])
        sheet.write_column(0, 1, ["code", "007", 8, 9.5, "z"])

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    found = read(str(tmp_path), columns={"n": "int64", "code": "string"})
    assert found.rows.select("n", "code").rows() == [(1, "007"), (3, "9.5"), (4, "z")]
    assert found.rejected == [("a.xlsx#2", "wrong_type", "n")]


@pytest.mark.parametrize("text", ["n/a", "NULL", "None", "-", "#N/A"])
def test_a_text_among_numbers_is_not_null(tmp_path, text):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["n", "word", "on"])
        for row, values in enumerate(
            [(1.5, text, True), (text, "x", None), (3, None, text)], 1
        ):
            sheet.write_row(row, 0, values)

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    found = read(
        str(tmp_path), columns={"n": "float64", "word": "string", "on": "boolean"}
    )
    assert found.rows.select("n", "word", "on").rows() == [(1.5, text, True)]
    assert found.rejected == [
        ("a.xlsx#2", "wrong_type", "n"),
        ("a.xlsx#3", "wrong_type", "on"),
    ]


@pytest.mark.parametrize("text", ["2.2.2024", "n/a", "x"])
def test_a_text_among_dates(tmp_path, text):
    moment = datetime(2024, 1, 3, 4, 5, 6)

    def fill(book):
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_row(0, 0, ["day", "at"])
        sheet.write_datetime(1, 0, datetime(2024, 1, 1), day)
        sheet.write(2, 0, text)
        sheet.write(3, 0, 7)
        sheet.write_datetime(4, 0, moment, day)
        sheet.write_datetime(5, 0, datetime(2024, 1, 5), day)
        sheet.write_datetime(1, 1, moment, day)
        sheet.write(5, 1, text)

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    columns = {"day": "date", "at": "datetime"}
    formats = {"day": "%d.%m.%Y", "at": "%d.%m.%Y"}
    found = read(str(tmp_path), columns=columns, column_formats=formats)
    rows = {
        key: values
        for *values, key in found.rows.select("day", "at", "source_key").rows()
    }
    assert rows["a.xlsx#1"] == [date(2024, 1, 1), moment.replace(tzinfo=UTC)]
    wrong = [(f"a.xlsx#{row}", "wrong_type", "day") for row in (2, 3, 4)]
    if text == "2.2.2024":
        assert rows["a.xlsx#2"] == [date(2024, 2, 2), None]
        assert rows["a.xlsx#5"][0] == date(2024, 1, 5)
        assert found.rejected == wrong[1:]
    else:
        assert found.rejected == [*wrong, ("a.xlsx#5", "wrong_type", "at")]


def test_rows_above_the_header(tmp_path):
    def fill(book):
        for blank in (0, 1):
            sheet = book.add_worksheet(f"S{blank}")
            sheet.write(blank, 0, "Report of January")
            sheet.write_row(3, 0, ["n", "word"])
            sheet.write_row(4, 0, [1, "x"])

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    for name in ("S0", "S1"):
        found = read(str(tmp_path), sheet=name, skip_lines=3)
        assert found.rows.select("n", "word").rows() == [(1, "x")]
        assert not found.rejected
    found = read(str(tmp_path), skip_lines=9, columns={"n": "int64"})
    assert found.rejected == [("a.xlsx", "empty", None)]


@pytest.mark.parametrize("above", [0, 2])
@pytest.mark.parametrize("skip", [0, 3])
@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["id", "id", None, "x"], None),
        (["id", None, "id", "id_1"], None),
        (["id", "id_1", None, "x"], ["id", "id_1", "x"]),
        (["id", " ", None, "x_2"], ["id", "x_2"]),
        ([None, 2024, 2025], ["2024", "2025"]),
        ([None, 2024, 2024], None),
    ],
)
def test_names_of_columns(tmp_path, names, columns, above, skip):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Report of January" if skip else None)
        row = skip or above
        sheet.write_row(row, 0, names)
        for number in range(1, 3):
            sheet.write_row(row + number, 0, [number] * len(names))

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    known = {"id": "int64"} if columns is None else {}
    found = read(str(tmp_path), skip_lines=skip, columns=known)
    if columns is None:
        assert found.rejected == [("a.xlsx", "duplicate_column", None)]
    else:
        assert found.rows.columns == [*columns, "source_key"]
        assert found.rows.rows() == [
            (*[number] * len(columns), f"a.xlsx#{number}") for number in (1, 2)
        ]


def test_what_the_page_says_of_errors_times_and_durations(tmp_path):
    def fill(book, mixed=None):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "error", "at", "hours"])
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        sheet.write_row(2, 0, [1, 2.5])
        time, hours = (book.add_format({"num_format": f}) for f in ("hh:mm", "[h]:mm"))
        sheet.write_number(1, 2, 0.5, time)
        sheet.write_number(1, 3, 1.5, hours)
        sheet.write(2, 3, mixed)

    mixed = workbook(lambda book: fill(book, 7))
    put(str(tmp_path), {"a.xlsx": workbook(fill), "b.xlsx": mixed})
    found = read(str(tmp_path), sample_files=1)
    assert found.rows["error"].to_list() == [None, 2.5]
    assert found.rows["at"].to_list() == [datetime(1899, 12, 31, 12), None]
    assert found.rejected == [("b.xlsx", "excel_invalid", None)]


def test_a_sheet_without_names(tmp_path):
    def fill(book):
        book.add_worksheet().write_column(2, 0, [" ", 1, 2])

    put(str(tmp_path), {"a.xlsx": workbook(fill)})
    found = read(str(tmp_path), columns={"id": "int64"})
    assert found.rejected == [("a.xlsx", "excel_invalid", None)]


def test_a_text_among_dates_without_a_declared_type(tmp_path):
    def fill(book, text=None):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["day", "n"])
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_datetime(1, 0, datetime(2024, 1, 2), day)
        sheet.write_row(2, 0, [text, 1])

    mixed = workbook(lambda book: fill(book, "x"))
    put(str(tmp_path), {"a.xlsx": workbook(fill), "b.xlsx": mixed})
    found = read(str(tmp_path), sample_files=1)
    assert found.rows["day"].to_list() == [
        datetime(2024, 1, 2),
        None,
        datetime(2024, 1, 2),
    ]
    assert found.rejected == [("b.xlsx#2", "wrong_type", "day")]
