"""S3 servers on loopback: their access, and a moto server in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    import pytest

HOST = "127.0.0.1"
REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """Endpoint and credentials of an S3 server."""

    endpoint: str
    access_key: str = "test"
    secret_key: str = "testsecret"  # noqa: S105 - of a server on loopback

    def environment(self) -> dict[str, str]:
        """Return the AWS variables that point to this server and no other.

        boto3, obstore and polars all use them.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, **config: Any) -> Any:
        """Return a boto3 S3 client.

        `config` goes to `botocore.config.Config` (by default path style and 64
        connections).
        """
        settings = {
            "s3": {"addressing_style": "path"},
            "max_pool_connections": 64,
        } | config
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(**settings),
        )

    def behind(self, endpoint: str) -> S3Server:
        """Return the same server, reached through a proxy at `endpoint`."""
        return replace(self, endpoint=endpoint)


def lead_to(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the AWS variables of this process to a server.

    The developer's own variables are removed.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """Run moto's S3 in a thread of this process.

    It ignores signatures and never answers 409 by itself.
    """
    from moto.server import (
        ThreadedMotoServer,
    )  # imported late: it takes half a second, and few tests need it

    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
