"""Conformance suites for plugin authors.

An author's test class inherits from the contract class of the plugin's role, and so
gets a test for each promise of that role.

::

    from reporting_framework.testing import SourceContract

    class TestMySource(SourceContract):
        plugin = MySource

        @pytest.fixture
        def settings(self, tmp_path):
            return {"folder": str(tmp_path)}

        @pytest.fixture
        def records(self, tmp_path):
            (tmp_path / "a.json").write_bytes(b"{}")
            return {"a.json": b"{}"}

The suites need the extra ``testing``: ``pip install 'reporting-framework[testing]'``.
Each class's docstring is its manual; the fixtures of the pytest plugin are in
`reporting_framework.testing.pytest_plugin`. The import is light: a name is imported on
first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reporting_framework.testing.contracts.base import CANARY, PluginContract
    from reporting_framework.testing.contracts.engine import EngineContract
    from reporting_framework.testing.contracts.observer import ObserverContract
    from reporting_framework.testing.contracts.page import PageContract
    from reporting_framework.testing.contracts.query import QueryContract
    from reporting_framework.testing.contracts.record_source import (
        DeletingFeed,
        Feed,
        RecordSourceContract,
    )
    from reporting_framework.testing.contracts.sink import SinkContract
    from reporting_framework.testing.contracts.source import SourceContract
    from reporting_framework.testing.contracts.table_source import (
        Table,
        TableSourceContract,
    )
    from reporting_framework.testing.contracts.transform import TransformContract
    from reporting_framework.testing.contracts.validator import ValidatorContract
    from reporting_framework.testing.faults.calls import CallFaults, Faults, Killed

_HOMES = {
    "CANARY": "contracts.base",
    "CallFaults": "faults.calls",
    "DeletingFeed": "contracts.record_source",
    "EngineContract": "contracts.engine",
    "Faults": "faults.calls",
    "Feed": "contracts.record_source",
    "Killed": "faults.calls",
    "ObserverContract": "contracts.observer",
    "PageContract": "contracts.page",
    "PluginContract": "contracts.base",
    "QueryContract": "contracts.query",
    "RecordSourceContract": "contracts.record_source",
    "SinkContract": "contracts.sink",
    "SourceContract": "contracts.source",
    "Table": "contracts.table_source",
    "TableSourceContract": "contracts.table_source",
    "TransformContract": "contracts.transform",
    "ValidatorContract": "contracts.validator",
}

__all__ = [
    "CANARY",
    "CallFaults",
    "DeletingFeed",
    "EngineContract",
    "Faults",
    "Feed",
    "Killed",
    "ObserverContract",
    "PageContract",
    "PluginContract",
    "QueryContract",
    "RecordSourceContract",
    "SinkContract",
    "SourceContract",
    "Table",
    "TableSourceContract",
    "TransformContract",
    "ValidatorContract",
]


def __getattr__(name: str) -> Any:
    """Return a name of `__all__`; import it from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
