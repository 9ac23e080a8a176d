"""Places of a Delta table: its folder, its log, and what the framework keeps beside."""

from __future__ import annotations

from typing_extensions import override

from reporting_datasets.parquet_sink.place import Place
from reporting_framework.errors import LocationError
from reporting_framework.storage import Location

OWN = "_reporting"
"""Folder within the table for source states and notes of commits. Because of the
underscore, no reader takes it for rows, and `vacuum` never removes it.
"""


class DeltaPlace(Place):
    """Places of a Delta table."""

    @property
    @override
    def manifest(self) -> str:
        """Key beside which new files are made, relative to `home`."""
        return f"{self.name}/.commit"

    @property
    @override
    def pending(self) -> Location:
        """Folder of the notes of commits."""
        return self.folder.join(f"{OWN}/pending")

    @property
    def log(self) -> Location:
        """Folder of the log."""
        return self.folder.join("_delta_log")

    def state(self, number: int) -> str:
        """Return the key of a source state, relative to `home`."""
        return f"{self.name}/{OWN}/state/{number:019}.json"

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Configuration of the bucket for delta-rs, `None` for a folder.

        Raises:
            LocationError: The storage is not supported.
        """
        if self.folder.scheme == "file":
            return None
        if self.folder.scheme != "s3":
            raise LocationError(
                f"{self.folder.uri}: Delta tables are in folders and in S3; choose a"
                " path or s3://bucket/folder"
            )
        options = self.store.scan(self.manifest).options
        if "credential_provider" not in options:
            raise LocationError(
                f"{self.folder.uri}: a Delta table cannot be opened with AWS_CA_BUNDLE;"
                " unset it and add the certificate to the system's"
            )
        keys, _ = options["credential_provider"]()
        found = {**options["storage_options"], **keys, "aws_conditional_put": "etag"}
        return {name: str(value) for name, value in found.items() if value}
