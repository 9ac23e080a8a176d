"""Pages of names that dashboards and scripts rely on: metrics and errors."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import reporting_framework
from reporting_framework import errors
from reporting_framework.aws_lambda.metrics import (
    CHECK_METRICS,
    FAILURE_METRICS,
    PAGE_METRICS,
    REFUSAL_METRICS,
    RUN_METRICS,
)
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.registry.registry import Registry
from tools.docs.docstrings import as_markdown, summary, text_of
from tools.docs.markdown import code, fence, page, table

NOTHING = RunResult(report="", run_id="", status="ok", complete=True)


def metrics_page(registry: Registry) -> str:
    """Render every metric that a function emits."""
    own = []
    for name in registry.names("report"):
        report = registry.find("report", name)()
        if supports(report, "metrics"):
            rows = [
                [code(metric), unit]
                for metric, (_, unit) in report.metrics(NOTHING).items()
            ]
            own += [
                f"## Of {code(name)}",
                _own(type(report)),
                table(["metric", "unit"], rows),
            ]
    rows = [
        [code(name), metric.unit, metric.meaning]
        for name, metric in RUN_METRICS.items()
    ]
    return page(
        "Metrics",
        "Metrics of a function in AWS Lambda, in CloudWatch's Embedded Metric Format,"
        " with the dimensions `report` and `environment`, in the namespace that"
        " `REPORTING_METRICS_NAMESPACE` names.",
        "## Of every report",
        table(["metric", "unit", "meaning"], rows),
        f"A failed run emits {_values(FAILURE_METRICS)}, and no other, except those of"
        f" checks if one failed. A refused request emits {_values(REFUSAL_METRICS)}.",
        "## Of checks",
        "A run of a report with checks also emits these.",
        table(
            ["metric", "unit", "meaning"],
            [
                [code(name), metric.unit, metric.meaning]
                for name, metric in CHECK_METRICS.items()
            ],
        ),
        "## Of pages",
        "A function with `REPORTING_AFTER=report` also emits these.",
        table(
            ["metric", "unit", ""],
            [[code(name), unit, text] for name, (unit, text) in PAGE_METRICS.items()],
        ),
        *own,
    )


def _own(report: Any) -> str:
    """Return the description of a report's own metrics, from its docstring."""
    text = summary(report.metrics, f"{report.__name__}.metrics").partition(": ")[2]
    return text[:1].upper() + text[1:]


def _values(metrics: Mapping[str, tuple[float, str]]) -> str:
    return " and ".join(f"{code(name)} {value}" for name, (value, _) in metrics.items())


def errors_page() -> str:
    """Render every error, by what the caller can do."""
    head, _, rest = text_of(errors, "errors").partition("::\n\n")
    drawing, _, after = rest.partition("\n\n")
    lines = [line.rpartition("── ") for line in textwrap.dedent(drawing).splitlines()]
    names = [f"{branch}{corner}{text.split()[0]}" for branch, corner, text in lines]
    groups = [
        text.split(maxsplit=1) for branch, _, text in lines if branch in ("├", "└")
    ]
    classes = [member for member in vars(errors).values() if inspect.isclass(member)]
    kinds = [cls for cls in classes if issubclass(cls, errors.ReportingError)]
    apart = sorted({kind.__name__ for kind in kinds} - set(reporting_framework.__all__))
    rows = [
        [code(kind.__name__), summary(kind, kind.__name__), code(str(kind.exit_code))]
        for kind in kinds
    ]
    return page(
        "Errors",
        as_markdown(head.strip()),
        fence("\n".join(names), "text"),
        "\n".join(f"- {code(name)}: {what}" for name, what in groups),
        as_markdown(after),
        table(["error", "meaning", "exit code"], rows),
        "All are in `reporting_framework.errors`. All except"
        f" {', '.join(map(code, apart))} are in `reporting_framework` too.",
    )
