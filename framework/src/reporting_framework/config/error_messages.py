"""Translation of a pydantic error to one line.

The line names the setting, the value found, the allowed values and the fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import did_you_mean, one_line
from reporting_framework.config.fields import (
    annotation_at,
    core,
    fields_of,
    holds_secret,
    kind_of,
)
from reporting_framework.config.layers import (
    TRIGGER,
    Path,
    ResolvedValues,
    option,
    variable,
)
from reporting_framework.config.secrets import ShownError
from reporting_framework.errors import SettingProblem, SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

VALUE_LIMIT = 80
"""Maximum length of a value in a message, in characters."""

MAX_NAMES = 50
"""Maximum number of further problems that a message names."""

GENERIC_OPTIONS = frozenset(
    (
        "config",
        "dry_run",
        "engine",
        "events",
        "format",
        "help",
        "limit",
        "max_rejected",
        "more_events",
        "quiet",
        "set",
        "time_budget",
        "verbose",
        "version",
    )
)
"""Settings without an option of their own: the command line uses these names for
something else.
"""

_SHAPES = {
    (
        "list_type",
        "tuple_type",
        "set_type",
        "frozen_set_type",
    ): "a list is expected, as in [ … ]",
    (
        "dict_type",
        "mapping_type",
        "model_type",
        "model_attributes_type",
    ): "a table is expected, as in { name = … }",
}
"""Expected shape in TOML and JSON, by the types of pydantic's errors."""

_KINDS = ("a table", "a list")
"""Values that a message names, but does not show."""


def to_settings_error(
    subject: str,
    model: type[BaseModel],
    error: ValidationError,
    merged: ResolvedValues | None = None,
    table: str | None = None,
) -> SettingsError:
    """Return the error as a `SettingsError`.

    The first problem is described in full (unknown names come first), other problems by
    name.

    Args:
        subject: Owner of the settings, such as a report's name.
        model: The settings model.
        error: Error of its validation.
        merged: Resolved values of a report, with the place of each.
        table: The report's table and its file, as in ``[settings.visits] in
            reporting.toml``. None if the owner is not a report.
    """
    order = {"extra_forbidden": 0, "missing": 1}
    details = sorted(
        error.errors(include_url=False), key=lambda item: order.get(item["type"], 2)
    )
    first, *others = details
    about = _About(subject, model, merged or ResolvedValues(), table)
    text = about.text(first)
    problems: dict[Path, SettingProblem] = {}
    for item in details[: MAX_NAMES + 1]:  # each member of a union adds a problem
        problem = about.problem(item)
        problems.setdefault(problem.path, problem)
    if names := dict.fromkeys(about.shown_path(item) for item in others[:MAX_NAMES]):
        names.pop(
            about.shown_path(first), None
        )  # each member of a union adds a problem of the same name
        more = len(names) if len(others) <= MAX_NAMES else len(others)
        noun = "problem" if more == 1 else "problems"
        text += f" (and {more} more {noun}: {', '.join(names)})" if names else ""
    verdicts = {about.of_trigger(item) for item in details}
    return SettingsError(
        f"{subject}: {text}",
        of_trigger=next(
            (verdict for verdict in (False, None) if verdict in verdicts), True
        ),
        problems=list(problems.values()),
    )


class _About(NamedTuple):
    """Context of an error: the owner, model and places of the settings."""

    subject: str
    model: type[BaseModel]
    merged: ResolvedValues
    table: str | None

    def text(self, item: ErrorDetails) -> str:
        """Describe a problem."""
        if item["type"] == "extra_forbidden":
            return self.unknown(item)
        return self.missing(item) if item["type"] == "missing" else self.wrong(item)

    def problem(self, item: ErrorDetails) -> SettingProblem:
        """Return a problem with its path and place."""
        path = _path(item)
        if item["type"] not in ("missing", "extra_forbidden"):
            path = self._known(path)
        place = self.merged.place_of(path) if path else None
        return SettingProblem(path, f"{self.subject}: {self.text(item)}", place)

    def unknown(self, item: ErrorDetails) -> str:
        """Describe an unknown setting."""
        path = _path(item)
        owner = (
            core(annotation_at(self.model, path[:-1])) if len(path) > 1 else self.model
        )
        known = list(fields_of(owner)) if hasattr(owner, "model_fields") else []
        place = self.merged.place_of(path)
        where = f" ({place})" if place else ""
        if path[-1] == "full_scan" and self.table is None:
            return "it has no full scan; leave out --full-scan and full_scan"
        return (
            "there is no setting"
            f" {self.shown_path(item)}{where}{did_you_mean(path[-1], known)}; settings:"
            f" {', '.join(known) or 'none'}"
        )

    def missing(self, item: ErrorDetails) -> str:
        """Describe a missing setting, with every place that was searched."""
        path, dotted = _path(item), self.shown_path(item)
        if self.table is None:
            return f"setting {dotted} is missing"
        published = getattr(self.model, "environment", {}).get(dotted)
        variables = " or ".join(
            name for name in (published, variable(self.subject, path)) if name
        )
        plain = (
            len(path) == 1
            and path[0] not in GENERIC_OPTIONS
            and kind_of(self._annotation(path)) != "table"
        )
        tried = [
            f"option {option(path[0]) if plain else f'--set {dotted}=...'}",
            f"environment variable {variables}",
            f"{dotted} under {self.table}",
            f"{dotted} in the trigger",
        ]
        parts = getattr(self.model, "alternatives", {}).get(dotted)
        instead = f"; or set {' and '.join(parts)} instead" if parts else ""
        return f"setting {dotted} is missing; looked for {', '.join(tried)}{instead}"

    def wrong(self, item: ErrorDetails) -> str:
        """Describe a value that is not allowed; never show the value of a secret.

        A validator of a whole table or list names the wrong part itself, so what was
        found is left out.
        """
        known = self._known(_path(item))
        where = (
            f" ({self.merged.place_of(known) or 'its default'})"
            if known and self.table is not None
            else ""
        )
        subject = f"{self.shown_path(item)}{where}"
        if known and holds_secret(self._annotation(known)):
            cause = item.get("ctx", {}).get("error")
            if isinstance(cause, ShownError):
                return f"{subject}: {one_line(str(cause))}"
            return f"{subject}: not allowed ({item['type']}); the value is not shown"
        message = one_line(
            item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        )
        message = next(
            (text for types, text in _SHAPES.items() if item["type"] in types), message
        )
        quotes_input = isinstance(item["input"], str) and message.startswith(
            f"{item['input']}: "
        )
        found = _shown(item["input"])
        of_part = item["type"] == "value_error" and found in _KINDS
        found_text = (
            f"; found {found}" if known and not (quotes_input or of_part) else ""
        )
        return f"{subject}: {message}{found_text}"

    def of_trigger(self, item: ErrorDetails) -> bool | None:
        """Return whether the trigger set the wrong value or could set a missing one.

        Return None if that is not known.
        """
        path = _path(item)
        if self.table is None or not path:
            return None
        if (place := self.merged.place_of(path)) is not None:
            return place == TRIGGER
        parts = getattr(self.model, "alternatives", {}).get(path[0], ())
        places = {self.merged.place_of((part,)) for part in parts} - {None}
        if TRIGGER in places:
            return True if len(places) == 1 else None
        return not places and item["type"] == "missing"

    def shown_path(self, item: ErrorDetails) -> str:
        """Return the dotted path, without parts that the model does not have.

        pydantic adds the members of a union to the path.
        """
        path = _path(item)
        if item["type"] not in ("missing", "extra_forbidden"):
            path = self._known(path)
        return one_line(".".join(path), VALUE_LIMIT) or "the settings together"

    def _known(self, path: Path) -> Path:
        return next(
            (
                path[:end]
                for end in range(len(path), 0, -1)
                if self._annotation(path[:end]) is not None
            ),
            (),
        )

    def _annotation(self, path: Path) -> Any:
        return annotation_at(self.model, path)


def _path(item: ErrorDetails) -> Path:
    return tuple(str(segment) for segment in item["loc"])


def _shown(value: Any) -> str:
    """Return a value for people: short, and without credentials in a URI.

    For a list or a table, return only its kind.
    """
    if isinstance(value, dict):
        return _KINDS[0]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _KINDS[1]
    return one_line(repr(value), VALUE_LIMIT)
