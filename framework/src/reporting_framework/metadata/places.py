"""Places of a report's metadata.

A run knows them before the modules that read and write there are imported.
"""

from __future__ import annotations

from typing import NamedTuple

from reporting_framework.plugin_api.metadata import MetadataLocation
from reporting_framework.storage.location import Location, parse_location

QUARANTINE_FOLDER = "_quarantine"
"""Folder of the quarantine. Athena and Hive skip it because of the underscore."""


class MetadataPlaces(NamedTuple):
    """Places of a report's metadata, apart from its history.

    Attributes:
        quarantine: Rejected and unfinished records.
        hints: Hints of the source, beside the quarantine.
        marker: Marker of a reset.
    """

    quarantine: Location
    hints: Location
    marker: Location

    @classmethod
    def of(cls, location: MetadataLocation) -> MetadataPlaces:
        """Return the places in a metadata store."""
        folder = parse_location(location.folder).join(QUARANTINE_FOLDER)
        quarantine = folder.join(f"{location.name}.parquet")
        if location.quarantine is not None:
            quarantine = parse_location(location.quarantine)
        hints = f"{quarantine.name.removesuffix('.parquet')}.json"
        return cls(
            quarantine,
            quarantine.parent.join(hints),
            folder.join(f"{location.name}.reset"),
        )
