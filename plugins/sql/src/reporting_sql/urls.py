"""URLs of databases: the dialect, and the text that may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from reporting_framework import SettingsError

Dialect = Literal["postgresql", "sqlite", "mysql"]

SCHEMES: Mapping[str, Dialect] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
}
"""Dialects by the scheme of a URL."""

OPTIONS: Mapping[str, Sequence[str]] = {
    "sqlite": (),
    "mysql": ("ssl_ca", "ssl_cert", "ssl_key", "unix_socket"),
}
"""Options that a URL may have, by dialect; PostgreSQL's client knows its own."""

FORMS = (
    "postgresql://HOST/DATABASE, mysql://HOST/DATABASE, sqlite:///FILE or"
    " sqlite:////FOLDER/FILE"
)


@dataclass(frozen=True)
class DatabaseUrl:
    """URL of a database.

    Attributes:
        dialect: SQL dialect of the database.
        text: The URL. It may hold a password, so it must not be shown.
        shown: The URL without user info and query.
    """

    dialect: Dialect
    text: str = field(repr=False)
    shown: str

    @property
    def path(self) -> Path:
        """File of a SQLite database."""
        return Path(unquote(urlsplit(self.text).path.removeprefix("/")))

    @property
    def options(self) -> dict[str, str]:
        """Query of the URL."""
        return dict(parse_qsl(urlsplit(self.text).query, keep_blank_values=True))

    @property
    def name(self) -> str:
        """Name of the database; of SQLite, the name of the file without its ending."""
        if self.dialect == "sqlite":
            return self.path.stem
        return unquote(urlsplit(self.text).path.removeprefix("/"))


def parse_url(text: str, subject: str = "url") -> DatabaseUrl:
    """Return the parts of a database's URL.

    Args:
        text: The URL, with the secret if it holds one.
        subject: Subject of messages, such as the plugin and its setting.

    Raises:
        SettingsError: It is not a URL of a known database. The URL is not shown.
    """
    scheme, separator, _ = text.partition("://")
    dialect = SCHEMES.get(scheme.lower()) if separator else None
    if dialect is None:
        driver = scheme.partition("+")[0].lower()
        if separator and driver in SCHEMES:
            raise SettingsError(
                f"{subject}: the scheme names a driver; use {driver}://"
            )
        raise SettingsError(f"{subject}: not the URL of a known database; use {FORMS}")
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise SettingsError(
            f"{subject}: host or port cannot be understood; percent-encode special"
            " characters of user and password"
        ) from None
    _check_options(dialect, parts.query, subject)
    if dialect == "sqlite":
        return DatabaseUrl(dialect, text, _sqlite(parts.netloc, parts.path, subject))
    if "/" in parts.path.removeprefix("/"):
        raise SettingsError(
            f"{subject}: the path holds more than the name of a database;"
            " percent-encode special characters of user and password"
        )
    host = parts.hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    return DatabaseUrl(dialect, text, f"{dialect}://{shown_host}{port}{parts.path}")


def _check_options(dialect: Dialect, query: str, subject: str) -> None:
    known = OPTIONS.get(dialect)
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if known is not None and name not in known:
            if "@" in query or not name.isidentifier():  # a part of the password
                raise SettingsError(
                    f"{subject}: what follows ? is no option; percent-encode special"
                    " characters of user and password"
                )
            options = f"there are {', '.join(known)}" if known else "there are none"
            raise SettingsError(
                f"{subject}: unknown option {name} in the URL; {options}"
            )


def _sqlite(host: str, path: str, subject: str) -> str:
    if host or len(path) < 2:
        raise SettingsError(
            f"{subject}: sqlite:// takes no host; use sqlite:///FILE for a relative"
            " path, sqlite:////FOLDER/FILE for an absolute one"
        )
    if unquote(path) == "/:memory:":
        raise SettingsError(
            f"{subject}: a database in memory ends with its connection; use a file"
        )
    return f"sqlite://{path}"
