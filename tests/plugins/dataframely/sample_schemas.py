"""Schemas that the tests of the validator name by their import paths."""

import dataframely as dy
import polars as pl


class Order(dy.Schema):
    """Rules of columns, and one over two columns."""

    number = dy.Int64(min=0)
    note = dy.String(nullable=True, regex="^[a-z0-9-]*$", max_length=20)
    price = dy.Float64(nullable=True, min=0)
    paid = dy.Float64(nullable=True)

    @dy.rule()
    def paid_at_most_the_price(cls) -> pl.Expr:
        return pl.col("paid") <= pl.col("price")


class Keyed(dy.Schema):
    """Rules that compare rows."""

    day = dy.Date(primary_key=True)
    sku = dy.String(primary_key=True)
    serial = dy.Int32(nullable=True, unique=True)
    share = dy.Float64()

    @dy.rule()
    def shares_of_a_day_are_all(cls) -> pl.Expr:
        return pl.col("share").sum().over("day") <= 1


class Wide(dy.Schema):
    """All kinds of columns, with rules on whichever columns there are."""

    text = dy.String(nullable=True, min_length=1)
    whole = dy.Integer(nullable=True, is_in=[1, 2, 3])
    exact = dy.Decimal(6, 2, nullable=True, max_exclusive=100)
    ratio = dy.Float(nullable=True, min_exclusive=0)
    yes = dy.Bool(nullable=True)
    day = dy.Date(nullable=True)
    at = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us")
    kind = dy.Enum(["a", "b"], nullable=True)
    parts = dy.List(dy.Int64(min=0), nullable=True, max_length=2)
    place = dy.Struct({"city": dy.String(), "lat": dy.Float64(nullable=True)}, nullable=True)  # fmt: skip
    odd = dy.Int64(nullable=True, alias="odd|name")

    @dy.rule()
    def something_is_there(cls) -> pl.Expr:
        return pl.any_horizontal(pl.all().is_not_null())


class Anything(dy.Schema):
    """A column of whichever type."""

    value = dy.Any()


class Converting(dy.Schema):
    """A rule that raises for a text that is not a number."""

    text = dy.String(nullable=True, check={"positive": lambda text: text.cast(pl.Int64) > 0})  # fmt: skip


class ConvertingKeyed(Converting):
    """The same, and a rule that compares rows."""

    key = dy.Int64(unique=True)


class Misspelt(dy.Schema):
    """A rule on a column that is not there."""

    a = dy.Int64()

    @dy.rule()
    def wrong(cls) -> pl.Expr:
        return pl.col("b") > 0


class Taken(dy.Schema):
    """A column with the name of one that is added."""

    source_key = dy.String()


class Empty(dy.Schema):
    """No columns."""


NUMBER = 7
