"""Description of a table, and queries of the rows that a table source must fetch.

A query has the conditions and the order of rows; `TableQuery.select` returns its SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    Quote = Callable[[str], str]


FAULTY = "_faulty"
"""Name of a column that `TableSource.fetch` may add. In a row with a value that is not
of its column's type, it has the name of that column, and the row is rejected. In other
rows it is null.
"""


class TableInfo(NamedTuple):
    """Table that a `TableSource` reads.

    Attributes:
        name: Name, the first part of each source key. It must not change.
        primary_key: Columns that identify a row, never null: integers, texts, dates,
            times in milliseconds or microseconds, decimals or bytes.
        schema: Columns of the frames, in their order, with the key and the cursor.
        cursor: Column that grows with each change of a row: a time, a date, an integer
            or an ISO 8601 text; `None`: no cursor, and each run reads all rows.
    """

    name: str
    primary_key: Sequence[str]
    schema: pl.Schema
    cursor: str | None = None


def quote_identifier(name: str) -> str:
    """Return a name as a quoted identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


class TableQuery(NamedTuple):
    """Rows that a table source must fetch; all conditions apply together.

    Tuples of values are in the order of `order`. A row in which a column of `order` is
    null is left out.

    Attributes:
        columns: Columns to return, in this order.
        order: Columns by which rows are ordered; the first column has priority.
        limit: Largest number of rows to return.
        offset: Number of matching rows to skip, from the first.
        after: Only rows after these values.
        until: Only rows up to and including these values. If there are fewer values
            than columns of `order`, they apply to the first of these columns.
        floor: Only rows in which the first column of `order` has at least this value.
        keys: If not empty, only rows with one of these values.
        descending: Whether rows are in descending order. `after`, `until` and `floor`
            keep their meaning.
        snapshot: Token that `TableSource.open_snapshot` returned.
    """

    columns: Sequence[str]
    order: Sequence[str]
    limit: int
    offset: int = 0
    after: Sequence[Any] | None = None
    until: Sequence[Any] | None = None
    floor: Any = None
    keys: Sequence[Sequence[Any]] = ()
    descending: bool = False
    snapshot: Any = None

    def select(
        self, table: str, *, quote: Quote = quote_identifier, placeholder: str = "?"
    ) -> tuple[str, list[Any]]:
        """Return the query as SQL with ``LIMIT``, and the values of its parameters.

        Args:
            table: Name of the table in SQL, quoted if necessary.
            quote: Function that quotes the name of a column.
            placeholder: Placeholder of a parameter.
        """
        where, values = self.where(quote=quote, placeholder=placeholder)
        text = (
            f"SELECT {', '.join(map(quote, self.columns))} FROM {table}"  # noqa: S608
            f" WHERE {where} ORDER BY {self.order_by(quote=quote)}"
            f" LIMIT {int(self.limit)}"
        )
        if self.offset:
            text += f" OFFSET {int(self.offset)}"
        return text, values

    def order_by(self, *, quote: Quote = quote_identifier) -> str:
        """Return the text after ``ORDER BY``."""
        direction = " DESC" if self.descending else ""
        return ", ".join(quote(name) + direction for name in self.order)

    def where(
        self, *, quote: Quote = quote_identifier, placeholder: str = "?"
    ) -> tuple[str, list[Any]]:
        """Return the condition after ``WHERE``, and the values of its parameters."""
        names = [quote(name) for name in self.order]
        parts: list[str] = []
        values: list[Any] = []
        if self.floor is not None:
            parts.append(f"{names[0]} >= {placeholder}")
            values.append(self.floor)
        for bound, sign, last in ((self.after, ">", ">"), (self.until, "<", "<=")):
            if bound is not None:
                text, more = _beyond(names, bound, sign, last, placeholder)
                parts.append(text)
                values += more
        if self.keys:
            parts.append(_among(names, len(self.keys), placeholder))
            values += [value for key in self.keys for value in key]
        return " AND ".join(parts) or f"{names[0]} IS NOT NULL", values


def _beyond(
    names: Sequence[str], bound: Sequence[Any], sign: str, last: str, placeholder: str
) -> tuple[str, list[Any]]:
    """Return SQL that compares rows with a bound without row values, and parameters.

    The first condition of each level can use an index.
    """
    *firsts, final = names[: len(bound)]
    text, values = f"{final} {last} {placeholder}", [bound[-1]]
    for name, value in zip(reversed(firsts), reversed(bound[:-1]), strict=True):
        text = (
            f"({name} {sign}= {placeholder} AND"
            f" ({name} {sign} {placeholder} OR {text}))"
        )
        values = [value, value, *values]
    return text, values


def _among(names: Sequence[str], count: int, placeholder: str) -> str:
    if len(names) == 1:
        return f"{names[0]} IN ({', '.join([placeholder] * count)})"
    one = " AND ".join(f"{name} = {placeholder}" for name in names)
    return f"({' OR '.join([f'({one})'] * count)})"
