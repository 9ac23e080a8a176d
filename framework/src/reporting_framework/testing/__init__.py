"""Conformance suites: a plugin's author inherits from the class of its role and gets the tests of its promises.

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

It needs the extra ``testing``: ``pip install 'reporting-framework[testing]'``. Each class's docstring is its manual;
the fixtures of the pytest plugin are in `reporting_framework.testing.pytest_plugin`. Light to import: every name is
imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reporting_framework.testing.contract import CANARY, PluginContract
    from reporting_framework.testing.engines import EngineContract
    from reporting_framework.testing.faults import CallFaults, Faults, Killed
    from reporting_framework.testing.observers import ObserverContract
    from reporting_framework.testing.pages import PageContract
    from reporting_framework.testing.queries import QueryContract
    from reporting_framework.testing.sinks import SinkContract
    from reporting_framework.testing.sources import SourceContract
    from reporting_framework.testing.transforms import TransformContract
    from reporting_framework.testing.validators import ValidatorContract

_HOMES = {
    "CANARY": "contract",
    "CallFaults": "faults",
    "EngineContract": "engines",
    "Faults": "faults",
    "Killed": "faults",
    "ObserverContract": "observers",
    "PageContract": "pages",
    "PluginContract": "contract",
    "QueryContract": "queries",
    "SinkContract": "sinks",
    "SourceContract": "sources",
    "TransformContract": "transforms",
    "ValidatorContract": "validators",
}

__all__ = [
    "CANARY",
    "CallFaults",
    "EngineContract",
    "Faults",
    "Killed",
    "ObserverContract",
    "PageContract",
    "PluginContract",
    "QueryContract",
    "SinkContract",
    "SourceContract",
    "TransformContract",
    "ValidatorContract",
]


def __getattr__(name: str) -> Any:
    """The name, imported from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
