"""Excel: values of formulas, dates, sheets by name, empty sheets, cells of several types."""

import io
from datetime import date, datetime

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
    rows = found.rows.filter(found.rows["sku"].is_not_null())
    assert [
        (sku, str(price), day, double) for sku, price, day, double, _ in rows.rows()
    ] == [
        ("A1", "1.25", date(2024, 1, 1), 2.5),
        ("A2", "2.25", date(2024, 1, 2), 4.5),
        ("A4", "4.25", date(2024, 1, 4), 8.5),
    ]
    assert not found.rejected


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
