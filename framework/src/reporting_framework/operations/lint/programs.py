"""Programs that plugins start: whether they are on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from reporting_framework.operations.lint.parts import Part
from reporting_framework.operations.lint.problem import Add


def check_programs(add: Add, part: Part, environment: Mapping[str, str]) -> None:
    """Warn about programs that are not found: a run may have another machine.

    Args:
        add: Adds a problem.
        part: Plugin that can be used.
        environment: The environment variables.
    """
    for field in getattr(part.settings, "program_fields", ()):
        command = getattr(part.settings, field)
        if command and not shutil.which(command[0], path=environment.get("PATH")):
            path = (*part.path, field)
            add(
                "warning",
                path,
                f"{part.report}: {'.'.join(path)}: there is no program {command[0]}"
                " here; install it, or correct its path",
            )
