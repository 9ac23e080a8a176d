"""Layers of settings, their merging, and the place of each value.

A layer holds the assignments of one place, and takes one side of each alternative.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.config.fields import annotation_at, from_set, from_text
from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel

Path = tuple[str, ...]
"""Names, and positions in lists, outermost first."""

TRIGGER = "the trigger"
"""Place of values from the trigger."""

NESTING = 64
"""Maximum nesting of a setting's value."""


class Assignment(NamedTuple):
    """One value from one place.

    Attributes:
        path: Path of the setting.
        value: Its value.
        place: Its place, for messages.
    """

    path: Path
    value: Any
    place: str


class Layer(NamedTuple):
    """All assignments of one place.

    Attributes:
        name: The place, as in "both are set in the environment".
        assignments: The assignments in the order in which they take effect.
    """

    name: str
    assignments: Sequence[Assignment]


@dataclass(slots=True)
class ResolvedValues:
    """Result of merging all layers.

    Attributes:
        values: The settings, not yet validated.
        places: Place of the last assignment of each path.
    """

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, str] = field(default_factory=dict)

    def place_of(self, path: Path) -> str | None:
        """Return the place of the value at `path`, or None.

        It is the value's own place, the place of the nearest value around it, or the
        place of the first value within it.
        """
        around = (
            self.places[path[:end]]
            for end in range(len(path), 0, -1)
            if path[:end] in self.places
        )
        within = (
            place for other, place in self.places.items() if other[: len(path)] == path
        )
        return next(around, None) or next(within, None)


def merge(
    report: str, layers: Iterable[Layer], alternatives: Mapping[str, Sequence[str]]
) -> ResolvedValues:
    """Merge the layers, lowest first.

    Tables are merged name by name; everything else, lists included, is replaced. A
    layer that sets one side of an alternative removes the other side from the layers
    below.

    Raises:
        SettingsError: A layer sets both sides, or a path leads through a value that is
            not a table.
    """
    merged = ResolvedValues()
    for layer in layers:
        for whole, parts in alternatives.items():
            _choose(report, layer, whole, parts, merged)
        for assignment in layer.assignments:
            _assign(report, merged, assignment)
    return merged


def _choose(
    report: str, layer: Layer, whole: str, parts: Sequence[str], merged: ResolvedValues
) -> None:
    places = {assignment.path[0]: assignment.place for assignment in layer.assignments}
    given = [part for part in parts if part in places]
    if whole in places and given:
        raise SettingsError(
            f"{report}: {whole} ({places[whole]}) and {given[0]} ({places[given[0]]})"
            f" are both set {layer.name}; they are alternatives: remove one of them",
            of_trigger=places[whole] == TRIGGER,
        )
    for name in parts if whole in places else (whole,) if given else ():
        merged.values.pop(name, None)
        for path in [path for path in merged.places if path[0] == name]:
            del merged.places[path]


def _assign(report: str, merged: ResolvedValues, new: Assignment) -> None:
    here: Any = merged.values
    for depth, segment in enumerate(new.path[:-1], start=1):
        here = (
            _item(report, here, segment, new)
            if isinstance(here, list)
            else here.setdefault(segment, {})
        )
        if not isinstance(here, MutableMapping | list):
            inside = ".".join(new.path[:depth])
            raise SettingsError(
                f"{report}: {inside} ({new.place}) is a single value: it has no"
                f" {new.path[depth]}"
            )
    last = new.path[-1]
    replaces = isinstance(here, list) or last in here
    if isinstance(here, list):
        _item(report, here, last, new)
        here[int(last)] = _copy(report, new.value, new)
    elif isinstance(here.get(last), MutableMapping) and isinstance(new.value, Mapping):
        for name, value in new.value.items():
            _assign(
                report, merged, Assignment((*new.path, str(name)), value, new.place)
            )
        return
    else:
        here[last] = _copy(report, new.value, new)
    if replaces:  # many new names must not cost the square of their number
        for path in [
            path for path in merged.places if path[: len(new.path)] == new.path
        ]:
            del merged.places[path]
    merged.places[new.path] = new.place


def _copy(report: str, value: Any, new: Assignment, depth: int = 0) -> Any:
    """Copy the tables and lists of a value, because higher layers change them.

    Raises:
        SettingsError: They are nested too deeply.
    """
    if depth > NESTING:
        raise SettingsError(
            f"{report}: {'.'.join(new.path)[:80]} ({new.place}): nested more than"
            f" {NESTING} deep; give a flatter value",
            of_trigger=new.place == TRIGGER,
        )
    if isinstance(value, Mapping):
        return {
            name: _copy(report, nested, new, depth + 1)
            for name, nested in value.items()
        }
    return (
        [_copy(report, nested, new, depth + 1) for nested in value]
        if isinstance(value, list)
        else value
    )


def _item(report: str, items: list[Any], segment: str, new: Assignment) -> Any:
    if not segment.isdecimal() or int(segment) >= len(items):
        raise SettingsError(
            f"{report}: there is no {'.'.join(new.path)} ({new.place}): the list has"
            f" {len(items)} items, counted from 0"
        )
    return items[int(segment)]


# -- assignments of each place ---------------------------------------------------------


def variable(report: str, path: Sequence[str]) -> str:
    """Return the name of the environment variable of a report's setting."""
    return "__".join(
        ["REPORTING_" + _upper(report), *(_upper(segment) for segment in path)]
    )


def _upper(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", name).upper()


def option(name: str) -> str:
    """Return the name of the command line's option for a setting."""
    return "--" + name.replace("_", "-")


def from_mapping(place: str, values: Mapping[str, Any]) -> list[Assignment]:
    """Return the assignments of a table or a trigger."""
    return [Assignment((str(name),), value, place) for name, value in values.items()]


def from_environment(
    report: str, model: type[BaseModel], environment: Mapping[str, str]
) -> list[Assignment]:
    """Return the assignments of the environment variables.

    Published names come first, so that the report's own variable overrides them.
    """
    published: Mapping[str, str] = getattr(model, "environment", {})
    assignments: list[tuple[Path, str]] = [
        ((field,), name) for field, name in published.items() if name in environment
    ]
    prefix = variable(report, ()) + "__"
    own = sorted(name for name in environment if name.startswith(prefix))
    assignments += [
        (tuple(name.removeprefix(prefix).lower().split("__")), name) for name in own
    ]
    return [
        Assignment(path, _decoded(report, model, path, environment[name], place), place)
        for path, name in assignments
        for place in [f"environment variable {name}"]
    ]


def from_options(
    report: str, model: type[BaseModel], options: Mapping[str, Any]
) -> list[Assignment]:
    """Return the assignments of the options that were given."""
    assignments = []
    for name, value in options.items():
        place = f"option {option(name)}"
        if isinstance(value, str):
            value = _decoded(report, model, (name,), value, place)
        elif isinstance(value, list | tuple):
            value = [
                _decoded(report, model, (name, "0"), item, place) for item in value
            ]
        assignments.append(Assignment((name,), value, place))
    return assignments


def from_sets(
    report: str, model: type[BaseModel], sets: Iterable[str]
) -> list[Assignment]:
    """Return the assignments of ``--set path=value``.

    Raises:
        SettingsError: A text has another form.
    """
    assignments = []
    for text in sets:
        dotted, equals, value = text.partition("=")
        path = tuple(segment.strip() for segment in dotted.split("."))
        if not equals or not all(path):
            raise SettingsError(
                f"{report}: --set takes PATH=VALUE, as in --set"
                " sinks.0.uri=s3://bucket/key; found"
                f" {dotted[:80]!r}{' and no =' if not equals else ' before the ='}"
            )
        place = f"--set {'.'.join(path)}"
        assignments.append(
            Assignment(path, from_set(annotation_at(model, path), value), place)
        )
    return assignments


def _decoded(
    report: str, model: type[BaseModel], path: Path, text: Any, place: str
) -> Any:
    try:
        return (
            from_text(annotation_at(model, path), text)
            if isinstance(text, str)
            else text
        )
    except (ValueError, RecursionError) as error:
        what = getattr(error, "msg", type(error).__name__)
        raise SettingsError(
            f"{report}: {'.'.join(path)} ({place}) begins like JSON but is not valid:"
            f" {what}"
        ) from None
