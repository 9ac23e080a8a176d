"""Settings of single buckets in S3, from environment variables.

They are variables, as credentials are, since every process that opens the bucket needs
them: commands, functions and workers of an engine.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from reporting_framework.errors import LocationError

REQUESTER_PAYS = "REPORTING_REQUESTER_PAYS"
"""Variable with the buckets whose requests this account pays for, with commas."""

KMS_KEYS = "REPORTING_KMS_KEYS"
"""Variable with the KMS keys of buckets: ``bucket=key``, with commas."""

EXPRESS = "--x-s3"
"""End of the names of directory buckets (S3 Express One Zone)."""


class BucketSettings(NamedTuple):
    """Settings of a bucket.

    Attributes:
        requester_pays: Whether this account pays for the requests.
        kms_key: ARN, id or alias of the KMS key that encrypts new objects; None: as the
            bucket is configured.
    """

    requester_pays: bool = False
    kms_key: str | None = None


def bucket_settings(bucket: str) -> BucketSettings:
    """Return the settings of a bucket.

    Raises:
        LocationError: A variable has another form.
    """
    keys: dict[str, str] = {}
    for item in _items(KMS_KEYS):
        name, equals, key = item.partition("=")
        if not (name.strip() and equals and key.strip()):
            raise LocationError(
                f"{KMS_KEYS}: {item!r} is not of the form bucket=key; write"
                " my-bucket=arn:aws:kms:…"
            )
        keys[name.strip()] = key.strip()
    return BucketSettings(bucket in _items(REQUESTER_PAYS), keys.get(bucket))


def _items(variable: str) -> list[str]:
    text = os.environ.get(variable, "")
    return [item.strip() for item in text.split(",") if item.strip()]
