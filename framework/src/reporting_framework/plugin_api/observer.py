"""Context of an observer in a run: its settings, its notes, and pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PageMaker = Callable[[str, str | None], str]
"""Function that returns the HTML of a page from the name of the report, which may be
``REPORT/STREAM``, and the name of the page; `None`: the report's own page.
"""


class ColumnSource(NamedTuple):
    """Column of the source that the values of a column of the sinks come from.

    Attributes:
        column: Name of the column of the source.
        converted: Whether the values have another type there.
    """

    column: str
    converted: bool = False


class Notes(ABC):
    """Small JSON object that an observer keeps in a report's metadata store."""

    @abstractmethod
    def load(self) -> tuple[Mapping[str, Any], str | None]:
        """Return the object and its version; `None`: there is none yet.

        A damaged object counts as empty.

        Raises:
            ReportingError: The storage refused, or did not answer.
        """

    @abstractmethod
    def save(self, content: Mapping[str, Any], *, if_version: str | None) -> str:
        """Write the object if its version is still `if_version`; return the new one.

        Args:
            content: The object, of JSON types.
            if_version: Version that `load` returned.

        Raises:
            CommitConflict: It was changed meanwhile; nothing was written.
            ReportingError: The storage refused, or did not answer.
        """


class ObserverContext(NamedTuple):
    """Settings, notes and pages for one observer in a run.

    Attributes:
        settings: The table ``[observers.NAME]`` of the configuration file, as it is
            there. NAME is that of the observer's entry point.
        settings_name: Name of the table for messages.
        dry_run: Whether the run is a dry run, which writes nothing.
        notes: The observer's notes for this report; `None`: the report has no metadata
            store, or it could not be opened.
        page: Function that makes a page of the report after a run; `None`: unknown.
    """

    settings: Mapping[str, Any] = {}
    settings_name: str = ""
    dry_run: bool = False
    notes: Notes | None = None
    page: PageMaker | None = None
