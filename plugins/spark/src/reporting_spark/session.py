"""Session of Spark: that of this process, or a new one."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reporting_framework import PluginError

if TYPE_CHECKING:
    from reporting_spark.settings import SparkEngineSettings

_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
"""Properties of a session that this process sets up by itself."""

_SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""Variable of a process that `spark-submit` has started with properties of its own."""


def open_session(settings: SparkEngineSettings) -> tuple[Any, bool]:
    """Return the session of Spark, and whether it is new.

    Raises:
        PluginError: PySpark is not installed, or Spark cannot be started.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise PluginError(
            "engine spark: package pyspark is not installed; install"
            " reporting-spark[pyspark], or start the program by spark-submit"
        ) from None
    if (found := SparkSession.getActiveSession()) is not None:
        return found, False
    builder = SparkSession.builder.appName(settings.app_name)
    if settings.master is not None:
        builder = builder.master(settings.master)
    quiet = {} if _SUBMITTED in os.environ else _QUIET
    for name, value in {**quiet, **settings.config}.items():
        builder = builder.config(name, value)
    try:
        with _this_interpreter(settings.master), _same_handler():
            session = builder.getOrCreate()
    except PySparkException as error:
        condition = getattr(error, "getCondition", None) or error.getErrorClass
        raise PluginError(
            f"engine spark: Spark did not start ({condition()}); look for"
            " Java's message above, and install Java 17 or later if there is none"
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    return session, True


@contextmanager
def _this_interpreter(master: str | None) -> Iterator[None]:
    """Let executors on this machine use this interpreter, unless another is set."""
    name = "PYSPARK_PYTHON"
    if name in os.environ or not (master or "").startswith("local"):
        yield
        return
    os.environ[name] = sys.executable
    try:
        yield
    finally:
        del os.environ[name]


@contextmanager
def _same_handler() -> Iterator[None]:
    """Keep the handler of Ctrl-C, which a new context of Spark would replace."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
