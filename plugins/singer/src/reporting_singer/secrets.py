"""References to secrets within the configuration of a tap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reporting_framework import Permission, SecretReference


def check_references(value: Any) -> None:
    """Check each text that begins as a reference to a secret.

    Raises:
        ValueError: A text is no valid reference.
    """
    for text in _texts(value):
        SecretReference.parse(text)


def resolved(value: Any) -> Any:
    """Return JSON data with each reference replaced by its secret.

    Raises:
        AccessDenied: AWS refused the credentials or the permission.
        SettingsError: There is no such secret.
        StorageUnavailable: AWS did not answer.
    """
    if isinstance(value, str):
        reference = SecretReference.parse(value)
        return value if reference is None else reference.resolve()
    if isinstance(value, Mapping):
        return {name: resolved(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(item) for item in value]
    return value


def permissions(value: Any) -> Sequence[Permission]:
    """Return the AWS permissions that `resolved` needs."""
    return [
        permission
        for text in _texts(value)
        if (reference := SecretReference.parse(text)) is not None
        for permission in reference.permissions()
    ]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
