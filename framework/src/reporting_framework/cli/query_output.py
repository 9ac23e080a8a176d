"""The answer of a query on stdout or in a file."""

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
from reporting_framework.cli.streams import printable_lines
from reporting_framework.errors import LocationError, ReportingError
from reporting_framework.storage.temporary import temporary_root

if TYPE_CHECKING:
    import polars as pl

_MOMENT = "%Y-%m-%dT%H:%M:%S%.6f"

FORMATS = ("table", "csv", "json", "parquet")


def answer_options(form: str) -> list[click.Option]:
    """Return the options on an answer's form and file.

    Args:
        form: Help of the form.
    """
    return [
        click.Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help=f"{form}  [default: that of the file's name, else table]",
        ),
        click.Option(
            ["--out"],
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Write it there.",
        ),
    ]


def form_of(form: str | None, out: str | None, context: click.Context) -> str:
    """The form that was asked for, else that of the file's name, else a table.

    Raises:
        UsageError: A parquet file is to be printed.
    """
    suffix = Path(out).suffix.removeprefix(".") if out else ""
    if not form and suffix not in (*FORMATS, "", "txt"):
        raise click.UsageError(
            f"--out {out}: no form goes by .{suffix}; give --format"
            f" {', '.join(FORMATS)}",
            context,
        )
    name = form or (suffix if suffix in FORMATS else "table")
    if name == "parquet" and not out:
        raise click.UsageError("--format parquet goes with --out FILE", context)
    return name


def print_answer(frame: pl.DataFrame, form: str, out: str | None) -> None:
    """Print the answer, or put it into a file in one step.

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
    """Yield a file beside `out` that takes its place in one step when all went well.

    Else the file is gone. A link stays, and the file that it leads to is replaced; what
    is no file (a device, a pipe) is written to.

    Args:
        out: The file.
        what: What is written, for the message.

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
    except Exception as error:  # a full disk is none of `OSError` to polars
        if isinstance(error, ReportingError) or system_number(error) is None:
            raise
        raise LocationError(
            f"{out}: {system_problem(error)}; {what} is not written"
        ) from error


def _is_stream(out: str) -> bool:
    """Return whether something is there that is neither a file nor a folder."""
    try:
        mode = os.stat(out).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _text(frame: pl.DataFrame, form: str) -> str:
    """Return a table for people, or exact values.

    Among exact values, moments are in ISO 8601, and a null is nothing (CSV) or null
    (JSON).
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
    """A table for people."""
    from reporting_framework.cli.tables import listing

    return listing(columns, [[_cell(value) for value in row] for row in rows])


def _with_moments_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose moments with a time zone are text, in UTC."""
    import polars as pl

    return frame.with_columns(
        pl.col(name).dt.convert_time_zone("UTC").dt.to_string(f"{_MOMENT}Z")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone
    )


def _moment(value: datetime, sep: str, timespec: str) -> str:
    """A moment in UTC, ending in ``Z``; one without a time zone as it is."""
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
    """A value for people: three decimals, seconds, a hyphen for a null."""
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
