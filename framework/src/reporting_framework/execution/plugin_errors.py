"""The boundary between the framework and a plugin: foreign errors are wrapped once, naming the step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reporting_framework._text.messages import message_of, system_problem
from reporting_framework.errors import ReportingError, StepFailed, StorageUnavailable


@contextmanager
def step(report: str, role: str, name: str) -> Iterator[None]:
    """Errors of the framework's own pass; any other is wrapped once, naming the step and never a value.

    Raises:
        ReportingError: The plugin raised an error of the operating system's, or of a bucket that polars reads.
        StepFailed: The plugin raised any other error that is not a `ReportingError`.
    """
    try:
        yield
    except ReportingError:
        raise
    except BaseException as error:
        panic = type(error).__name__ == "PanicException"  # of libraries in Rust
        if not isinstance(error, Exception | SystemExit) and not panic:
            raise
        if isinstance(error, OSError) and "object-store error: " in message_of(error):  # of polars, reading a bucket
            from reporting_framework.storage import storage_error

            raise storage_error(error, f"report {report}: {role} {name}") from error
        system = isinstance(error, OSError) or panic or type(error).__module__.startswith("polars.")
        if system and (problem := system_problem(error)):  # a full disk, most often
            filename = getattr(error, "filename", None)
            where = f"{filename}: " if isinstance(filename, str) else ""
            raise StorageUnavailable(f"report {report}: {role} {name}: {where}{problem}") from error
        raise StepFailed(
            f"report {report}: {role} {name} raised {type(error).__name__}; see the log for where"
        ) from error
