"""Events that AWS passes to a function: their kinds, and their triggers."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from reporting_framework.errors import TriggerError
from reporting_framework.plugin_api.records import Trigger

Kind = Literal[
    "direct",
    "http",
    "schedule",
    "s3",
    "sqs",
    "kinesis",
    "continuation",
    "map",
    "unknown",
]

AWAITED: frozenset[Kind] = frozenset({"direct", "http"})
"""Kinds whose answer the caller reads. A direct invocation may also be asynchronous;
the event does not show it.
"""

NAMING: frozenset[Kind] = frozenset({"s3", "sqs", "kinesis"})
"""Kinds that name the objects or records to take."""

CONTINUE = "reporting_continue"
"""Key of an event by which a function continues its unfinished work."""

MAP = "reporting_map"
"""Key of an event by which a state machine asks for one step of a distributed run."""

ID_LIMIT = 128
"""Longest correlation id, in characters: it is external input, and every log line has
it.
"""

MAX_NEAR = 20
"""Maximum number of unknown names of an event that are compared with the names of
settings: each comparison costs time.
"""

_POLLED: Mapping[Any, Kind] = {
    "aws:s3": "s3",
    "aws:sqs": "sqs",
    "aws:kinesis": "kinesis",
}
_SCHEDULERS = ("aws.events", "aws.scheduler")


def kind_of(event: Any, settings: Collection[str] = ()) -> Kind:
    """Return the kind of an event, ``unknown`` if it is of no known kind.

    Args:
        event: The event.
        settings: Names of the report's settings, which identify a direct invocation.
    """
    if not isinstance(event, Mapping):
        return "unknown"
    if CONTINUE in event:
        return "continuation"
    if MAP in event:
        return "map"
    if "Records" in event:
        return _polled_service(event["Records"])
    if event.get("Event") == "s3:TestEvent":
        return "s3"
    if "detail-type" in event and "source" in event:
        if event["source"] in _SCHEDULERS and event["detail-type"] == "Scheduled Event":
            return "schedule"
        return "s3" if event["source"] == "aws.s3" else "unknown"
    if isinstance(event.get("requestContext"), Mapping):
        return (
            "http"
            if "http" in event["requestContext"] or "httpMethod" in event
            else "unknown"
        )
    return "direct" if _is_direct(event, settings) else "unknown"


def _is_direct(event: Mapping[str, Any], settings: Collection[str]) -> bool:
    """Return whether the event names a setting, perhaps misspelt, and nothing nested.

    Services send objects and arrays under names of their own, and take any answer for
    success. So an object or array under a name that is not a setting's is refused.
    """
    foreign = [name for name in event if name not in settings]
    unknown_report_settings = {
        name for name in foreign[:MAX_NEAR] if _is_close_match(name, settings)
    }
    if event and len(foreign) == len(event) and not unknown_report_settings:
        return False
    return not any(
        isinstance(event[name], Mapping | list)
        for name in foreign
        if name not in unknown_report_settings
    )


def _is_close_match(name: str, settings: Collection[str]) -> bool:
    from difflib import (
        get_close_matches,
    )  # only errors need it: it is not free to import

    return bool(get_close_matches(name, settings, n=1, cutoff=0.8))


def _polled_service(records: Any) -> Kind:
    """Return the kind of a list of records, ``unknown`` unless all have one kind."""
    if not isinstance(records, list) or not all(
        isinstance(record, Mapping) for record in records
    ):
        return "unknown"
    sources = {str(record.get("eventSource")) for record in records}
    return _POLLED.get(sources.pop(), "unknown") if len(sources) == 1 else "unknown"


def trigger_of(kind: Kind, event: Any) -> Trigger:
    """Return the trigger of an event.

    Raises:
        TriggerError: The event cannot start a report.
    """
    if not isinstance(event, Mapping):
        raise TriggerError(
            f"the event is {_article(event)}; it must be a JSON object with settings"
        )
    if kind == "unknown":
        raise TriggerError(
            "the event is not known to be a direct invocation, and of no service that a"
            " report understands; send an object of the report's settings, a schedule,"
            " S3 notifications, SQS, Kinesis, or a request through a function URL or"
            " API Gateway"
        )
    settings: Any = {}
    if kind == "direct":
        settings = event
    elif kind == "http":
        settings = _body(event)
    elif kind == "continuation":
        settings = event.get("settings", {})
    if not isinstance(settings, Mapping):
        raise TriggerError(
            f"the settings are {_article(settings)}; they must be a JSON object"
        )
    _refuse_surrogates(settings)
    return Trigger(
        kind, event, settings, names_work=kind in NAMING, awaited=kind in AWAITED
    )


def _refuse_surrogates(settings: Mapping[str, Any]) -> None:
    """Refuse names and texts that are not valid Unicode, which JSON can escape.

    Values that are nested too deep for this check are refused as settings later.
    """
    with suppress(RecursionError):
        text = json.dumps(settings, ensure_ascii=False)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise TriggerError(
                'the settings hold half of a surrogate pair, as in "\\ud800"; send'
                " valid Unicode"
            )


def _body(event: Mapping[str, Any]) -> Any:
    """Return the settings in the body of a request; an empty body has none."""
    body = event.get("body") or ""
    try:
        text = (
            base64.b64decode(body, validate=True)
            if event.get("isBase64Encoded")
            else body
        )
        return json.loads(text) if text.strip() else {}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise TriggerError(
            "the request's body is not JSON; send an object with settings, or nothing"
        ) from None


def _article(value: Any) -> str:
    """Return the type of a JSON value in words, never the value."""
    names = {
        type(None): "null",
        bool: "a boolean",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "a number")


def trigger_of_files(paths: Iterable[Path]) -> Trigger:
    """Return the events in files as one trigger.

    All must name work of one kind, and their records are taken together.

    Raises:
        TriggerError: A file cannot be read, holds no event, or holds an event of
            another kind.
    """
    messages: dict[str, list[Any]] = {}
    for path in paths:
        try:
            event = json.loads(path.read_bytes())
        except OSError as error:
            raise TriggerError(f"{path}: {error.strerror}") from error
        except (ValueError, RecursionError):
            raise TriggerError(
                f"{path}: it is not JSON; it must hold an event as a function gets it"
            ) from None
        kind = kind_of(event)
        if kind not in NAMING or "Records" not in event:
            raise TriggerError(
                f"{path}: it is no event with records; allowed are"
                f" {', '.join(sorted(NAMING))}"
            )
        messages.setdefault(kind, []).extend(event["Records"])
        if len(messages) > 1:
            raise TriggerError(
                f"{path}: it is of kind {kind}, the files before it are of kind"
                f" {next(iter(messages))}"
            )
    [(service, records)] = messages.items()
    return Trigger(service, {"Records": records}, names_work=True, awaited=True)


def correlation_id(kind: Kind, event: Any, request_id: str) -> str:
    """Return the id that all log lines of one event share."""
    value: Any = None
    if kind == "http":
        value = event["requestContext"].get("requestId")
    elif kind == "schedule" or (kind == "s3" and "source" in event):
        value = event.get("id")
    elif kind in ("continuation", "map"):
        marker = event[MAP if kind == "map" else CONTINUE]
        value = marker.get("correlation_id") if isinstance(marker, Mapping) else None
    text = value if isinstance(value, str) and value else request_id
    return text.encode("ascii", "backslashreplace").decode()[:ID_LIMIT]


def chain_length(event: Any) -> int:
    """Return the number of runs before this one in its chain.

    Raises:
        TriggerError: The event holds the marker in another form.
    """
    if not isinstance(event, Mapping) or CONTINUE not in event:
        return 0
    marker = event[CONTINUE]
    number = marker.get("number") if isinstance(marker, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise TriggerError(
            f"{CONTINUE}: reserved for the handler; it holds the number of earlier runs"
            " as a whole number: remove it"
        )
    return number
