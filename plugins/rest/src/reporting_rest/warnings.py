"""Warnings of a run: what its tables do not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reporting_rest.resources import Resource

MAX_NAMED = 5
"""Number of fields that a warning names."""


def ignored_fields(
    resources: Iterable[Resource], counts: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """Return a warning for each resource with values that no column has.

    Args:
        resources: The resources.
        counts: Number of such values by resource and field.
    """
    return [
        f"source rest-api: resource {resource.name}: fields without a column were left"
        f" out: {_counted(found)}; declare them in columns, and run once with"
        " --full-scan"
        for resource in resources
        if resource.settings.sample and (found := counts.get(resource.name))
    ]


def untyped_columns(
    resources: Iterable[Resource], names: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return a warning for each resource with columns that had no value to type.

    Args:
        resources: The resources.
        names: Names of such columns by resource.
    """
    return [
        f"source rest-api: resource {resource.name}: columns without a value are texts"
        f" from now on: {_listed(_named(found), len(found))}; declare their types in"
        " columns"
        for resource in resources
        if (found := names.get(resource.name))
    ]


def unasked_rows(resources: Iterable[Resource], counts: Mapping[str, int]) -> list[str]:
    """Return a warning for each resource that was not asked for rows of its parent.

    Args:
        resources: The resources.
        counts: Number of such rows by resource.
    """
    return [
        f"source rest-api: resource {resource.name}: not asked for {number:,} rows of"
        f" {resource.parent.name}, in which {_listed(sorted(fields), len(fields))} is"
        " missing, empty, . or .."
        for resource in resources
        if resource.parent is not None
        and (number := counts.get(resource.name, 0))
        and (fields := resource.parent.child_fields)
    ]


def _named(names: Iterable[str]) -> Sequence[str]:
    """Return the first names that are words: others may be values, such as keys."""
    return [name for name in names if name.isidentifier() and len(name) < 80][
        :MAX_NAMED
    ]


def _counted(counts: Mapping[str, int]) -> str:
    texts = [f"{name} ({counts[name]:,})" for name in _named(counts)]
    return _listed(texts, len(counts))


def _listed(texts: Sequence[str], total: int) -> str:
    more = total - len(texts)
    return ", ".join([*texts, *([f"{more:,} more"] if more else [])])
