"""Data files of a dataset: reading their rows in the present columns."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import polars as pl

from reporting_datasets.parquet_sink.manifest import DataFile, Manifest, described
from reporting_datasets.parquet_sink.place import Place
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CorruptCheckpoint, StorageUnavailable
from reporting_framework.query.schemas import SchemaMapping
from reporting_framework.storage import Store, checksums, parquet_errors

READ_ROWS = 262_144
"""Number of rows of a file that are read at once."""

FEW = 4_096
"""Maximum number of source keys that are searched as a list."""

AT, FILE = "_reporting_at", "_reporting_file"
"""Columns: position of a row in its file, number of the file in the manifest."""


class DataFiles:
    """Reader of the files of a manifest.

    Args:
        place: Places of the dataset.
        schema: Columns in which rows are read.

    Attributes:
        place: Places of the dataset.
        schema: Columns in which rows are read.
    """

    def __init__(self, place: Place, schema: pl.Schema) -> None:
        self.place, self._store = place, place.store
        self.schema, self._known = schema, described(schema)
        self._stored: dict[tuple[tuple[str, str], ...], SchemaMapping] = {}

    @property
    def store(self) -> Store:
        """Store of the dataset's parent folder."""
        return self._store

    def uri(self, file: DataFile) -> str:
        """Return the URI of a file."""
        return self._store.location.join(self.place.key(file.key)).uri

    def mapping(self, manifest: Manifest, file: DataFile) -> SchemaMapping | None:
        """Return the mapping of an older file's columns, `None` for a present one.

        Raises:
            CorruptCheckpoint: Its columns cannot be read in the present ones.
        """
        columns = manifest.schemas[file.columns]
        if columns == self._known:
            return None
        if columns not in self._stored:
            rows = self._scan(file)
            with parquet_errors.reading(self.uri(file)):
                stored = rows.collect_schema()
            self._stored[columns] = SchemaMapping.between(
                stored, self.schema, [SOURCE_KEY]
            )
        return self._stored[columns]

    def check_values(self, manifest: Manifest) -> None:
        """Check that every value of the files can be read in the present columns.

        Only columns of another type are read, and only if the last commit was in other
        columns.

        Raises:
            CorruptCheckpoint: A value does not fit, or a column has a type that cannot
                be converted.
        """
        if manifest.fits is not None and manifest.schemas[manifest.fits] == self._known:
            return
        groups: dict[int, list[DataFile]] = {}
        for file in manifest.files:
            groups.setdefault(file.columns, []).append(file)
        for files in groups.values():
            with self._naming_the_table():
                mapping = self.mapping(manifest, files[0])
                if mapping is not None:
                    with parquet_errors.reading(self._table):
                        mapping.check(pl.concat(map(self._scan, files)))

    @property
    def _table(self) -> str:
        return self._store.location.join(self.place.name).uri

    @contextmanager
    def _naming_the_table(self) -> Iterator[None]:
        """Add the name of the table to errors about columns that cannot be read."""
        try:
            yield
        except CorruptCheckpoint as error:
            if str(error).startswith(self._store.location.uri):
                raise
            raise CorruptCheckpoint(
                f"{self._table}: {error}; nothing was changed; go on with the settings"
                " that it was made with, or name another dataset"
            ) from None

    def rows(self, manifest: Manifest, file: DataFile) -> pl.LazyFrame:
        """Return the rows of a file in the present columns and its own, with `AT`."""
        rows = self._scan(file, AT)
        if (mapping := self.mapping(manifest, file)) is None:
            return rows
        return mapping.read(rows.drop(AT), strict=True).with_row_index(AT)

    def frames(self, manifest: Manifest, file: DataFile) -> Iterator[pl.DataFrame]:
        """Yield the rows of a file in their order, after its content was checked.

        Raises:
            CorruptCheckpoint: It does not match its checksums, or a value does not fit
                the present columns.
        """
        self.check(file)
        scan, mapping = self._scan(file), self.mapping(manifest, file)
        for begin in range(0, file.rows, READ_ROWS):
            with parquet_errors.reading(self.uri(file)):
                frame = scan.slice(begin, READ_ROWS).collect()
            yield frame if mapping is None else mapping.fitted(frame)

    def matching(
        self, manifest: Manifest, keys: pl.Series, columns: Sequence[str]
    ) -> pl.DataFrame:
        """Return the rows with these source keys, with `FILE` and `AT`.

        Files whose range of source keys has none of them are not read.

        Args:
            manifest: The manifest.
            keys: Source keys, in order.
            columns: Columns of the rows.
        """
        wanted = keys.to_frame(SOURCE_KEY)
        few = keys.implode() if len(keys) <= FEW else None
        scans = []
        for number in candidates(manifest.files, keys):
            file = manifest.files[number]
            rows = self.rows(manifest, file).select(
                *columns, AT, pl.lit(number, pl.UInt32).alias(FILE)
            )
            scans.append(
                rows.filter(pl.col(SOURCE_KEY).is_in(few))
                if few is not None
                else rows.join(wanted.lazy(), on=SOURCE_KEY, how="semi")
            )
        return self._collected(scans, columns)

    def _collected(
        self, scans: Sequence[pl.LazyFrame], columns: Sequence[str]
    ) -> pl.DataFrame:
        schema = {**{name: self.schema[name] for name in columns}}
        none = pl.DataFrame(schema={**schema, AT: pl.UInt32, FILE: pl.UInt32})
        if not scans:
            return none
        with parquet_errors.reading(self._table):
            frames = pl.collect_all(scans)
        return pl.concat(
            frame.with_columns(pl.col(AT).cast(pl.UInt32)) for frame in frames
        )

    def check(self, file: DataFile) -> None:
        """Compare a file with its size in the manifest and with its checksums.

        Raises:
            CorruptCheckpoint: It is damaged, or another file.
            StorageUnavailable: It no longer exists, or reading failed after retries.
        """
        uri, content = self.uri(file), self._store.pin(self.place.key(file.key))
        if content is None:
            raise missing(uri)
        with closing(content), parquet_errors.reading(uri):
            if content.size != file.bytes:
                raise CorruptCheckpoint(
                    f"{uri}: {content.size} bytes, the manifest has {file.bytes};"
                    " restore it, or reset the report; nothing was changed"
                )
            checksums.check(uri, content.read, content.size)

    def _scan(self, file: DataFile, index: str | None = None) -> pl.LazyFrame:
        target = self._store.scan(self.place.key(file.key))
        return pl.scan_parquet(
            target.source,
            glob=False,
            hive_partitioning=False,
            row_index_name=index,
            **target.options,
        )


def candidates(files: Sequence[DataFile], keys: pl.Series) -> list[int]:
    """Return the numbers of the files whose range has at least one of these keys.

    Args:
        files: The files.
        keys: Source keys, in order.
    """
    if not len(keys):
        return []
    ordered = keys.to_list()
    return [
        number
        for number, file in enumerate(files)
        if (at := bisect_left(ordered, file.first)) < len(ordered)
        and ordered[at] <= file.last
    ]


def missing(uri: str) -> StorageUnavailable:
    """Return the error for a file of the manifest that does not exist."""
    return StorageUnavailable(
        f"{uri}: a file of the manifest is missing; if no other run has replaced it"
        " meanwhile, restore it or reset the report; nothing was changed"
    )
