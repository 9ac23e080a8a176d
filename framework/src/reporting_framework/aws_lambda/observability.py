"""Logs, metrics and traces of a function, from an observer of its runs.

The observer is built on Powertools for AWS Lambda.

Logs are JSON lines, metrics use the Embedded Metric Format, and traces are subsegments
of X-Ray. None of them ever holds a value of a record, only counts, source keys, types
of errors and names of declared fields.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from reporting_framework._text.messages import redacted
from reporting_framework.aws_lambda import metrics
from reporting_framework.errors import CheckFailed
from reporting_framework.plugin_api.markers import hookimpl
from reporting_framework.storage.watch import unwatch, watch

if TYPE_CHECKING:
    from reporting_framework.aws_lambda.settings import FunctionSettings
    from reporting_framework.errors import ReportingError
    from reporting_framework.plugin_api.records import SplitResult
    from reporting_framework.plugin_api.report import Report
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.storage.watch import Watch

_STAGES: Mapping[str, tuple[str, ...]] = {
    "plan": ("objects_ignored", "remaining"),
    "read": ("records_read", "objects_unread"),
    "validate": ("rejected",),
    "transform": ("filtered",),
    "merge": ("accepted", "duplicates"),
    "commit": ("accepted",),
}
"""Counts to annotate each stage's subsegment with."""

_COUNTS = (
    "records_read",
    "accepted",
    "rejected",
    "filtered",
    "duplicates",
    "objects_unread",
    "objects_ignored",
    "ignored_samples",
    "remaining",
)

LOGGER = "reporting.function"
"""Name of the logger; another logger may have the report's name."""


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, redacted.

    Their tracebacks omit the messages of foreign errors.
    """

    def serialize(self, log: Any) -> str:
        """Return the line without credentials in URIs, whichever library logged it."""
        return redacted(super().serialize(log))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        if not ei[1]:
            return ""
        from reporting_framework.execution.tracebacks import (
            traceback_text,
        )  # imported late: only errors need it

        return traceback_text(ei[1], verbose=False)

    def _extract_log_exception(
        self, log_record: logging.LogRecord
    ) -> tuple[Any, Any, Any]:
        """Return an error without its notes, which may hold values of records."""
        text, name, _ = super()._extract_log_exception(log_record)
        return text, name, None


class Observability:
    """Observer of the runs of one execution environment.

    Args:
        settings: The function's settings.
        packages: Top-level packages whose loggers get the function's level; all others
            stay at WARNING.
    """

    def __init__(
        self, settings: FunctionSettings, packages: Iterable[str] = ()
    ) -> None:
        self.settings = settings
        self.report: Report | None = None
        self.outputs: Sequence[str] = ()
        self._watch: Watch | None = None
        self._cold = True
        self.logger = Logger(
            service=LOGGER,
            logger_formatter=_Formatter(
                serialize_stacktrace=False, utc=True, use_rfc3339=True
            ),
        )
        logging.getLogger(LOGGER).propagate = False
        # All logs go through one handler; Lambda's own handler would write plain text.
        logging.root.handlers[:] = [self.logger.logger_handler]
        for name in ("reporting_framework", *packages):
            logging.getLogger(name).setLevel(self.logger.log_level)

    def begin(self, context: Any, correlation_id: str, kind: str) -> None:
        """Begin an invocation: remove the last one's keys from the log, and set new."""
        self.logger.clear_state()
        self.logger.append_keys(
            correlation_id=correlation_id,
            service=os.environ.get("POWERTOOLS_SERVICE_NAME") or self.settings.report,
            report=self.settings.report,
            environment=self.settings.environment_,
            trigger=kind,
            cold_start=self._cold,
            function_name=context.function_name,
            function_request_id=context.aws_request_id,
            name="%(name)s",
        )
        self._cold = False

    @hookimpl
    def reporting_run_started(self, run_id: str, inputs: Sequence[str]) -> None:
        """See `hookspecs.reporting_run_started`."""
        self.logger.append_keys(run_id=run_id)
        self.logger.info("run started", inputs=inputs, outputs=self.outputs)
        self._watch = watch() if _traced() else None

    @hookimpl
    def reporting_split_finished(self, split_result: SplitResult) -> None:
        """See `hookspecs.reporting_split_finished`."""
        self.logger.debug(
            "split finished",
            split=split_result.split.id,
            records_read=len(split_result.source_keys),
            rejections=len(split_result.rejections),
        )

    @hookimpl
    def reporting_run_finished(self, result: RunResult) -> None:
        """See `hookspecs.reporting_run_finished`."""
        counts = {name: getattr(result, name) for name in _COUNTS}
        self.logger.info(
            "run finished",
            status=result.status,
            complete=result.complete,
            **counts,
            rejections=[item.model_dump() for item in result.rejections],
            outputs=[output.model_dump() for output in result.outputs],
            checks=[outcome.model_dump() for outcome in result.checks],
            seconds=result.seconds.model_dump(by_alias=True),
        )
        self.measure(self._metrics_of(result))
        if _traced():
            self._trace_stages(result)
            self._trace_requests(result.run_id)

    @hookimpl
    def reporting_run_failed(self, run_id: str, error: BaseException) -> None:
        """See `hookspecs.reporting_run_failed`.

        The handler logs the error, even if the run did not begin.
        """
        self.logger.debug("run failed", error_type=type(error).__name__)
        if _traced():
            self._trace_requests(run_id)

    def failed(self, error: Exception, *, refused: bool) -> None:
        """Log where and why an invocation failed, without values of records.

        Args:
            error: Cause of the failure.
            refused: Whether the input is at fault and the response says so, so that the
                function itself is healthy.
        """
        if refused:
            self.logger.warning("refused: %s", error)
            self.measure(metrics.REFUSAL_METRICS)
            return
        self.logger.error(
            "the run failed", error_type=type(error).__name__, exc_info=error
        )
        of_checks = (
            metrics.of_checks(error.result) if isinstance(error, CheckFailed) else {}
        )
        self.measure({**metrics.FAILURE_METRICS, **of_checks})

    def _metrics_of(self, result: RunResult) -> dict[str, tuple[float, str]]:
        return {**metrics.of_run(result), **self._report_metrics(result)}

    def _report_metrics(self, result: RunResult) -> dict[str, tuple[float, str]]:
        """Return the report's own metrics that are finite numbers.

        If the report raises an error, return none.
        """
        try:
            own = {} if self.report is None else self.report.metrics(result)
            return {
                name: (value, unit)
                for name, (value, unit) in own.items()
                if math.isfinite(value)
            }
        except Exception as error:
            self.logger.error(
                "the report gave no metrics", error_type=type(error).__name__
            )
            return {}

    def measure(self, values: Mapping[str, tuple[float, str]]) -> None:
        """Print metrics of the function's report."""
        settings = self.settings
        measure(
            values, settings.report, settings.environment_, settings.metrics_namespace
        )

    def _recorder(self) -> Any:
        from aws_lambda_powertools.tracing import (
            Tracer,
        )  # imported late: only a traced invocation needs it

        return Tracer(service=self.settings.report, auto_patch=False).provider

    def _trace_requests(self, run_id: str) -> None:
        """Send a subsegment for each operation of S3.

        It holds the number of requests, of failures, and their total duration.
        """
        recorder, counts = self._recorder(), self._watch.requests if self._watch else {}
        for operation, requests in counts.items():
            subsegment = recorder.begin_subsegment("S3", namespace="aws")
            subsegment.start_time = requests.began
            subsegment.set_aws({"operation": operation})
            for name, value in (
                ("report", self.settings.report),
                ("run_id", run_id),
                ("operation", operation),
            ):
                subsegment.put_annotation(name, value)
            for name in ("count", "failed", "seconds"):
                subsegment.put_annotation(name, getattr(requests, name))
            recorder.end_subsegment(requests.ended)
        unwatch()

    def _trace_stages(self, result: RunResult) -> None:
        """Send a subsegment for each stage."""
        recorder = self._recorder()
        for stage, (began, ended) in sorted(
            result.spans.items(), key=lambda item: item[1]
        ):
            subsegment = recorder.begin_subsegment(stage)
            subsegment.start_time = began
            subsegment.put_annotation("report", result.report)
            subsegment.put_annotation("run_id", result.run_id)
            for count in _STAGES.get(stage, ()):
                subsegment.put_annotation(count, getattr(result, count))
            recorder.end_subsegment(ended)


def _traced() -> bool:
    """Return whether X-Ray samples this invocation."""
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "")


def measure(
    values: Mapping[str, tuple[float, str]],
    report: str,
    environment: str,
    namespace: str = "Reporting",
) -> None:
    """Print the metrics as one line in the Embedded Metric Format."""
    emf = AmazonCloudWatchEMFProvider(namespace=namespace)
    # POWERTOOLS_SERVICE_NAME would add a dimension that alarms do not have.
    emf.service = ""
    emf.add_dimension("report", report)
    emf.add_dimension("environment", environment)
    for name, (value, unit) in values.items():
        emf.add_metric(name, unit, value)
    emf.flush_metrics()


def log_setup_failure(error: ReportingError, report: str, environment: str) -> None:
    """Log and measure that a function cannot be used.

    This works before the observer exists.
    """
    line = {
        "level": "ERROR",
        "message": f"the function is not set up: {error}",
        "report": report,
    }
    print(json.dumps(line | {"error_type": type(error).__name__}), flush=True)  # noqa: T201 - Lambda's log
    measure(metrics.FAILURE_METRICS, report, environment)
