"""Configuration file with the positions of its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import one_line
from reporting_framework.config.file import (
    KINDS,
    Config,
    document_problems,
    is_report_name,
    read_document,
)
from reporting_framework.errors import MESSAGE_LIMIT, SettingsError
from reporting_framework.operations.lint.problem import Path, Problem, Severity

if TYPE_CHECKING:
    from reporting_framework.config.positions import Positions

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT_END = "(at end of document)"
_BYTE = re.compile(r"not UTF-8 text: byte (\d+)")


class Document:
    """Configuration file, as far as it can be read.

    Args:
        path: The file; None if there is none.

    Attributes:
        config: Tables of reports and settings.
        problems: Problems with the form of the file.
    """

    def __init__(self, path: FilePath | None) -> None:
        self._path = path
        self._positions: Positions | None = None
        self.config = Config(path)
        self.problems: list[Problem] = []
        if path is not None:
            self._read(path)

    def _read(self, path: FilePath) -> None:
        try:
            document = read_document(path)
        except SettingsError as error:
            self.problems.append(_unreadable(path, str(error)))
            return
        from reporting_framework.config.positions import (
            Positions,
        )  # without a file there are none

        self._positions = Positions(path.read_text(encoding="utf-8-sig"))
        self.problems += [
            self.problem("error", "", problem.path, problem.message)
            for problem in document_problems(path, document)
        ]
        settings, tables, observers = (_tables(document.get(kind)) for kind in KINDS)
        tables = {name: item for name, item in tables.items() if is_report_name(name)}
        settings = {name: item for name, item in settings.items() if name not in tables}
        self.config = Config(path, settings, tables, observers)

    def problem(
        self, severity: Severity, report: str, path: Path, message: str
    ) -> Problem:
        """Return a problem with a position in the file, if it has one.

        Args:
            severity: The severity.
            report: Name of the report, or an empty text.
            path: Path of the setting in the file; if the file lacks it, the position is
                that of the nearest table around it.
            message: The message.
        """
        problem = Problem(severity, one_line(message, MESSAGE_LIMIT), report)
        position = self._positions.of(path) if self._positions else None
        if position is None:
            return problem
        line, column = position
        file = str(self._path)
        return problem._replace(path=path, file=file, line=line, column=column)


def _unreadable(path: FilePath, message: str) -> Problem:
    """Return the problem of a file that is no TOML."""
    problem = Problem("error", message, file=str(path))
    if match := _AT.search(message):
        return problem._replace(line=int(match[1]), column=int(match[2]))
    if _AT_END in message:
        return problem._replace(line=len(path.read_bytes().splitlines()))
    if match := _BYTE.search(message):
        before = path.read_bytes()[: int(match[1])]
        return problem._replace(line=before.count(b"\n") + 1)
    return problem


def _tables(value: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {name: item for name, item in value.items() if isinstance(item, dict)}
