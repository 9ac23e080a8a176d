"""Two schemas: what changed, and what breaks."""

import polars as pl

from reporting_framework.query.schemas import compare_schemas

WANTED = pl.Schema(
    {
        "n": pl.Int64(),
        "day": pl.Date(),
        "at": pl.Datetime("us", "UTC"),
        "label": pl.String(),
        "new": pl.Boolean(),
    }
)


def test_what_can_be_read_is_compatible():
    found = pl.Schema(
        {
            "gone": pl.Int8(),
            "n": pl.Int32(),
            "day": pl.String(),
            "at": pl.Datetime("ms", "UTC"),
            "label": pl.Categorical(),
        }
    )
    compared = compare_schemas(found, WANTED, required=["n"])
    assert compared.compatible
    assert (compared.added, compared.removed) == (["new"], ["gone"])
    assert list(compared.cast) == ["n", "day", "at", "label"]
    assert compared.cast["n"] == (pl.Int32(), pl.Int64())


def test_what_cannot_be_read_breaks():
    found = pl.Schema(
        {
            "n": pl.String(),
            "day": pl.Int64(),
            "at": pl.Datetime("us"),
            "label": pl.Int64(),
        }
    )
    compared = compare_schemas(found, WANTED)
    assert not compared.compatible
    assert (list(compared.broken), compared.cast) == (["n", "day", "at", "label"], {})


def test_a_column_that_must_not_be_null_and_is_not_there_breaks():
    compared = compare_schemas(
        pl.Schema({"n": pl.Int64()}), WANTED, required=["n", "label"]
    )
    assert (compared.compatible, compared.missing) == (False, ["label"])


def test_equal_schemas_in_any_order_have_no_difference():
    compared = compare_schemas(
        pl.Schema(dict(reversed(WANTED.items()))), WANTED, required=list(WANTED)
    )
    assert compared == ([], [], {}, {}, [])
    assert compared.compatible
