"""Promises of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing.contracts.base import (
    PluginContract,
    assert_no_value_shown,
    few,
)

Make = Callable[..., Any]

SEEDS = range(4)
"""Seeds of the orders of rows that are tried."""

UNNEEDED = "unneeded_column"


class QueryContract(PluginContract):
    """Promises of a `Query`.

    Required, in addition to `PluginContract`:
        rows: Fixture: a table to query: a frame of at least three rows, with the
            columns that the query needs and the columns that the settings name, with a
            unique `SOURCE_KEY` in each row and `CANARY` in some value.

    Optional:
        expected: Fixture: result of the query on `rows`.
    """

    @pytest.fixture
    def rows(self) -> pl.DataFrame:
        """Return the table to query."""
        self._lacks(
            "rows",
            "a frame with the columns that the query needs, of at least three rows",
        )

    @pytest.fixture
    def expected(self) -> pl.DataFrame | None:
        """Return the expected result."""
        return None

    def test_it_has_a_definition(self) -> None:
        """Check that a query has a definition.

        It is in the docstring of the class itself, and `required_columns` has the
        columns that it reads.
        """
        text = self.plugin.__dict__.get("__doc__") or ""
        assert text.strip(), (
            "a query is defined by the docstring of its class: it has none"
        )
        needs = getattr(self.plugin, "required_columns", None)
        assert isinstance(needs, frozenset), (
            "`required_columns` is a frozenset of the columns that a query reads"
        )
        assert all(isinstance(name, str) for name in needs), (
            "`required_columns` is of names of columns"
        )

    def test_it_answers_as_expected(
        self, make: Make, rows: pl.DataFrame, expected: pl.DataFrame | None
    ) -> None:
        """Check the result: its rows, their order, and their types."""
        if expected is None:
            pytest.skip("no answer is expected of it: give the fixture `expected`")
        answer = _answer(make(), rows)
        assert answer.schema == expected.schema, (
            f"it answers as expected: {answer.schema} is not {expected.schema}"
        )
        assert answer.equals(expected), "it answers as expected: rows differ"

    def test_the_order_of_rows_changes_nothing(
        self, make: Make, rows: pl.DataFrame
    ) -> None:
        """Check that the order of rows does not matter, duplicates included."""
        for what, table in {
            "the rows": rows,
            "rows that are there twice": pl.concat([rows, rows]),
        }.items():
            due = _answer(make(), table)
            others = [
                table.reverse(),
                *(table.sample(fraction=1, shuffle=True, seed=seed) for seed in SEEDS),
            ]
            for other in others:
                assert _answer(make(), other).equals(due), (
                    f"the order of rows changes nothing: {what} gave another"
                )

    def test_it_is_deterministic(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that the same rows give the same result.

        The result is the same a second time, from another object, and from several
        threads at once.
        """
        query = make()
        first = _answer(query, rows)
        with ThreadPoolExecutor(4) as pool:
            others = [
                _answer(make(), rows),
                *pool.map(lambda _: _answer(query, rows), range(8)),
            ]
        assert all(other.equals(first) for other in others), (
            "a query is deterministic: the same rows gave another"
        )

    def test_it_looks_at_the_schema_alone(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that no row is read before the result is collected."""
        source = _Watched(rows)
        answer = make().run(source.scan())
        assert isinstance(answer, pl.LazyFrame), (
            f"a query gives a lazy frame: it gave a {type(answer).__name__}"
        )
        assert source.asked is None, (
            "a query looks at the schema alone: it has read rows"
        )
        due = _answer(make(), rows)
        assert answer.collect().equals(due), (
            "a query gives the same of rows that lie elsewhere"
        )

    def test_what_it_needs_is_enough(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that a table with only the needed columns is enough.

        These are the columns of `required_columns`, and the columns that the settings
        name.
        """
        query = make()
        enough = rows.select(
            name for name in rows.columns if name in self._columns(query)
        )
        answer, due = _answer(query, enough), _answer(query, rows)
        shared = [name for name in due.columns if name in answer.columns]
        assert answer.equals(due.select(shared)), (
            "what a query needs is enough: without the others it answers otherwise"
        )

    def test_it_reads_no_more_than_it_needs(
        self, make: Make, rows: pl.DataFrame
    ) -> None:
        """Check that it reads no more columns than it needs.

        These are the columns of `required_columns`, the columns that the settings name,
        and the columns of the result.
        """
        query = make()
        source = _Watched(rows.with_columns(pl.lit(1).alias(UNNEEDED)))
        answer = query.run(source.scan()).collect()
        assert source.asked is not None, (
            "a query answers from the rows: it has read none"
        )
        more = source.asked - self._columns(query) - set(answer.columns)
        if len(source.asked) > 1:  # to count rows some column must be read
            assert not more, (
                f"a query reads no more columns than it needs: {few(more)} besides"
            )

    def test_an_empty_table_has_an_answer(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that the result for an empty table has the same columns and types."""
        due, schema = _answer(make(), rows).schema, _answer(make(), rows.clear()).schema
        assert schema == due, (
            f"no rows have an answer with the columns of one of rows: {schema} is not"
            f" {due}"
        )

    def test_no_number_is_none(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that a number that does not exist is null, never NaN or infinite.

        This holds without rows, with one row, and with nulls in all nullable columns.
        """
        due = _answer(make(), rows).schema
        tables = {
            "no rows": rows.clear(),
            "nulls": with_nulls(rows),
            "rows": rows,
            "one row": rows[:1],
            "another": rows[-1:],
        }
        for what, table in tables.items():
            answer = _answer(make(), table)
            assert answer.schema == due, (
                f"an answer has the same columns and types, of {what}: {answer.schema}"
            )
            floats = answer.select(pl.selectors.float())
            odd = [
                column.name
                for column in floats
                if not column.drop_nulls().is_finite().all()
            ]
            assert not odd, (
                f"what has no number is null: column {few(odd)} is none for {what}"
            )

    def test_its_input_is_unchanged(self, make: Make, rows: pl.DataFrame) -> None:
        """Check that the input frame is unchanged."""
        given = rows.clone()
        lazy = given.lazy()
        query = make()
        query.run(lazy).collect()
        assert lazy.collect().equals(rows), "a query does not change its input"
        assert given.equals(rows), "a query does not change its input"

    def test_settings_that_name_no_column_are_refused(
        self, make: Make, rows: pl.DataFrame
    ) -> None:
        """Check for a `SettingsError` before anything is read.

        Texts in the settings that do not name columns may have any value.
        """
        for name in self.plugin.Settings.model_fields:
            for odd in ("no_such_column", ["no_such_column"]):
                try:
                    query = make(**{name: odd})
                except ValueError:  # it is not for texts
                    continue
                source, message = _Watched(rows), ""
                try:
                    query.run(source.scan()).collect()
                except SettingsError as error:
                    message = str(error)
                except Exception as error:
                    raise AssertionError(
                        "a column that is not there is refused with a SettingsError:"
                        f" {name} made it raise {type(error).__name__}"
                    ) from error
                assert not (message and source.asked), (
                    f"settings are refused before anything is read: {name} was not"
                )

    def test_no_value_is_shown(
        self, make: Make, rows: pl.DataFrame, output: Callable[[], Mapping[str, str]]
    ) -> None:
        """Check that no value of a row is logged or printed."""
        _answer(make(), rows)
        assert_no_value_shown(output())

    def _columns(self, query: Any) -> set[str]:
        """Return the columns of `required_columns`, and all texts of the settings."""
        settings = getattr(query, "settings", None)
        values = settings.model_dump().values() if settings is not None else ()
        texts = [
            column
            for value in values
            for column in ([value] if isinstance(value, str) else _several(value))
        ]
        return {*self.plugin.required_columns, *texts}


class _Watched:
    """Rows in another place, and the columns that were read of them.

    The columns are `None` until rows are read.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self.asked: set[str] | None = None

    def scan(self) -> pl.LazyFrame:
        """Return the rows."""
        return register_io_source(self._read, schema=self._rows.schema)

    def _read(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        count: int | None,
        batch: int | None,
    ) -> Iterator[pl.DataFrame]:
        self.asked = (self.asked or set()) | set(
            self._rows.columns if columns is None else columns
        )
        frame = self._rows if columns is None else self._rows.select(columns)
        frame = frame if predicate is None else frame.filter(predicate)
        yield frame if count is None else frame[:count]


def with_nulls(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with nulls in all columns except key and time."""
    return rows.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in rows.schema.items()
        if name != SOURCE_KEY and not isinstance(dtype, pl.Datetime)
    )


def _several(value: Any) -> Sequence[str]:
    return (
        [item for item in value if isinstance(item, str)]
        if isinstance(value, list | tuple | set | frozenset)
        else ()
    )


def _answer(query: Any, rows: pl.DataFrame) -> pl.DataFrame:
    answer: pl.DataFrame = query.run(rows.lazy()).collect()
    return answer
