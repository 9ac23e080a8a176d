"""Containers in Azure Blob Storage, through obstore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting_framework.errors import AccessDenied
from reporting_framework.storage.cloud_bucket import (
    CloudBucketStore,
    client_options,
    variables_of,
)
from reporting_framework.storage.sending import retry_options

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

    from reporting_framework.storage.location import Location

CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"
"""Variable of Azure's libraries with account, key and endpoint in one text."""

ENDPOINT = "AZURE_STORAGE_ENDPOINT"

PREFIXES = ("AZURE_",)

_PARTS = {
    "AccountName": "account_name",
    "AccountKey": "account_key",
    "BlobEndpoint": "endpoint",
    "SharedAccessSignature": "sas_key",
}
"""Options of obstore by the parts of a connection string."""

_open: dict[tuple[Any, ...], Backend] = {}


class AzureStore(CloudBucketStore):
    """Store for a folder of a container in Azure Blob Storage; see `Store`."""

    commit_attribute = "reporting_commit"  # names of metadata have no hyphen there
    endpoint_variable = ENDPOINT
    starts_after = False  # Azurite and OneLake ignore it


def open_azure(location: Location) -> AzureStore:
    """Return the store for a folder of a container.

    The account and its credentials are in ``AZURE_*`` variables, or in a connection
    string.

    Raises:
        AccessDenied: The configuration cannot be used.
    """
    variables = variables_of(PREFIXES)
    key = (location.root, *variables.items())
    if key not in _open:
        _open[key] = _connect(location.root, variables)
    return AzureStore(location, _open[key])


def _connect(container: str, variables: dict[str, str]) -> Backend:
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore as Azure

    options = _options(container, variables)
    endpoint = options.get("endpoint", "")
    try:
        return Azure(
            container,
            client_options=client_options(endpoint),
            retry_config=retry_options(),
            **options,
        )
    except (BaseError, ValueError, OSError) as error:
        raise AccessDenied(
            f"az://{container}: the credentials cannot be used: {type(error).__name__};"
            " check AZURE_STORAGE_ACCOUNT_KEY and the other AZURE_ variables"
        ) from error


def _options(container: str, variables: dict[str, str]) -> dict[str, Any]:
    """Return account, key and endpoint."""
    options: dict[str, Any] = {}
    for part in variables.get(CONNECTION, "").split(";"):
        name, _, value = part.partition("=")
        if name in _PARTS and value:
            options[_PARTS[name]] = value
    if ENDPOINT in variables:
        options["endpoint"] = variables[ENDPOINT]
    if "AZURE_STORAGE_ACCOUNT_NAME" in variables:
        options["account_name"] = variables["AZURE_STORAGE_ACCOUNT_NAME"]
    if "account_name" not in options:
        raise AccessDenied(
            f"az://{container}: the storage account is not known; set"
            f" AZURE_STORAGE_ACCOUNT_NAME, or {CONNECTION}"
        )
    return options
