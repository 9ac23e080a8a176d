"""Description of a table, and of the rows that a table source is asked for.

A query says which rows in which order; `TableQuery.select` is the same as SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    Quote = Callable[[str], str]


FAULTY = "_faulty"
"""Name of a column that `TableSource.fetch` may add: the column whose value is not of
the type that the schema says, null if all are. Such a row is rejected.
"""


class TableInfo(NamedTuple):
    """A table that a `TableSource` reads.

    Attributes:
        name: Its name, the first part of each source key, for good.
        primary_key: Columns that identify a row, never null: integers, texts, dates,
            times in milliseconds or microseconds, decimals or bytes.
        schema: Columns of the frames, in their order, the key and the cursor among
            them.
        cursor: Column that grows with each change of a row: a time, a date, an integer
            or an ISO 8601 text; `None`: there is none, and each run reads everything.
    """

    name: str
    primary_key: Sequence[str]
    schema: pl.Schema
    cursor: str | None = None


def quote_identifier(name: str) -> str:
    """Return a name as standard SQL has it."""
    return '"' + name.replace('"', '""') + '"'


class TableQuery(NamedTuple):
    """Rows that a table source must fetch, all of these conditions together.

    Tuples of values are in the order of `order`. A row in which a column of `order` is
    null is left out.

    Attributes:
        columns: Columns to return, in this order.
        order: Columns by which rows are ordered, first of all by the first.
        limit: Return at most so many rows.
        offset: Leave out so many rows of those that fit, from the first.
        after: Only rows after these values.
        until: Only rows up to these values, included; there may be fewer values than
            columns of `order`: then it is about the first of them.
        floor: Only rows in which the first column of `order` is this or greater.
        keys: If there are any, only rows with one of these values.
        descending: Whether the order is the other way round, greatest first; `after`,
            `until` and `floor` mean the same.
        snapshot: What `TableSource.open_snapshot` returned.
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
            table: The table as it stands in SQL, quoted if need be.
            quote: Quotes the name of a column.
            placeholder: What stands for a parameter.
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
    """Compare rows with a bound, as databases without row values can.

    The first condition of each level is one that an index helps with.
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
