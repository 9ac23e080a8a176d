"""Places that reports read and write: shared places, and loops.

Places are compared as the settings name them: ``uri`` is a location, ``table`` is a
table of the database that the other settings name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import redacted
from reporting_framework.errors import LocationError
from reporting_framework.operations.lint.parts import Part
from reporting_framework.operations.lint.problem import Add, Path
from reporting_framework.plugin_api.base import supports
from reporting_framework.storage.location import Location, parse_location

if TYPE_CHECKING:
    from collections.abc import Hashable

_CONNECTION = (
    "url",
    "path",
    "database",
    "schema",
    "endpoint",
    "endpoint_url",
    "region",
)
"""Settings that tell apart two tables of one name."""


class Place(NamedTuple):
    """Place that a report reads or writes.

    Attributes:
        part: Plugin of the report.
        path: Path of the setting that names it, in the table of the report.
        key: Identity of the place.
        label: Place for messages.
        table: Whether its rows belong to the report alone.
    """

    part: Part
    path: Path
    key: Hashable
    label: str
    table: bool

    @property
    def subject(self) -> str:
        """The plugin, for messages."""
        return f"{self.part.role} {self.part.use.name}"


class Report(NamedTuple):
    """Report with its places.

    Attributes:
        name: Name of the report.
        add: Adds a problem with it.
        parts: Its plugins.
    """

    name: str
    add: Add
    parts: Sequence[Part]

    def places(self, role: str) -> Iterator[Place]:
        """Yield the places of its plugins of a role."""
        for part in self.parts:
            if part.role == role and part.usable:
                yield from _places(part)


def check_places(reports: Sequence[Report]) -> None:
    """Check that no two outputs have one place, and that no report reads its output."""
    _check_shared(reports)
    reads = {report.name: _reads(report, reports) for report in reports}
    for report in reports:
        for source, sink in reads[report.name].get(report.name, ()):
            kind = "folder" if isinstance(sink.key, Location) else "table"
            report.add(
                "error" if _surely_matches(source, sink) else "warning",
                source.path,
                f"report {report.name}: {source.subject} reads {source.label}, where"
                f" its {sink.subject} writes {sink.label}; write to another {kind}",
            )
        for other, pairs in reads[report.name].items():
            if other > report.name and report.name in reads.get(other, {}):
                source, sink = pairs[0]
                report.add(
                    "error",
                    source.path,
                    f"report {report.name}: it reads what {other} writes"
                    f" ({sink.label}), and {other} reads what it writes; break the"
                    " loop",
                )


def _check_shared(reports: Sequence[Report]) -> None:
    outputs = defaultdict(list)
    for report in reports:
        for place in report.places("sink"):
            outputs[place.key].append((report, place))
    for first, *others in outputs.values():
        for report, place in others:
            report.add(
                "error" if place.table or first[1].table else "warning",
                place.path,
                f"report {report.name}: {place.subject} writes {place.label}, as"
                f" {first[1].subject} of report {first[0].name} does; give each its own"
                " place",
            )


def _places(part: Part) -> Iterator[Place]:
    settings, table = part.settings, supports(part.plugin, "scan")
    for name in ("uri", "quarantine"):
        text = getattr(settings, name, None)
        if isinstance(text, str):
            try:
                location = parse_location(text)
            except LocationError:
                continue
            path = (*part.path, name)
            yield Place(part, path, location, location.uri, table or name != "uri")
    own = getattr(settings, "table", None)
    if isinstance(own, str):
        fields = dict(settings)  # a model has methods of such names, too
        connection = [_text(fields.get(name)) for name in _CONNECTION]
        key = (part.use.name, *connection, own)
        yield Place(part, (*part.path, "table"), key, f"table {redacted(own)}", table)


def _text(value: Any) -> str | None:
    if value is not None and hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return None if value is None else str(value)


def _reads(
    report: Report, reports: Sequence[Report]
) -> Mapping[str, Sequence[tuple[Place, Place]]]:
    """Return what a report reads of the outputs of each report."""
    reads = defaultdict(list)
    for source in report.places("source"):
        for other in reports:
            for sink in other.places("sink"):
                if _overlap(source, sink):
                    reads[other.name].append((source, sink))
    return reads


def _overlap(source: Place, sink: Place) -> bool:
    if isinstance(source.key, Location) and isinstance(sink.key, Location):
        return source.key.holds(sink.key) and _may_match(source, sink)
    return source.key == sink.key


def _may_match(source: Place, sink: Place) -> bool:
    """Return whether the source may read the names that the sink writes."""
    include = getattr(source.part.settings, "include", None)
    return (
        not isinstance(include, str)
        or not _is_file(sink)
        or _surely_matches(source, sink)
    )


def _surely_matches(source: Place, sink: Place) -> bool:
    if not isinstance(sink.key, Location):
        return True
    include = getattr(source.part.settings, "include", None)
    pattern = include.rpartition("/")[2] if isinstance(include, str) else "*"
    return _is_file(sink) and fnmatchcase(sink.key.name, pattern)


def _is_file(sink: Place) -> bool:
    return isinstance(sink.key, Location) and "." in sink.key.name
