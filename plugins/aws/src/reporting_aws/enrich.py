"""The transform ``dynamodb-enrich``: new columns from items of DynamoDB tables."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_aws.aws_errors import ServiceError
from reporting_aws.clients import client, environment_key
from reporting_aws.dynamodb_types import (
    DTYPES,
    MOMENT,
    Unexpected,
    answered,
    asked,
    is_key_value,
    value,
)
from reporting_aws.enrich_cache import Cache, cache
from reporting_aws.enrich_settings import DynamoDbEnrichSettings, Lookup
from reporting_aws.permissions import reading
from reporting_aws.tables import Backoff, batch_get, failure
from reporting_framework import SOURCE_KEY, Permission, Transform
from reporting_framework.errors import SettingsError

BATCH_SIZE = 100
"""Most keys in a request to DynamoDB."""

HINT = (
    "its key must be the attributes in the setting key, strings or numbers like the"
    " columns"
)

_log = logging.getLogger(__name__)

_Key = tuple[str | int, ...]
_Values = tuple[list[Any], int]
"""Values of an item, one per new column, and the number of its attributes with an
unexpected type.
"""


class DynamoDbEnrich(Transform):
    """Transform that adds columns from DynamoDB tables, looked up by other columns.

    A row with a null in its key is not looked up.

    A missing item or attribute is normal: the new columns are null. An attribute of an
    unexpected type gives null too. Results are cached in memory, also for later runs in
    this process.

    Attributes:
        missing: Number of rows without an item, by table.
        unexpected: Number of values that are null because their attribute has an
            unexpected type, by table.
    """

    name: ClassVar[str] = "dynamodb-enrich"
    Settings: ClassVar[type[DynamoDbEnrichSettings]] = DynamoDbEnrichSettings
    keeps_values: ClassVar[bool] = True

    def __init__(self, settings: DynamoDbEnrichSettings) -> None:
        self.settings = settings
        self.missing: Counter[str] = Counter()
        self.unexpected: Counter[str] = Counter()
        self._lock = threading.Lock()

    @classmethod
    @override
    def aws_permissions(cls, settings: DynamoDbEnrichSettings) -> Sequence[Permission]:
        return reading(lookup.table for lookup in settings.lookups)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Transform.apply`. A frame with no rows is never looked up.

        Raises:
            SettingsError: A column is missing, exists already, or has an unsupported
            type. StorageUnavailable: A table did not answer, or is too busy.
            AccessDenied: A table may not be read. LocationError: A table does not exist
            or has another key.
        """
        for lookup in self.settings.lookups:
            self._check(lookup, frame.schema)
            frame = self._with(lookup, frame)
        return frame.select(
            pl.exclude(SOURCE_KEY),
            *(name for name in frame.columns if name == SOURCE_KEY),
        )

    def _check(self, lookup: Lookup, schema: pl.Schema) -> None:
        if taken := [name for name in lookup.new if name in schema]:
            raise SettingsError(
                f"{self._label}: table {lookup.table}: columns {', '.join(taken)}"
                " exist already; choose other names in columns or seconds_since"
            )
        for column in lookup.key.values():
            dtype = schema.get(column)
            if dtype is None or not (
                dtype.is_integer()
                or isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))
            ):
                raise SettingsError(
                    f"{self._label}: table {lookup.table}: the key needs a column"
                    f" {column}"
                    " of text or integers; correct the setting key"
                )
        for name, since in lookup.seconds_since.items():
            if (
                not isinstance(schema.get(since.to), pl.Datetime)
                and lookup.types.get(since.to) != "timestamp"
            ):
                raise SettingsError(
                    f"{self._label}: seconds_since {name}: {since.to} is not a Datetime"
                    " column; name a Datetime column"
                )

    def _with(self, lookup: Lookup, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with the columns of a lookup added at its end."""
        keys = list(
            zip(*(_plain(frame[column]) for column in lookup.key.values()), strict=True)
        )
        wanted = dict.fromkeys(key for key in keys if None not in key)
        items = self._fetch(lookup, list(wanted)) if wanted else {}
        nothing: _Values = ([None] * len(lookup.columns), 0)
        rows = [items.get(key) or nothing for key in keys]
        self._count(
            lookup.table,
            sum(key in wanted and items.get(key) is None for key in keys),
            sum(unexpected for _, unexpected in rows),
        )
        frame = frame.with_columns(
            pl.Series(
                name,
                [values[at] for values, _ in rows],
                DTYPES[lookup.types.get(name, "string")],
            )
            for at, name in enumerate(lookup.columns)
        )
        return frame.with_columns(
            (
                (_moment(frame, since.to) - pl.col(since.from_)).dt.total_microseconds()
                / 1e6
            ).alias(name)
            for name, since in lookup.seconds_since.items()
        )

    def _fetch(self, lookup: Lookup, keys: list[_Key]) -> dict[_Key, _Values | None]:
        """Return the item of each key, or `None` if there is none."""
        kept = self._cache(lookup)
        items_by_key: dict[_Key, _Values | None] = kept.find(keys)
        absent = {
            key: None
            for key in keys
            if key not in items_by_key and not all(map(is_key_value, key))
        }
        items_by_key.update(absent)
        left = [key for key in keys if key not in items_by_key]
        for first in range(0, len(left), BATCH_SIZE):
            chunk = left[first : first + BATCH_SIZE]
            items = self._items(lookup, chunk)
            kept.keep(items, self.settings.cache_seconds)
            nothing = {key: None for key in chunk if key not in items}
            kept.keep(nothing, self.settings.cache_missing_seconds)
            items_by_key |= {**items, **nothing}
        return items_by_key

    def _items(self, lookup: Lookup, keys: list[_Key]) -> dict[_Key, _Values]:
        names = dict.fromkeys((*lookup.key, *lookup.columns.values()))
        aliases = {f"#n{number}": name for number, name in enumerate(names)}
        options = {
            "ConsistentRead": self.settings.consistent,
            "ProjectionExpression": ", ".join(aliases),
            "ExpressionAttributeNames": aliases,
        }
        wanted = [dict(zip(lookup.key, map(asked, key), strict=True)) for key in keys]
        dynamodb = client("dynamodb", attempts=1)
        items = batch_get(
            dynamodb, lookup.table, wanted, options, Backoff(self.settings.attempts)
        )
        if isinstance(items, ServiceError):
            raise failure(items, self._label, lookup.table, HINT)
        return {
            tuple(answered(item[name]) for name in lookup.key): _values(lookup, item)
            for item in items
        }

    def _cache(self, lookup: Lookup) -> Cache:
        what = lookup.model_dump_json(include={"table", "key", "columns", "types"})
        times = (
            self.settings.cache_seconds,
            self.settings.cache_missing_seconds,
            self.settings.consistent,
        )
        return cache(
            (environment_key("dynamodb"), what, times), self.settings.cache_items
        )

    def _count(self, table: str, missing: int, unexpected: int) -> None:
        with self._lock:
            self.missing[table] += missing
            self.unexpected[table] += unexpected
        if missing or unexpected:
            _log.info(
                "%s: table %s: no item for %d rows, %d values of an unexpected type",
                self._label,
                table,
                missing,
                unexpected,
            )

    @property
    def _label(self) -> str:
        return f"transform {self.name}"


def _plain(column: pl.Series) -> list[Any]:
    return (column if column.dtype.is_integer() else column.cast(pl.String)).to_list()


def _values(lookup: Lookup, item: dict[str, Any]) -> _Values:
    values, unexpected = [], 0
    for name, attribute in lookup.columns.items():
        try:
            values.append(value(item.get(attribute), lookup.types.get(name, "string")))
        except Unexpected:
            values.append(None)
            unexpected += 1
    return values, unexpected


def _moment(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Return a column's moments in UTC; those without a time zone count as UTC."""
    dtype = frame.schema[column]
    aware = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
    moment = pl.col(column)
    return (moment if aware else moment.dt.replace_time_zone("UTC")).cast(MOMENT)
