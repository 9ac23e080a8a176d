"""reporting-dataframely keeps the promises of a validator."""

import pytest

from reporting_dataframely.validator import DataframelyValidator
from reporting_framework.testing import CANARY, ValidatorContract


class TestDataframelyValidator(ValidatorContract):
    plugin = DataframelyValidator

    @pytest.fixture
    def settings(self):
        return {"schema": "tests.plugins.dataframely.sample_schemas:Order"}

    @pytest.fixture
    def good(self):
        return [
            {"number": number, "note": CANARY, "price": 2.5, "paid": 1.0 * number}
            for number in range(3)
        ]

    @pytest.fixture
    def bad(self):
        good = {"number": 1, "note": CANARY, "price": 2.5, "paid": None}
        return [
            ({**good, "number": None}, "nullability", "number"),
            ({**good, "number": -1}, "min", "number"),
            ({**good, "note": f"{CANARY} is not"}, "regex", "note"),
            ({**good, "note": f"{CANARY}-{CANARY}"}, "max_length", "note"),
            ({**good, "price": -0.5}, "min", "price"),
            ({**good, "paid": 3.0}, "paid_at_most_the_price", None),
        ]


class TestWithConversions(TestDataframelyValidator):
    @pytest.fixture
    def settings(self):
        return {
            "schema": "tests.plugins.dataframely.sample_schemas:Order",
            "cast": True,
        }

    @pytest.fixture
    def good(self):
        return [
            {"number": str(number), "note": CANARY, "price": "2.5", "paid": number}
            for number in range(3)
        ]

    @pytest.fixture
    def bad(self):
        good = {"number": "1", "note": CANARY, "price": "2.5", "paid": None}
        return [
            ({**good, "number": CANARY}, "dtype", "number"),
            ({**good, "price": CANARY}, "dtype", "price"),
            ({**good, "number": None}, "nullability", "number"),
            ({**good, "number": "-1"}, "min", "number"),
        ]
