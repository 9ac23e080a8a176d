"""Checks of everything that a run needs.

The checks are independent: a failed check hides no other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import redacted, system_problem
from reporting_framework.errors import ReportingError, StepFailed
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.output_schema import schema_of
from reporting_framework.execution.pipeline import close, metadata_of
from reporting_framework.execution.plugin_building import plugin_of
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.execution.stream_selection import select_stream
from reporting_framework.execution.streams import streams_of
from reporting_framework.execution.write_modes import mode_of
from reporting_framework.operations.iam import permissions_of
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.base import Permission
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.registry.registry import Registry

_log = logging.getLogger(__name__)

Check = Callable[[], CheckResult]


REFUSED = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Error codes of STS for wrong credentials; a server without STS sends others."""


class CheckedPart(NamedTuple):
    """Result of one check.

    Attributes:
        check: Name of the check.
        status: As in `CheckResult`.
        found: As in `CheckResult`.
        advice: As in `CheckResult`.
    """

    check: str
    status: str
    found: str
    advice: str = ""


def run_checks(checks: Mapping[str, Check], *, limit: float) -> Iterator[CheckedPart]:
    """Run checks one after the other and yield their results.

    An error or a timeout becomes the result of its check.

    Args:
        checks: Checks by name.
        limit: Time limit of each check, in seconds; a slower check is abandoned.
    """
    for name, check in checks.items():
        try:
            result = call_within(
                limit, partial(_answer, check), f"reporting-check-{name}"
            )
        except TimeoutError:
            result = CheckResult(
                "fail",
                f"no answer within {limit:g} s",
                "check the network and endpoints; --time-limit allows more time",
            )
        yield CheckedPart(name, *map(redacted, result))


def _answer(check: Check) -> CheckResult:
    try:
        return check()
    except ReportingError as error:
        if isinstance(error, StepFailed):  # its message refers to the log
            _log.warning("%s", error, exc_info=True)
        return CheckResult("fail", str(error))
    except BaseException as error:  # do not show the message: it may hold values
        ended = system_problem(error) or f"the check failed with {type(error).__name__}"
        return CheckResult("fail", ended)


def of_report(
    report: str, composition: PipelineSpec, registry: Registry, *, write: bool
) -> dict[str, Check]:
    """Return the checks of a report, or of each stream of its source.

    They check settings, credentials, source, sinks and metadata. A plugin that cannot
    be created becomes a failed check; the other checks still run.

    Args:
        report: Name of the report.
        composition: Specification of its pipeline.
        registry: The plugins.
        write: Allow checks to write a probe, which they remove again.

    Raises:
        ReportingError: Its streams cannot be looked up.
    """
    streams, _ = streams_of(report, composition, registry)
    if not streams:
        return _of_pipeline(report, composition, registry, write=write)
    return {
        f"{stream}: {name}": check
        for stream in streams
        for name, check in _of_pipeline(
            f"{report}/{stream}", composition.of_stream(stream), registry, write=write
        ).items()
    }


def _of_pipeline(
    report: str, composition: PipelineSpec, registry: Registry, *, write: bool
) -> dict[str, Check]:
    """Return the checks of a report that has one pipeline."""
    names = ", ".join(
        use.name
        for use in (composition.source, composition.validator, *composition.sinks)
    )
    named_checks: dict[str, Check] = {
        "report": lambda: _assemble(
            report, composition, registry, f"the settings are complete: {names}"
        ),
        "credentials": lambda: credentials(
            permissions_of(report, composition, registry)
        ),
    }
    schema = _schema(report, composition, registry)
    parts = [
        ("source", composition.source),
        *(("sink", use) for use in composition.sinks),
    ]
    sinks: list[Sink] = []
    for number, (role, use) in enumerate(parts):
        mark = f" {number}" if len(parts) > 2 and role == "sink" else ""
        try:
            part = plugin_of(report, role, use, registry)
            if role == "source":
                select_stream(report, composition, part)
            if role == "sink" and schema is not None:
                part.open(schema, mode_of(part, composition))
            if role == "sink":
                sinks.append(part)
            checks = part.health_checks(write=write)
            checks = checks or {f"{role} {use.name}": _not_tried}
        except ReportingError as error:
            named_checks[f"{role} {use.name}{mark}"] = partial(
                CheckResult, "fail", str(error)
            )
            continue
        owner = Owner(report, role, use.name)
        named_checks |= {
            f"{name}{mark}": partial(call, owner, check)
            for name, check in checks.items()
        }
    return named_checks | _of_metadata(report, composition, sinks)


def _of_metadata(
    report: str, composition: PipelineSpec, sinks: Sequence[Sink]
) -> dict[str, Check]:
    """Return the checks of a report's metadata store."""
    try:
        store = metadata_of(report, composition.metadata, sinks)
    except ReportingError as error:
        return {"metadata": partial(CheckResult, "fail", str(error))}
    return dict(store.health_checks()) if store is not None else {}


def _not_tried() -> CheckResult:
    return CheckResult("ok", "not tried", "the plugin has no checks of its own")


def _assemble(
    report: str, composition: PipelineSpec, registry: Registry, text: str
) -> CheckResult:
    close(assemble(report, composition, registry))
    return CheckResult("ok", text)


def _schema(
    report: str, composition: PipelineSpec, registry: Registry
) -> pl.Schema | None:
    """Return the schema of the sinks' input, or `None` if it cannot be determined.

    If the validator takes its columns from the source, they are those of the last run.
    """
    try:
        validator = plugin_of(report, "validator", composition.validator, registry)
        transforms = [
            plugin_of(report, "transform", use, registry)
            for use in composition.transforms
        ]
        return schema_of(report, validator, transforms)
    except ReportingError:
        pass
    try:
        known = assemble(report, composition, registry, columns="offline")
    except ReportingError:  # the check of the report shows this error
        return None
    close(known)
    return known.schema or None


def credentials(permissions: list[Permission]) -> CheckResult:
    """Check the AWS credentials: their owner and the endpoint, never a secret."""
    if not permissions:
        return CheckResult("ok", "no AWS permission is needed under these settings")
    from botocore.config import Config as Settings
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from reporting_framework.storage import aws_session, codes_of

    try:
        session = aws_session()
        resolved = session.get_credentials()
        region = session.region_name or "us-east-1"
        endpoint = session.client("s3", region_name=region).meta.endpoint_url
    except (
        BotoCoreError,
        ValueError,
    ) as error:  # such as a profile that does not exist; the text holds no secret
        return CheckResult(
            "fail", str(error), "check AWS_PROFILE and the AWS configuration"
        )
    if resolved is None:
        return CheckResult(
            "fail",
            "no credentials were found",
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    other = not re.search(r"\.amazonaws\.com(\.cn)?$", endpoint)
    text = f"found by {resolved.method}; region {session.region_name or 'none'}"
    text += f"; endpoint {redacted(endpoint)}" if other else ""
    quick = Settings(connect_timeout=3, read_timeout=3, retries={"max_attempts": 1})
    try:
        identity: dict[str, Any] = session.client(
            "sts", config=quick, region_name=region
        ).get_caller_identity()
    except (
        BotoCoreError,
        ClientError,
        ResponseParserError,
        KeyError,
        ValueError,
    ) as error:
        why = next(iter(codes_of(error)), type(error).__name__)
        if why in REFUSED:
            return CheckResult(
                "fail",
                f"{text}; STS refuses them ({why})",
                "check the access key, its secret and its session token",
            )
        if other:  # a server with S3 only may send any answer, parseable or not
            return CheckResult(
                "ok", f"{text}; their owner is unknown, as there is no STS ({why})"
            )
        return CheckResult(
            "warn",
            f"{text}; STS did not return their owner ({why})",
            "check that they are still valid",
        )
    return CheckResult(
        "ok", f"{text}; {identity.get('Arn')} of account {identity.get('Account')}"
    )
