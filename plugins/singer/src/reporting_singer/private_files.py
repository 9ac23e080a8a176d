"""Files for a tap that only this user may read, and that are removed afterwards."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Any, Self

from reporting_framework.storage import locked_folder


class PrivateFiles:
    """Temporary folder of mode 0700, with files of mode 0600.

    What a killed process has left is removed by the next one.
    """

    def __init__(self) -> None:
        self._folder = locked_folder("singer")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.close()

    def write(self, name: str, content: Any) -> str:
        """Write JSON data to a new file, and return its path."""
        path = self._folder.path / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return str(path)
