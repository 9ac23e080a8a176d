"""Translation of polars' errors while reading a parquet file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from reporting_framework._text.messages import system_problem
from reporting_framework.errors import (
    AccessDenied,
    CorruptCheckpoint,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage.error_codes import storage_error

_OUTSIDE = (
    "sending request",
    "status code",
    "Generic S3 error",
    "timed out",
    "connection",
    "previously been poisoned",
)
"""Signs in polars' errors that the file is not at fault. The last one follows a panic
for lack of descriptors.
"""


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Raise polars' errors as the framework's.

    Raises:
        CorruptCheckpoint: The file is damaged.
        ReportingError: The storage or the system could not deliver the file.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        outside = isinstance(error, OSError) or any(
            sign in str(error) for sign in _OUTSIDE
        )
        damaged = (
            system_problem(error, (errno.EINVAL,)) is not None
        )  # an offset in the file points outside it
        if not damaged and (outside or system_problem(error) is not None):
            raise _unread(error, uri) from error
        raise CorruptCheckpoint(
            f"{uri}: not a parquet file that can be read; move it away or restore an"
            " earlier version; nothing was changed"
        ) from error


def _unread(error: BaseException, uri: str) -> ReportingError:
    """Return the error for an intact file that the storage or the system refused."""
    problem = storage_error(error, uri)
    if not uri.startswith("s3://"):
        local = (
            AccessDenied if isinstance(error, PermissionError) else StorageUnavailable
        )
        problem = local(f"{uri}: {system_problem(error) or 'reading failed'}")
    kind = StorageUnavailable if isinstance(problem, ObjectMissing) else type(problem)
    return kind(f"{problem}; the checkpoint could not be read, and nothing was changed")
