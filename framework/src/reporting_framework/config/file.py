"""`reporting.toml`: tables of reports, of their settings, and of observers.

The import is light: pydantic is imported when settings are first resolved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import did_you_mean
from reporting_framework.errors import SettingProblem, SettingsError

if TYPE_CHECKING:
    from reporting_framework.config.toml_report import ComposedReport
    from reporting_framework.plugin_api.report import PipelineSpec


DEFAULT_NAME = "reporting.toml"

KINDS = ("settings", "reports", "observers")
"""Tables of the file: settings of installed reports, reports composed in it, and
settings of observers.
"""


class Config(NamedTuple):
    """Content of a configuration file.

    Attributes:
        path: The file, or None if there is none.
        settings: Settings of installed reports: the tables ``[settings.<report>]``.
        tables: Reports composed in the file: the tables ``[reports.<name>]``.
        observers: Settings of observers: the tables ``[observers.<name>]``.
    """

    path: Path | None = None
    settings: Mapping[str, Mapping[str, Any]] = {}
    tables: Mapping[str, Mapping[str, Any]] = {}
    observers: Mapping[str, Mapping[str, Any]] = {}

    @property
    def name(self) -> str:
        """The file's name for messages."""
        return str(self.path) if self.path else DEFAULT_NAME

    @property
    def composed(self) -> dict[str, ComposedReport]:
        """The reports composed in the file, by name.

        A table is checked when its report is used.
        """
        if not self.tables:
            return {}
        from reporting_framework.config.toml_report import ComposedReport

        return {
            name: ComposedReport(
                name,
                str(table.get("summary", "")),
                str(table.get("page") or "") or None,
            )
            for name, table in self.tables.items()
        }

    @property
    def reports(self) -> dict[str, PipelineSpec]:
        """Composition of each report in the file, from the file's settings alone.

        Raises:
            SettingsError: A table is not a report.
        """
        from reporting_framework.config.resolve import resolve_settings

        return {
            name: report.compose(resolve_settings(name, report.Settings, config=self))
            for name, report in self.composed.items()
        }

    def table_of(self, report: str) -> tuple[str, Mapping[str, Any]]:
        """Return the name of a report's table for messages, and the table."""
        kind, tables = (
            ("reports", self.tables)
            if report in self.tables
            else ("settings", self.settings)
        )
        return f"[{kind}.{report}] in {self.name}", tables.get(report, {})


def find_config(
    given: str | None, environment: Mapping[str, str], directory: Path | None = None
) -> Path | None:
    """Return the path of the configuration file.

    It is `given`, else ``REPORTING_CONFIG``, else an existing ``reporting.toml``.

    Args:
        given: Value of ``--config``.
        environment: The environment variables.
        directory: Folder of ``reporting.toml``; the working directory by default.

    Raises:
        SettingsError: The file named by ``--config`` or ``REPORTING_CONFIG`` does not
            exist.
    """
    for text, asker in (
        (given, "--config"),
        (environment.get("REPORTING_CONFIG"), "REPORTING_CONFIG"),
    ):
        if text:
            if not os.path.isfile(text):
                raise SettingsError(
                    f"{asker} names {text}, which is not a file; correct the path"
                )
            return Path(text)
    default = (directory or Path()) / DEFAULT_NAME
    return default if default.is_file() else None


def read_config(path: Path | None) -> Config:
    """Read a configuration file; None gives an empty configuration.

    Raises:
        SettingsError: The file cannot be read, is not TOML, or has unknown tables.
    """
    if path is None:
        return Config()
    document = read_document(path)
    for problem in document_problems(path, document):
        raise SettingsError(problem.message, path=problem.path)
    settings, reports, observers = (document.get(kind, {}) for kind in KINDS)
    return Config(path, settings, reports, observers)


def read_document(path: Path) -> dict[str, Any]:
    """Read a file of TOML.

    Raises:
        SettingsError: The file cannot be read, or is not TOML.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not UTF-8 text: byte {error.start}; save it as UTF-8"
        ) from None
    except ValueError:
        raise SettingsError(
            f"{path} holds a number that is too long; shorten it"
        ) from None
    except (OSError, RecursionError) as error:
        raise SettingsError(
            f"{path} cannot be read:"
            f" {getattr(error, 'strerror', None) or 'nested too deeply'}"
        ) from None


def document_problems(
    path: Path, document: Mapping[str, Any]
) -> Iterator[SettingProblem]:
    """Yield the problems with the tables of a configuration file.

    The content of the tables is checked when a report is used.
    """
    for kind in KINDS:
        tables = document.get(kind, {})
        wrong = (
            [
                (kind, name)
                for name, item in tables.items()
                if not isinstance(item, dict)
            ]
            if isinstance(tables, dict)
            else [(kind,)]
        )
        of_one = "observer" if kind == "observers" else "report"
        for place in wrong:
            yield SettingProblem(
                place,
                f"{path}: {kind} must hold one table for each {of_one}, as in"
                f" [{kind}.<{of_one}>]",
            )
    for name in [name for name in document if name not in KINDS]:
        near = did_you_mean(name, KINDS)
        yield SettingProblem(
            (name,),
            f"{path}: there is no table {name}{near}; tables: {', '.join(KINDS)}",
        )
    settings, reports, _ = (
        tables if isinstance(tables := document.get(kind), dict) else {}
        for kind in KINDS
    )
    for name in [name for name in settings if name in reports]:
        yield SettingProblem(
            ("settings", name),
            f"{path}: [settings.{name}] and [reports.{name}] both exist; move the"
            f" settings into [reports.{name}]",
        )
    for name in [name for name in reports if not is_report_name(name)]:
        yield SettingProblem(
            ("reports", name),
            f"{path}: [reports.{json.dumps(name)}]: a report's name is not blank, and"
            " holds no slash, as REPORT/STREAM names a stream; give it another name",
        )


def is_report_name(name: str) -> bool:
    """Return whether a report of a configuration file may have a name."""
    return bool(name.strip()) and "/" not in name
