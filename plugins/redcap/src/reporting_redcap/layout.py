"""Layout of a run: the columns that its frames have, whatever an answer has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence, Set
from difflib import get_close_matches
from threading import Lock

import polars as pl

from reporting_framework import SettingsError, StorageUnavailable
from reporting_redcap.api import RedcapApi
from reporting_redcap.columns import Column
from reporting_redcap.project import GROUP, ProjectInfo, describe
from reporting_redcap.settings import READ_AT, RedcapSettings
from reporting_redcap.typed import Typed, Typing, label_name

MAX_NAMES = 5
"""Columns that a message names."""

_log = logging.getLogger(__name__)


class Layout:
    """Columns of the frames of one run.

    Args:
        api: The API, to ask for the dictionary again.
        project: The project.
        settings: Settings of the source.
        names: Columns of a saved report; `None`: all columns that the settings select.

    Raises:
        SettingsError: A report has no record id, or two columns have one name.
    """

    def __init__(
        self,
        api: RedcapApi,
        project: ProjectInfo,
        settings: RedcapSettings,
        names: Sequence[str] | None,
    ) -> None:
        self._api, self._project = api, project
        columns = list(_selected(project, settings))
        if names:
            columns = _of_report(project, settings, names)
        _check_unique(columns, settings)
        self.key = [name for name in project.key if name in {c.name for c in columns}]
        self.typing = Typing(
            columns,
            project.missing_codes,
            keep=bool(project.missing_codes) and settings.missing_data_codes == "keep",
            values=settings.values,
            key=self.key,
        )
        self._names = [column.name for column in columns]
        self._lock = Lock()
        self._known: set[tuple[str, ...]] = {tuple(self._names)}

    def typed(self, texts: pl.DataFrame) -> Typed:
        """Return an answer with the columns and types of this layout.

        Raises:
            StorageUnavailable: The dictionary was changed while records were read.
        """
        if texts.columns != self._names:
            self._check(texts.columns)
            absent = [name for name in self._names if name not in texts.columns]
            texts = texts.with_columns(
                pl.lit(None, pl.String()).alias(name) for name in absent
            )
        return self.typing.typed(texts)

    def _check(self, names: Sequence[str]) -> None:
        """Ask for the dictionary again if an answer has other columns than it.

        Raises:
            StorageUnavailable: It was changed.
        """
        with self._lock:
            if tuple(names) in self._known:
                return
            now, known = describe(self._api), self._project
            if (now.dictionary, now.key) != (known.dictionary, known.key):
                raise StorageUnavailable(
                    f"{self._api.subject}: the data dictionary was changed while"
                    " records were read; run again"
                )
            self._known.add(tuple(names))
        absent = [name for name in self._names if name not in names and name != GROUP]
        further = [name for name in names if name not in self._names]
        if absent:
            _log.warning(
                "%s: the answer lacks %s: these columns are null; check the rights of"
                " the token to export data",
                self._api.subject,
                _listed(absent),
            )
        if further:
            _log.warning(
                "%s: the answer has columns that are not in the dictionary, %s: they"
                " are left out",
                self._api.subject,
                _listed(further),
            )


def _selected(project: ProjectInfo, settings: RedcapSettings) -> Iterator[Column]:
    """Yield the columns that the settings select, in the order of an export.

    Raises:
        SettingsError: The settings name a field or a form that does not exist.
    """
    fields, forms = set(settings.fields), set(settings.forms)
    _check_names("fields", fields, {column.field for column in project.columns})
    _check_names("forms", forms, {column.form for column in project.columns})
    yield project.columns[0]
    for column in project.added:
        if column.name != GROUP or settings.data_access_groups:
            yield column
    for column in project.columns[1:]:
        if not (fields or forms) or column.field in fields or column.form in forms:
            yield column


def _check_names(setting: str, names: Set[str], known: Set[str]) -> None:
    for name in sorted(names - known):
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingsError(
            f"source redcap: {setting}: the project has no {name}{hint}",
            path=(setting,),
        )


def _check_unique(columns: Sequence[Column], settings: RedcapSettings) -> None:
    """Check that each column of the frames has a name of its own.

    Raises:
        SettingsError: Two have the same, so that the values of one would be lost.
    """
    named = [(column.name, _origin(column)) for column in columns]
    if settings.values == "both":
        named += [
            (label_name(column), f"the label of {column.name}")
            for column in columns
            if column.labels
        ]
    if settings.read_at:
        named.append((READ_AT, "the setting read_at"))
    known: dict[str, str] = {}
    for name, origin in named:
        if name in known:
            raise SettingsError(
                f"source redcap: {known[name]} and {origin} are both the column {name};"
                " rename one in REDCap, or read only one of them"
            )
        known[name] = origin


def _origin(column: Column) -> str:
    if column.code:
        return f"code {column.code} of the checkbox {column.field}"
    return f"the field {column.field}"


def _of_report(
    project: ProjectInfo, settings: RedcapSettings, names: Sequence[str]
) -> list[Column]:
    """Return the columns of a saved report; unknown ones are texts.

    Raises:
        SettingsError: The report has no record id, so that its rows have no key.
    """
    known: dict[str, list[Column]] = {}
    for column in (*project.columns, *project.added):
        known.setdefault(column.name, []).append(column)
    for name in project.key:
        if name not in names:
            raise SettingsError(
                f"source redcap: report {settings.report_id} has no column {name}, so"
                " that its rows have no key; add the field to the report",
                path=("report_id",),
            )
    return [
        column for name in names for column in known.get(name, [Column(name, name, "")])
    ]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
