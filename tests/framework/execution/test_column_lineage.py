"""Columns of the source that columns come from: nothing is guessed."""

import polars as pl

from reporting_framework import SOURCE_KEY, ColumnSource
from reporting_framework.execution.column_lineage import column_sources
from reporting_framework.execution.source_schema import SourceSchema
from reporting_framework.testing.fakes import (
    SCHEMA,
    GivenRecords,
    KeptRows,
    WithoutStudy,
    pipeline,
)


class Kept(WithoutStudy):
    """A filter that says so."""

    keeps_values = True


def known(*transforms, columns=SCHEMA):
    made = pipeline(GivenRecords({}), KeptRows(), transforms=transforms)
    schema = None if columns is None else SourceSchema(columns, columns)
    return column_sources(made._replace(source_schema=schema))


def test_columns_of_one_name_are_known_unless_a_transform_may_change_them():
    names = [name for name in SCHEMA if name != SOURCE_KEY]
    assert known() == {name: ColumnSource(name) for name in names}
    assert known(Kept("beta")) == known()
    assert known(Kept("beta"), WithoutStudy("beta")) == {}


def test_a_source_without_columns_tells_nothing():
    assert known(columns=None) == {}


def test_a_column_of_another_type_is_converted_and_a_new_one_has_no_source():
    found = known(columns=pl.Schema({"number": pl.String, "other": pl.String}))
    assert found == {"number": ColumnSource("number", converted=True)}
