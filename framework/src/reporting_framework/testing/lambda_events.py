"""Events as AWS sends them to functions.

They are the files of the folder `events`, with a made-up account and names.

After the documentation of each service
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html) and recorded ones;
the Scheduler's `detail` is a string indeed.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("events")


def lambda_event(name: str) -> Any:
    """Return the event of this name, such as `s3-put`.

    It is a fresh one, which a test may change.
    """
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def lambda_events() -> list[str]:
    """The names of all."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
