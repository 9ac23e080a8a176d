"""Permissions to read and write a folder in S3."""

from __future__ import annotations

from reporting_framework.plugin_api.base import Permission
from reporting_framework.storage.bucket_settings import bucket_settings
from reporting_framework.storage.location import Location


def reading(folder: Location) -> list[Permission]:
    """Return the permissions to list and read a folder; none for other storage."""
    if folder.scheme != "s3":
        return []
    return [
        Permission(("s3:GetObject",), _objects(folder)),
        Permission(
            ("s3:ListBucket",),
            _bucket(folder),
            {"StringLike": {"s3:prefix": [_pattern(folder)]}},
        ),
    ]


def writing(folder: Location) -> list[Permission]:
    """Return the permissions to list, read and write a folder; none for other storage.

    For a missing key, S3 answers "not found" only to a caller that may list the bucket,
    and "denied" to others. A read has no prefix, so the condition must allow that.
    """
    if folder.scheme != "s3":
        return []
    return [
        Permission(("s3:GetObject", "s3:PutObject"), _objects(folder)),
        Permission(
            ("s3:ListBucket",),
            _bucket(folder),
            {"StringLikeIfExists": {"s3:prefix": [_pattern(folder)]}},
        ),
        *_encrypting(folder),
    ]


def deleting(folder: Location) -> list[Permission]:
    """Return the permission to delete objects of a folder; none for other storage."""
    return (
        [Permission(("s3:DeleteObject",), _objects(folder))]
        if folder.scheme == "s3"
        else []
    )


def put_permissions(folder: Location) -> list[Permission]:
    """Return the permission to write into a folder only; none for other storage."""
    return (
        [Permission(("s3:PutObject",), _objects(folder)), *_encrypting(folder)]
        if folder.scheme == "s3"
        else []
    )


def _encrypting(folder: Location) -> list[Permission]:
    """Return the permission to use the KMS key of a bucket, if its ARN is set."""
    key = bucket_settings(folder.root).kms_key
    if key is None or not key.startswith("arn:") or ":alias/" in key:
        return []
    return [Permission(("kms:Decrypt", "kms:GenerateDataKey"), key)]


def _bucket(folder: Location) -> str:
    return f"arn:aws:s3:::{folder.root}"


def _objects(folder: Location) -> str:
    return f"{_bucket(folder)}/{_pattern(folder)}"


def _pattern(folder: Location) -> str:
    return f"{folder.key}/*" if folder.key else "*"
