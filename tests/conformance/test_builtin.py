"""What the framework brings itself keeps the promises of its roles."""

import io
import json
import logging

import polars as pl
import pytest
from rich.console import Console

from reporting_framework.aws_lambda import observability
from reporting_framework.aws_lambda.observability import Observability
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.builtin.engine import LocalEngine
from reporting_framework.builtin.frame_validator import FrameValidator
from reporting_framework.builtin.join_transform import JoinTransform
from reporting_framework.builtin.processes.engine import ProcessesEngine
from reporting_framework.builtin.pydantic_validator import PydanticValidator
from reporting_framework.cli.progress import ProgressBar
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing import (
    CANARY,
    EngineContract,
    ObserverContract,
    TransformContract,
    ValidatorContract,
)
from tests.conformance.unknown_fields import UNKNOWN_FIELDS


class TestLocalEngine(EngineContract):
    plugin = LocalEngine
    look_ahead = 8


class TestProcessesEngine(EngineContract):
    plugin = ProcessesEngine


class TestFrameValidator(ValidatorContract):
    plugin = FrameValidator

    @pytest.fixture
    def settings(self):
        return {
            "columns": {
                "number": {"type": "int64", "not_null": True, "ge": 0},
                "note": {"type": "string", "pattern": ".*"},
            }
        }

    @pytest.fixture
    def good(self):
        return [{"number": number, "note": CANARY} for number in range(3)]

    @pytest.fixture
    def bad(self):
        return [
            ({"number": None, "note": CANARY}, "missing", "number"),
            ({"number": -1, "note": CANARY}, "greater_than_equal", "number"),
        ]


class TestJoinTransform(TransformContract):
    plugin = JoinTransform

    @pytest.fixture
    def settings(self, tmp_path):
        prices = pl.DataFrame({"sku": ["A", "B"], "price": [1.5, 2.5]})
        prices.write_parquet(tmp_path / "prices.parquet")
        return {
            "uri": str(tmp_path / "prices.parquet"),
            "on": ["sku"],
            "columns": ["price"],
        }

    @pytest.fixture
    def frame(self):
        return pl.DataFrame(
            {
                "sku": ["A", CANARY, None, "B"],
                SOURCE_KEY: [f"orders/{number}" for number in range(4)],
            }
        )

    @pytest.fixture
    def expected(self, frame):
        price = pl.Series("price", [1.5, None, None, 2.5])
        return frame.select("sku", price, SOURCE_KEY)


class TestPydanticValidator(ValidatorContract):
    plugin = PydanticValidator

    @pytest.fixture(params=UNKNOWN_FIELDS)
    def settings(self, request):
        return {
            "model": "tests.framework.builtin.sample_models:Everything",
            "extra": request.param,
        }

    @pytest.fixture
    def good(self):
        records = [
            {"text": CANARY},
            {
                "text": CANARY,
                "number": 7,
                "day": "2024-01-02",
                "moment": "2024-01-02T03:04:05Z",
            },
        ]
        return [json.dumps(each).encode() for each in records]

    @pytest.fixture
    def bad(self):
        return [
            (b'{"named": "%s"}' % CANARY.encode(), "missing", "text"),
            (
                b'{"text": "x", "number": "%s"}' % CANARY.encode(),
                "int_parsing",
                "number",
            ),
            (
                b'{"text": "x", "small": 11, "named": "%s"}' % CANARY.encode(),
                "less_than_equal",
                "small",
            ),
            (CANARY.encode(), "json_invalid", None),
        ]


class TestProgressBar(ObserverContract):
    @pytest.fixture
    def observer(self):
        bar = ProgressBar(Console(file=io.StringIO(), force_terminal=True))
        yield bar
        bar.close()


class TestPowertools(ObserverContract):
    @pytest.fixture
    def observer(self, capfd, monkeypatch, request):
        """It takes all of the process's logging for its own, as a function may; that is given back."""
        monkeypatch.setattr(
            observability, "LOGGER", f"reporting.function.{request.node.name}"
        )
        root, level = (
            logging.getLogger(),
            logging.getLogger("reporting_framework").level,
        )
        handlers = root.handlers[:]
        yield Observability(FunctionSettings(report="test"), ["reporting_framework"])
        root.handlers[:] = handlers
        logging.getLogger("reporting_framework").setLevel(level)
