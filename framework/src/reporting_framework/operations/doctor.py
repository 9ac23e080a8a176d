"""Checks of what a report rests on, and how checks are carried out.

Each is on its own: one that fails hides no other.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import redacted, system_problem
from reporting_framework.errors import ReportingError
from reporting_framework.execution.assembly import assemble, plugin_of, schema_of
from reporting_framework.execution.pipeline import close, metadata_of
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.execution.write_modes import mode_of
from reporting_framework.operations.iam import permissions_of
from reporting_framework.plugin_api.records import CheckResult

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.base import Permission
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.registry.registry import Registry

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
"""Codes of STS that tell credentials which are wrong from a server that has no STS."""


class CheckedPart(NamedTuple):
    """A check that was carried out.

    Attributes:
        check: What was checked.
        status: See `CheckResult`.
        found: Likewise.
        advice: Likewise.
    """

    check: str
    status: str
    found: str
    advice: str = ""


def run_checks(checks: Mapping[str, Check], *, limit: float) -> Iterator[CheckedPart]:
    """Carry out checks, one after the other.

    An error, or no end within the time, is what was found.

    Args:
        checks: By name.
        limit: Seconds that each may take. One that takes longer is left to itself.
    """
    for name, check in checks.items():
        answers: queue.SimpleQueue[CheckResult] = queue.SimpleQueue()
        threading.Thread(
            target=_answer,
            args=(check, answers),
            name=f"reporting-check-{name}",
            daemon=True,
        ).start()
        try:
            result = answers.get(timeout=limit)
        except queue.Empty:
            result = CheckResult(
                "fail",
                f"no answer within {limit:g} s",
                "check the network and endpoints; --time-limit allows more",
            )
        yield CheckedPart(name, *map(redacted, result))


def _answer(check: Check, answers: queue.SimpleQueue[CheckResult]) -> None:
    try:
        answers.put(check())
    except ReportingError as error:
        answers.put(CheckResult("fail", str(error)))
    except BaseException as error:  # its message may hold anything
        ended = (
            system_problem(error)
            or f"the check itself ended with {type(error).__name__}"
        )
        answers.put(CheckResult("fail", ended))


def of_report(
    report: str, composition: PipelineSpec, registry: Registry, *, write: bool
) -> dict[str, Check]:
    """Return the checks of a report.

    They are of its settings, its credentials, and what its source and sinks bring.

    What cannot be made is what was found; the others are checked all the same.

    Args:
        report: Its name.
        composition: What it is made of.
        registry: The plugins.
        write: Whether checks may write a probe, which they remove again.
    """
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
    """Return the checks of what a report keeps other than its rows."""
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
    """Schema of what reaches the sinks, or None where that is not to be known."""
    try:
        validator = plugin_of(report, "validator", composition.validator, registry)
        transforms = [
            plugin_of(report, "transform", use, registry)
            for use in composition.transforms
        ]
        return schema_of(report, validator, transforms)
    except ReportingError:  # which the check of the report tells
        return None


def credentials(permissions: list[Permission]) -> CheckResult:
    """Whose credentials are found, and where they lead to; never a secret."""
    if not permissions:
        return CheckResult("ok", "nothing of AWS is used under these settings")
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
    ) as error:  # such as a profile that does not exist; the text names no secret
        return CheckResult(
            "fail", str(error), "check AWS_PROFILE and the AWS configuration"
        )
    if resolved is None:
        return CheckResult(
            "fail",
            "none are found",
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
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
                f"{text}; they are refused ({why})",
                "check the access key, its secret and its session token",
            )
        if (
            other
        ):  # a server of S3 alone answers anything, or nothing that can be parsed
            return CheckResult(
                "ok", f"{text}; whose they are is not to be learnt there ({why})"
            )
        return CheckResult(
            "warn",
            f"{text}; STS does not say whose they are ({why})",
            "check that they are still valid",
        )
    return CheckResult(
        "ok", f"{text}; {identity.get('Arn')} of account {identity.get('Account')}"
    )
