"""A plugin-based, multi-source reporting framework.

Light to import: what needs pydantic or polars is imported from its own module (`reporting_framework.plugin_api.result`,
`reporting_framework.plugin_api.settings`, `reporting_framework.execution.runner`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    ConfigurationError,
    CorruptCheckpoint,
    FatalError,
    InvariantBroken,
    LocationError,
    ObjectMissing,
    PluginError,
    ReportingError,
    SettingsError,
    StepFailed,
    StorageUnavailable,
    TransientError,
    TriggerError,
)
from reporting_framework.plugin_api.markers import API_VERSION, Lazy, hookimpl

if TYPE_CHECKING:
    from reporting_framework._text.install_command import install_command
    from reporting_framework.api import query_report, run_report
    from reporting_framework.builtin.pydantic_validator import ModelValidator
    from reporting_framework.builtin.timestamps import Timestamp
    from reporting_framework.plugin_api.base import Permission, Permitted, Plugin, Shape
    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.metadata import History, Quarantine, Recording
    from reporting_framework.plugin_api.page import Material, Page
    from reporting_framework.plugin_api.query import Query
    from reporting_framework.plugin_api.records import (
        FILTERED,
        LOOKS_LIKE,
        ORIGIN_COLUMN,
        Batch,
        Fragment,
        Outcome,
        Receipt,
        Rejection,
        Response,
        Split,
        Trigger,
        Unread,
        Validated,
        holds_several,
        line_origin,
        object_of,
        single_origin,
    )
    from reporting_framework.plugin_api.report import Answering, Composition, Report, Use
    from reporting_framework.plugin_api.sink import Filed, ParquetBacked, ParquetFile, Readable, Shelving, Sink
    from reporting_framework.plugin_api.source import (
        Absence,
        Ledger,
        Located,
        RunLedger,
        Source,
        Survey,
        Traceable,
        Triggered,
    )
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import ColumnFacts, Describing, Validator

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "FILTERED",
    "LOOKS_LIKE",
    "ORIGIN_COLUMN",
    "Absence",
    "AccessDenied",
    "Answering",
    "Batch",
    "ColumnFacts",
    "CommitConflict",
    "Composition",
    "ConfigurationError",
    "CorruptCheckpoint",
    "Describing",
    "Engine",
    "FatalError",
    "Filed",
    "Fragment",
    "History",
    "InvariantBroken",
    "Lazy",
    "Ledger",
    "Located",
    "LocationError",
    "Material",
    "ModelValidator",
    "ObjectMissing",
    "Outcome",
    "Page",
    "ParquetBacked",
    "ParquetFile",
    "Permission",
    "Permitted",
    "Plugin",
    "PluginError",
    "Quarantine",
    "Query",
    "Readable",
    "Receipt",
    "Recording",
    "Rejection",
    "Report",
    "ReportingError",
    "Response",
    "RunLedger",
    "SettingsError",
    "Shape",
    "Shelving",
    "Sink",
    "Source",
    "Split",
    "StepFailed",
    "StorageUnavailable",
    "Survey",
    "Timestamp",
    "Traceable",
    "Transform",
    "TransientError",
    "Trigger",
    "TriggerError",
    "Triggered",
    "Unread",
    "Use",
    "Validated",
    "Validator",
    "holds_several",
    "hookimpl",
    "install_command",
    "line_origin",
    "object_of",
    "query_report",
    "run_report",
    "single_origin",
]


_ELSEWHERE = {
    "ModelValidator": "builtin.pydantic_validator",
    "install_command": "_text.install_command",
    "Timestamp": "builtin.timestamps",
    "query_report": "api",
    "run_report": "api",
}
_ROLES = (
    "base",
    "source",
    "validator",
    "transform",
    "sink",
    "metadata",
    "engine",
    "query",
    "page",
    "report",
    "records",
)


def __getattr__(name: str) -> Any:
    """The roles and the records, imported when they are first asked for: a tenth of what ``--help`` would cost."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ELSEWHERE:
        return getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
    homes = (import_module(f"{__name__}.plugin_api.{home}") for home in _ROLES)
    value = globals()[name] = next(getattr(home, name) for home in homes if name in vars(home))
    return value
