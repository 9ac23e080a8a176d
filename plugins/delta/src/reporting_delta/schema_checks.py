"""Check of the settings of the sink against the columns of a report."""

from __future__ import annotations

import polars as pl

from reporting_datasets.parquet_sink.partitions import Partitions
from reporting_delta.column_types import stored_schema
from reporting_delta.settings import DeltaTableSinkSettings
from reporting_framework.errors import SettingsError


def check_settings(
    sink: str, settings: DeltaTableSinkSettings, schema: pl.Schema
) -> None:
    """Refuse settings that name other columns than there are, and unsupported types.

    Raises:
        SettingsError: A setting does not fit a column, or Delta has no type for it.
    """
    partitions = Partitions(settings.partition_by)
    partitions.check(schema, sink)
    stored_schema(sink, schema)
    if derived := [column for column in partitions.columns if column.unit]:
        raise SettingsError(
            f"sink {sink}: partition_by: {derived[0].unit}(…) is not a column;"
            " name a column, or add one with a transform",
            path=("partition_by",),
        )
    for setting, names in (
        ("timestamp", [settings.timestamp] if settings.timestamp else []),
        ("z_order_by", settings.z_order_by),
    ):
        if missing := [name for name in names if name not in schema]:
            raise SettingsError(
                f"sink {sink}: {setting}: there is no column {missing[0]};"
                " name another one",
                path=(setting,),
            )
    dtype = schema.get(settings.timestamp or "")
    if dtype is not None and not (
        isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
    ):
        raise SettingsError(
            f"sink {sink}: timestamp: column {settings.timestamp} is {dtype},"
            " not a date and time with a time zone; name another one",
            path=("timestamp",),
        )
