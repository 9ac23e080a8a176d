"""Registration of the framework's own plugins, in the same entry-point group."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework.plugin_api.markers import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_validators() -> Sequence[LazyPlugin]:
    """Return the generic validators."""
    return [
        LazyPlugin(
            "frame",
            "reporting_framework.builtin.frame_validator:FrameValidator",
            "columns of frames: types, nulls, ranges, patterns, a key",
        ),
        LazyPlugin(
            "pydantic",
            "reporting_framework.builtin.pydantic_validator:PydanticValidator",
            "any pydantic model or TypedDict, by its import path; frames row by row",
        ),
    ]


@hookimpl
def reporting_transforms() -> Sequence[LazyPlugin]:
    """Return the generic transforms."""
    return [
        LazyPlugin(
            "join",
            "reporting_framework.builtin.join_transform:JoinTransform",
            "columns of another parquet table, looked up by a key",
        )
    ]


@hookimpl
def reporting_engines() -> Sequence[LazyPlugin]:
    """Return the engines for one machine."""
    return [
        LazyPlugin(
            "local",
            "reporting_framework.builtin.engine:LocalEngine",
            "threads of this process, and worker processes if they pay",
        ),
        LazyPlugin(
            "processes",
            "reporting_framework.builtin.processes.engine:ProcessesEngine",
            "worker processes on the cores of this machine",
        ),
    ]
