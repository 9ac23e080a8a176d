"""Stores for buckets that are reached through obstore alone, unlike those of S3."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from typing_extensions import override

from reporting_framework.storage.bucket import BucketStore
from reporting_framework.storage.plain_listing import PlainListing

TIMEOUT_SECONDS = 300
CONNECT_SECONDS = 10


class CloudBucketStore(BucketStore):
    """Store for a folder of a bucket; see `Store`.

    polars is given whole objects. A key that obstore cannot name is refused.
    """

    starts_after = True

    @override
    def _listing(self) -> PlainListing:
        return PlainListing(
            self.location, self._backend, self._known, self.starts_after
        )

    @override
    def _region(self) -> None:
        """Return `None`: there are no redirects between regions."""


def variables_of(prefixes: Sequence[str]) -> dict[str, str]:
    """Return the environment variables with these prefixes, sorted by name.

    Empty variables are removed from the environment first, since obstore reads them.
    """
    names = sorted(name for name in os.environ if name.startswith(tuple(prefixes)))
    for name in [name for name in names if not os.environ[name].strip()]:
        os.environ.pop(name)
        names.remove(name)
    return {name: os.environ[name] for name in names}


def client_options(endpoint: str) -> Any:
    """Return the options of connections to an endpoint."""
    return {
        "allow_http": endpoint.startswith("http://"),
        "timeout": timedelta(seconds=TIMEOUT_SECONDS),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
    }
