"""Storage: one way to open any location.

A location is a folder, memory, or a bucket: in S3 or a compatible server, in Google
Cloud Storage, or in Azure.
"""

from reporting_framework._text.messages import system_problem
from reporting_framework.storage.attempts import commit_attempts
from reporting_framework.storage.aws_config import aws_session, aws_variables
from reporting_framework.storage.error_codes import (
    PROBLEMS,
    codes_of,
    problem_text,
    storage_error,
)
from reporting_framework.storage.frames import write_frame
from reporting_framework.storage.in_flight import Admit, InFlight
from reporting_framework.storage.location import Location, parse_location
from reporting_framework.storage.open import open_store
from reporting_framework.storage.parquet_snapshot import ParquetSnapshot
from reporting_framework.storage.store import (
    Entry,
    Object,
    Pinned,
    ScanTarget,
    Store,
    TooLargeError,
    list_keys,
)
from reporting_framework.storage.temporary import LockedPath, locked_folder, naming
from reporting_framework.storage.timeouts import call_within
from reporting_framework.storage.versions import same_version

__all__ = [
    "PROBLEMS",
    "Admit",
    "Entry",
    "InFlight",
    "Location",
    "LockedPath",
    "Object",
    "ParquetSnapshot",
    "Pinned",
    "ScanTarget",
    "Store",
    "TooLargeError",
    "aws_session",
    "aws_variables",
    "call_within",
    "codes_of",
    "commit_attempts",
    "list_keys",
    "locked_folder",
    "naming",
    "open_store",
    "parse_location",
    "problem_text",
    "same_version",
    "storage_error",
    "system_problem",
    "write_frame",
]
