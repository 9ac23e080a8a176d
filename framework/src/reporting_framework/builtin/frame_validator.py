"""Validator ``frame``: rules for the columns of frames.

It works on columns; only rejected rows become Python objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework.builtin.column_rule import MISSING, ColumnRule
from reporting_framework.builtin.frame_faults import Fault, first_faults, rejections_of
from reporting_framework.builtin.frame_settings import FrameSettings
from reporting_framework.builtin.frame_types import is_castable, typed
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import SOURCE_KEY, Batch, Validated
from reporting_framework.plugin_api.validator import ColumnFacts, InputFormat, Validator

WRONG_TYPE = "wrong_type"
DUPLICATE_KEY = "duplicate_key"


class FrameValidator(Validator):
    """Validator of rows against the types and values in the settings.

    The rejection of a row names the first rule that it breaks, in the order of columns.
    """

    name = "frame"
    Settings = FrameSettings
    input_format: ClassVar[InputFormat] = "frames"

    def __init__(self, settings: FrameSettings) -> None:
        self._rules = {**settings.columns, **settings.rules}
        self._key = settings.primary_key
        self._types: dict[str, pl.DataType] = {
            name: rule.dtype
            for name, rule in settings.columns.items()
            if rule.dtype is not None
        }

    @property
    def schema(self) -> pl.Schema:  # type: ignore[override]  # never set
        """Columns of the settings, or of the source if the settings name none.

        Raises:
            SettingsError: There are no columns.
        """
        if not self._types:
            raise SettingsError(
                "validator frame: columns: there are none, and the source does not say"
                " which it has; give at least one",
                path=("columns",),
            )
        return pl.Schema({**self._types, SOURCE_KEY: pl.String()})

    @override
    def bind(self, schema: pl.Schema) -> None:
        """Use the columns of the source, if the settings name only some.

        Raises:
            SettingsError: A column is not one of the source, has a name of the
                framework's own, has a type no value of which can be of the type in the
                settings, or a rule is not for columns of its type.
        """
        if SOURCE_KEY in schema:
            raise SettingsError(
                f"validator frame: the source has a column {SOURCE_KEY}, a name of the"
                " framework's own; leave it out, or give it another name in a query"
            )
        for name in (*self._rules, *self._key):
            if name not in schema:
                raise SettingsError(
                    f"validator frame: column {name} is not one of the source; there"
                    f" are {', '.join(schema)}",
                    path=self._place(name),
                )
        for name, rule in self._rules.items():
            if rule.dtype is not None and not is_castable(schema[name], rule.dtype):
                raise SettingsError(
                    f"validator frame: column {name} is of type {schema[name]} in the"
                    f" source, which is never converted to {rule.type}; change one of"
                    " the two types",
                    path=self._place(name),
                )
        self._types = self._types or {
            name: self._type_of(name, dtype) for name, dtype in schema.items()
        }

    @override
    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return description, nullability and values of each column."""
        return {
            name: ColumnFacts(
                rule.description,
                not rule.not_null and name not in self._key,
                [value for value in rule.values or () if isinstance(value, str)],
            )
            for name, rule in {
                **dict.fromkeys(self._key, _NO_RULE),
                **self._rules,
            }.items()
        }

    @override
    def validate(self, batch: Batch) -> Validated:
        """Return the rows that keep all rules, and a rejection for each other row."""
        given = batch.frame if batch.frame is not None else pl.DataFrame()
        columns, lost = self._columns(given)
        source_keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        frame = pl.DataFrame([*columns, source_keys])
        faults = list(self._faults(lost))
        first = first_faults(frame, faults)
        if first.null_count() == len(first):
            return Validated(frame, ignored_fields=self._ignored(given))
        rejections = rejections_of(first, batch, faults)
        return Validated(
            frame.filter(first.is_null()), rejections, self._ignored(given)
        )

    def _place(self, name: str) -> tuple[str, ...]:
        """Return the path of the setting that names a column."""
        if name not in self._rules:
            return ("primary_key",)
        return ("columns" if self._types else "rules", name)

    def _type_of(self, name: str, dtype: pl.DataType) -> pl.DataType:
        """Return the type of a column of the source in the table.

        Raises:
            SettingsError: Its rules are not for columns of that type.
        """
        rule = self._rules.get(name, _NO_RULE)
        dtype = rule.dtype or dtype
        try:
            rule.check(dtype)
        except ValueError as error:
            raise SettingsError(
                f"validator frame: rules.{name}: {error}; the column is of type"
                f" {dtype}: change the rule, or give a type",
                path=("rules", name),
            ) from error
        return dtype

    def _columns(
        self, given: pl.DataFrame
    ) -> tuple[list[pl.Series], dict[str, pl.Series]]:
        """Return the columns in their types; values of other types become null.

        Also returns, by name, which rows have a value that is null now, for columns
        that were converted.
        """
        columns: list[pl.Series] = []
        lost: dict[str, pl.Series] = {}
        for name, dtype in self._types.items():
            before = given[name] if name in given.columns else None
            if before is None:
                before = pl.repeat(None, given.height, dtype=dtype, eager=True)
            column = typed(before, dtype)
            if column is not before:
                lost[name] = column.is_null() & before.is_not_null()
            columns.append(column.alias(name))
        return columns, lost

    def _faults(self, lost: Mapping[str, pl.Series]) -> Iterator[Fault]:
        """Yield the rules that rows may break, in the order of columns."""
        for number, (name, dtype) in enumerate(self._types.items()):
            column, rule = pl.nth(number), self._rules.get(name, _NO_RULE)
            if name in lost:
                yield Fault(pl.lit(lost[name]), WRONG_TYPE, name)
            if name in self._key and not rule.not_null:
                yield Fault(column.is_null(), MISSING, name)
            for broken, error_type in rule.broken(column, dtype):
                yield Fault(broken, error_type, name)
        if self._key:
            names = list(self._types)
            key = [pl.nth(names.index(name)) for name in self._key]
            one = key[0] if len(key) == 1 else pl.struct(key)
            yield Fault(~one.is_first_distinct(), DUPLICATE_KEY, None)

    def _ignored(self, given: pl.DataFrame) -> dict[str, int]:
        return {
            name: values
            for name in given.columns
            if name not in self._types
            and name.isidentifier()
            and (values := given.height - given[name].null_count())
        }


_NO_RULE = ColumnRule()
