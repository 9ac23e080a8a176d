"""One way to open any place: a folder, a bucket of S3 or of a server like it, or memory."""

from reporting_framework.storage.base import Entry, Object, Pinned, ScanTarget, Store, TooLarge
from reporting_framework.storage.connect import open_store
from reporting_framework.storage.frames import write_frame
from reporting_framework.storage.location import Location, parse_location
from reporting_framework.storage.pinned_table import PinnedTable
from reporting_framework.storage.versions import same_version

__all__ = [
    "Entry",
    "Location",
    "Object",
    "Pinned",
    "PinnedTable",
    "ScanTarget",
    "Store",
    "TooLarge",
    "open_store",
    "parse_location",
    "same_version",
    "write_frame",
]
