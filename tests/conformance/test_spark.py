"""The engine `spark` keeps every promise of an engine."""

import sys

import pytest

from reporting_framework.testing import EngineContract
from reporting_spark.engine import SparkEngine
from tests.support.pyspark import LEAKS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("session"), *LEAKS]
pytest.importorskip("pyspark", reason="hatch run spark:test installs pyspark")


@pytest.fixture(scope="module")
def session():
    """One session for all tests, as a new one takes seconds."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master("local[2]")
        session = builder.config("spark.ui.enabled", "false").getOrCreate()
        yield
        session.stop()


class TestSparkEngine(EngineContract):
    plugin = SparkEngine
