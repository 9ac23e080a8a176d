"""Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import override

from reporting_framework import AccessDenied
from reporting_rest.http.auth import Auth, BasicAuth
from reporting_rest.http.messages import HttpRequest, place

if TYPE_CHECKING:
    from reporting_rest.http.client import HttpClient

EARLY_SECONDS = 30.0
"""Time before its end at which a token is renewed; at most half of its life."""

DEFAULT_SECONDS = 3600.0
"""Life of a token if the server does not say it."""


class ClientCredentials(Auth):
    """Token that is got with a client id and a secret, and renewed before it expires.

    Args:
        token_url: URL of the token endpoint.
        client_id: Id of the client.
        client_secret: Its secret.
        scope: Scopes, separated by spaces; empty: those of the server.
        in_body: Whether id and secret are fields of the form, not basic credentials.
        extra: Further fields of the form, such as ``audience``.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "",
        in_body: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        form = {"grant_type": "client_credentials", **(extra or {})}
        form |= {"scope": scope} if scope else {}
        headers = {"accept": "application/json"}
        if in_body:
            form |= {"client_id": client_id, "client_secret": client_secret}
        else:  # section 2.3.1: both are form-encoded first
            basic = BasicAuth(quote(client_id, safe=""), quote(client_secret, safe=""))
            headers |= basic.fixed
        self._request = HttpRequest(
            "POST", token_url, headers=headers, form=form, credentials=False
        )
        self._lock = Lock()
        self._headers: dict[str, str] = {}
        self._until = 0.0

    @override
    def headers(self, client: HttpClient) -> dict[str, str]:
        """Return the token, a new one if the last one ends soon.

        Raises:
            AccessDenied: The server gave no token.
            StorageUnavailable: The server did not answer after retries.
        """
        if time.monotonic() >= self._until:
            with self._lock:
                if time.monotonic() >= self._until:
                    self._fetch(client)
        return self._headers

    @override
    def renew(self, refused: dict[str, str]) -> bool:
        with self._lock:
            if self._headers == refused:  # no other thread has renewed it
                self._until = 0.0
        return True

    def _fetch(self, client: HttpClient) -> None:
        where = place(self._request.url)
        response = client.send(self._request, accept={400, 401})
        try:
            answer: Any = response.json()
            token, life = answer["access_token"], answer.get("expires_in")
            seconds = DEFAULT_SECONDS if life is None else float(life)
            if not isinstance(token, str) or not token.isprintable():
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise AccessDenied(
                f"{client.subject}: {where}: no token (HTTP {response.status}); correct"
                " client_id, client_secret and scope"
            ) from None
        self._headers = {"authorization": f"Bearer {token}"}
        early = min(EARLY_SECONDS, seconds / 2)
        self._until = time.monotonic() + seconds - early
