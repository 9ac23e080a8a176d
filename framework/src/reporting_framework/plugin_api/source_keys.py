"""Source keys and versions of a batch as columns.

A column is a list if the batch has payloads, and may be a polars series if it has a
frame. A series stays a series, so that a frame costs no Python object per row.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, TypeAlias

from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Batch,
    Rejection,
    object_of,
    single_source_key,
)

if TYPE_CHECKING:
    import polars as pl

    Column: TypeAlias = Sequence[str | None] | pl.Series
    Keys: TypeAlias = Sequence[str] | pl.Series

_NUMBERED = r"#[0-9]+\z"


def as_series(column: Column) -> pl.Series:
    """Return a column as a series of strings."""
    import polars as pl

    return (
        column if isinstance(column, pl.Series) else pl.Series(column, dtype=pl.String)
    )


def numbered_keys(key: str, records: int) -> pl.Series:
    """Return the source keys of the records of an object, see `line_source_key`."""
    import polars as pl

    numbers = pl.int_range(1, records + 1).cast(pl.String)
    return pl.select(pl.concat_str(pl.lit(f"{key}#"), numbers)).to_series()


def repeated(version: str | None, records: int) -> pl.Series:
    """Return a version as a column."""
    import polars as pl

    return pl.repeat(version, records, dtype=pl.String, eager=True)


def joined_frames(parts: Sequence[Batch]) -> Batch:
    """Return batches, some of which have frames of the same columns, as one."""
    import polars as pl

    framed = [part for part in parts if part.frame is not None]
    return Batch(
        pl.concat([as_series(part.source_keys) for part in framed]),
        pl.concat([as_series(part.versions) for part in framed]),
        frame=pl.concat([part.frame for part in framed if part.frame is not None]),
        rejected=[rejection for part in parts for rejection in part.rejected],
        unread=[failure for part in parts for failure in part.unread],
    )


def with_natural_keys(batch: Batch) -> Batch:
    """Return a batch of natural keys with source keys that `object_of` maps to them.

    A natural key that happens to end in ``#`` and digits gets a line, as in
    `single_source_key`.
    """
    rejected = [
        rejection._replace(source_key=single_source_key(rejection.source_key))
        for rejection in batch.rejected
    ]
    deletes = batch.deletes
    if deletes is not None:
        deletes = deletes.with_columns(_single_source_keys(deletes[SOURCE_KEY]))
    keys = batch.source_keys
    return batch._replace(
        source_keys=list(map(single_source_key, keys))
        if isinstance(keys, Sequence)
        else _single_source_keys(keys),
        rejected=rejected,
        deletes=deletes,
    )


def _single_source_keys(keys: pl.Series) -> pl.Series:
    numbered = keys.str.contains(_NUMBERED)
    return (keys + "#1").zip_with(numbered, keys) if numbered.any() else keys


def multi_record_objects(keys: Keys) -> set[str]:
    """Return the objects that have several of these source keys."""
    if isinstance(keys, Sequence) and not (keys := [key for key in keys if "#" in key]):
        return set()
    column = as_series(keys)
    numbered = column.filter(column.str.contains(_NUMBERED))
    return set(objects_of(numbered).unique())


def objects_of(keys: pl.Series) -> pl.Series:
    """Return the object of each source key, see `object_of`."""
    return keys.str.replace(_NUMBERED, "")


def objects_among(keys: Keys, objects: Set[str]) -> set[str]:
    """Return the `objects` that have one of these source keys."""
    if not objects:
        return set()
    if not isinstance(keys, Sequence):
        of_keys = objects_of(keys)
        keys = of_keys.filter(of_keys.is_in(sorted(objects))).to_list()
    return set(objects & set(map(object_of, keys)))


def newest_versions(
    keys: Keys, versions: Column, objects: Set[str]
) -> dict[str, str | None]:
    """Return the newest version of each of `objects` among these versions."""
    import polars as pl

    object_of_key = objects_of(as_series(keys))
    frame = pl.DataFrame([object_of_key.alias("key"), as_series(versions).alias("at")])
    of_objects = frame.filter(pl.col("key").is_in(sorted(objects)))
    return dict(of_objects.group_by("key").agg(pl.col("at").max()).iter_rows())


def without(
    rejections: Sequence[Rejection], keys: Keys, versions: Column
) -> tuple[Keys, Column]:
    """Return the source keys and versions that are not those of `rejections`.

    Another version of a rejected record stays.
    """
    if not rejections:
        return keys, versions
    if isinstance(keys, Sequence) and isinstance(versions, Sequence):
        dropped = {rejection[:2] for rejection in rejections}
        pairs = zip(keys, versions, strict=True)
        kept = [at for at, pair in enumerate(pairs) if pair not in dropped]
        return [keys[at] for at in kept], [versions[at] for at in kept]
    import polars as pl

    frame = pl.DataFrame(
        [as_series(keys).alias("key"), as_series(versions).alias("at")]
    )
    columns = list(zip(*(rejection[:2] for rejection in rejections), strict=True))
    others = pl.DataFrame(columns, frame.schema)
    rest = frame.join(
        others, on=["key", "at"], how="anti", nulls_equal=True, maintain_order="left"
    )
    return rest["key"], rest["at"]
