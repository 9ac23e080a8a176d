"""Buckets in Google Cloud Storage, through obstore."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import obstore
from typing_extensions import override

from reporting_framework.errors import AccessDenied, CommitConflict
from reporting_framework.storage.cloud_bucket import (
    CloudBucketStore,
    client_options,
    variables_of,
)
from reporting_framework.storage.sending import retry_options, send
from reporting_framework.storage.versions import same_version

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

    from reporting_framework.storage.location import Location

EMULATOR = "STORAGE_EMULATOR_HOST"
"""Variable of Google's libraries with the address of another server, without
credentials.
"""

PREFIXES = ("GOOGLE_", EMULATOR)

_open: dict[tuple[Any, ...], Backend] = {}


class GoogleStore(CloudBucketStore):
    """Store for a folder of a bucket in Google Cloud Storage; see `Store`.

    A version is an ETag. A conditional write needs the generation of the object, which
    is looked up for the version just before.
    """

    endpoint_variable = EMULATOR

    @override
    def _put_mode(self, key: str, if_version: str | None) -> Any:
        if if_version is None:
            return "create"
        meta: Any
        try:
            meta = send("head", lambda: obstore.head(self._backend, self._prefix + key))
        except FileNotFoundError:
            meta = {"e_tag": None, "version": None}
        if not same_version(meta["e_tag"], if_version):
            raise CommitConflict(
                f"{self.location.join(key).uri}: another run has written it meanwhile;"
                " run again"
            )
        return {"e_tag": meta["e_tag"], "version": meta["version"]}


def open_google(location: Location) -> GoogleStore:
    """Return the store for a folder of a bucket.

    Credentials are found as Google's libraries find them: ``GOOGLE_*`` variables, the
    file of ``gcloud auth application-default login``, or the metadata server.

    Raises:
        AccessDenied: The configuration cannot be used.
    """
    variables = variables_of(PREFIXES)
    key = (location.root, *variables.items())
    if key not in _open:
        _open[key] = _connect(location.root, variables)
    return GoogleStore(location, _open[key])


def _connect(bucket: str, variables: dict[str, str]) -> Backend:
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore

    endpoint = variables.get(EMULATOR) or variables.get("GOOGLE_BASE_URL") or ""
    options: dict[str, Any] = {}
    if EMULATOR in variables:
        endpoint = endpoint if "://" in endpoint else f"http://{endpoint}"
        # skip_signature still looks for credentials
        options["bearer_token"] = "none"  # noqa: S105 - no secret
    if endpoint:
        options["base_url"] = endpoint.rstrip("/")
    try:
        return GCSStore(
            bucket,
            client_options=client_options(endpoint),
            retry_config=retry_options(),
            **options,
        )
    except (BaseError, ValueError, OSError) as error:
        file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        named = f" ({file})" if file else ""
        raise AccessDenied(
            f"gs://{bucket}: the credentials cannot be used: {type(error).__name__};"
            f" check GOOGLE_APPLICATION_CREDENTIALS{named}, or run gcloud auth"
            " application-default login"
        ) from error
