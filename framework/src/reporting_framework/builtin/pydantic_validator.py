"""The validator ``pydantic``: any model or TypedDict; a record becomes a row or a rejection, and no value is told."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Required, get_args, get_type_hints

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict, is_typeddict

from reporting_framework.builtin.columns import Column, UnsupportedField, canonical_json, column_of, series
from reporting_framework.errors import SettingsError
from reporting_framework.interfaces import Shape
from reporting_framework.records import ORIGIN_COLUMN, Batch, Rejection, Validated
from reporting_framework.settings import Settings

Extra = Literal["ignore", "reject", "keep"]

EXTRA_COLUMN = "extra"
"""Column that keeps unknown fields, as canonical JSON."""

OTHER = "(other)"
NAMES_KEPT = 100
"""How many names of ignored fields are counted apart in a batch; the rest, and odd names, under `OTHER`."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_CONFIG: dict[Extra, Literal["allow", "forbid"]] = {"ignore": "allow", "reject": "forbid", "keep": "allow"}


class ModelValidatorSettings(Settings):
    """Settings of every validator that is made of a model."""

    extra: Extra = Field(
        "ignore", description="What to do with unknown fields: leave out and count, reject the record, or keep as JSON"
    )


class ModelValidator:
    """A validator made of a model: subclass it with a `name` and a `model` of your own.

    The columns are the model's fields in their order, then `extra` if unknown fields are kept, then the origin. A rule
    over several fields raises a `PydanticCustomError` whose context names the field at fault, as in ``{"field":
    "module"}``. A rejection tells pydantic's type of the first error, in the order of the fields.

    Attributes:
        model: A pydantic model or a TypedDict (which is faster by a third).
        without_column: Fields that are checked and get no column; where unknown fields are kept, they are too.
    """

    name: ClassVar[str]
    model: type[Any]
    without_column: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[Shape] = "payloads"
    Settings: ClassVar[type[ModelValidatorSettings]] = ModelValidatorSettings

    def __init__(self, settings: ModelValidatorSettings) -> None:
        self._extra = settings.extra
        declared: Any = self.model
        fields = _fields(declared)
        self._names = frozenset(fields)
        try:
            self._columns: dict[str, Column] = {
                name: column_of(hint) for name, hint in fields.items() if name not in self.without_column
            }
        except UnsupportedField as error:
            raise SettingsError(f"validator {self.name}: {self.model.__name__}: {error}; use a plain type") from error
        self._expected = frozenset(self._columns) if settings.extra == "keep" else self._names
        self._always = _always_there(self.model)
        self._converted = [(name, column.convert) for name, column in self._columns.items() if column.convert]
        dtypes = {name: column.dtype for name, column in self._columns.items()}
        if settings.extra == "keep":
            dtypes[EXTRA_COLUMN] = pl.String()
        self.schema = pl.Schema({**dtypes, ORIGIN_COLUMN: pl.String()})
        self._record = self._reader()

    def _reader(self) -> Callable[[bytes], dict[str, Any]]:
        """What makes of a payload its fields, unknown ones among them.

        Raises (when called):
            ValidationError: The payload is not valid.
        """
        config = ConfigDict(extra=_CONFIG[self._extra], allow_inf_nan=False)
        if is_typeddict(self.model):
            made = _with_config(self.model, config)
            ruled = type(self).rule is not ModelValidator.rule
            return _json_reader(Annotated[made, AfterValidator(self.rule)] if ruled else made)
        model = type(self.model.__name__, (self.model,), {"model_config": config, "__module__": __name__})
        read: Callable[[bytes], BaseModel] = _json_reader(model)
        return lambda payload: _as_dict(read(payload))

    def rule(self, record: dict[str, Any]) -> dict[str, Any]:
        """A rule over all fields of a TypedDict, to override; a pydantic model has validators of its own.

        Args:
            record: The fields, each valid by itself.

        Raises:
            PydanticCustomError: They do not go together.
        """
        return record

    def validate(self, batch: Batch) -> Validated:
        """See `Validator.validate`."""
        assert batch.payloads is not None  # noqa: S101 - the runner has compared shapes
        rows: list[dict[str, Any]] = []
        origins: list[str] = []
        rejections: list[Rejection] = []
        ignored: dict[str, int] = {}
        for origin, version, payload in zip(batch.origins, batch.versions, batch.payloads, strict=True):
            field = None
            try:
                record = self._record(payload)
                if not self._expected.issuperset(record):
                    self._unknown(record, ignored)
                for field, convert in self._converted:
                    if (value := record.get(field)) is not None:
                        record[field] = convert(value)
            except ValidationError as error:
                rejections.append(Rejection(origin, version, *self._reason(error, payload)))
            except Exception:  # a rule or a value of the model's own; the message may hold a value
                kind = "validator_error" if field is None else "out_of_range"
                rejections.append(Rejection(origin, version, kind, field))
            else:
                rows.append(record)
                origins.append(origin)
        return self._framed(batch, rows, origins, rejections, ignored)

    def _framed(
        self,
        batch: Batch,
        rows: list[dict[str, Any]],
        origins: list[str],
        rejections: list[Rejection],
        ignored: dict[str, int],
    ) -> Validated:
        """The rows as a frame; should a value not fit its column, its record is found and rejected."""
        try:
            return Validated(self._frame(rows, origins), rejections, ignored)
        except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
            versions = dict(zip(batch.origins, batch.versions, strict=True))
            fitting = []
            for row, origin in zip(rows, origins, strict=True):
                if (field := self._misfit(row)) is None:
                    fitting.append((row, origin))
                else:
                    rejections.append(Rejection(origin, versions[origin], "out_of_range", field))
            frame = self._frame([row for row, _ in fitting], [origin for _, origin in fitting])
            return Validated(frame, rejections, ignored)

    def _frame(self, rows: list[dict[str, Any]], origins: list[str]) -> pl.DataFrame:
        columns = [
            series(
                name, [row[name] for row in rows] if name in self._always else [row.get(name) for row in rows], dtype
            )
            for name, dtype in self.schema.items()
            if name != ORIGIN_COLUMN
        ]
        return pl.DataFrame([*columns, pl.Series(ORIGIN_COLUMN, origins, dtype=pl.String)])

    def _misfit(self, row: Mapping[str, Any]) -> str | None:
        """The field of a row whose value does not fit its column."""
        for name, column in self._columns.items():
            try:
                series(name, [row.get(name)], column.dtype)
            except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
                return name
        return None

    def _unknown(self, record: dict[str, Any], ignored: dict[str, int]) -> None:
        """Keep or count the unknown fields of a record."""
        unknown = {
            name: value
            for name, value in record.items()
            if name not in self._expected and (value is not None or name not in self._names)
        }
        if self._extra == "keep":
            record[EXTRA_COLUMN] = canonical_json(unknown) if unknown else None
            return
        for name in unknown:
            counted = name if _IDENTIFIER.match(name) and (name in ignored or len(ignored) < NAMES_KEPT) else OTHER
            ignored[counted] = ignored.get(counted, 0) + 1

    def _reason(self, error: ValidationError, payload: bytes) -> tuple[str, str | None]:
        """Type and field of the first error; only names that the model declares."""
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            return ("json_invalid" if payload.strip() else "empty"), None
        if not first["loc"]:
            named = first.get("ctx", {}).get("field")
            return first["type"], named if named in self._names else None
        return first["type"], self._declared(first["loc"])

    def _declared(self, path: tuple[int | str, ...]) -> str | None:
        """The part of a path that consists of declared names, dotted."""
        model: Any = self.model
        parts: list[str] = []
        for segment in path:
            name = _aliases(model).get(str(segment), str(segment))
            fields = _fields(model)
            if isinstance(segment, int):
                continue
            if name not in fields:
                break
            parts.append(name)
            model = _nested(fields[name])
        return ".".join(parts) or None


class PydanticValidatorSettings(ModelValidatorSettings):
    """Settings of the validator ``pydantic``."""

    model: str = Field(description="package.module:Model, a pydantic model or a TypedDict")


class PydanticValidator(ModelValidator):
    """The validator ``pydantic``: the model is a setting."""

    name: ClassVar[str] = "pydantic"
    Settings: ClassVar[type[PydanticValidatorSettings]] = PydanticValidatorSettings

    def __init__(self, settings: PydanticValidatorSettings) -> None:
        self.model = _imported(settings.model)
        super().__init__(settings)


def _json_reader(model: Any) -> Callable[[bytes], Any]:
    """`TypeAdapter.validate_json` less its own frame, which costs a tenth of the validation."""
    reader: Callable[[bytes], Any] = TypeAdapter(model).validator.validate_json
    return reader


def _as_dict(record: BaseModel) -> dict[str, Any]:
    return {**record.__dict__, **(record.__pydantic_extra__ or {})}


def _with_config(model: Any, config: ConfigDict) -> Any:
    """The TypedDict with another configuration."""
    required = _always_there(model)
    fields = {name: (Required if name in required else NotRequired)[hint] for name, hint in _fields(model).items()}
    make: Any = TypedDict  # a call, as its documentation has it, which type checkers only take with literals
    made = make(model.__name__, fields)
    made.__pydantic_config__ = {**getattr(model, "__pydantic_config__", {}), **config}
    return made


def _bare(hint: Any) -> Any:
    """The hint less `Required` and `NotRequired`."""
    return hint.__args__[0] if getattr(hint, "__origin__", None) in (Required, NotRequired) else hint


@cache
def _fields(model: Any) -> dict[str, Any]:
    """Types of the fields by name, if it has any."""
    if is_typeddict(model):
        return {name: _bare(hint) for name, hint in get_type_hints(model, include_extras=True).items()}
    if isinstance(model, type) and issubclass(model, BaseModel):
        return {name: _annotated(info.annotation, info.metadata) for name, info in model.model_fields.items()}
    return {}


def _always_there(model: Any) -> frozenset[str]:
    """Fields that every valid record has: all of a model, which fills in its defaults.

    `__required_keys__` does not tell: with postponed annotations it knows nothing of `NotRequired`.
    """
    if not is_typeddict(model):
        return frozenset(_fields(model))
    hints = get_type_hints(model, include_extras=True)
    wrapped = {name: getattr(hint, "__origin__", None) for name, hint in hints.items()}
    return frozenset(
        name
        for name, wrapper in wrapped.items()
        if wrapper is Required or (wrapper is not NotRequired and name in model.__required_keys__)
    )


def _annotated(annotation: Any, metadata: list[Any]) -> Any:
    for item in metadata:
        annotation = Annotated[annotation, item]
    return annotation


def _aliases(model: Any) -> dict[str, str]:
    """Names of the fields by the names that records use for them."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {str(info.validation_alias or info.alias or name): name for name, info in model.model_fields.items()}


def _nested(annotation: Any) -> Any:
    """The model that a field holds, if it holds one."""
    candidates = [annotation, *get_args(annotation)]
    return next(
        (one for one in candidates if isinstance(one, type) and (issubclass(one, BaseModel) or is_typeddict(one))), None
    )


def _imported(path: str) -> Any:
    """The model at ``package.module:Model``.

    Raises:
        SettingsError: It is not there, or is not a model.
    """
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise SettingsError(f"validator pydantic: setting model is {path!r}; write it as package.module:Model")
    try:
        model = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"validator pydantic: {path}: {type(error).__name__}: {error}") from error
    if not (is_typeddict(model) or (isinstance(model, type) and issubclass(model, BaseModel))):
        raise SettingsError(f"validator pydantic: {path} is neither a pydantic model nor a TypedDict")
    return model
