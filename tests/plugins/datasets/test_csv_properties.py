"""Files of the sink `csv` are read back as they were, or refused."""

import io
import string
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from reporting_datasets.csv_sink.dialect import Dialect
from reporting_datasets.settings import CsvSettings
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import SettingsError

SPECIAL = ["", " ", "NA", "NULL", "-", "'", '"', '""', ",", "a\nb", "\r", "\ufeff"]
TEXTS = st.sampled_from([*SPECIAL, "1", "true", "x;y", "é"]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=4
)
TYPES = {
    "text": (pl.String(), TEXTS),
    'a "name",\nof = two lines': (pl.String(), TEXTS),
    "n": (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    "f": (pl.Float64(), st.floats(allow_nan=False)),
    "b": (pl.Boolean(), st.booleans()),
    "day": (pl.Date(), st.dates(date(1, 1, 1))),
    "at": (pl.Datetime("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "time": (pl.Time(), st.times()),
    "kind": (pl.Enum(["", "NA", "x"]), st.sampled_from(["", "NA", "x"])),
}
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from(string.punctuation + " \te0T"),
        "quote": st.sampled_from(string.punctuation + "e0"),
        "quoting": st.sampled_from(["necessary", "always", "non_numeric"]),
        "null": st.sampled_from(["NA", "NULL", "-", "1", "1.0", "true", "\\N", "'"]),
        "header": st.booleans(),
        "line_end": st.sampled_from(["\n", "\r\n"]),
        "byte_order_mark": st.booleans(),
        "guard_formulas": st.booleans(),
        "source_key": st.booleans(),
    },
)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    chosen = draw(st.lists(st.sampled_from([*TYPES]), unique=True, max_size=4))
    height = draw(st.integers(1, 4))
    columns = {
        name: draw(st.lists(st.none() | TYPES[name][1], min_size=height, max_size=height))
        for name in chosen
    }  # fmt: skip
    columns[SOURCE_KEY] = [f"k{number}" for number in range(height)]
    schema = {name: TYPES[name][0] for name in chosen} | {SOURCE_KEY: pl.String()}
    return pl.DataFrame(columns, schema)


def test_what_is_written_is_read_back():
    refused = []

    @settings(max_examples=300, deadline=None)
    @given(frames(), OPTIONS)
    def holds(frame, options):
        try:
            chosen = CsvSettings(uri="x.csv", **options)
            dialect = Dialect.of(chosen, frame.schema)
            dialect.check()
            text = dialect.head + dialect.encode(frame)
        except (ValidationError, SettingsError):
            refused.append(options)
            return
        read = dialect.values(dialect.scan(io.BytesIO(text))).collect()
        assert read.equals(frame.select(dialect.schema.names())), (read, text)

    holds()
    assert 0 < len(refused) < 250


@pytest.mark.parametrize(
    ("options", "texts", "said"),
    [
        ({"null": "NA"}, ["x", "NA"], "as null is 'NA'; set null"),
        ({"quoting": "always"}, ["", None], "as quoting is always; set null"),
        ({"null": "'-", "guard_formulas": True}, ["-"], 'as null is "\'-"; set null'),
    ],
)
def test_a_text_that_would_be_null_is_refused(options, texts, said):
    frame = pl.DataFrame(
        {"a": texts, SOURCE_KEY: [str(at) for at in range(len(texts))]}
    )
    dialect = Dialect.of(CsvSettings(uri="x.csv", **options), frame.schema)
    with pytest.raises(SettingsError, match=f"column a has a text that .*{said}"):
        dialect.encode(frame)


@pytest.mark.parametrize("header", [True, False])
def test_offsets_with_seconds_are_read_back(header):
    moments = [datetime(1880, 1, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC), None]
    column = pl.Series("at", moments).dt.convert_time_zone("Europe/Berlin")
    frame = column.to_frame()
    settings = CsvSettings(uri="x.csv", header=header, source_key=False)
    dialect = Dialect.of(settings, frame.schema)
    text = dialect.encode(frame)
    assert b"2024-07-01T02:00:00.000000+02:00" in text
    found = dialect.values(dialect.scan(dialect.head + text)).collect()
    assert_frame_equal(found, frame)


def test_a_text_that_would_be_a_byte_order_mark_is_refused():
    frame = pl.DataFrame({"a": ["x", "\ufeffy"]})
    kept = [{"header": True}, {"byte_order_mark": True}, {"quoting": "always"}]
    for more in kept:
        options = {"uri": "x.csv", "header": False, "source_key": False, **more}
        dialect = Dialect.of(CsvSettings(**options), frame.schema)
        for rows in (frame, frame[::-1]):
            text = dialect.head + dialect.encode(rows)
            assert_frame_equal(dialect.values(dialect.scan(text)).collect(), rows)
    settings = CsvSettings(uri="x.csv", header=False, source_key=False)
    with pytest.raises(
        SettingsError, match="column a has a text that begins with a byte"
    ):
        Dialect.of(settings, frame.schema).encode(frame)
