"""Execution environment: the state kept between invocations, and their execution."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import cause
from reporting_framework.aws_lambda import responses
from reporting_framework.aws_lambda.metrics import FAILURE_METRICS
from reporting_framework.aws_lambda.observability import Observability
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.config.fields import fields_of
from reporting_framework.config.file import find_config, read_config
from reporting_framework.config.resolve import resolve_settings
from reporting_framework.errors import (
    ConfigurationError,
    ReportingError,
    SettingsError,
    TriggerError,
)
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.plugin_building import place_of
from reporting_framework.execution.streams import Assembled, assemble_all, run_all
from reporting_framework.execution.triggers import (
    chain_length,
    correlation_id,
    kind_of,
    trigger_of,
)
from reporting_framework.plugin_api.records import Trigger
from reporting_framework.query.page_maker import page_maker
from reporting_framework.registry.discovery import allow_list
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import composed, resolve_report

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.registry.observers import Lifecycle

MARGIN_SHARE = 0.25
"""Largest share of the remaining time for the margin, so that a function with two
seconds left still makes progress.
"""


class Environment:
    """A function's plugins, configuration and observer, created once.

    The stores themselves keep connections open.

    Args:
        environment: The function's environment variables.

    Raises:
        ReportingError: A variable, the configuration file or the report cannot be used.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.settings = FunctionSettings.of(environment)
        task = environment.get("LAMBDA_TASK_ROOT")
        self.config = read_config(
            find_config(None, environment, Path(task) if task else None)
        )
        self.registry = load_plugins(allow_list(environment))
        self.registry.add_reports(self.config)
        try:
            self.observer = Observability(self.settings, self.registry.packages)
        except Exception as error:  # Powertools raises several types
            raise SettingsError(
                "LOG_LEVEL, or a variable of Powertools, cannot be used; correct it:"
                f" {cause(error)}"
            ) from error
        self.registry.register(self.observer, "powertools")
        self.report = self.observer.report = resolve_report(
            self.settings.report, self.registry
        )
        self.names = frozenset(fields_of(self.report.Settings))

    def warm_up(self) -> None:
        """Import the report's plugins while Lambda initialises.

        This works only if the environment alone holds the settings. Errors are ignored
        here: an invocation reports them.
        """
        with suppress(Exception):
            if self.settings.continue_ == "self":
                from reporting_framework.aws_lambda import continuation

                continuation.client()  # a run has no time for it at its end
            self._assemble(self._settings({}))

    def invoke(self, event: Any, context: Any) -> Any:
        """Run the report once.

        Raises:
            ReportingError: The run failed and no caller reads the response.
        """
        kind = kind_of(event, self.names)
        correlated = correlation_id(kind, event, context.aws_request_id)
        self.observer.begin(context, correlated, kind)
        trigger = Trigger(kind)
        try:
            trigger = trigger_of(kind, event)
            if kind == "map":
                return self._map_step(event, trigger, context)
            chain = chain_length(event)
            settings, result = self._run(trigger, context)
            more = self._after(settings, result, context)
            continued = self._continue_run(result, trigger, context, chain, correlated)
            return responses.success(
                kind, self.report, settings, result, continued=continued, more=more
            )
        except Exception as error:
            responds = responses.responds(self.settings.on_error, kind)
            refused = responds and self._of_trigger(error, trigger)
            self.observer.failed(error, refused=refused)
            if responds:
                known = {
                    "report": self.settings.report,
                    "request_id": context.aws_request_id,
                }
                return responses.failure(kind, error, **known, refused=refused)
            raised = responses.as_runtime_error(error, self.settings.report)
        raise raised from None  # the cause may hold values of records

    def _map_step(self, event: Any, trigger: Trigger, context: Any) -> Any:
        """Take one step of a distributed run; see `map_steps`."""
        from reporting_framework.aws_lambda import (
            map_steps,
        )  # imported late: few functions are part of a state machine

        step = map_steps.step_of(event)
        if isinstance(step, map_steps.CommitStep):
            settings, result = self._run(trigger, context, step.change)
            self._after(settings, result, context)
            return step.answer(result)
        return step.run(
            lambda: self._assemble(self._settings({}), trigger), self._deadline(context)
        )

    def _deadline(self, context: Any) -> float:
        """Return the time at which a run must end, on the clock `time.monotonic()`."""
        remaining = context.get_remaining_time_in_millis() / 1000
        margin = min(self.settings.margin, MARGIN_SHARE * remaining)
        return time.monotonic() + float(remaining - margin)

    def _run(
        self,
        trigger: Trigger,
        context: Any,
        change: Callable[[Assembled], Assembled] | None = None,
    ) -> tuple[Any, RunResult]:
        deadline = self._deadline(context)
        settings = self._settings(trigger.settings)
        composition = composed(self.report, settings)
        self.observer.outputs = [
            f"{use.name}{place_of(composition, use.name)}" for use in composition.sinks
        ]
        lifecycle = self.registry.lifecycle(page_maker(composition, self.registry))
        early = change is None  # a planned run lists nothing
        assembled = self._assemble(settings, trigger, lifecycle, early=early)
        result = run_all(
            assembled if change is None else change(assembled),
            lifecycle=lifecycle,
            deadline=deadline,
        )
        if any(stream.status == "failed" for stream in result.streams.values()):
            self.observer.measure(FAILURE_METRICS)
        return settings, result

    def _assemble(
        self,
        settings: BaseModel,
        trigger: Trigger | None = None,
        lifecycle: Lifecycle | None = None,
        *,
        early: bool = False,
    ) -> Assembled:
        composition = composed(self.report, settings)
        return assemble_all(
            self.settings.report,
            composition,
            self.registry,
            trigger=trigger,
            lifecycle=lifecycle,
            early=early,
        )

    def _settings(self, trigger: Mapping[str, Any]) -> BaseModel:
        return resolve_settings(
            self.settings.report,
            self.report.Settings,
            config=self.config,
            environment=self.environment,
            trigger=trigger,
        )

    def _after(
        self, settings: BaseModel, result: RunResult, context: Any
    ) -> dict[str, Any]:
        """Make pages if they are configured and the run took in everything new."""
        if self.settings.after != "report" or not result.complete:
            return {}
        from reporting_framework.aws_lambda.after import after_run

        left = context.get_remaining_time_in_millis() / 1000
        composition = composed(self.report, settings)
        return after_run(
            self.report,
            composition,
            self.registry,
            self.observer,
            page=self.settings.page,
            left=left,
        )

    def _continue_run(
        self,
        result: RunResult,
        trigger: Trigger,
        context: Any,
        chain: int,
        correlated: str,
    ) -> bool:
        """Start the next run if there is more to do.

        A queue or a stream delivers the rest again by itself. Work that could not be
        read is left to the next trigger.
        """
        if (
            result.complete
            or result.cut_short
            or result.response is not None
            or self.settings.continue_ != "self"
        ):
            return False
        logger = self.observer.logger
        if not result.records_read:
            logger.error(
                "not continued: nothing was read before the deadline; give the function"
                " more time"
            )
            return False
        if chain >= self.settings.continue_limit:
            logger.error(
                "not continued: there is more to do, but REPORTING_CONTINUE_LIMIT is"
                " reached; raise it",
                runs=chain + 1,
            )
            return False
        from reporting_framework.aws_lambda import continuation

        try:
            continuation.invoke_again(
                context, trigger.settings, number=chain + 1, correlation_id=correlated
            )
        except Exception as error:  # the finished run stays valid
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            logger.error(
                "not continued", error_type=type(error).__name__, error_code=code
            )
            return False
        logger.info("continued", runs=chain + 1)
        return True

    def _of_trigger(self, error: Exception, trigger: Trigger) -> bool:
        """Return whether the trigger is at fault.

        If the error does not say so, compare the problems with and without its
        settings.
        """
        if isinstance(error, TriggerError):
            return True
        known = error.of_trigger if isinstance(error, SettingsError) else None
        if (
            known is not None
            or not isinstance(error, ConfigurationError)
            or not trigger.settings
        ):
            return bool(known)
        return self._problem(trigger.settings) == str(error) != self._problem({})

    def _problem(self, settings: Mapping[str, Any]) -> str:
        """Return the report's problem with these trigger settings, or "".

        Nothing is read or written.
        """
        try:
            for pipeline in self._assemble(self._settings(settings)).pipelines.values():
                if isinstance(pipeline, ReportingError):
                    raise pipeline
                with prepared(pipeline):
                    pass
        except ReportingError as error:
            return str(error)
        return ""
