"""One way to open any place: a folder, a bucket of S3 or of a server like it, or memory."""

from reporting_framework.storage.aws_config import aws_session
from reporting_framework.storage.base import Entry, Object, Pinned, ScanTarget, Store, TooLarge
from reporting_framework.storage.connect import open_store
from reporting_framework.storage.error_codes import codes_of, storage_error
from reporting_framework.storage.location import Location, parse_location
from reporting_framework.storage.pinned_table import PinnedTable

__all__ = [
    "Entry",
    "Location",
    "Object",
    "Pinned",
    "PinnedTable",
    "ScanTarget",
    "Store",
    "TooLarge",
    "aws_session",
    "codes_of",
    "open_store",
    "parse_location",
    "storage_error",
]
