"""Events in the form that AWS sends to functions.

They are the files of the folder `events`, with a made-up account and made-up names.

Their sources are the documentation of each service
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html) and recorded events;
the Scheduler's `detail` really is a string.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("events")


def lambda_event(name: str) -> Any:
    """Return the event of this name, such as `s3-put`.

    Every call returns a new object, which a test may change.
    """
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def lambda_events() -> list[str]:
    """Return the names of all events."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
