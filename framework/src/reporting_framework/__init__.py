"""A plugin-based, multi-source reporting framework.

Light to import: what needs pydantic or polars is imported from its own module (`reporting_framework.result`,
`reporting_framework.settings`, `reporting_framework.runner`).
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
from reporting_framework.markers import API_VERSION, Lazy, hookimpl

if TYPE_CHECKING:
    from reporting_framework._text.install_command import install_command
    from reporting_framework.builtin.pydantic_validator import ModelValidator
    from reporting_framework.builtin.timestamps import Timestamp
    from reporting_framework.capabilities import (
        Absence,
        Answering,
        ColumnFacts,
        Describing,
        Filed,
        History,
        Located,
        ParquetBacked,
        ParquetFile,
        Permission,
        Permitted,
        Readable,
        Recording,
        Shelving,
        Traceable,
        Triggered,
    )
    from reporting_framework.interfaces import (
        Composition,
        Engine,
        Ledger,
        Material,
        Page,
        Plugin,
        Quarantine,
        Query,
        Report,
        RunLedger,
        Shape,
        Sink,
        Source,
        Survey,
        Transform,
        Use,
        Validator,
    )
    from reporting_framework.launch import query_report, run_report
    from reporting_framework.records import (
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


_HOMES = {
    "ModelValidator": "builtin.pydantic_validator",
    "install_command": "_text.install_command",
    "Timestamp": "builtin.timestamps",
    "query_report": "launch",
    "run_report": "launch",
}


def __getattr__(name: str) -> Any:
    """The roles and the records, imported when they are first asked for: a tenth of what ``--help`` would cost."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    homes = (import_module(f"{__name__}.{home}") for home in ("interfaces", "capabilities", "records"))
    value = globals()[name] = next(getattr(home, name) for home in homes if name in vars(home))
    return value
