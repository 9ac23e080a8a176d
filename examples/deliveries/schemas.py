"""Rules for tours, as a schema of dataframely."""

import dataframely as dy
import polars as pl


class Tour(dy.Schema):
    """Tour of a van: its day, and the parcels that it began and ended with."""

    tour = dy.Int64(nullable=False, min=1)
    day = dy.Date(nullable=False)
    van = dy.String(nullable=False, regex="^[A-Z]{2}-[0-9]{3}$")
    loaded = dy.Int64(nullable=False, min=0)
    delivered = dy.Int64(nullable=False, min=0)

    @dy.rule()
    def no_more_than_loaded(cls) -> pl.Expr:
        """Hold if no more parcels were delivered than loaded."""
        return cls.delivered.col <= cls.loaded.col
