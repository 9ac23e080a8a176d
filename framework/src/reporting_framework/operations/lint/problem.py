"""Problems with a configuration, and the place of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from reporting_framework._text.messages import redacted
from reporting_framework.errors import ReportingError, SettingsError

Path = tuple[str, ...]
"""Path of a setting in the configuration file, outermost name first."""

Severity = Literal["error", "warning", "hint"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""All severities, the worst first.

An error makes a run fail. A warning is probably a mistake. A hint may be one.
"""


class Problem(NamedTuple):
    """One problem.

    Attributes:
        severity: See `SEVERITIES`.
        message: One line: the subject, the problem and the fix; without values of
            secrets.
        report: Name of the report, or an empty text.
        path: Path of the setting in the file; empty if it is not in the file.
        file: Configuration file, if the problem is in it.
        variable: Environment variable, if the problem is in it.
        line: Line in the file, from 1.
        column: Column in the line in characters, from 1.
    """

    severity: Severity
    message: str
    report: str = ""
    path: Path = ()
    file: str | None = None
    variable: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """The place for people, such as ``reporting.toml:3:14``."""
        if self.file is None:
            return self.variable or ""
        numbers = (str(number) for number in (self.line, self.column) if number)
        return ":".join((self.file, *numbers))

    @property
    def order(self) -> tuple[bool, int, int, int, str, str]:
        """Key for sorting: in the order of the file, then other places."""
        return (
            self.file is None,
            self.line or 0,
            self.column or 0,
            SEVERITIES.index(self.severity),
            self.variable or "",
            self.message,
        )


Add = Callable[[Severity, Sequence[str], str], None]
"""Function that adds a problem: its severity, the path of the setting, the message.

The path begins at the table of the report.
"""


def add_error(add: Add, error: ReportingError, path: Sequence[str] = ()) -> None:
    """Add all problems of an error.

    Args:
        add: Adds a problem.
        error: The error.
        path: Path of the settings that raised it.
    """
    if isinstance(error, SettingsError):
        for problem in error.problems:
            add("error", (*path, *problem.path), problem.message)
    else:
        add("error", path, redacted(str(error)))
