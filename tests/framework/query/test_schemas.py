"""A table described: as JSON Schema, for Athena and for Glue; and what a model says of its columns."""

import enum
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, NotRequired

import boto3
import polars as pl
import pytest
from botocore.validate import validate_parameters
from jsonschema import Draft202012Validator
from moto import mock_aws
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from reporting_framework import ColumnFacts
from reporting_framework.builtin.model_facts import facts_of
from reporting_framework.cli.query_output import print_answer
from reporting_framework.errors import PluginError, SettingsError
from reporting_framework.query.schemas.athena import athena_ddl
from reporting_framework.query.schemas.glue import glue_table
from reporting_framework.query.schemas.hive import hive_columns
from reporting_framework.query.schemas.json_schema import json_schema
from reporting_framework.query.schemas.table import Column, Table, type_name

ALL = {
    "text": (pl.String(), "string"),
    "kind": (pl.Categorical(), "string"),
    "choice": (pl.Enum(["a"]), "string"),
    "good": (pl.Boolean(), "boolean"),
    "tiny": (pl.Int8(), "tinyint"),
    "short": (pl.Int16(), "smallint"),
    "small": (pl.Int32(), "int"),
    "number": (pl.Int64(), "bigint"),
    "byte": (pl.UInt8(), "smallint"),
    "word": (pl.UInt16(), "int"),
    "long": (pl.UInt32(), "bigint"),
    "longest": (pl.UInt64(), "decimal(20,0)"),
    "single": (pl.Float32(), "float"),
    "share": (pl.Float64(), "double"),
    "amount": (pl.Decimal(9, 2), "decimal(9,2)"),
    "day": (pl.Date(), "date"),
    "moment": (pl.Datetime("us", "UTC"), "timestamp"),
    "local": (pl.Datetime("ms"), "timestamp"),
    "lasted": (pl.Duration("us"), "bigint"),
    "data": (pl.Binary(), "binary"),
    "several": (pl.List(pl.Int32), "array<int>"),
    "pair": (pl.Array(pl.String, 2), "array<string>"),
    "deep": (pl.Struct({"A": pl.List(pl.Struct({"b": pl.Date})), "c": pl.Int8}), "struct<a:array<struct<b:date>>,c:tinyint>"),
}  # fmt: skip


def table(*columns, folder="s3://tables/out", **types):
    found = [
        *columns,
        *(Column(name, dtype, ColumnFacts()) for name, dtype in types.items()),
    ]
    return Table("my-report", tuple(found), ("parquet-checkpoint",), folder)


EVERY = table(**{name: dtype for name, (dtype, _) in ALL.items()})


# -- Athena and Glue ----------------------------------------------------------------------------------------------------


def test_every_type_of_polars_has_one_in_athena():
    assert {name: kind for name, kind, _ in hive_columns(EVERY)} == {
        name: kind for name, (_, kind) in ALL.items()
    }


@pytest.mark.parametrize("dtype", [pl.Time(), pl.Null(), pl.Int128(), pl.List(pl.Time)])
def test_a_type_that_athena_lacks_is_refused(dtype):
    with pytest.raises(
        SettingsError,
        match=r"report my-report: column odd is .*, which Athena has no type for",
    ):
        athena_ddl(table(odd=dtype))


def test_names_and_texts_are_quoted():
    said = ColumnFacts("what's in\nit: a\\b", nullable=False)
    assert athena_ddl(
        table(Column("Odd `name`", pl.String(), said)), database="my_db"
    ).splitlines()[2:] == [
        "CREATE EXTERNAL TABLE IF NOT EXISTS `my_db`.`my_report` (",
        r"  `odd ``name``` string COMMENT 'what\'s in it: a\\b'",
        ")",
        "STORED AS PARQUET",
        "LOCATION 's3://tables/out/'",
    ]


def test_a_note_says_what_athena_passes_over():
    note = "\n".join(athena_ddl(EVERY).splitlines()[:2])
    assert "_quarantine/" in note
    assert all(line.startswith("-- ") for line in note.splitlines())


def test_the_name_and_the_place_may_be_given():
    found = athena_ddl(
        table(text=pl.String()), name="visits", location="s3://other/place"
    )
    assert "EXISTS `visits` (" in found
    assert "LOCATION 's3://other/place/'" in found


@pytest.mark.parametrize(
    ("made", "more", "error", "message"),
    [
        (
            table(folder="/data/out"),
            {},
            SettingsError,
            "the table is at /data/out, and Athena reads only S3; name a",
        ),
        (
            table(),
            {"location": "out/"},
            SettingsError,
            "the table is at out/, and Athena reads only S3",
        ),
        (
            table(folder=None),
            {"location": "s3://b/"},
            PluginError,
            r"none of its sinks writes parquet files \(parquet-checkpoint\)",
        ),
        (
            table(),
            {"name": "My Table"},
            SettingsError,
            "'My Table': not a valid name of a table or database; use lower-case",
        ),
        (
            table(a=pl.String(), A=pl.String()),
            {},
            SettingsError,
            "columns a differ only in case, which Athena ignores; rename",
        ),
        (
            table(a=pl.Struct({"x y": pl.Int8})),
            {},
            SettingsError,
            "column a: Athena does not accept the field name 'x y'",
        ),
    ],
)
def test_what_athena_cannot_read_is_refused(made, more, error, message):
    for make in (athena_ddl, glue_table):
        with pytest.raises(error, match=message):
            make(made, **more)


def test_glue_takes_the_table():
    """As botocore's own model of the service has it, and as moto's."""
    found = glue_table(
        table(*EVERY.columns, Column("said", pl.String(), ColumnFacts("what's " * 99)))
    )
    assert len(found["StorageDescriptor"]["Columns"][-1]["Comment"]) == 255
    with mock_aws():
        client = boto3.client(
            "glue",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        operation = client.meta.service_model.operation_model("CreateTable")
        validate_parameters(
            {"DatabaseName": "db", "TableInput": found}, operation.input_shape
        )
        client.create_database(DatabaseInput={"Name": "db"})
        client.create_table(DatabaseName="db", TableInput=found)
        made = client.get_table(DatabaseName="db", Name="my_report")["Table"]
    assert made["StorageDescriptor"]["Location"] == "s3://tables/out/"
    assert [each["Type"] for each in made["StorageDescriptor"]["Columns"]][:-1] == [
        kind for _, kind in ALL.values()
    ]


# -- JSON Schema --------------------------------------------------------------------------------------------------------


def errors(schema, row):
    checker = Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [each.json_path for each in checker.iter_errors(row)]


PLAIN = {
    "text": "x", "good": True, "number": -3, "long": 7, "share": 0.5, "day": "2024-05-06", "several": [1, None],
    "moment": "2024-05-06T00:00:00+00:00", "pair": ["a", None], "deep": {"A": [{"b": "2024-05-06"}], "c": None},
}  # fmt: skip


def test_a_row_is_what_its_schema_says():
    schema = json_schema(table(**{name: ALL[name][0] for name in PLAIN}))
    Draft202012Validator.check_schema(schema)
    assert errors(schema, PLAIN) == []
    assert errors(schema, dict.fromkeys(PLAIN)) == []
    assert errors(schema, {**PLAIN, "more": 1}) == []
    wrong = {"text": 1, "good": "true", "number": 0.5, "long": -1, "share": "1", "day": "2024-02-30", "several": ["x"],
             "pair": ["a"], "deep": {"A": []}}  # fmt: skip
    for name, value in wrong.items():
        [path] = errors(schema, {**PLAIN, name: value})
        assert path.startswith(f"$.{name}")
        assert errors(
            schema, {key: each for key, each in PLAIN.items() if key != name}
        ) == ["$"]


def test_facts_are_in_the_schema():
    said = Column(
        "action",
        pl.String(),
        ColumnFacts("What happened", nullable=False, values=("submit", "delete")),
    )
    some = Column("module", pl.String(), ColumnFacts(values=("a",)))
    schema = json_schema(table(said, some, nothing=pl.Null()))
    assert schema["properties"] == {
        "action": {
            "description": "What happened",
            "type": "string",
            "enum": ["submit", "delete"],
        },
        "module": {"type": ["string", "null"], "enum": ["a", None]},
        "nothing": {"type": "null"},
    }
    assert errors(schema, {"action": "other", "module": "b", "nothing": None}) == [
        "$.action",
        "$.module",
    ]
    assert errors(schema, {"action": None, "module": None, "nothing": None}) == [
        "$.action",
        "$.action",
    ]


def test_the_schema_is_that_of_what_a_query_prints(tmp_path):
    frame = pl.DataFrame(
        {"text": ["x", None], "day": [date(2024, 5, 6), None], "moment": [datetime(2024, 5, 6, tzinfo=UTC), None],
         "number": [1, None], "share": [0.5, None], "good": [True, None]}
    )  # fmt: skip
    print_answer(frame, "json", str(tmp_path / "rows.json"))
    rows = pl.read_json(io.StringIO((tmp_path / "rows.json").read_text())).to_dicts()
    schema = json_schema(table(**frame.schema))
    assert [errors(schema, each) for each in rows] == [[], []]


def test_types_are_told_in_short():
    assert [
        type_name(each)
        for each in (pl.Datetime("us", "UTC"), pl.Datetime("ms"), pl.List(pl.Int8))
    ] == [
        "Datetime(us, UTC)",
        "Datetime(ms)",
        "List(Int8)",
    ]


# -- what a model says --------------------------------------------------------------------------------------------------


class Level(enum.Enum):
    """How much."""

    LOW = "low"
    HIGH = "high"


class Typed(TypedDict):
    text: Annotated[str, Field(description="Some\n text")]
    may_lack: NotRequired[str]
    may_be_null: str | None
    level: Level
    chosen: Literal["a", "b"] | None
    fixed: Literal["a"]
    counted: Literal[1, 2]
    anything: Any


class Modelled(BaseModel):
    text: str = Field("x", description="Some text")
    level: Level = Field(Level.LOW, description="How high")
    chosen: Literal["a", None] = None
    either: Literal["a"] | Annotated[str, Field(pattern="b.*")] = "a"
    aliased: str = Field("", alias="other")


class Odd(BaseModel):
    text: str
    odd: Callable[[], int]


def test_a_model_tells_of_its_fields():
    assert facts_of(Typed, [*Typed.__annotations__, "another"]) == {
        "text": ColumnFacts("Some text", nullable=False),
        "may_lack": ColumnFacts(),
        "may_be_null": ColumnFacts(),
        "level": ColumnFacts(nullable=False, values=("low", "high")),
        "chosen": ColumnFacts(values=("a", "b")),
        "fixed": ColumnFacts(nullable=False, values=("a",)),
        "counted": ColumnFacts(nullable=False),
        "anything": ColumnFacts(),
    }
    assert facts_of(Modelled, Modelled.model_fields) == {
        "text": ColumnFacts("Some text", nullable=False),
        "level": ColumnFacts("How high", nullable=False, values=("low", "high")),
        "chosen": ColumnFacts(values=("a",)),
        "either": ColumnFacts(nullable=False),
        "aliased": ColumnFacts(nullable=False),
    }


def test_a_model_that_has_no_schema_tells_nothing():
    assert facts_of(Odd, ["text"]) == {}
