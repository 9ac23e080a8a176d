"""Lambda's limits on the size of packages.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping

from reporting_framework.errors import BuildError

UNZIPPED = 262_144_000
"""Bytes that a function and its layers may have together when they are unpacked."""

UPLOAD = 52_428_800
"""Bytes of a zip file that may be uploaded to Lambda itself; a larger one goes through
S3.
"""


def check_size(unzipped: Mapping[str, int]) -> None:
    """See that packages are not too large together.

    Args:
        unzipped: The size of each when it is unpacked, in bytes.

    Raises:
        BuildError: They are; the message says what each takes.
    """
    total = sum(unzipped.values())
    if total > UNZIPPED:
        parts = ", ".join(
            f"{name} {size:,}"
            for name, size in sorted(unzipped.items(), key=lambda pair: -pair[1])
        )
        raise BuildError(
            f"the packages have {total:,} bytes unzipped, {total - UNZIPPED:,} more"
            f" than the {UNZIPPED:,} that Lambda allows a function with its layers"
            f" ({parts}); nothing was written"
        )
