"""Destination of events, from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from reporting_framework.errors import SettingsError
from reporting_framework.storage import parse_location

VARIABLE = "REPORTING_OPENLINEAGE"
ENDPOINT = "api/v1/lineage"
"""Default path of the API in OpenLineage backends."""

TIMEOUT = 2.5
"""Time limit of a request, in seconds."""


class Destination(NamedTuple):
    """Destination of events.

    Attributes:
        transport: Configuration of the client's transport; `None`: the client reads its
            own configuration.
        namespace: Namespace of jobs.
    """

    transport: Mapping[str, Any] | None
    namespace: str


def destination(environment: Mapping[str, str]) -> Destination | None:
    """Return the destination of events, or `None` if none is configured.

    Raises:
        SettingsError: ``REPORTING_OPENLINEAGE`` is neither a URL nor a file. Its value
            is not shown.
    """
    namespace = environment.get("OPENLINEAGE_NAMESPACE") or "reporting"
    text = environment.get(VARIABLE, "").strip()
    if text.lower() == "off":
        return None
    if text:
        return Destination(
            _transport(text, environment.get("OPENLINEAGE_API_KEY")), namespace
        )
    configured = any(
        name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
        or name.startswith("OPENLINEAGE__TRANSPORT")
        for name, value in environment.items()
        if value
    )
    return Destination(None, namespace) if configured else None


def _transport(text: str, key: str | None) -> Mapping[str, Any]:
    scheme, _, rest = text.partition("://")
    if scheme == "file" and rest:
        return {
            "type": "file",
            "log_file_path": parse_location(text).uri,
            "append": True,
        }
    if scheme not in ("http", "https") or not rest:
        raise SettingsError(
            f"{VARIABLE}: not a valid destination; use https://host/…,"
            " file:///path/events.ndjson or off"
        )
    parts = urlsplit(text)
    options: dict[str, Any] = {
        "type": "http",
        "url": urlunsplit((parts.scheme, parts.netloc, "", "", "")),
        "endpoint": urlunsplit(
            ("", "", parts.path.lstrip("/") or ENDPOINT, parts.query, "")
        ),
        "timeout": TIMEOUT,
        "retry": {"total": 1, "connect": 1, "read": 1},
    }
    if key:
        options["auth"] = {"type": "api_key", "apiKey": key}
    return options
