"""One version of a CSV file: its rows, its source keys, and the next version."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import polars as pl

from reporting_datasets.csv_sink.dialect import Dialect
from reporting_datasets.staging import StagingArea
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CorruptCheckpoint, StorageUnavailable
from reporting_framework.storage import Pinned, Store, naming, system_problem

COPY_BYTES = 8 * 1024 * 1024
"""Number of bytes that are copied at once."""

ROWS = "_reporting_rows"
"""Name of the column with the number of rows."""

_KEY = pl.col(SOURCE_KEY)


class CsvVersion(NamedTuple):
    """File in one version.

    Attributes:
        uri: URI of the file.
        dialect: Its dialect.
        path: Path of its bytes: the file, or a copy; `None`: there is no file.
        version: Version that the storage gives it.
        size: Size in bytes.
        rows: Number of rows.
    """

    uri: str
    dialect: Dialect
    path: Path | None = None
    version: str | None = None
    size: int = 0
    rows: int = 0

    @classmethod
    def open(
        cls, store: Store, key: str, dialect: Dialect, area: StagingArea
    ) -> CsvVersion:
        """Open the present file; only a definite "not found" means that there is none.

        Raises:
            CorruptCheckpoint: It is not a CSV file of these columns.
        """
        uri = store.location.join(key).uri
        content = store.pin(key)
        if content is None:
            return cls(uri, dialect)
        with closing(content):
            _check_head(uri, dialect, content)
            path = area.path("csv")
            with naming(path), path.open("wb") as file:
                copy(content, file)
        version = cls(uri, dialect, path, content.version, content.size)
        with _reading(uri):
            counts = version.texts().select(
                pl.len().alias(ROWS), pl.all().null_count()
            )  # each value is parsed, so that a line with more values is noticed
            rows = counts.collect(engine="streaming")[ROWS].item()
        return version._replace(rows=rows)

    def texts(self) -> pl.LazyFrame:
        """Return the rows, each value as text."""
        if self.path is None or self.size <= len(self.dialect.head):
            schema = dict.fromkeys(self.dialect.schema, pl.String())
            return pl.LazyFrame(schema=schema)
        return self.dialect.scan(self.path)

    def existing_keys(self, wanted: pl.Series) -> pl.Series:
        """Return those of the wanted source keys that the file has."""
        keys = wanted.implode()
        return self._keys(pl.col(SOURCE_KEY).is_in(keys), _KEY)

    def existing_objects(self, wanted: pl.Series) -> pl.Series:
        """Return those of the wanted objects that the file has rows of."""
        names = wanted.implode()
        several = _KEY.str.contains("#", literal=True)
        of_key = _KEY.str.replace(r"#[0-9]+$", "")
        found = self._keys(_KEY.is_in(names) | several, of_key)
        return found.filter(found.is_in(names))

    def _keys(self, chosen: pl.Expr, value: pl.Expr) -> pl.Series:
        key = self.dialect.value(SOURCE_KEY, pl.String())
        rows = self.texts().select(key).filter(chosen).select(value).unique()
        with _reading(self.uri):
            return rows.collect(engine="streaming")[SOURCE_KEY]


def _check_head(uri: str, dialect: Dialect, content: Pinned) -> None:
    """Compare the first bytes of a file with the dialect and the columns.

    Raises:
        CorruptCheckpoint: They differ.
    """
    head = dialect.head
    if content.read(0, len(head)) != head:
        raise CorruptCheckpoint(
            f"{uri}: its first line has other columns or another dialect than the"
            " report; move it away, or write it with mode replace; nothing was"
            " changed"
        )


def copy(content: Pinned, file: BinaryIO) -> None:
    """Copy a pinned object to a local file.

    Raises:
        StorageUnavailable: The object was replaced, or reading failed after retries.
    """
    for begin in range(0, content.size, COPY_BYTES):
        data = content.read(begin, min(COPY_BYTES, content.size - begin))
        file.write(data)


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """Raise polars' errors as the framework's, without values.

    Raises:
        CorruptCheckpoint: The file is not CSV, or not in this dialect.
        StorageUnavailable: The system could not read it.
    """
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"{uri}: {system_problem(error, (errno.EINVAL,)) or 'reading failed'}"
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        raise CorruptCheckpoint(
            f"{uri}: not a CSV file of this dialect that can be read; move it away or"
            " restore an earlier version; nothing was changed"
        ) from None


def ends_line(path: Path) -> bool:
    """Return whether a file is empty or ends with a line end."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        last: Any = file.read(1)
    return bool(last == b"\n")
