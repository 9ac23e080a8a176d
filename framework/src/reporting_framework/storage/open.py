"""Opening of stores: one set of connections for each bucket and AWS configuration."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from reporting_framework.errors import AccessDenied, LocationError
from reporting_framework.plugin_api.traffic import count
from reporting_framework.storage import sending
from reporting_framework.storage.aws_config import (
    AwsConfig,
    AwsKeys,
    aws_session,
    aws_variables,
    read_aws_config,
)
from reporting_framework.storage.bucket_settings import (
    EXPRESS,
    BucketSettings,
    bucket_settings,
)
from reporting_framework.storage.location import Location, parse_location
from reporting_framework.storage.sending import retry_options
from reporting_framework.storage.store import Store

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

MAX_CONNECTIONS = 64
"""Connections that boto3 keeps open: one for each concurrent thread."""

_BUCKET = re.compile(r"[A-Za-z0-9._-]+")

_KINDS = {"Get": "get", "List": "list", "Put": "put", "Delete": "delete"}
"""Kinds of requests by the verb of their operation; see `count`."""

_OWN: dict[str, Any] = {
    "conditional_put": "etag",
    "copy_if_not_exists": "multipart",
    "disable_bulk_delete": False,
    "disable_tagging": False,
    "imdsv1_fallback": False,
    "request_payer": False,
    "s3_express": False,
    "skip_signature": False,
    "sse_bucket_key_enabled": False,
    "unsigned_payload": False,
    "virtual_hosted_style_request": False,
}
"""Defaults of obstore and polars, passed explicitly: for an option that is not passed,
both read variables of other tools.
"""


def open_store(place: str | Location) -> Store:
    """Return the store for a folder, local or in a bucket.

    All stores of one bucket share connections.

    Raises:
        AccessDenied: The AWS configuration cannot be used, or there are no credentials.
        LocationError: The URI cannot be used.
    """
    location = parse_location(place) if isinstance(place, str) else place
    if location.scheme == "file":
        from reporting_framework.storage.folder import FolderStore

        return FolderStore(location)
    from reporting_framework.storage.bucket import BucketStore

    if location.scheme == "memory":
        return BucketStore(location, _memory(location.root))
    if location.scheme == "gs":
        from reporting_framework.storage.google import open_google

        return open_google(location)
    if location.scheme == "az":
        from reporting_framework.storage.azure import open_azure

        return open_azure(location)
    _check_bucket(location)
    bucket = _Bucket.of(location.root)
    return BucketStore(location, bucket.backend, bucket.options, bucket.client)


def _check_bucket(location: Location) -> None:
    if location.root.startswith("arn:"):
        raise LocationError(
            f"{location.uri}: ARNs are not supported; for an access point, use its"
            " alias (NAME-…-s3alias) as the bucket"
        )
    if not _BUCKET.fullmatch(location.root):
        raise LocationError(
            f"{location.uri}: not a valid bucket name; write s3://bucket/key, without"
            " credentials or port"
        )
    if location.root.endswith(EXPRESS):
        raise LocationError(
            f"{location.uri}: a directory bucket lists its keys in no order, which runs"
            " need; use a general purpose bucket"
        )


@cache
def _memory(name: str) -> Backend:
    """Return the memory store of this name; it lives as long as the process."""
    from obstore.store import MemoryStore

    return MemoryStore()


class _Bucket:
    """Connections to one bucket under one AWS configuration.

    They live as long as the process.
    """

    _open: ClassVar[dict[tuple[Any, ...], _Bucket]] = {}

    def __init__(self, name: str, settings: BucketSettings) -> None:
        self._where = f"s3://{name}"
        self._own = {**_OWN, "request_payer": settings.requester_pays}
        self._settings = settings
        self._config = read_aws_config(self._where)
        self._client: Any = None
        self._lock = Lock()
        self.options = None if self._config.ca_bundle else self._polars_options()
        self.backend = self._connect(name)

    @classmethod
    def of(cls, name: str) -> _Bucket:
        """Return the bucket's connections; open them on first use."""
        settings = bucket_settings(name)
        key = (name, settings, *aws_variables())
        if key not in cls._open:
            cls._open[key] = cls(name, settings)
        return cls._open[key]

    def _connect(self, name: str) -> Backend:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        config = self._config
        client: Any = {
            "allow_http": config.endpoint.startswith("http://"),
            "timeout": timedelta(seconds=300),
            "connect_timeout": timedelta(seconds=10),
        }
        if config.ca_bundle:
            with open(config.ca_bundle, "rb") as file:
                client["root_certificate"] = file.read()
        encryption: Any = {}
        if self._settings.kms_key is not None:
            encryption = {
                "server_side_encryption": "aws:kms",
                "sse_kms_key_id": self._settings.kms_key,
            }
        try:
            return S3Store(
                name,
                region=config.region,
                endpoint=config.endpoint,
                aws_endpoint_url_s3=config.endpoint,
                credential_provider=_provider(config),
                client_options=client,
                retry_config=retry_options(),
                **encryption,
                **self._own,
            )
        except (BaseError, ValueError) as error:
            cause = (
                "the CA bundle holds no certificate in PEM form"
                if config.ca_bundle
                else type(error).__name__
            )
            raise AccessDenied(
                f"{self._where}: {cause}; check AWS_CA_BUNDLE and the AWS configuration"
            ) from error

    def _polars_options(self) -> dict[str, Any]:
        """Return keyword arguments for `polars.scan_parquet`."""
        config = self._config
        storage: dict[str, Any] = {
            f"aws_{name}": str(value).lower() for name, value in self._own.items()
        }
        storage |= {
            "aws_region": config.region,
            "max_retries": sending.MAX_RETRIES,
            "aws_endpoint_url": config.endpoint,
            "aws_endpoint_url_s3": config.endpoint,
            "aws_allow_http": str(config.endpoint.startswith("http://")).lower(),
        }
        return {"storage_options": storage, "credential_provider": self._credentials}

    def _credentials(self) -> tuple[dict[str, str | None], int | None]:
        """Return the credentials in the form that polars expects, with their expiry.

        boto3's credentials expire after 15 minutes, so that polars asks again.
        """
        if (keys := self._config.keys) is None:
            credentials = (
                self._config.session.get_credentials().get_frozen_credentials()
            )
            keys = AwsKeys(
                credentials.access_key, credentials.secret_key, credentials.token
            )
        until = None if self._config.keys else int(time.time()) + 900
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return dict(zip(names, keys, strict=True)), until

    def client(self) -> Any:
        """Return the boto3 S3 client for the same bucket.

        Every call returns the same client: creating one takes 0.1 s.
        """
        with self._lock:  # boto3 cannot create two clients at once
            if self._client is None:
                config = self._config
                from botocore.config import Config

                session = config.session or aws_session()
                self._client = session.client(
                    "s3",
                    endpoint_url=config.endpoint,
                    region_name=config.region,
                    config=Config(max_pool_connections=MAX_CONNECTIONS),
                )
                self._client.meta.events.register("before-send.s3", _count)
                if self._settings.requester_pays:
                    self._client.meta.events.register("before-call.s3", _add_payer)
            return self._client


def _count(event_name: str, **_: Any) -> None:
    """Count a request of boto3, which sends this event for each attempt.

    The name of the event ends with that of the operation, such as ``GetObject``.
    """
    operation = event_name.rpartition(".")[2]
    count(_KINDS.get(operation.partition("Object")[0], "head"))


def _add_payer(params: dict[str, Any], **_: Any) -> None:
    """Add to a request of boto3 that this account pays for it."""
    params["headers"]["x-amz-request-payer"] = "requester"


def _provider(config: AwsConfig) -> Any:
    """Return a credential provider for obstore.

    obstore may complete credentials passed as options from environment variables; it
    takes a provider's as they are.
    """
    if config.keys is None:
        from obstore.auth.boto3 import Boto3CredentialProvider

        return Boto3CredentialProvider(config.session)
    access_key, secret_key, token = config.keys
    return lambda: {
        "access_key_id": access_key,
        "secret_access_key": secret_key,
        "token": token,
        "expires_at": None,
    }
