"""Catalog of a tap: its streams, and what is to be read of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.errors import SettingsError, StorageUnavailable
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_singer.json_types import ColumnType, column_type

DELETED = "_sdc_deleted_at"
"""Field with the time at which a record was deleted; not a column."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


class TapStream(NamedTuple):
    """Stream of a tap.

    Attributes:
        name: Name of the stream in reports: its id, in characters of a path.
        id: Id in the catalog.
        names: Names that messages may have for it.
        columns: Types by column.
        key: Key columns.
        schemas: What the settings add to the JSON Schema of columns.
    """

    name: str
    id: str
    names: frozenset[str]
    columns: Mapping[str, ColumnType]
    key: Sequence[str]
    schemas: Mapping[str, Mapping[str, Any]] = {}

    @property
    def schema(self) -> pl.Schema:
        """Columns of the frames."""
        return pl.Schema({name: of.dtype for name, of in self.columns.items()})


def matches(patterns: Sequence[str], name: str) -> bool:
    """Return whether a name fits one of the patterns, and none that begins with !."""
    wanted = [each for each in patterns if not each.startswith("!")] or ["*"]
    others = [each[1:] for each in patterns if each.startswith("!")]
    return any(fnmatchcase(name, each) for each in wanted) and not any(
        fnmatchcase(name, each) for each in others
    )


def columns_of(
    schema: Mapping[str, Any],
    more: Mapping[str, Mapping[str, Any]],
    deselected: frozenset[str] = frozenset(),
) -> dict[str, ColumnType]:
    """Return the columns of a JSON Schema of records.

    Args:
        schema: The JSON Schema.
        more: What to add to the schema of columns.
        deselected: Columns to leave out.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: column_type({**each, **more[name]} if name in more else each, schema)
        for name, each in properties.items()
        if name not in deselected and name != DELETED
    }


def path_name(name: str) -> str:
    """Return the name of a stream in characters that a path may have."""
    clean = _NOT_IN_NAMES.sub("_", name)
    return clean if clean[:1].isalnum() or clean[:1] == "_" else f"_{clean}"


class Catalog:
    """Catalog as a tap's discovery writes it.

    Args:
        content: The JSON data.

    Raises:
        StorageUnavailable: It has no list of streams.
    """

    def __init__(self, content: Any) -> None:
        streams = content.get("streams") if isinstance(content, Mapping) else None
        if not isinstance(streams, list) or not all(
            isinstance(each, dict) for each in streams
        ):
            raise StorageUnavailable(
                "source singer: the catalog has no list of streams; look at the output"
                " of the tap with --discover"
            )
        self._entries: list[dict[str, Any]] = streams

    def streams(
        self,
        patterns: Sequence[str],
        keys: Mapping[str, Sequence[str]],
        schemas: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ) -> list[TapStream]:
        """Return the streams that fit the patterns.

        Args:
            patterns: Patterns of ids or names.
            keys: Key columns by pattern, in place of those of the catalog.
            schemas: Additions to the JSON Schema of columns, by pattern.

        Raises:
            SettingsError: There is no such stream, or two have one name.
        """
        found = [
            _stream_of(entry, keys, schemas)
            for entry in self._entries
            if _fits(entry, patterns)
        ]
        if not found:
            known = ", ".join(path_name(_id(entry)) for entry in self._entries[:10])
            raise SettingsError(
                f"source singer: streams: the tap has no such stream; there are"
                f" {known or 'none'}",
                path=("streams",),
            )
        names = [stream.name for stream in found]
        if twice := [name for name in names if names.count(name) > 1]:
            raise SettingsError(
                f"source singer: streams: two streams are called {twice[0]}; leave one"
                " of them out",
                path=("streams",),
            )
        for stream in found:
            _check(stream)
        return found

    def selecting(
        self, patterns: Sequence[str], metadata: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return the catalog with these streams selected, and no others.

        Args:
            patterns: Patterns of ids or names.
            metadata: Further metadata of streams, by pattern.
        """
        return {
            "streams": [
                _selected(entry, metadata, selected=_fits(entry, patterns))
                for entry in self._entries
            ]
        }


def _check(stream: TapStream) -> None:
    """Check that a table can have the columns of a stream.

    Raises:
        SettingsError: It has none, or one with a name of the framework.
    """
    if not stream.columns:
        raise SettingsError(
            f"source singer: stream {stream.name} has no columns; leave it out",
            path=("streams",),
        )
    for name in (SOURCE_KEY, VERSION, DELETED_AT):
        if name in stream.columns:
            raise SettingsError(
                f"source singer: stream {stream.name}: column {name}: that name is the"
                " framework's own; leave it out, in a file that catalog names",
                path=("catalog",),
            )


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("tap_stream_id") or entry.get("stream"))


def _fits(entry: Mapping[str, Any], patterns: Sequence[str]) -> bool:
    return matches(patterns, _id(entry)) or matches(patterns, path_name(_id(entry)))


def _stream_of(
    entry: Mapping[str, Any],
    keys: Mapping[str, Sequence[str]],
    schemas: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> TapStream:
    own = dict(_metadata(entry).get((), {}))
    key = entry.get("key_properties") or own.get("table-key-properties")
    key = key or own.get("view-key-properties") or ()
    for pattern, own_key in keys.items():
        if _fits(entry, [pattern]):
            key = own_key
    more: dict[str, Mapping[str, Any]] = {}
    for pattern, added in schemas.items():
        if _fits(entry, [pattern]):
            more |= added
    names = {_id(entry), str(entry.get("stream") or _id(entry))}
    if isinstance(alias := entry.get("stream_alias"), str):
        names.add(alias)
    schema = entry.get("schema")
    schema = schema if isinstance(schema, Mapping) else {}
    columns = columns_of(schema, more, _deselected(entry))
    key = tuple(map(str, key))
    name = path_name(_id(entry))
    return TapStream(name, _id(entry), frozenset(names), columns, key, more)


def _deselected(entry: Mapping[str, Any]) -> frozenset[str]:
    """Return the top-level fields that the catalog leaves out."""
    return frozenset(
        breadcrumb[1]
        for breadcrumb, each in _metadata(entry).items()
        if len(breadcrumb) == 2
        and breadcrumb[0] == "properties"
        and each.get("inclusion") != "automatic"
        and (each.get("selected") is False or each.get("inclusion") == "unsupported")
    )


def _metadata(entry: Mapping[str, Any]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return dict(_metadata_items(entry))


def _metadata_items(
    entry: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for item in entry.get("metadata") or ():
        if isinstance(item, Mapping) and isinstance(item.get("metadata"), Mapping):
            yield tuple(map(str, item.get("breadcrumb") or ())), item["metadata"]


def _selected(
    entry: Mapping[str, Any],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    selected: bool,
) -> dict[str, Any]:
    """Return an entry that says whether it is selected, as new and old taps ask."""
    own: dict[str, Any] = {**_metadata(entry).get((), {}), "selected": selected}
    for pattern, more in metadata.items():
        if _fits(entry, [pattern]):
            own |= more
    others = [
        item for item in entry.get("metadata") or () if item.get("breadcrumb") != []
    ]
    changed = {
        **entry,
        "selected": selected,
        "metadata": [{"breadcrumb": [], "metadata": own}, *others],
    }
    if "replication-method" in own:
        changed["replication_method"] = own["replication-method"]
    if "replication-key" in own:
        changed["replication_key"] = own["replication-key"]
    return changed
