"""From names and settings to objects: everything that does not fit is refused before anything is read."""

import polars as pl
import pytest

from reporting_framework import (
    PipelineSpec,
    PluginError,
    PluginRef,
    SettingsError,
    StepFailed,
)
from reporting_framework.errors import LocationError
from reporting_framework.execution.assembly import assemble
from reporting_framework.registry.registry import load_plugins

PARTS = """
import polars as pl
from reporting_framework import Sink, Source, Transform, Validator
from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.settings import Settings

class Numbers(Settings):
    count: int = 1
    mode: str = ""

class Part:
    name = "good"
    Settings = Numbers

    def __init__(self, settings):
        self.settings = settings
        if settings.mode == "raises":
            raise ValueError("SECRET-VALUE")
        if settings.mode == "refuses":
            raise LocationError("x://y: unknown scheme")

class GoodSource(Part, Source):
    def plan(self, ledger):
        return []

    def read(self, split):
        return []

class GoodSink(Part, Sink):
    def stage(self, frame, split, part):
        raise AssertionError

    def commit(self, staged_parts, context=None):
        raise AssertionError

class GoodTransform(Part, Transform):
    def apply(self, frame):
        modes = {"last": frame.select("source_key", "number"), "none": frame.drop("source_key")}
        if self.settings.mode == "fails":
            raise KeyError("SECRET-VALUE")
        return modes.get(self.settings.mode, frame.with_columns(pl.col("number").cast(pl.String)))

class GoodValidator(Part, Validator):
    schema = pl.Schema({"number": pl.Int64, "source_key": pl.String})

    def validate(self, batch):
        raise AssertionError

class Framed(GoodValidator):
    name = "framed"
    input_format = "frames"

class MisspeltSource(GoodSource):
    name = "misspelt"
    output_format = "frame"

class MisspeltValidator(GoodValidator):
    name = "misspelt"
    input_format = "any"

class Schemaless(GoodValidator):
    name = "schemaless"
    @property
    def schema(self):
        raise OSError("SECRET-VALUE")

class Ordered(GoodSource):
    name = "ordered"
    versions_ordered = True
    primary_key = ["number"]

    def schema(self):
        return pl.Schema({"number": pl.Int64})

class Replacing(Ordered):
    name = "replacing"
    write_modes = frozenset({"upsert", "replace"})

class Moded(Numbers):
    mode: str | None = None

class Upserts(GoodSink):
    name = "upserts"
    Settings = Moded
    write_modes = frozenset({"append", "upsert", "replace"})

    def open(self, schema, mode="append", primary_key=()):
        self.opened = schema.names(), mode, list(primary_key)

class Versioned(GoodValidator):
    name = "versioned"
    schema = pl.Schema({"_version": pl.String, "source_key": pl.String})

class Internal(GoodValidator):
    name = "internal"
    schema = pl.Schema({"_reporting_at": pl.Int64, "source_key": pl.String})

class Bound(GoodValidator):
    name = "bound"
    input_format = "payloads"

    def bind(self, schema):
        self.bound = schema

@hookimpl
def reporting_sources():
    return [GoodSource, MisspeltSource, Ordered, Replacing]

@hookimpl
def reporting_validators():
    return [GoodValidator, Framed, MisspeltValidator, Schemaless, Bound, Versioned, Internal]

@hookimpl
def reporting_transforms():
    return [GoodTransform]

@hookimpl
def reporting_sinks():
    return [GoodSink, Upserts]
"""
GOOD = PluginRef("good")
ORDERED, UPSERTS = PluginRef("ordered"), PluginRef("upserts")


def moded(mode):
    return PluginRef("upserts", {"mode": mode})


@pytest.fixture
def registry(site):
    site.add("parts", PARTS)
    return load_plugins(["parts"])


def composed(registry, **parts):
    chosen = {"source": GOOD, "validator": GOOD, "sinks": [GOOD]} | parts
    return assemble("r", PipelineSpec(**chosen), registry)


def test_a_composition_becomes_a_pipeline(registry):
    made = composed(
        registry, sinks=[GOOD, PluginRef("good", {"count": 7})], transforms=[GOOD]
    )
    assert (made.report, made.source.name, made.validator.name) == ("r", "good", "good")
    assert [sink.settings.count for sink in made.sinks] == [1, 7]
    assert made.engine.name == "local"
    assert made.schema == pl.Schema({"number": pl.String, "source_key": pl.String}), (
        "as the transforms leave it"
    )


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"sinks": []}, SettingsError, "report r: it has no sink; give at least one"),
        (
            {"sinks": [PluginRef("good", {"count": "many", "colour": 1})]},
            SettingsError,
            "report r: sink good: there is no setting colour; settings: count, mode (and 1 more problem: count)",
        ),
        (
            {"validator": PluginRef("framed")},
            PluginError,
            "report r: source good yields payloads, validator framed takes frames; choose two that fit",
        ),
        (
            {"source": PluginRef("misspelt")},
            PluginError,
            "report r: source misspelt: output_format is 'frame'; declare payloads or frames",
        ),
        (
            {"validator": PluginRef("misspelt")},
            PluginError,
            "report r: validator misspelt: input_format is 'any'; declare payloads or frames or both",
        ),
        (
            {"transforms": [PluginRef("good", {"mode": "last"})]},
            PluginError,
            "report r: the last column after all transforms must be source_key",
        ),
        (
            {"transforms": [PluginRef("good", {"mode": "none"})]},
            PluginError,
            "report r: the last column after all transforms must be source_key",
        ),
        (
            {"transforms": [PluginRef("good", {"mode": "fails"})]},
            StepFailed,
            "report r: transform good raised KeyError; see the log for where",
        ),
        (
            {"validator": PluginRef("schemaless")},
            StepFailed,
            "report r: validator schemaless raised OSError; see the log for where",
        ),
        (
            {"sinks": [PluginRef("good", {"mode": "raises"})]},
            StepFailed,
            "report r: sink good raised ValueError; see the log for where",
        ),
        (
            {"sinks": [PluginRef("good", {"mode": "refuses"})]},
            LocationError,
            "x://y: unknown scheme",
        ),
    ],
)
def test_what_does_not_fit_is_refused(registry, parts, error, message):
    with pytest.raises(error) as raised:
        composed(registry, **parts)
    assert str(raised.value) == message


def test_a_wrong_validator_is_refused_before_the_source_reaches_for_its_place(registry):
    unreachable = PluginRef("good", {"mode": "refuses"})
    with pytest.raises(PluginError, match="there is no validator 'god'"):
        composed(registry, source=unreachable, validator=PluginRef("god"))


def test_a_plugin_that_there_is_not_is_refused(registry):
    with pytest.raises(
        PluginError, match="there is no source 'god'; did you mean good?"
    ):
        composed(registry, source=PluginRef("god"))


@pytest.mark.parametrize(
    ("mode", "sinks", "modes"),
    [
        ("append", [GOOD, UPSERTS], ["append", "append"]),
        ("upsert", [UPSERTS, UPSERTS], ["upsert", "upsert"]),
        ("append", [GOOD, moded("upsert")], ["append", "upsert"]),
        ("upsert", [moded("append"), UPSERTS], ["append", "upsert"]),
        ("replace", [UPSERTS, moded("replace")], ["replace", "replace"]),
    ],
)
def test_a_sink_s_own_write_mode_comes_before_that_of_the_report(
    registry, mode, sinks, modes
):
    made = composed(registry, source=ORDERED, sinks=sinks, write_mode=mode)
    assert (made.modes, made.appends) == (modes, set(modes) == {"append"})
    opened = [sink.opened for sink in made.open_sinks() if sink.name == "upserts"]
    assert opened == [
        (["number", "source_key"], mode, ["number"])
        for sink, mode in zip(sinks, modes, strict=True)
        if sink.name == "upserts"
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"source": ORDERED, "sinks": [GOOD], "write_mode": "upsert"},
            "report r: sink good cannot upsert; write_mode may be append",
        ),
        (
            {"sinks": [UPSERTS], "write_mode": "upsert"},
            "report r: write_mode is upsert, and the versions of source good do not say which one is newer (its class does not set versions_ordered); use append or replace",
        ),
        (
            {"source": PluginRef("replacing"), "sinks": [UPSERTS]},
            "report r: write_mode is append, and source replacing needs replace or upsert under its settings; set write_mode, or change the settings of the source",
        ),
        (
            {"sinks": [UPSERTS, moded("replace")]},
            "report r: write_mode is replace for some sinks only; a run that reads everything fits no other mode, so make two reports",
        ),
    ],
)
def test_a_write_mode_that_does_not_fit_is_refused(registry, parts, message):
    with pytest.raises(SettingsError) as raised:
        composed(registry, **parts)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("mode", "unmatched"), [("upsert", "drop"), ("upsert", "keep"), ("append", "drop")]
)
def test_a_join_that_drops_rows_is_not_for_upsert(registry, tmp_path, mode, unmatched):
    uri = str(tmp_path / "prices.parquet")
    pl.DataFrame({"number": [1], "price": [2]}).write_parquet(uri)
    settings = {"uri": uri, "on": ["number"], "columns": ["price"]}
    join = PluginRef("join", {**settings, "unmatched": unmatched})
    parts = {"source": ORDERED, "transforms": [join], "sinks": [moded(mode)]}
    if (mode, unmatched) != ("upsert", "drop"):
        assert composed(registry, **parts).modes == [mode]
        return
    with pytest.raises(SettingsError, match="and transform join needs") as raised:
        composed(registry, **parts)
    assert "append or replace under its settings, as rows that" in str(raised.value)
    assert raised.value.problems[0].path == ("transforms", "0")


def test_a_validator_is_given_the_columns_that_the_source_knows(registry):
    bound = PluginRef("bound")
    made = composed(registry, source=ORDERED, validator=bound)
    assert made.validator.bound == pl.Schema({"number": pl.Int64})
    made = composed(registry, validator=bound)
    assert not hasattr(made.validator, "bound"), "the source knows none"


@pytest.mark.parametrize(
    ("parts", "column"),
    [
        ({"validator": PluginRef("internal")}, "_reporting_at"),
        (
            {
                "source": ORDERED,
                "validator": PluginRef("versioned"),
                "sinks": [UPSERTS],
                "write_mode": "upsert",
            },
            "_version",
        ),
    ],
)
def test_a_column_with_a_name_of_the_framework_s_is_refused(registry, parts, column):
    with pytest.raises(SettingsError, match=f"report r: column {column} has a name of"):
        composed(registry, **parts)
    assert composed(registry, validator=PluginRef("versioned")).appends
