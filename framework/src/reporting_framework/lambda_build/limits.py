"""Limits of Lambda on the size of packages.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping

from reporting_framework.errors import BuildError

UNZIPPED = 262_144_000
"""Maximum size in bytes of a function and its layers together, unzipped."""

UPLOAD = 52_428_800
"""Maximum size in bytes of a zip file uploaded to Lambda itself; a larger file goes
through S3.
"""


def check_size(unzipped: Mapping[str, int]) -> None:
    """Check that the packages together are not too large.

    Args:
        unzipped: Unzipped size of each package in bytes.

    Raises:
        BuildError: They are too large; the message lists the size of each.
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
