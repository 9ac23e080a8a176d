"""Places of a dataset: its folder, and its manifest beside the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from reporting_framework import FirstReads, MetadataLocation
from reporting_framework.storage import Location, Store, open_store, parse_location

MANIFEST_FOLDER = "_manifest"
"""Folder of the manifests, beside the datasets. The folder of a dataset has nothing but
parquet files, so that every reader can be given the folder itself. Because of the
underscore, Athena and Hive do not read this one.
"""


class Place(NamedTuple):
    """Places of a dataset.

    Attributes:
        folder: Folder of the parquet files.
    """

    folder: Location

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Return the places of the dataset at a URI."""
        location = parse_location(uri)
        key = location.key.rstrip("/")
        return cls(Location(location.scheme, location.root, key))

    @property
    def home(self) -> Location:
        """Folder that holds the dataset and its manifest."""
        return self.folder.parent

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.folder.name

    @property
    def metadata(self) -> MetadataLocation:
        """Place of the report's metadata, beside the dataset."""
        return MetadataLocation(self.home.uri, self.name)

    @property
    def manifest(self) -> str:
        """Key of the manifest, relative to `home`."""
        return f"{MANIFEST_FOLDER}/{self.name}/current.json"

    @property
    def pending(self) -> Location:
        """Folder of the intents of commits."""
        return self.home.join(f"{MANIFEST_FOLDER}/{self.name}/pending")

    def key(self, file: str) -> str:
        """Return the key of a data file, relative to `home`."""
        return f"{self.name}/{file}"

    @property
    def store(self) -> Store:
        """Store of `home`; all keys of the dataset are relative to it."""
        return open_store(self.home)


def first_reads(settings: Mapping[str, Any]) -> FirstReads:
    """Return what a dataset reads first: the report's metadata.

    Raises:
        LocationError: The URI cannot be used.
    """
    return FirstReads(Place.parse(str(settings["uri"])).metadata)
