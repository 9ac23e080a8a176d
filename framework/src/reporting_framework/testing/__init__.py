"""Conformance suites for the authors of plugins.

A plugin's author inherits from the class of its role and gets the tests of its
promises.

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

It needs the extra ``testing``: ``pip install 'reporting-framework[testing]'``. Each
class's docstring is its manual; the fixtures of the pytest plugin are in
`reporting_framework.testing.pytest_plugin`. Light to import: every name is imported
when it is first asked for.
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
    """The name, imported from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
