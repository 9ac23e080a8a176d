"""URL and token of a project, from the settings or from SSM Parameter Store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reporting_framework import Permission, SecretReference, SettingsError
from reporting_redcap.settings import RedcapSettings


class Credentials(NamedTuple):
    """Place of a project, and the token that opens it."""

    url: str
    token: str


def credentials_of(settings: RedcapSettings, subject: str) -> Credentials:
    """Return the credentials; looks them up if they are references.

    Raises:
        AccessDenied: AWS refused the credentials or the permission.
        SettingsError: There is no such secret, or it has no text.
        StorageUnavailable: AWS did not answer.
    """
    if settings.parameter_path is not None:
        url, token = (each.resolve(settings.region) for each in _parameters(settings))
        if not url.startswith(("https://", "http://")):
            raise SettingsError(
                f"{subject}: parameter_path: the parameter url is not a URL; store"
                " https://HOST/PATH/api/ in it",
                path=("parameter_path",),
            )
        return Credentials(url.strip(), token.strip())
    if settings.url is None or settings.token is None:
        raise SettingsError(f"{subject}: url or token is missing; give both")
    return Credentials(settings.url, settings.token.resolve(settings.region).strip())


def permissions_of(settings: RedcapSettings) -> Sequence[Permission]:
    """Return the AWS permissions that `credentials_of` needs."""
    if settings.parameter_path is not None:
        return [
            permission
            for each in _parameters(settings)
            for permission in each.permissions()
        ]
    return settings.token.permissions() if settings.token is not None else ()


def _parameters(settings: RedcapSettings) -> Sequence[SecretReference]:
    path = (settings.parameter_path or "").rstrip("/")
    if not path.startswith("/"):
        path = f"/{path}"  # a name with a folder is absolute
    return [SecretReference("ssm", f"{path}/{name}") for name in ("url", "token")]
