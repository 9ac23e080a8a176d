"""Parquet files of a table, read into memory to look rows up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

import polars as pl

from reporting_framework.errors import LocationError, SettingsError
from reporting_framework.plugin_api.records import DELETED_AT
from reporting_framework.storage import (
    Location,
    Store,
    list_keys,
    open_store,
    parquet_errors,
    parse_location,
)

SUFFIX = ".parquet"


def table_folder(uri: str) -> Location:
    """Return the folder of a table: that of its file, or the one that is named."""
    location = parse_location(uri)
    return location.parent if uri.endswith(SUFFIX) else location


class LookupTable:
    """Table in one parquet file, or in all parquet files of a folder.

    A part ``NAME=VALUE`` of a file's path is a column of texts. Files and folders whose
    name begins with ``_`` or ``.`` are not part of the table, as in Hive.

    Args:
        uri: URI of the file or of the folder.
        subject: Words for messages, such as `transform join`.

    Raises:
        LocationError: The URI cannot be used.
    """

    def __init__(self, uri: str, subject: str) -> None:
        self.location, self._subject = parse_location(uri), subject
        self._is_file = uri.endswith(SUFFIX)
        self._store: Store = open_store(table_folder(uri))

    def schema(self) -> pl.Schema:
        """Return the columns of all files.

        Raises:
            LocationError: There is no file.
            SettingsError: A column has different types in two files.
            ReportingError: A file cannot be read.
        """
        schema: dict[str, pl.DataType] = {}
        for key in self._keys():
            for name, dtype in self._scan(key).collect_schema().items():
                if schema.setdefault(name, dtype) != dtype:
                    raise SettingsError(
                        f"{self._subject}: {self.location.uri}: column {name} is"
                        f" {schema[name]} in one file and {dtype} in another; write the"
                        " table again with one type"
                    )
        return pl.Schema(schema)

    def read(self, columns: Iterable[str], max_rows: int) -> pl.DataFrame:
        """Return these columns of all rows that are not deleted.

        Raises:
            SettingsError: There are more than `max_rows` rows.
            ReportingError: A file cannot be read.
        """
        wanted, schema = list(columns), self.schema()
        frames, left = (
            [pl.DataFrame(schema={name: schema[name] for name in wanted})],
            max_rows,
        )
        for key in self._keys():
            rows = self._scan(key)
            there = rows.collect_schema()
            if DELETED_AT in there:
                rows = rows.filter(pl.col(DELETED_AT).is_null())
            with parquet_errors.reading(self._store.location.join(key).uri):
                frame = (
                    rows.select(
                        pl.col(name)
                        if name in there
                        else pl.lit(None, schema[name]).alias(name)
                        for name in wanted
                    )
                    .head(left + 1)
                    .collect()
                )
            left -= frame.height
            if left < 0:
                raise SettingsError(
                    f"{self._subject}: {self.location.uri} has more than {max_rows:,}"
                    " rows; raise max_rows if they fit in memory"
                )
            frames.append(frame)
        return pl.concat(frames)

    def _keys(self) -> list[str]:
        """Return the keys of the files.

        Raises:
            LocationError: There is none.
        """
        keys = list(self._present())
        if not keys:
            raise LocationError(
                f"{self._subject}: {self.location.uri}: there is no parquet file; run"
                " the report that writes it first"
            )
        return keys

    def _present(self) -> Iterator[str]:
        if self._is_file:
            if self._store.head(self.location.name) is not None:
                yield self.location.name
            return
        folder = self._store.location
        if folder.scheme == "file" and not os.path.isdir(folder.uri):
            return
        for key in list_keys(self._store):
            hidden = any(part.startswith(("_", ".")) for part in key.split("/"))
            if key.endswith(SUFFIX) and not hidden:
                yield key

    def _scan(self, key: str) -> pl.LazyFrame:
        target, uri = self._store.scan(key), self._store.location.join(key).uri
        with parquet_errors.reading(uri):
            rows = pl.scan_parquet(
                target.source, glob=False, hive_partitioning=False, **target.options
            )
            there = rows.collect_schema()
        parts = {} if self._is_file else _path_columns(key)
        return rows.with_columns(
            pl.lit(value).alias(name)
            for name, value in parts.items()
            if name not in there
        )


def _path_columns(key: str) -> Mapping[str, str]:
    """Return the columns that the folders of a key name, as in ``year=2024/``."""
    pairs = (part.split("=", 1) for part in key.split("/")[:-1] if "=" in part)
    return {name: unquote(value) for name, value in pairs}
