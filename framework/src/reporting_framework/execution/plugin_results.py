"""Types of the values that plugins return, so that errors name the plugin at fault.

Values are checked as a whole and field by field, without Python work for each record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.metadata import MetadataLocation
from reporting_framework.plugin_api.records import (
    CommitResult,
    ReadFailure,
    Rejection,
    Split,
    SplitResult,
    StagedPart,
    StoredArtifact,
    TriggerResponse,
    UpsertCounts,
    Validated,
)
from reporting_framework.plugin_api.source import Absence, PlanStats

if TYPE_CHECKING:
    import polars as pl

Kind = tuple[type | str, ...] | list[type | str]
"""Allowed types, or a list with the type of each item.

A type may be a name, so that polars and pydantic are loaded only to check a value.
"""

_NONE = type(None)
_FRAME, _LAZY_FRAME, _SCHEMA = "polars:DataFrame", "polars:LazyFrame", "polars:Schema"
_OUTPUT = "reporting_framework.plugin_api.result:Output"
_TEXTS: Kind = [str]

_RETURNED: Mapping[tuple[str, str], Kind] = {
    ("source", "absence"): (Absence, _NONE),
    ("source", "build_response"): (TriggerResponse,),
    ("source", "describe_hints"): _TEXTS,
    ("source", "list_window"): (Iterable,),
    ("source", "next_hints"): (Mapping,),
    ("source", "object_uri"): (str, _NONE),
    ("source", "object_version"): (str, _NONE),
    ("source", "plan"): (Iterable,),
    ("source", "plan_replay"): (Iterable,),
    ("source", "plan_stats"): (PlanStats,),
    ("source", "primary_key"): _TEXTS,
    ("source", "read"): (Iterable,),
    ("source", "schema"): (_SCHEMA, _NONE),
    ("source", "source_uris"): _TEXTS,
    ("source", "streams"): _TEXTS,
    ("validator", "column_facts"): (Mapping,),
    ("validator", "schema"): (_SCHEMA,),
    ("validator", "validate"): (Validated,),
    ("transform", "apply"): (_FRAME,),
    ("sink", "back_up"): _TEXTS,
    ("sink", "commit"): (CommitResult,),
    ("sink", "load_state"): (Mapping, _NONE),
    ("sink", "metadata_location"): (MetadataLocation, _NONE),
    ("sink", "output_versions"): (Mapping,),
    ("sink", "restore_command"): (str, _NONE),
    ("sink", "scan"): (_LAZY_FRAME, _NONE),
    ("sink", "stage"): (StagedPart,),
    ("sink", "stored_artifacts"): [StoredArtifact],
    ("engine", "map"): (Iterable,),
}
"""Kinds of results, by role and method or attribute."""

_ITEMS: Mapping[tuple[str, str], type] = {
    ("source", "list_window"): Sequence,
    ("source", "plan"): Split,
    ("source", "plan_replay"): Split,
    ("source", "read"): object,  # see `check_batch`
    ("engine", "map"): SplitResult,
}
"""Types of the items of results that are read one by one."""

_FIELDS: Mapping[type, Mapping[str, Kind]] = {
    CommitResult: {
        "outputs": [_OUTPUT],
        "duplicates": (int, _NONE),
        "newest": (datetime, _NONE),
        "failed": [ReadFailure],
        "upserted": (UpsertCounts, _NONE),
    },
    PlanStats: {"ignored": (int,), "waiting": (int,), "repeated": (int,)},
    Split: {"id": (str,), "data": (Mapping,)},
    StagedPart: {"rows": (int,)},
    TriggerResponse: {"unread": [ReadFailure]},
    Validated: {
        "frame": (_FRAME,),
        "rejections": [Rejection],
        "ignored_fields": (Mapping,),
    },
}
"""Kinds of fields, by the type that has them."""


def item_type(role: str, method: str) -> type | None:
    """Return the type of the items that a method yields; `None` if it yields none."""
    return _ITEMS.get((role, method))


def check_result(value: Any, role: str, method: str, subject: str) -> None:
    """Check the result of a plugin's method, or the value of its attribute.

    Args:
        value: The result.
        role: Role of the plugin.
        method: Name of the method or of the attribute.
        subject: The plugin, for messages.

    Raises:
        PluginError: The result has a wrong type, or a field of a wrong type.
    """
    if (kind := _RETURNED.get((role, method))) is not None:
        _check(value, kind, f"{subject}: {method} returned")


def check_item(value: Any, kind: type, method: str, subject: str) -> None:
    """Check an item that a plugin's method yields; see `check_result`."""
    _check(value, (kind,), f"{subject}: {method} yielded")


def problem_of(value: Any, kind: Kind) -> str | None:
    """Return the problem of a value that is not of a kind, with the fix."""
    allowed = tuple(map(_type, kind))
    found, items = type(value).__name__, isinstance(kind, list)
    if not items and isinstance(value, allowed):
        return None
    names = " or ".join("None" if each is _NONE else each.__name__ for each in allowed)
    if not items:
        return f"the type {found}; give {names}"
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return f"the type {found}; give a sequence of {names}"
    for wrong in set(map(type, value)):
        if not issubclass(wrong, allowed):
            return f"an item of type {wrong.__name__}; give {names}"
    return None


def check_columns(found: pl.Schema, declared: pl.Schema, subject: str) -> None:
    """Check that a frame of a plugin has the columns that the plugin declares.

    Raises:
        PluginError: A column is missing, undeclared, misplaced or of another type.
    """
    if found == declared:
        return
    problem = "its columns are in another order than declared"
    for name in (*declared, *found):
        if name not in found:
            problem = f"column {name} is missing"
        elif name not in declared:
            problem = f"column {name} is not declared"
        elif found[name] != declared[name]:
            problem = f"column {name} is {found[name]}, not {declared[name]}"
        else:
            continue
        break
    raise PluginError(f"{subject}: {problem}; return exactly the declared columns")


def _check(value: Any, kind: Kind, start: str) -> None:
    problem = problem_of(value, kind)
    if problem:
        raise PluginError(f"{start} {problem}")
    for name, of_field in _FIELDS.get(type(value), {}).items():
        if problem := problem_of(getattr(value, name), of_field):
            owner = type(value).__name__
            raise PluginError(f"{start} {owner} whose {name} has {problem}")


@cache
def _type(kind: type | str) -> type:
    return resolve_name(kind) if isinstance(kind, str) else kind
