"""Parts of a file's path as columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_GROUP = re.compile(r"\(\?P<([^>]*)")
_PART = re.compile(r"\{([^{}]*)\}|(\*\*/|\*)")


class PathColumns(NamedTuple):
    """Pattern of paths whose named groups are columns.

    Attributes:
        pattern: Regular expression that matches the beginning of a path.
        names: Names of the columns.
    """

    pattern: re.Pattern[str]
    names: Sequence[str]

    @classmethod
    def parse(cls, text: str) -> PathColumns:
        """Return the pattern of a template or a regular expression.

        A template is a path with names in braces, such as ``year={year}/{file}.csv``;
        each stands for one part of the path, or a piece of one. ``*`` is anything in a
        part, ``**/`` any folders. A template that ends within the path ends at a slash.

        Raises:
            ValueError: The text is neither, or has no name or one twice.
        """
        expression = text if _GROUP.search(text) else _translated(text)
        try:
            pattern = re.compile(expression)
        except re.error:
            names = _GROUP.findall(expression)
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(
                    f"the name {twice[0]} is there twice; name each column once"
                ) from None
            raise ValueError(
                "neither a template such as year={year} nor a regular expression;"
                " write names of letters, digits and underscores in braces"
            ) from None
        if not pattern.groupindex:
            raise ValueError("it names no column; write a name in braces, as {year}")
        return cls(pattern, list(pattern.groupindex))

    def values(self, path: str) -> Sequence[str | None] | None:
        """Return the value of each column, `None` if the path does not match."""
        match = self.pattern.match(path)
        return None if match is None else [match[name] for name in self.names]


def _translated(template: str) -> str:
    parts, at = [], 0
    for match in _PART.finditer(template):
        parts.append(re.escape(template[at : match.start()]))
        if match[2] is None:
            parts.append(f"(?P<{match[1]}>[^/]+?)")
        else:
            parts.append("(?:.*/)?" if match[2] == "**/" else "[^/]*")
        at = match.end()
    parts.append(re.escape(template[at:].removesuffix("/")))
    return "".join(parts) + r"(?=/|\Z)"
