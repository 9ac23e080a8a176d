"""Opening a store: credentials are found as boto3 finds them, without importing it where the environment holds them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from reporting_framework.errors import AccessDenied
from reporting_framework.storage.base import Store
from reporting_framework.storage.folder import FolderStore
from reporting_framework.storage.location import Location, parse_location

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

_RELEVANT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)
RETRIES = 5
RETRY_SECONDS = 60


def open_store(place: str | Location) -> Store:
    """The store for a folder, local or in a bucket. Connections are shared by all stores of one bucket.

    Raises:
        LocationError: The URI cannot be used.
    """
    location = parse_location(place) if isinstance(place, str) else place
    if location.scheme == "file":
        return FolderStore(location)
    from reporting_framework.storage.objects import BucketStore

    if location.scheme == "memory":
        return BucketStore(location, _memory(location.root))
    _check(os.environ)
    bucket = _Bucket.of(location.root, os.environ)
    return BucketStore(location, bucket.backend, bucket.options, bucket.client)


def _check(environment: Mapping[str, str]) -> None:
    """Refuse what the storage libraries would end the process over.

    Raises:
        AccessDenied: A variable of AWS is not of the form that it must have.
    """
    for name in _RELEVANT:
        if any(not character.isprintable() for character in environment.get(name, "")):
            raise AccessDenied(f"environment variable {name} holds a line break or a control character; take it out")
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if (value := environment.get(name)) and not _is_endpoint(value):
            raise AccessDenied(f"environment variable {name} is not of the form http://host:port or https://host")


def _is_endpoint(value: str) -> bool:
    try:
        found = urlsplit(value)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0 and " " not in value
    except ValueError:  # a port that is none
        return False


def _session(name: str, *, credentials: bool) -> Any:
    """What boto3 finds: profiles, roles, single sign-on.

    Raises:
        AccessDenied: The configuration cannot be used, or it holds none of the `credentials` that are needed.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session()
        found = not credentials or session.get_credentials() is not None
    except BotoCoreError as error:  # such as a profile that is not there; what it says names no secret
        raise AccessDenied(f"s3://{name}: {error}; check AWS_PROFILE and the AWS configuration") from error
    if not found:
        raise AccessDenied(
            f"s3://{name}: no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        )
    return session


@cache
def _memory(name: str) -> Backend:
    """Memory stores live as long as the process."""
    from obstore.store import MemoryStore

    return MemoryStore()


class _Bucket:
    """Connections to one bucket under one set of credentials, kept for the life of the process."""

    _open: ClassVar[dict[tuple[str, ...], _Bucket]] = {}

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
        self.region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        own = "AWS_ACCESS_KEY_ID" in environment and "AWS_SECRET_ACCESS_KEY" in environment
        self._session: Any = None
        self._client: Any = None
        self._lock = Lock()
        if not own or not self.region:
            self._session = _session(name, credentials=not own)
            self.region = self.region or self._session.region_name or "us-east-1"
        config: dict[str, Any] = {"region": self.region}
        if self.endpoint:
            config |= {"endpoint": self.endpoint, "virtual_hosted_style_request": False}
        self.options = self._polars_options(environment if own else None)
        self.backend = self._connect(name, config, environment if own else None)

    @classmethod
    def of(cls, name: str, environment: Mapping[str, str]) -> _Bucket:
        """The bucket's connections, made when they are first needed."""
        key = (name, *(environment.get(variable, "") for variable in _RELEVANT))
        if key not in cls._open:
            cls._open[key] = cls(name, environment)
        return cls._open[key]

    def _connect(self, name: str, config: dict[str, Any], environment: Mapping[str, str] | None) -> Backend:
        from obstore.store import S3Store

        if environment is None:
            from obstore.auth.boto3 import Boto3CredentialProvider

            config["credential_provider"] = Boto3CredentialProvider(self._session)
        else:
            config["access_key_id"] = environment["AWS_ACCESS_KEY_ID"]
            config["secret_access_key"] = environment["AWS_SECRET_ACCESS_KEY"]
            if token := environment.get("AWS_SESSION_TOKEN"):
                config["token"] = token
        return S3Store(
            name,
            client_options={
                "allow_http": bool(self.endpoint and self.endpoint.startswith("http://")),
                "timeout": timedelta(seconds=300),
                "connect_timeout": timedelta(seconds=10),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
            **config,
        )

    def _polars_options(self, environment: Mapping[str, str] | None) -> dict[str, Any]:
        """Keyword arguments of `polars.scan_parquet`."""
        storage: dict[str, Any] = {"aws_region": self.region, "max_retries": RETRIES}
        if self.endpoint:
            storage |= {
                "aws_endpoint_url": self.endpoint,
                "aws_virtual_hosted_style_request": "false",
                "aws_allow_http": str(self.endpoint.startswith("http://")).lower(),
            }
        if environment is None:
            return {"storage_options": storage, "credential_provider": self._credentials}
        storage["aws_access_key_id"] = environment["AWS_ACCESS_KEY_ID"]
        storage["aws_secret_access_key"] = environment["AWS_SECRET_ACCESS_KEY"]
        if token := environment.get("AWS_SESSION_TOKEN"):
            storage["aws_session_token"] = token
        return {"storage_options": storage, "credential_provider": None}

    def _credentials(self) -> tuple[dict[str, str | None], int | None]:
        """What boto3 finds, in the form polars asks for; asked again after 15 minutes."""
        import time

        frozen = self._session.get_credentials().get_frozen_credentials()
        keys = {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        return {**keys, "aws_session_token": frozen.token}, int(time.time()) + 900

    def client(self) -> Any:
        """Return a boto3 S3 client for the same place, the same one each time: making one takes 0.1 s."""
        with self._lock:  # boto3 does not make two at once
            if self._client is None:
                import boto3

                session = self._session or boto3.Session()
                self._client = session.client("s3", endpoint_url=self.endpoint, region_name=self.region)
            return self._client
