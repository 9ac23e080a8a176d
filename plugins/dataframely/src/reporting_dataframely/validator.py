"""Validator ``dataframely``: frames against a dataframely schema.

It works on columns; only rejected rows become Python objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import dataframely as dy
import polars as pl
from typing_extensions import override

from reporting_dataframely.rule_evaluation import RuleEvaluation
from reporting_dataframely.schema_rules import cross_row_rules, rules_of
from reporting_dataframely.settings import DataframelySettings
from reporting_dataframely.typed_columns import ColumnTypes, declared_types
from reporting_framework import (
    SOURCE_KEY,
    Batch,
    ColumnFacts,
    SettingsError,
    Validated,
    Validator,
)
from reporting_framework.builtin.frame_faults import first_faults, rejections_of
from reporting_framework.builtin.model_import import import_class
from reporting_framework.plugin_api.validator import InputFormat


class DataframelyValidator(Validator):
    """Validator of rows against the columns, rules and keys of a dataframely schema.

    The rejection of a row names the first rule that it breaks: conversions first, then
    rules of columns in the order of columns, the primary key, and further rules.

    A row is accepted if `dataframely.Schema.filter` accepts it. Exceptions: a day or a
    time outside of the years 1 to 9999 is rejected, and so is a row for which a rule
    raises an error.
    """

    name: ClassVar[str] = "dataframely"
    Settings: ClassVar[type[DataframelySettings]] = DataframelySettings
    input_format: ClassVar[InputFormat] = "frames"

    def __init__(self, settings: DataframelySettings) -> None:
        self._settings = settings
        self._schema: type[dy.Schema] = import_class(
            settings.schema_path,
            plugin="validator dataframely",
            setting="schema",
            accepts=_is_schema,
            kind="a subclass of dataframely.Schema with columns",
        )
        if SOURCE_KEY in self._schema.column_names():
            raise SettingsError(
                f"validator dataframely: schema {settings.schema_path}: {SOURCE_KEY} is"
                " a column that is added; rename it",
                path=("schema",),
            )
        self._prepare(None)

    @property
    def schema(self) -> pl.Schema:  # type: ignore[override]  # never set
        """Columns of the dataframely schema.

        Raises:
            SettingsError: The type of a column is not known.
        """
        for name, dtype in self._columns.types.items():
            if isinstance(dtype, pl.Null):
                raise SettingsError(
                    f"validator dataframely: column {name} of schema"
                    f" {self._settings.schema_path} may have any type, and the source"
                    " does not say which it has; declare a type",
                    path=("schema",),
                )
        return pl.Schema({**self._columns.types, SOURCE_KEY: pl.String()})

    @override
    def bind(self, schema: pl.Schema) -> None:
        """Use the types of the source's columns where the schema allows several.

        Raises:
            SettingsError: The source does not have a column, or has it in a type that
                is not accepted.
        """
        self._prepare(schema)

    @override
    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return description, nullability and values of each column."""
        return {
            name: ColumnFacts(
                column.description or "", column.nullable, _texts_of(column)
            )
            for name, column in self._schema.columns().items()
        }

    @override
    def validate(self, batch: Batch) -> Validated:
        """Return the rows that keep all rules, and a rejection for each other row."""
        given = batch.frame if batch.frame is not None else pl.DataFrame()
        rows, conversions = self._columns.of(given)
        ignored = {
            name: values
            for name in given.columns
            if name not in self._columns.types
            and name.isidentifier()
            and (values := given.height - given[name].null_count())
        }
        first = self._rules.first_broken(rows)
        if conversions:
            lost = first_faults(rows, conversions)
            after = first + len(conversions)
            first = lost.zip_with(lost.is_not_null(), after)
        keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        frame = rows.with_columns(keys)
        if first.null_count() == len(first):
            return Validated(frame, ignored_fields=ignored)
        faults = [*conversions, *self._rules.faults]
        rejections = rejections_of(first, batch, faults)
        return Validated(frame.filter(first.is_null()), rejections, ignored)

    def _prepare(self, given: pl.Schema | None) -> None:
        """Take the types of the columns, and check the rules against them.

        Raises:
            SettingsError: Types or rules cannot be used.
        """
        path, cast = self._settings.schema_path, self._settings.cast
        types = declared_types(self._schema, given, cast)
        rules = rules_of(self._schema)
        across = list(cross_row_rules(rules, types, path))
        if across and self._settings.cross_row == "refuse":
            labels = ", ".join(rule.label for rule in across)
            raise SettingsError(
                f"validator dataframely: schema {path}: rules that compare rows"
                f' ({labels}) see only the rows of one batch; set cross_row = "batch"'
                " to apply them to each batch alone, or remove them",
                path=("schema",),
            )
        self._columns = ColumnTypes(self._schema, types, cast)
        self._rules = RuleEvaluation(rules, across=bool(across))


def _is_schema(value: Any) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, dy.Schema)
        and bool(value.column_names())
    )


def _texts_of(column: dy.Column) -> list[str]:
    """Return all texts that a column may hold; none if other texts are allowed."""
    if isinstance(column, dy.Enum):
        return list(column.categories)
    return []
