"""Columns that a validator is bound to: those of the source, or those of its last run.

Only a run must know what the source has now. Commands that read what is stored take
the columns that the history keeps, so that they work without the source.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.execution.plugin_errors import call, owner_of
from reporting_framework.execution.source_schema import (
    SourceSchema,
    columns_of,
    source_schema_of,
)
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.report import Contract
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.validator import Validator

_log = logging.getLogger(__name__)

Columns = Literal["source", "stored", "offline"]
"""Origin of a source's columns.

``source``: the source is asked, as for a run; ``stored``: the history, and the source
only if the history and the settings do not have them; ``offline``: the history only.
"""


def bind_validator(
    report: str,
    source: Source,
    validator: Validator,
    contract: Contract | None,
    metadata: MetadataStore | None,
    columns: Columns,
) -> SourceSchema | None:
    """Bind a validator that takes its columns from the source, and return them.

    Returns:
        The columns; `None` if the validator was not bound.

    Raises:
        SettingsError: The columns do not fit the settings.
        ReportingError: The source or, with a contract, the history cannot be read.
    """
    binds = supports(validator, "bind")
    if columns != "source":
        known = stored_schema(metadata, contract) if binds else None
        if known is not None and _binds(validator, known.taken):
            return known
        if columns == "offline" or not binds or has_columns(validator):
            return None
    found = columns_of(source, metadata) if binds else None
    if binds and found is None and supports(source, "schema_problem"):
        _check_columns(report, source, validator, contract)
    schema = source_schema_of(report, found, contract, metadata)
    if schema is not None:
        try:
            validator.bind(schema.taken)
        except (
            SettingsError
        ) as error:  # of one table of several, which the report names
            raise SettingsError(
                f"report {report}: {error}", problems=error.problems
            ) from error
    return schema


def _check_columns(
    report: str, source: Source, validator: Validator, contract: Contract | None
) -> None:
    """Raise `SettingsError` if a report needs the columns that its source lacks."""
    problem = f"report {report}: source {source.name}: {source.schema_problem()}"
    if contract is not None:
        raise SettingsError(problem)
    try:
        call(owner_of(validator), lambda: validator.schema)
    except SettingsError as error:
        raise SettingsError(problem) from error


def stored_schema(
    metadata: MetadataStore | None, contract: Contract | None = None
) -> SourceSchema | None:
    """Return the columns of the last run that committed, `None` if none are known."""
    history = metadata.history if metadata is not None else None
    try:
        known = history.schemas() if history is not None else None
    except ReportingError as error:
        _log.debug("the columns of the last run are not known: %s", error)
        return None
    return None if known is None else SourceSchema(*known, contract)


def stored_key(metadata: MetadataStore | None) -> Sequence[str] | None:
    """Return the source's primary key in the last run, `None` if it is not known."""
    history = metadata.history if metadata is not None else None
    try:
        return history.primary_key() if history is not None else None
    except ReportingError as error:
        _log.debug("the primary key of the last run is not known: %s", error)
        return None


def has_columns(validator: Validator) -> bool:
    """Return whether a validator knows its columns without the source."""
    try:
        return bool(validator.schema)
    except SettingsError:
        return False


def _binds(validator: Validator, schema: pl.Schema) -> bool:
    """Bind a validator; return whether its settings fit these columns."""
    try:
        validator.bind(schema)
    except SettingsError as error:  # settings that are newer than the last run
        _log.debug("the columns of the last run do not fit: %s", error)
        return False
    return True
