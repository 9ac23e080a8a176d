"""Checks of a source's batches and state, so that errors name the source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import PluginError
from reporting_framework.execution.plugin_results import Kind, problem_of
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
    ReadFailure,
    Rejection,
)

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.base import Shape

_OF_DELETES: Mapping[str, Sequence[type]] = {
    SOURCE_KEY: (str,),
    VERSION: (str, type(None)),
    DELETED_AT: (datetime,),
}
"""Types of the columns of deletes."""

_PARTS: Mapping[str, Kind] = {
    "frame": ("polars:DataFrame", type(None)),
    "deletes": ("polars:DataFrame", type(None)),
    "rejected": [Rejection],
    "unread": [ReadFailure],
    "ignored": [str],
}
"""Types of the parts of a batch that are not columns of records."""


def check_batch(batch: Batch, subject: str, output_format: Shape) -> None:
    """Check the types of a batch, and that its columns have the same length.

    Columns are checked without Python work for each record. Of the payloads, only the
    first is checked.

    Args:
        batch: Batch that a source has yielded.
        subject: The source, for messages.
        output_format: Form of the records that the source declares.

    Raises:
        PluginError: The batch does not follow the rules of `Batch`.
    """
    problem = next(_problems(batch, output_format), None)
    if problem is not None:
        raise PluginError(f"{subject}: a batch has {problem}")


def check_stream(batch: Batch, streams: Sequence[str | None], subject: str) -> None:
    """Check that a batch names one of `streams`.

    The message does not show the name, which may come from a record.

    Raises:
        PluginError: The batch names another stream.
    """
    if batch.stream in streams:
        return
    known = " or ".join(str(stream) for stream in streams if stream is not None)
    advice = f"set its `stream` to {known}" if known else "leave `stream` out"
    raise PluginError(
        f"{subject}: a batch has records of a stream that is not read here; {advice}"
    )


def check_state(state: Any, subject: str) -> None:
    """Check that a source state is a mapping of JSON types.

    Raises:
        PluginError: The state is anything else.
    """
    try:
        if not isinstance(state, Mapping):
            raise TypeError
        json.dumps(dict(state), allow_nan=False)
    except (TypeError, ValueError):
        raise PluginError(
            f"{subject}: its state is not a mapping of JSON types; let positions hold"
            " texts, numbers, lists and mappings"
        ) from None


def _problems(batch: Any, output_format: Shape) -> Iterator[str]:
    if not isinstance(batch, Batch):
        yield f"the type {type(batch).__name__}; yield Batch objects"
        return
    for name, kind in _PARTS.items():
        if problem := problem_of(getattr(batch, name), kind):
            yield f"{name} with {problem}"
    records = batch.frame if batch.payloads is None else batch.payloads
    columns = (batch.source_keys, batch.versions, () if records is None else records)
    for name, column in zip(
        ("source keys", "versions", "records"), columns, strict=True
    ):
        if not hasattr(column, "__len__"):
            yield f"{name} of type {type(column).__name__}; give a list or a series"
            return
    numbers = [len(column) for column in columns]
    if numbers[0]:
        yield from _wrong_form(batch, output_format)
    if len(set(numbers)) > 1:
        yield "{} source keys, {} versions and {} records; give one of each".format(
            *numbers
        )
    rejected = batch.rejected
    keys = _types(batch.source_keys) | {type(item.source_key) for item in rejected}
    versions = _types(batch.versions) | {type(item.version) for item in rejected}
    for wrong in _others(keys, str):
        yield f"a source key of type {wrong}, not a text"
    for wrong in _others(versions, str, type(None)):
        yield f"a version of type {wrong}, not a text; give a text or None"
    payloads = set(map(type, (batch.payloads or ())[:1]))
    for wrong in _others(payloads, bytes, bytearray, memoryview):
        yield f"a payload of type {wrong}, not bytes; encode it"
    if batch.deletes is not None:
        due = {SOURCE_KEY, VERSION, DELETED_AT}
        for missing in sorted(due.difference(batch.deletes.columns)):
            yield f"deletes without the column {missing}; see Batch.deletes"
        for name, allowed in _OF_DELETES.items():
            for wrong in _others(_types(batch.deletes[name]), *allowed):
                yield f"deletes whose {name} is of type {wrong}; see Batch.deletes"
    if not isinstance(batch.position, Mapping | None):
        wrong = type(batch.position).__name__
        yield f"a position of type {wrong}; give a mapping of JSON types"


def _wrong_form(batch: Batch, output_format: Shape) -> Iterator[str]:
    """Yield the problem of records in another form than the source declares."""
    found = "payloads" if output_format == "frames" else "frames"
    if (batch.payloads if found == "payloads" else batch.frame) is not None:
        yield (
            f"{found}, but output_format is {output_format!r}; yield {output_format},"
            f" or declare {found!r}"
        )


def _types(column: Sequence[Any] | pl.Series) -> set[type]:
    """Return the types of the values of a column."""
    if isinstance(column, Sequence):
        try:
            "".join(column)  # ten times as fast as looking at each type
        except TypeError:
            nothing = column.count(None) == len(column)
            return {type(None)} if nothing else set(map(type, column))
        return {str}
    nulls = {type(None)} if column.null_count() else set()
    is_text = str(column.dtype) in ("String", "Null")
    of_values = {str} if is_text else {column.dtype.to_python()}
    return nulls | (of_values if column.null_count() < len(column) else set())


def _others(types: Iterable[type], *allowed: type) -> list[str]:
    """Return the names of types that are not allowed."""
    return sorted(each.__name__ for each in types if not issubclass(each, allowed))
