"""Settings of credentials; each secret may be a reference, as ``secret:env:NAME``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field

from reporting_framework import Permission, SecretText, SettingsError
from reporting_framework.plugin_api.settings import Settings
from reporting_rest.http.auth import (
    Auth,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    ParamAuth,
)
from reporting_rest.http.oauth import ClientCredentials

HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
"""Form of the name of a header (RFC 9110)."""


class _AuthSettings(Settings):
    def permissions(self) -> Sequence[Permission]:
        """Return the AWS permissions that the references to secrets need."""
        return [each for secret in self._secrets() for each in secret.permissions()]

    def digest(self) -> str:
        """Return a digest of the secrets, or of the references to them."""
        texts = [secret.get_secret_value() for secret in self._secrets()]
        return sha256("\0".join(texts).encode()).hexdigest()

    def _secrets(self) -> Iterator[SecretText]:
        values = (getattr(self, name) for name in type(self).model_fields)
        return (value for value in values if isinstance(value, SecretText))


class BearerSettings(_AuthSettings):
    """Settings of a bearer token."""

    type: Literal["bearer"] = Field(description="A token in the header Authorization")
    token: SecretText = Field(description="The token, or a reference to it")

    def open(self, subject: str) -> Auth:
        """Return the credentials, with the secrets that references lead to."""
        return BearerAuth(_resolved(self.token, subject, "token"))


class BasicSettings(_AuthSettings):
    """Settings of a user name and a password."""

    type: Literal["basic"] = Field(description="User name and password")
    username: str = Field(description="User name", pattern=r"^[^:\x00-\x1f]*$")
    password: SecretText = Field(description="The password, or a reference to it")

    def open(self, subject: str) -> Auth:
        """Return the credentials, with the secrets that references lead to."""
        return BasicAuth(self.username, self.password.resolve())


class HeaderSettings(_AuthSettings):
    """Settings of a key in a header."""

    type: Literal["header"] = Field(description="A key in a header of any name")
    name: str = Field(description="Name of the header", pattern=HEADER_NAME)
    value: SecretText = Field(description="The key, or a reference to it")

    def open(self, subject: str) -> Auth:
        """Return the credentials, with the secrets that references lead to."""
        return HeaderAuth(self.name, _resolved(self.value, subject, "value"))


class ParamSettings(_AuthSettings):
    """Settings of a key in the query."""

    type: Literal["param"] = Field(description="A key in a parameter of the query")
    name: str = Field(description="Name of the parameter", min_length=1)
    value: SecretText = Field(description="The key, or a reference to it")

    def open(self, subject: str) -> Auth:
        """Return the credentials, with the secrets that references lead to."""
        return ParamAuth(self.name, self.value.resolve())


class OAuthSettings(_AuthSettings):
    """Settings of OAuth 2.0 client credentials."""

    type: Literal["oauth2"] = Field(description="OAuth 2.0 client credentials")
    token_url: str = Field(
        description="URL of the token endpoint", pattern=r"^https?://[^\s?#@]+$"
    )
    client_id: SecretText = Field(description="Id of the client, or a reference")
    client_secret: SecretText = Field(description="Its secret, or a reference")
    scope: str = Field("", description="Scopes, separated by spaces")
    in_body: bool = Field(
        False,
        description="Whether id and secret are sent as fields of the form",
    )
    extra: dict[str, str] = Field(
        {}, description="Further fields of the form, such as audience"
    )

    def open(self, subject: str) -> Auth:
        """Return the credentials, with the secrets that references lead to."""
        return ClientCredentials(
            self.token_url,
            self.client_id.resolve(),
            self.client_secret.resolve(),
            scope=self.scope,
            in_body=self.in_body,
            extra=self.extra,
        )


AuthSettings = Annotated[
    BearerSettings | BasicSettings | HeaderSettings | ParamSettings | OAuthSettings,
    Field(discriminator="type"),
]
"""Type of a setting ``auth``."""


def _resolved(secret: SecretText, subject: str, name: str) -> str:
    """Return a secret that fits into a header.

    Raises:
        SettingsError: It holds a line break or another control character.
    """
    text = secret.resolve()
    if not text.isascii() or not text.isprintable():
        raise SettingsError(
            f"{subject}: auth: {name}: the secret holds characters that no header may"
            " have, such as a line break; correct the secret"
        )
    return text
