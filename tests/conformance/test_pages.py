"""reporting-pages keeps the promises of a page."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, PageContext
from reporting_framework.testing import CANARY, PageContract
from reporting_pages.page import TableOverview
from tests.support import visits

START = datetime(2024, 1, 30, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def table():
    """Columns of many types, with texts that repeat and texts that do not."""
    rows = range(60)
    frame = pl.DataFrame(
        {
            "status": [f"{CANARY} {number % 3}" for number in rows],
            "name": [f"{CANARY} of {number}" for number in rows],
            "day": [START + timedelta(hours=number) for number in rows],
            "price": [number / 7 for number in rows],
            "tags": [[str(number)] for number in rows],
            SOURCE_KEY: [f"{number}.json" for number in rows],
        }
    )
    deleted = pl.Series([START, *[None] * 59], dtype=pl.Datetime("us", "UTC"))
    return frame.with_columns(pl.lit("1").alias(VERSION), deleted.alias(DELETED_AT))


class TestTableOverview(PageContract):
    plugin = TableOverview

    @pytest.fixture(params=[{}, {"values": False, "time_column": "day"}])
    def settings(self, request):
        return request.param

    @pytest.fixture
    def material(self, table):
        return PageContext(
            "shop",
            date(2024, 1, 1),
            table.lazy(),
            visits.quarantined(count=20),
            visits.runs(count=2),
            "orders/",
            "tables/orders.parquet",
            visits.AT,
        )
