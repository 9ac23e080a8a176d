"""Asset of a run, among the assets of a Dagster step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dagster_pipes import to_asset_key_path


def asset_of(report: str, keys: Sequence[str], assets: Mapping[str, str]) -> str | None:
    """Return the asset key of a report, `None` if it is not known.

    Args:
        report: Name of the report, or ``REPORT/STREAM``.
        keys: Keys of the assets of the step.
        assets: Asset keys by the name of the report, from the settings.
    """
    if report in assets:
        return assets[report] if assets[report] in keys else None
    name, _, stream = report.partition("/")
    for parts in filter(None, ([name, stream] if stream else [], [stream or name])):
        wanted = [_as_dagster(part) for part in parts]
        found = [key for key in keys if _path(key)[-len(wanted) :] == wanted]
        if len(found) == 1:
            return found[0]
    return keys[0] if len(keys) == 1 and not stream else None


def _path(key: str) -> list[str]:
    return [_as_dagster(part) for part in to_asset_key_path(key)]


def _as_dagster(name: str) -> str:
    """Return a name as assets are usually named: without hyphens and dots."""
    return name.replace("-", "_").replace(".", "_").lower()
