"""Check of the source, for `reporting doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_files.column_types import type_name
from reporting_framework.plugin_api.records import CheckResult

if TYPE_CHECKING:
    from reporting_files.source import Files


def described(source: Files) -> CheckResult:
    """Check that files are found and have columns; show format and types."""
    uri = source.store.location.uri
    schema, formats, *_ = source.sample()
    if schema is None:
        found, _, advice = source.schema_problem().rpartition("; ")
        return CheckResult("warn", found, advice)
    columns = ", ".join(f"{name} {type_name(dtype)}" for name, dtype in schema.items())
    return CheckResult("ok", f"{uri}: {', '.join(formats) or 'no format'}; {columns}")
