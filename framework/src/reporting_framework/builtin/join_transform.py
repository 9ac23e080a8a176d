"""Transform ``join``: columns of another table, looked up by a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework.builtin.join_settings import JoinSettings
from reporting_framework.builtin.lookup_table import LookupTable, table_folder
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.base import Permission
from reporting_framework.plugin_api.records import SOURCE_KEY, WriteMode
from reporting_framework.plugin_api.transform import Transform
from reporting_framework.storage import permissions

_FOUND = "_reporting_found"
"""Column of the other table that tells a row of nulls from no row."""


class JoinTransform(Transform):
    """Transform that adds columns of another table, such as the table of a report.

    The other table must have at most one row for each key, so no row is added. It is
    read once in a run, and held in memory. A row whose key holds a null has no match.

    A later change of the other table does not change rows that are written already.
    """

    name: ClassVar[str] = "join"
    Settings: ClassVar[type[JoinSettings]] = JoinSettings
    keeps_values: ClassVar[bool] = True

    def __init__(self, settings: JoinSettings) -> None:
        self.settings = settings
        self._other = LookupTable(settings.uri, f"transform {self.name}")
        self._lock = Lock()
        self._rows: pl.DataFrame | None = None

    @property
    @override
    def write_modes(self) -> frozenset[WriteMode]:
        """Write modes; no upsert if a record could lose its match, and so its row."""
        if self.settings.unmatched == "drop":
            return frozenset({"append", "replace"})
        return super().write_modes

    @classmethod
    @override
    def aws_permissions(cls, settings: JoinSettings) -> Sequence[Permission]:
        return permissions.reading(table_folder(settings.uri))

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Transform.apply`. Of a frame without rows only the schema is read.

        Raises:
            SettingsError: A column is missing, exists already, or has another type in
                the other table; or a key occurs more than once in it.
            LocationError: The other table does not exist.
            ReportingError: It cannot be read.
        """
        self._check(frame.schema)
        with self._lock:
            if self._rows is None and not frame.is_empty():
                self._rows = self._read(frame.schema)
        rows = self._rows
        if rows is None:
            rows = pl.DataFrame(
                schema={**self._joined_schema(frame.schema), _FOUND: pl.Boolean}
            )
        joined = frame.join(
            rows, on=list(self.settings.key), how="left", maintain_order="left"
        )
        if self.settings.unmatched == "drop":
            joined = joined.filter(_FOUND)
        return joined.select(
            pl.exclude(SOURCE_KEY, _FOUND),
            *(name for name in frame.columns if name == SOURCE_KEY),
        )

    @cached_property
    def _schema(self) -> pl.Schema:
        return self._other.schema()

    def _check(self, ours: pl.Schema) -> None:
        settings, where = (
            self.settings,
            f"transform {self.name}: {self._other.location.uri}",
        )
        if absent := [name for name in settings.key if name not in ours]:
            raise SettingsError(
                f"transform {self.name}: on: there is no column {', '.join(absent)};"
                f" there are {', '.join(ours)}"
            )
        if taken := [name for name in settings.added if name in ours]:
            raise SettingsError(
                f"transform {self.name}: columns: {', '.join(taken)} exist already;"
                " choose other names, as in { list_price = 'price' }"
            )
        there = [*settings.key.values(), *settings.added.values()]
        if unknown := [name for name in there if name not in self._schema]:
            raise SettingsError(
                f"{where}: there is no column {', '.join(unknown)}; there are"
                f" {', '.join(self._schema)}"
            )
        for name, other in settings.key.items():
            if not _comparable(ours[name], self._schema[other]):
                raise SettingsError(
                    f"{where}: column {other} is {self._schema[other]}, and {name} is"
                    f" {ours[name]} here; join columns of one type"
                )

    def _joined_schema(self, ours: pl.Schema) -> Mapping[str, pl.DataType]:
        added = self.settings.added.items()
        return {
            **{name: ours[name] for name in self.settings.key},
            **{name: self._schema[other] for name, other in added},
        }

    def _read(self, ours: pl.Schema) -> pl.DataFrame:
        """Return the key, the columns to add and `_FOUND` of each row with a key."""
        settings = self.settings
        there = dict.fromkeys([*settings.key.values(), *settings.added.values()])
        table = self._other.read(there, settings.max_rows)
        rows = table.select(
            *(
                _as_key(pl.col(other), table.schema[other], ours[name]).alias(name)
                for name, other in settings.key.items()
            ),
            *(pl.col(other).alias(name) for name, other in settings.added.items()),
            pl.lit(value=True).alias(_FOUND),
        ).drop_nulls(list(settings.key))
        keys = rows.select(*settings.key)
        if repeated := keys.height - keys.n_unique():
            raise SettingsError(
                f"transform {self.name}: {self._other.location.uri}: {repeated:,} rows"
                f" have a key ({', '.join(settings.key.values())}) that another row"
                " has; name more columns in on, or join a table with one row for each"
                " key"
            )
        return rows


def _comparable(ours: pl.DataType, other: pl.DataType) -> bool:
    """Return whether two columns can hold the same keys.

    Texts from the path of a file can be those of whole numbers or days.
    """
    if ours == other:
        return True
    if ours.is_integer():
        return other.is_integer() or other == pl.String
    if isinstance(ours, pl.Date):
        return other == pl.String
    texts = (pl.String, pl.Categorical, pl.Enum)
    return isinstance(ours, texts) and isinstance(other, texts)


def _as_key(column: pl.Expr, dtype: pl.DataType, ours: pl.DataType) -> pl.Expr:
    """Return the column in our type; null where a value has no equal in it."""
    if isinstance(ours, pl.Date) and dtype == pl.String:
        return column.str.to_date("%Y-%m-%d", strict=False)
    return column.cast(ours, strict=False)
