"""A plugin-based, multi-source reporting framework.

Light to import: what needs pydantic or polars is imported from its own module
(`reporting_framework.plugin_api.result`, `reporting_framework.plugin_api.settings`,
`reporting_framework.execution.runner`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting_framework._text.version import __version__ as __version__
from reporting_framework.errors import (
    AccessDenied,
    CheckFailed,
    CommitConflict,
    ConfigurationError,
    CorruptCheckpoint,
    FatalError,
    IncompleteRun,
    InvariantBroken,
    LocationError,
    NotSupported,
    ObjectMissing,
    PluginError,
    ReportingError,
    SettingsError,
    StepFailed,
    StorageUnavailable,
    TransientError,
    TriggerError,
)
from reporting_framework.plugin_api.markers import API_VERSION, LazyPlugin, hookimpl

if TYPE_CHECKING:
    from reporting_framework._text.install_command import install_command
    from reporting_framework.api import query_report, run_report
    from reporting_framework.builtin.pydantic_validator import ModelValidator
    from reporting_framework.builtin.timestamps import Timestamp
    from reporting_framework.config.secrets import (
        SecretReference,
        SecretText,
        ShownError,
    )
    from reporting_framework.plugin_api.base import (
        Permission,
        Plugin,
        Shape,
        optional,
        supports,
    )
    from reporting_framework.plugin_api.checks import CheckSetting
    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.ledger import Ledger, RunLedger
    from reporting_framework.plugin_api.metadata import FirstReads, MetadataLocation
    from reporting_framework.plugin_api.object_plan import ObjectInfo, ObjectPlan
    from reporting_framework.plugin_api.object_source import (
        ObjectRecords,
        ObjectSource,
    )
    from reporting_framework.plugin_api.observer import (
        ColumnSource,
        Notes,
        ObserverContext,
    )
    from reporting_framework.plugin_api.page import Page, PageContext
    from reporting_framework.plugin_api.push_source import (
        PushSource,
        RejectedMessage,
    )
    from reporting_framework.plugin_api.query import Query
    from reporting_framework.plugin_api.record_source import RecordSource
    from reporting_framework.plugin_api.records import (
        DELETED_AT,
        FILTERED,
        LOOKS_LIKE,
        ROWS_ONLY,
        SOURCE_KEY,
        VERSION,
        Batch,
        CommitContext,
        CommitResult,
        FinishedSplit,
        ReadFailure,
        Rejection,
        Split,
        SplitResult,
        StagedPart,
        Trigger,
        TriggerResponse,
        UpsertCounts,
        Validated,
        WriteMode,
        holds_several,
        line_source_key,
        object_of,
        single_source_key,
    )
    from reporting_framework.plugin_api.report import (
        CheckRef,
        PipelineSpec,
        PluginRef,
        Report,
    )
    from reporting_framework.plugin_api.sink import (
        ParquetFile,
        Sink,
    )
    from reporting_framework.plugin_api.source import (
        Absence,
        DatedObject,
        PlanStats,
        Source,
    )
    from reporting_framework.plugin_api.table_query import (
        FAULTY,
        TableInfo,
        TableQuery,
        quote_identifier,
    )
    from reporting_framework.plugin_api.table_settings import TableSettings
    from reporting_framework.plugin_api.table_source import TableSource
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import (
        ColumnFacts,
        Validator,
    )
    from reporting_framework.tables.sink_settings import TableSinkSettings
    from reporting_framework.tables.table_sink import TableSink

__all__ = [
    "API_VERSION",
    "DELETED_AT",
    "FAULTY",
    "FILTERED",
    "LOOKS_LIKE",
    "ROWS_ONLY",
    "SOURCE_KEY",
    "VERSION",
    "Absence",
    "AccessDenied",
    "Batch",
    "CheckFailed",
    "CheckRef",
    "CheckSetting",
    "ColumnFacts",
    "ColumnSource",
    "CommitConflict",
    "CommitContext",
    "CommitResult",
    "ConfigurationError",
    "CorruptCheckpoint",
    "DatedObject",
    "Engine",
    "FatalError",
    "FinishedSplit",
    "FirstReads",
    "IncompleteRun",
    "InvariantBroken",
    "LazyPlugin",
    "Ledger",
    "LocationError",
    "MetadataLocation",
    "ModelValidator",
    "NotSupported",
    "Notes",
    "ObjectInfo",
    "ObjectMissing",
    "ObjectPlan",
    "ObjectRecords",
    "ObjectSource",
    "ObserverContext",
    "Page",
    "PageContext",
    "ParquetFile",
    "Permission",
    "PipelineSpec",
    "PlanStats",
    "Plugin",
    "PluginError",
    "PluginRef",
    "PushSource",
    "Query",
    "ReadFailure",
    "RecordSource",
    "RejectedMessage",
    "Rejection",
    "Report",
    "ReportingError",
    "RunLedger",
    "SecretReference",
    "SecretText",
    "SettingsError",
    "Shape",
    "ShownError",
    "Sink",
    "Source",
    "Split",
    "SplitResult",
    "StagedPart",
    "StepFailed",
    "StorageUnavailable",
    "TableInfo",
    "TableQuery",
    "TableSettings",
    "TableSink",
    "TableSinkSettings",
    "TableSource",
    "Timestamp",
    "Transform",
    "TransientError",
    "Trigger",
    "TriggerError",
    "TriggerResponse",
    "UpsertCounts",
    "Validated",
    "Validator",
    "WriteMode",
    "holds_several",
    "hookimpl",
    "install_command",
    "line_source_key",
    "object_of",
    "optional",
    "query_report",
    "quote_identifier",
    "run_report",
    "single_source_key",
    "supports",
]


_ELSEWHERE = {
    "ModelValidator": "builtin.pydantic_validator",
    "SecretReference": "config.secrets",
    "SecretText": "config.secrets",
    "ShownError": "config.secrets",
    "install_command": "_text.install_command",
    "Timestamp": "builtin.timestamps",
    "query_report": "api",
    "run_report": "api",
    "TableSinkSettings": "tables.sink_settings",
    "TableSink": "tables.table_sink",
    "TableSettings": "plugin_api.table_settings",
    "TableSource": "plugin_api.table_source",
}
_ROLES = (
    "base",
    "ledger",
    "source",
    "object_plan",
    "object_source",
    "push_source",
    "record_source",
    "table_query",
    "validator",
    "transform",
    "sink",
    "metadata",
    "engine",
    "query",
    "observer",
    "page",
    "report",
    "checks",
    "records",
)


def __getattr__(name: str) -> Any:
    """Return a role or a record, imported when it is first asked for.

    Importing them is a tenth of what ``--help`` would cost.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ELSEWHERE:
        return getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
    homes = (import_module(f"{__name__}.plugin_api.{home}") for home in _ROLES)
    value = globals()[name] = next(
        getattr(home, name) for home in homes if name in vars(home)
    )
    return value
