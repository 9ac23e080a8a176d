"""Secrets in settings: the text itself, or a reference to where it is stored.

A reference is ``secret:ssm:NAME``, ``secret:aws:NAME`` or ``secret:env:NAME``. It is
resolved when the plugin opens, so settings, histories and packages hold no secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler, SecretStr
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from reporting_framework.errors import AccessDenied, SettingsError, StorageUnavailable
from reporting_framework.plugin_api.base import Permission

PREFIX = "secret:"

_NAMES = {
    "ssm": re.compile(r"/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*"),
    "aws": re.compile(r"[A-Za-z0-9/_+=.@:-]+(?:#[^#]+)?"),
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
}
_KINDS = {
    "ssm": "a parameter of SSM Parameter Store",
    "aws": "a secret of AWS Secrets Manager",
    "env": "an environment variable",
}
_REFUSED = ("AccessDenied", "UnrecognizedClient", "ExpiredToken", "InvalidSignature")
_MISSING = ("ParameterNotFound", "ResourceNotFound", "InvalidParameter", "Validation")


class ShownError(ValueError):
    """Error of a validator whose message holds no part of the value.

    It is shown for a setting that holds a secret, too. Messages of other errors are
    hidden there, as they may repeat the value.
    """


class SecretReference(NamedTuple):
    """Reference to a secret.

    Attributes:
        kind: ``ssm``: a parameter of SSM Parameter Store; ``aws``: a secret of AWS
            Secrets Manager; ``env``: an environment variable.
        name: Name of the secret. ``NAME#KEY`` is one text of a JSON object in Secrets
            Manager.
    """

    kind: str
    name: str

    @property
    def text(self) -> str:
        """The reference as it is in settings."""
        return f"{PREFIX}{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> SecretReference | None:
        """Return the reference in a text, `None` if the text is the secret itself.

        Raises:
            ShownError: The text begins with ``secret:`` and is no valid reference.
        """
        if not text.startswith(PREFIX):
            return None
        kind, _, name = text.removeprefix(PREFIX).partition(":")
        if kind not in _NAMES or not _NAMES[kind].fullmatch(name):
            raise ShownError(
                "not a valid reference to a secret; use secret:ssm:/NAME,"
                " secret:aws:NAME, secret:aws:NAME#KEY or secret:env:NAME"
            )
        return cls(kind, name)

    def resolve(self, region: str | None = None) -> str:
        """Return the secret.

        Args:
            region: AWS region to ask; `None`: that of the environment.

        Raises:
            AccessDenied: AWS refused the credentials or the permission.
            SettingsError: There is no such secret, or it has no text.
            StorageUnavailable: AWS did not answer.
        """
        found = (
            self._from_environment() if self.kind == "env" else self._from_aws(region)
        )
        if not found:
            raise SettingsError(f"{self.text}: {_KINDS[self.kind]} is empty; set it")
        return found

    def permissions(self) -> Sequence[Permission]:
        """Return the AWS permissions that `resolve` needs."""
        if self.kind == "ssm":
            path = self.name.removeprefix("/")
            resource = f"arn:aws:ssm:*:*:parameter/{path}"
            return [Permission(("ssm:GetParameter",), resource)]
        if self.kind == "aws":
            name = self._secret_id
            whole = name.startswith("arn:")
            resource = name if whole else f"arn:aws:secretsmanager:*:*:secret:{name}-*"
            return [Permission(("secretsmanager:GetSecretValue",), resource)]
        return ()

    @property
    def _secret_id(self) -> str:
        return self.name.partition("#")[0]

    def _from_environment(self) -> str:
        if self.name not in os.environ:
            raise SettingsError(f"{self.text}: the variable is not set; set it")
        return os.environ[self.name]

    def _from_aws(self, region: str | None) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._requested(region)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if code.startswith(_REFUSED) or status in (401, 403):
                raise AccessDenied(
                    f"{self.text}: AWS refused the access ({code}); grant"
                    f" {self.permissions()[0].actions[0]}"
                ) from None
            if code.startswith(_MISSING):
                raise SettingsError(
                    f"{self.text}: there is no such secret ({code}); correct the name,"
                    " or the region (AWS_REGION)"
                ) from None
            raise StorageUnavailable(
                f"{self.text}: AWS failed ({code}); run again"
            ) from None
        except BotoCoreError as error:
            raise StorageUnavailable(
                f"{self.text}: AWS was not reached ({type(error).__name__}); set"
                " AWS_REGION and credentials, or run again"
            ) from None

    def _requested(self, region: str | None) -> str:
        from botocore.config import Config

        from reporting_framework.storage.aws_config import aws_session

        config = Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard"},
            region_name=region,
        )
        if self.kind == "ssm":
            client = aws_session().client("ssm", config=config)
            found = client.get_parameter(Name=self.name, WithDecryption=True)
            return str(found["Parameter"]["Value"])
        client = aws_session().client("secretsmanager", config=config)
        found = client.get_secret_value(SecretId=self._secret_id)
        return self._part(str(found.get("SecretString", "")))

    def _part(self, text: str) -> str:
        key = self.name.partition("#")[2]
        if not key:
            return text
        try:
            value = json.loads(text)[key]
        except (ValueError, KeyError, TypeError):
            value = None
        if not isinstance(value, str):
            raise SettingsError(
                f"{self.text}: the secret is no JSON object with a text {key}; correct"
                " the key"
            )
        return value


class SecretText(SecretStr):
    """Type of a setting that is a secret, or a reference to one.

    ``get_secret_value`` returns what is in the settings; `resolve` returns the secret.
    """

    @property
    def reference(self) -> SecretReference | None:
        """The reference, `None` if the settings hold the secret itself."""
        return SecretReference.parse(self.get_secret_value())

    def resolve(self, region: str | None = None) -> str:
        """Return the secret; see `SecretReference.resolve`."""
        reference = self.reference
        return reference.resolve(region) if reference else self.get_secret_value()

    def permissions(self) -> Sequence[Permission]:
        """Return the AWS permissions that `resolve` needs."""
        reference = self.reference
        return reference.permissions() if reference else ()

    @override
    def _display(self) -> str:
        reference = self.reference
        return reference.text if reference else str(super()._display())

    @classmethod
    @override
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        inner = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_after_validator_function(_checked, inner)


def _checked(secret: SecretText) -> SecretText:
    SecretReference.parse(secret.get_secret_value())
    return secret
