"""Models as a user might bring them, for the generic validator."""

import enum
from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import ReadOnly, TypeAliasType, TypedDict


class Color(enum.Enum):
    """A choice of strings."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    """A choice of numbers, which has no column."""

    LOW = 1


class Inner(BaseModel):
    """Something nested, with a name of its own for a key."""

    model_config = ConfigDict(extra="allow")

    size: int = Field(alias="Size")


Label = TypeAliasType("Label", str)


class Everything(BaseModel):
    """A field of each kind that has a column."""

    text: str
    named: Label = "x"
    number: int = 0
    small: Annotated[int, Field(ge=0, le=10)] = 0
    below: Annotated[int | None, Field(gt=-5, lt=5)] = None
    ratio: float = 0.0
    flag: bool = False
    day: date | None = None
    moment: datetime | None = None
    aware: AwareDatetime | None = None
    choice: Literal["a", "b", None] = None
    color: Color | None = None
    inner: Inner | None = None
    mapping: dict[str, int] = {}
    items: list[Inner] = []
    pair: tuple[int, str] | None = None
    anything: Any = None


class Record(TypedDict):
    """The same as a dictionary: one field that must be there, one that need not, one that may be null."""

    id: Required[ReadOnly[int]]
    name: ReadOnly[NotRequired[str | None]]


class Mapped(TypedDict):
    """An object of anything within a record."""

    mapping: dict[str, Any]


class Partial(TypedDict, total=False):
    """Nothing has to be there but `id`."""

    id: Required[str]
    note: str


class Renamed(BaseModel):
    """Records use other keys."""

    id: int = Field(alias="ID")
    first: str = Field(
        "", validation_alias=AliasChoices("given", AliasPath("names", 0))
    )
    inner: Inner | None = None
    inners: list[Inner] = []
    by_key: dict[str, Inner] = {}


class Twofold(BaseModel):
    """Two fields of one key."""

    first: str = Field(validation_alias=AliasPath("names", 0))
    second: str = Field(validation_alias=AliasPath("names", 1))


class RenamedRecord(TypedDict):
    """A dictionary with another key."""

    id: Annotated[int, Field(alias="ID")]


class Shouting(BaseModel):
    """All keys are in capitals."""

    model_config = ConfigDict(alias_generator=str.upper)

    id: int


class Ruled(BaseModel):
    """Functions of the model's own: over a field, over all of them, and ones that fail in ways of their own."""

    low: int
    high: int = 0

    @field_validator("low")
    @classmethod
    def _fails_for_some(cls, value: int) -> int:
        if value == 13:
            raise OverflowError("the value is 13")
        if value == 14:
            raise ValueError("the value is 14")
        if value == 15:
            raise MemoryError
        return value

    @model_validator(mode="after")
    def _ordered(self) -> "Ruled":
        if self.high and self.low > self.high:
            raise PydanticCustomError(
                "not_ordered", "{low} is above", {"field": "low", "low": self.low}
            )
        if self.low == 99:
            raise PydanticCustomError("odd", "odd", {"field": "not-a-field"})
        return self


class Adding(BaseModel):
    """A function that adds a field which the record did not have."""

    id: int
    made: int = 0

    @model_validator(mode="before")
    @classmethod
    def _add(cls, values: Any) -> Any:
        return {**values, "made": 1} if isinstance(values, dict) else values


class Strange(BaseModel):
    """A function that gives another type than it says."""

    day: date
    text: str

    @field_validator("day", mode="after")
    @classmethod
    def _moment(cls, value: date) -> Any:
        return datetime(2024, 1, 1, 12) if value.year == 1999 else value

    @field_validator("text", mode="after")
    @classmethod
    def _number(cls, value: str) -> Any:
        return 7 if value == "seven" else value


class Strict(BaseModel):
    """Its own configuration forbids unknown fields; the validator's setting says what counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str


class Secret(BaseModel):
    """A secret has no column."""

    key: SecretStr


class Numbers(BaseModel):
    """A choice of numbers has no column."""

    level: Level


class Either(BaseModel):
    """Two types have no column."""

    value: int | str


class Bytes(BaseModel):
    """Bytes have no column."""

    value: bytes


class TakesSourceKey(BaseModel):
    """Has the name of a column that is added."""

    source_key: str


class TakesExtra(BaseModel):
    """Has the name of a column that is added where unknown fields are kept."""

    extra: str


class Root(RootModel[dict[str, int]]):
    """Not a record."""


class Node(BaseModel):
    """Holds itself."""

    value: int
    next: "Node | None" = None


class Unfinished(BaseModel):
    """Of a type that is nowhere."""

    value: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


class BadPattern(TypedDict):
    """A pattern that cannot be compiled."""

    value: Annotated[str, Field(pattern="(")]
