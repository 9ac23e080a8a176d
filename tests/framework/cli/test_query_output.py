"""Moments in an answer: in UTC, ending in Z, in every form; those without a time zone as they are."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from reporting_framework.cli.query_output import print_answer

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678)
FRAME = pl.DataFrame(
    {"plain": [MOMENT], "utc": [MOMENT.replace(tzinfo=UTC)]}
).with_columns(local=pl.col("utc").dt.convert_time_zone("Europe/Berlin"))


@pytest.fixture
def said(capsys):
    def said(form):
        print_answer(FRAME, form, None)
        return capsys.readouterr().out

    return said


def test_moments_in_a_table_for_people_end_in_z(said):
    plain = "2024-01-02 03:04:05"
    assert said("table").splitlines()[1].split("  ") == [plain, *[f"{plain}Z"] * 2]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_exact_moments_end_in_z(said, form):
    text = said(form)
    found = (
        list(json.loads(text)[0].values())
        if form == "json"
        else text.splitlines()[1].split(",")
    )
    plain = "2024-01-02T03:04:05.000678"
    assert found == [plain, *[f"{plain}Z"] * 2]
