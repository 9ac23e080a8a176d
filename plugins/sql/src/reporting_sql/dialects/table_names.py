"""Names of tables with a schema, as settings write them."""

from __future__ import annotations

import re

from reporting_framework import SettingsError

_NAME = r'"(?:[^"]|"")+"|[^".]+'
_WHOLE = re.compile(rf"(?:({_NAME})\.)?({_NAME})")


def split_name(text: str, subject: str) -> tuple[str, ...]:
    """Return the schema, if there is one, and the name of a table.

    A name that holds a dot is written in double quotes, as in SQL. A text with quotes
    in other places is a name as it is.

    Args:
        text: Text of the setting ``table``.
        subject: Subject of the message.

    Raises:
        SettingsError: There are more dots than one.
    """
    if "." not in text and not (text.startswith('"') and text.endswith('"')):
        return (text,)
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise SettingsError(
            f"{subject}: table: it has more parts than a schema and a name; write"
            ' SCHEMA.NAME, and put a name that holds a dot in double quotes: "a.b"'
        )
    return tuple(_unquoted(part) for part in found.groups() if part is not None)


def check_lasting(schema: str, subject: str) -> None:
    """Check that a schema of PostgreSQL is not the one of a session's own tables.

    Raises:
        SettingsError: It is.
    """
    if schema.startswith("pg_temp"):
        raise SettingsError(
            f"{subject}: tables of the schema {schema} are seen by one session only,"
            " and end with it; give a table of another schema"
        )


def quoted_name(*parts: str) -> str:
    """Return the text that `split_name` splits into these parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
