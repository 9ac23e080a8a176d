"""Problems of a whole file."""

from __future__ import annotations

UTF_8 = "not_utf_8"
CSV = "csv_invalid"
GZIP = "gzip_invalid"
ZSTD = "zstd_invalid"
TOO_LARGE = "too_large"
EMPTY = "empty"


class UnreadableError(Exception):
    """The file can never be read as it is.

    Attributes:
        reason: A short machine-readable reason, the error type of the file's rejection:
            ``too_large``, ``gzip_invalid``, ``not_utf_8``, ``csv_invalid`` and the
            like.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
