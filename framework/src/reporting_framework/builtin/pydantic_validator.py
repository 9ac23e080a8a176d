"""Validator ``pydantic``: any model or TypedDict.

A record becomes a row or a rejection; rejections hold no values.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from pydantic import Field
from typing_extensions import override

from reporting_framework._text.messages import cause
from reporting_framework.builtin.columns import UnsupportedField
from reporting_framework.builtin.frame_records import as_payloads
from reporting_framework.builtin.model_columns import EXTRA_COLUMN, declared_columns
from reporting_framework.builtin.model_fields import FieldPaths
from reporting_framework.builtin.model_import import import_model
from reporting_framework.builtin.model_reader import Extra, RecordParser
from reporting_framework.builtin.reasons import RejectionClassifier
from reporting_framework.builtin.record_frame import Row, frame_of
from reporting_framework.builtin.strict_json import check_strict, member_texts
from reporting_framework.builtin.unknown_fields import IgnoredFields, as_written
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Batch,
    Rejection,
    Validated,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.plugin_api.validator import (
    ColumnFacts,
    InputFormat,
    Validator,
)

if TYPE_CHECKING:
    from reporting_framework.builtin.flat_records import FlatRecordParser

FEW = 999
"""Number of records up to which the model alone is as fast as `FlatRecordParser`."""

_log = logging.getLogger(__name__)


class ModelValidatorSettings(Settings):
    """Settings of all validators with a model."""

    extra: Extra = Field(
        "ignore",
        description=(
            "What to do with unknown fields: leave out and count, reject the record, or"
            " keep as JSON"
        ),
    )


class ModelValidator(Validator):
    """Validator with a model: subclass it with your own `name` and `model`.

    It accepts JSON payloads. It also accepts frames: each row is validated as a record
    with the same fields. This is slow; the validator ``frame`` is fast. Times, days and
    decimal numbers are texts in such a record.

    The columns are the model's fields in their order, then `extra` if unknown fields
    are kept, then the source key. A rule over several fields must raise a
    `PydanticCustomError` whose context names the field at fault, as in ``{"field":
    "module"}``. The error type of a rejection is pydantic's type of the first error, in
    the order of the fields.

    Attributes:
        model: A pydantic model or a TypedDict (which is faster by a third).
        defaults: Column values for fields that a record may omit (`NotRequired`). Rules
            do not see them. A default of the model itself has the same effect, but
            requires a second parse of each record.
        excluded_fields: Fields that are checked and get no column. If unknown fields
            are kept, these fields are kept with them.
        raw_json_fields: Fields without an alias whose column is the JSON text of the
            payload, not the value of the model. Objects within them may have duplicate
            keys.
    """

    name: ClassVar[str]
    input_format: ClassVar[InputFormat] = "both"
    model: type[Any]
    defaults: ClassVar[Mapping[str, Any]] = {}
    excluded_fields: ClassVar[frozenset[str]] = frozenset()
    raw_json_fields: ClassVar[frozenset[str]] = frozenset()
    Settings: ClassVar[type[ModelValidatorSettings]] = ModelValidatorSettings

    def __init__(self, settings: ModelValidatorSettings) -> None:
        self._keeps = settings.extra == "keep"
        self._set_aside = sorted(self.excluded_fields) if self._keeps else []
        self._is_slow = False
        self._ruled = type(self).check_record is not ModelValidator.check_record
        try:
            self._columns = declared_columns(
                self.model,
                excluded=self.excluded_fields,
                raw_json=self.raw_json_fields,
                keeps_unknown=self._keeps,
            )
            self._reader = RecordParser(self.model, settings.extra)
        except UnsupportedField as error:
            raise SettingsError(
                f"validator {self.name}: {self.model.__name__}: {error}"
            ) from error
        except (
            Exception
        ) as error:  # whatever a model that pydantic cannot use makes it raise
            raise SettingsError(
                f"validator {self.name}: {self.model.__name__}: {cause(error)}"
            ) from error
        self._reasons = RejectionClassifier(FieldPaths(self.model))
        dtypes = {name: column.dtype for name, column in self._columns.items()}
        self.schema = pl.Schema({**dtypes, SOURCE_KEY: pl.String()})

    def check_record(self, record: dict[str, Any]) -> dict[str, Any]:
        """Check a rule over several fields; override it as needed.

        A pydantic model may also have validators of its own.

        Args:
            record: The fields, each valid by itself.

        Raises:
            PydanticCustomError: The fields are not consistent.
        """
        return record

    def parse_fast(
        self, payloads: Sequence[bytes]
    ) -> tuple[pl.DataFrame, pl.Series] | None:
        """Return the records that can be parsed without the model.

        Override the method if speed is worth a second parser.

        Args:
            payloads: n raw records.

        Returns:
            Rows and their positions in `payloads`, in order; `None` if there is no
            second parser. The columns are the model's, with the values that the model
            and `check_record` would return (the text of a field of `raw_json_fields`).
            Whenever there is any doubt, a payload must be left to the model.
        """
        return None

    @override
    def validate(self, batch: Batch) -> Validated:
        rejections: list[Rejection] = []
        if batch.payloads is None:
            self._log_slow()
            batch, rejections = as_payloads(batch, self._columns)
        payloads = batch.payloads or ()
        fast = self._split(batch)
        rest = range(len(payloads)) if fast is None else fast[2]
        if fast is not None and not rest:
            return Validated(fast[0], rejections)
        rows, ignored = self._parse(batch, rest, rejections)
        unnamed = {EXTRA_COLUMN} if self._keeps else ()
        frame, at, misfits = frame_of(
            rows, self._columns, self.defaults, unnamed=unnamed
        )
        if fast is not None:
            frame = pl.concat([fast[0], frame])[pl.concat([fast[1], at]).arg_sort()]
        return Validated(frame, rejections + misfits, ignored.counts_by_name())

    def _split(
        self, batch: Batch
    ) -> tuple[pl.DataFrame, pl.Series, Sequence[int]] | None:
        """Return rows that need no model, their positions, and those of the others."""
        payloads = batch.payloads or ()
        fast = self.parse_fast(payloads)
        if fast is None:
            parser = self._flat if len(payloads) > FEW else None
            return parser.split(batch) if parser is not None else None
        frame, at = fast
        keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        rest: list[int] = []
        if len(at) < len(payloads):
            keys = keys[at]
            rest = (
                pl.repeat(True, len(payloads), eager=True)
                .scatter(at, False)
                .arg_true()
                .to_list()
            )
        if self._keeps:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(EXTRA_COLUMN))
        return frame.with_columns(keys), at, rest

    @cached_property
    def _flat(self) -> FlatRecordParser | None:
        if self._ruled or self._keeps or self.raw_json_fields:
            return None
        from reporting_framework.builtin.flat_records import (
            FlatRecordParser,
        )  # few records need none

        dtypes = {name: column.dtype for name, column in self._columns.items()}
        return FlatRecordParser.of(self._reader.schema, dtypes, self.defaults)

    def _parse(
        self, batch: Batch, positions: Sequence[int], rejections: list[Rejection]
    ) -> tuple[list[Row], IgnoredFields]:
        """Parse records with the model; add the records that it rejects."""
        payloads = batch.payloads or ()
        rows: list[Row] = []
        ignored = IgnoredFields()
        parse, opened, names = self._reader.parse, self._reader.open, self._reader.names
        for at in positions:
            payload, source_key = payloads[at], batch.source_keys[at]
            version = batch.versions[at]
            try:
                record = parse(payload)
                if opened is not None:
                    record, unknown = opened(record)
                else:
                    unknown = (
                        None
                        if names.issuperset(record)
                        else {key: record[key] for key in record.keys() - names}
                    )
                check_strict(payload, self.raw_json_fields)
                if self._ruled:
                    record = self.check_record(record)
                if self.raw_json_fields:
                    texts = member_texts(payload, self.raw_json_fields)
                    record.update(
                        (name, text)
                        for name, text in texts.items()
                        if record.get(name) is not None
                    )
                if self._keeps:
                    self._add_extra(record, unknown, payload)
                elif unknown:
                    ignored.add(unknown)
            except MemoryError:  # the machine's fault, not the record's
                raise
            except Exception as error:
                rejections.append(
                    Rejection(source_key, version, *self._reasons.of(error, payload))
                )
            else:
                rows.append((at, source_key, version, record))
        return rows, ignored

    def _log_slow(self) -> None:
        """Log once that another validator is faster for frames."""
        if not self._is_slow:
            self._is_slow = True
            _log.info(
                "validator %s: rows of a frame are validated one by one, which is slow;"
                " the validator frame takes a frame as a whole",
                self.name,
            )

    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """See `Validator.column_facts`; the facts come from the model."""
        from reporting_framework.builtin.model_facts import facts_of

        facts_by_field = facts_of(self.model, self._columns)
        raw_facts = {
            name: facts._replace(values=())
            for name, facts in facts_by_field.items()
            if name in self.raw_json_fields
        }
        raw_facts |= {
            name: facts_by_field[name]._replace(nullable=False)
            for name in self.defaults
            if name in facts_by_field
        }
        kept = (
            {EXTRA_COLUMN: ColumnFacts("Unknown fields, as JSON")}
            if self._keeps
            else {}
        )
        return {**facts_by_field, **raw_facts, **kept}

    def _add_extra(
        self, record: dict[str, Any], unknown: Mapping[str, Any] | None, payload: bytes
    ) -> None:
        """Add fields without a column of their own to the column `extra`."""
        kept = {
            name: record[name]
            for name in self._set_aside
            if record.get(name) is not None
        }
        kept.update(unknown or {})
        record[EXTRA_COLUMN] = as_written(kept, payload) if kept else None


class PydanticValidatorSettings(ModelValidatorSettings):
    """Settings of the validator ``pydantic``."""

    model: str = Field(
        description="package.module:Model, a pydantic model or a TypedDict"
    )


class PydanticValidator(ModelValidator):
    """Validator ``pydantic``, whose model is a setting."""

    name: ClassVar[str] = "pydantic"
    Settings: ClassVar[type[PydanticValidatorSettings]] = PydanticValidatorSettings

    def __init__(self, settings: PydanticValidatorSettings) -> None:
        self.model = import_model(settings.model)
        super().__init__(settings)
