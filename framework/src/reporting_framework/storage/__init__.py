"""One way to open any place: a folder, a bucket of S3 or of a server like it, or memory."""

from reporting_framework.storage.base import Entry, Object, Pinned, ScanTarget, Store, TooLarge
from reporting_framework.storage.connect import open_store
from reporting_framework.storage.location import Location, parse_location

__all__ = ["Entry", "Location", "Object", "Pinned", "ScanTarget", "Store", "TooLarge", "open_store", "parse_location"]
