"""Credentials of requests."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from reporting_rest.http.client import HttpClient


class Auth:
    """Base class of credentials: by default none."""

    def headers(self, client: HttpClient) -> dict[str, str]:
        """Return the headers that hold the credentials.

        Args:
            client: Client that sends the request; it may be used to get a token.
        """
        return {}

    def params(self, client: HttpClient) -> dict[str, str]:
        """Return the parameters of the query that hold the credentials."""
        return {}

    def renew(self, refused: dict[str, str]) -> bool:
        """Prepare new credentials after the server refused the present ones.

        Args:
            refused: Headers of credentials that were refused.

        Returns:
            Whether the request should be sent again, with the new ones.
        """
        return False


class HeaderAuth(Auth):
    """Key in a header of any name.

    Attributes:
        fixed: The header.
    """

    def __init__(self, name: str, value: str) -> None:
        self.fixed = {name.lower(): value}

    @override
    def headers(self, client: HttpClient) -> dict[str, str]:
        return self.fixed


class BearerAuth(HeaderAuth):
    """Token in the header ``Authorization``."""

    def __init__(self, token: str) -> None:
        super().__init__("authorization", f"Bearer {token}")


class BasicAuth(HeaderAuth):
    """User name and password in the header ``Authorization``."""

    def __init__(self, username: str, password: str) -> None:
        text = b64encode(f"{username}:{password}".encode()).decode()
        super().__init__("authorization", f"Basic {text}")


class ParamAuth(Auth):
    """Key in a parameter of the query."""

    def __init__(self, name: str, value: str) -> None:
        self._params = {name: value}

    @override
    def params(self, client: HttpClient) -> dict[str, str]:
        return self._params
