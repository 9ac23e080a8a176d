"""Discovery: the catalog of a tap, from a file, the tap, or its first messages."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from reporting_framework.errors import SettingsError, StorageUnavailable
from reporting_singer.catalog import Catalog
from reporting_singer.messages import Message, MessageReader
from reporting_singer.private_files import PrivateFiles
from reporting_singer.problems import TapFailed
from reporting_singer.settings import SingerSettings
from reporting_singer.tap import Tap

MAX_AGE = 60.0
"""Seconds for which the source objects of a run share a catalog: each stream has one,
and a discovery may take long.
"""

MAX_CATALOG = 256 * 1024 * 1024
"""Maximum number of bytes of a catalog."""

_lock = Lock()
_known: dict[str, tuple[float, Catalog]] = {}


def catalog_of(settings: SingerSettings, tap: Tap) -> Catalog:
    """Return the catalog of a tap.

    Raises:
        SettingsError: The tap cannot be started, or there is no such file.
        StorageUnavailable: The tap fails.
    """
    if settings.catalog is not None:
        return Catalog(_from_file(settings.catalog))
    key = _key(settings, tap)
    with _lock:
        known = _known.get(key)
        if known is None or time.monotonic() - known[0] > MAX_AGE:
            catalog = _discovered(settings, tap)
            _known[key] = known = (time.monotonic(), catalog)
        return known[1]


def forget(settings: SingerSettings, tap: Tap) -> None:
    """Discover again next time: a reading begins, and its streams are known."""
    with _lock:
        _known.pop(_key(settings, tap), None)


def _key(settings: SingerSettings, tap: Tap) -> str:
    """Return a key that holds no secret."""
    return hashlib.sha256(str(tap.key()).encode()).hexdigest()


def _from_file(path: str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise SettingsError(
            f"source singer: catalog: {path} cannot be read ({error.strerror}); correct"
            " the path",
            path=("catalog",),
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"source singer: catalog: {path} is not JSON; let the tap write it with"
            " --discover",
            path=("catalog",),
        ) from error


def _discovered(settings: SingerSettings, tap: Tap) -> Catalog:
    content = _from_tap(tap) if settings.discover else _from_messages(settings, tap)
    return Catalog(content)


def _from_tap(tap: Tap) -> Any:
    """Return what the tap writes with ``--discover``."""
    subject = f"source singer: tap {tap.name}: discovery"
    parts: list[bytes] = []
    with PrivateFiles() as files, tap.started(files, "--discover") as (process, log):
        try:
            for chunk in process.chunks():
                parts.append(chunk)
                if sum(map(len, parts)) > MAX_CATALOG:
                    raise TapFailed(f"the catalog is larger than {MAX_CATALOG} bytes")
        except TapFailed as error:
            raise StorageUnavailable(f"{subject}: {error}") from error
        code = process.finish()
    if code:
        raise StorageUnavailable(
            f"{subject}: it ended with exit code {code}{seen(log.summary())}"
        )
    try:
        return json.loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise StorageUnavailable(
            f"{subject}: its output is not JSON; if the tap has no --discover, set"
            " discover = false"
        ) from error


def _from_messages(settings: SingerSettings, tap: Tap) -> Any:
    """Return a catalog of the first SCHEMA messages of the streams to read."""
    subject = f"source singer: tap {tap.name}: first start"
    reader = MessageReader(settings.max_line_bytes)
    found: dict[str, Mapping[str, Any]] = {}
    missing = {name for name in settings.streams if not name.startswith("!")}
    with PrivateFiles() as files, tap.started(files) as (process, log):
        try:
            for chunk in process.chunks():
                for message in reader.read(chunk):
                    if isinstance(message, Message) and message.type == "SCHEMA":
                        entry = _entry(message)
                        found.setdefault(entry["stream"], entry)
                if missing <= found.keys():
                    break
        except TapFailed as error:
            raise StorageUnavailable(f"{subject}: {error}") from error
    if missing - found.keys():
        raise StorageUnavailable(
            f"{subject}: it has written no SCHEMA of stream"
            f" {', '.join(sorted(missing - found.keys()))}; correct streams, or give a"
            f" catalog{seen(log.summary())}"
        )
    return {"streams": list(found.values())}


def _entry(message: Message) -> dict[str, Any]:
    try:
        described = msgspec.json.decode(bytes(message.schema) or b"{}")
    except (ValueError, RecursionError) as error:
        raise TapFailed("a SCHEMA message has no valid schema") from error
    return {
        "tap_stream_id": message.stream,
        "stream": message.stream,
        "schema": described,
        "key_properties": message.key_properties,
    }


def seen(summary: str) -> str:
    """Return the end of a message that says what the tap has logged."""
    if not summary:
        return "; look at what the tap logs with log_text = true"
    return (
        f"; it has logged {summary}. The text may hold values and is not shown; to see"
        " it, set log_text = true"
    )
