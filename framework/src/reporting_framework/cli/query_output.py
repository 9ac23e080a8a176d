"""Output of a query's answer to stdout or a file."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import (
    system_number,
    system_problem,
    utc_text,
)
from reporting_framework.cli.failures import write
from reporting_framework.cli.standard_streams import printable_lines
from reporting_framework.errors import LocationError, ReportingError
from reporting_framework.storage.temporary import temporary_root

if TYPE_CHECKING:
    import polars as pl

_MOMENT = "%Y-%m-%dT%H:%M:%S%.6f"

FORMATS = ("table", "csv", "json", "parquet")


def answer_options(form: str) -> list[click.Option]:
    """Return the options for an answer's format and file.

    Args:
        form: Help text of ``--format``.
    """
    return [
        click.Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help=f"{form}  [default: by the file's name, else table]",
        ),
        click.Option(
            ["--out"],
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Write to this file.",
        ),
    ]


def form_of(form: str | None, out: str | None, context: click.Context) -> str:
    """Return the requested format, else the format of the file's name, else table.

    Raises:
        UsageError: The file's name has no known format, or parquet needs a file.
    """
    suffix = Path(out).suffix.removeprefix(".") if out else ""
    if not form and suffix not in (*FORMATS, "", "txt"):
        raise click.UsageError(
            f"--out {out}: .{suffix} is no known format; add --format"
            f" {', '.join(FORMATS)}",
            context,
        )
    name = form or (suffix if suffix in FORMATS else "table")
    if name == "parquet" and not out:
        raise click.UsageError(
            "--format parquet: cannot be printed; add --out FILE", context
        )
    return name


def print_answer(frame: pl.DataFrame, form: str, out: str | None) -> None:
    """Print the answer, or write it to a file in one step.

    Raises:
        LocationError: The file cannot be written.
    """
    if out is None:
        text = _text(frame, form).removesuffix("\n")
        write(printable_lines(text) if form == "csv" else text)
        return
    with replacing(out) as scratch:
        if form == "parquet":
            from reporting_framework.storage.temporary import naming

            with naming(scratch):
                frame.write_parquet(scratch)
        else:
            scratch.write_bytes(
                f"{_text(frame, form).removesuffix(chr(10))}\n".encode()
            )


@contextmanager
def replacing(out: str, what: str = "the answer") -> Iterator[Path]:
    """Yield a temporary file next to `out` that replaces it if all goes well.

    After an error, the temporary file is removed. A link stays, and its target is
    replaced; a device or pipe is written to.

    Args:
        out: File to replace.
        what: Name of the content, for the message.

    Raises:
        LocationError: The file cannot be written.
    """
    stream = _is_stream(out)
    target = Path(out if stream else os.path.realpath(out))
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{target.name}.",
            suffix=".tmp",
            dir=temporary_root() if stream else target.parent,
        )
        os.close(descriptor)
        scratch = Path(name)
        try:
            yield scratch
            if stream:
                with scratch.open("rb") as answer, target.open("wb") as file:
                    shutil.copyfileobj(answer, file)
                return
            mask = os.umask(0)
            os.umask(mask)
            scratch.chmod(0o666 & ~mask)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    except Exception as error:  # for a full disk polars raises no `OSError`
        if isinstance(error, ReportingError) or system_number(error) is None:
            raise
        raise LocationError(
            f"{out}: {system_problem(error)}; {what} was not written"
        ) from error


def _is_stream(out: str) -> bool:
    """Return true if the path exists and is neither a file nor a folder."""
    try:
        mode = os.stat(out).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _text(frame: pl.DataFrame, form: str) -> str:
    """Return a table for people, or exact values as CSV or JSON.

    Exact values have moments in ISO 8601; a null is empty in CSV and ``null`` in JSON.
    """
    if form == "csv":
        return _with_moments_as_text(frame).write_csv(datetime_format=_MOMENT)
    if form == "json":
        return json.dumps(
            [_plain(row) for row in frame.iter_rows(named=True)],
            indent=2,
            ensure_ascii=False,
        )
    return text_of(frame.columns, frame.iter_rows())


def text_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table for people."""
    from reporting_framework.cli.tables import listing

    return listing(columns, [[_cell(value) for value in row] for row in rows])


def _with_moments_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Convert moments with a time zone to text in UTC."""
    import polars as pl

    return frame.with_columns(
        pl.col(name).dt.convert_time_zone("UTC").dt.to_string(f"{_MOMENT}Z")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone
    )


def _moment(value: datetime, sep: str, timespec: str) -> str:
    """Format a moment in UTC with ``Z``, or without a time zone if it has none."""
    if value.tzinfo is None:
        return value.isoformat(sep, timespec)
    return utc_text(value, sep, timespec)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (
            _moment(value, "T", "microseconds")
            if isinstance(value, datetime)
            else (
                value
                if value is None or isinstance(value, bool | int | float | str)
                else str(value)
            )
        )
        for name, value in row.items()
    }


def _cell(value: Any) -> str:
    """Format a value for people: three decimals, whole seconds, a hyphen for null."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime | date):
        return (
            _moment(value, " ", "seconds")
            if isinstance(value, datetime)
            else value.isoformat()
        )
    return str(value)
