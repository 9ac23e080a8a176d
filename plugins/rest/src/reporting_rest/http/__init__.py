"""HTTP client of this plugin, which other plugins may use, too.

A plugin derives its settings from `HttpSettings`, opens an `HttpClient` with them and
sends `HttpRequest` objects::

    with HttpClient(self.settings, subject=f"source {self.name}") as client:
        response = client.send(HttpRequest("POST", url, form={"content": "record"}))
        rows = response.json()

The client retries what may succeed later, obeys ``Retry-After``, keeps a rate, limits
size and time of responses, follows redirects without credentials for other hosts, and
refuses private addresses. It may be used by several threads at once.
"""

from reporting_rest.http.addresses import AddressPolicy
from reporting_rest.http.auth import (
    Auth,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    ParamAuth,
)
from reporting_rest.http.auth_settings import AuthSettings
from reporting_rest.http.client import HttpClient
from reporting_rest.http.messages import HttpRequest, HttpResponse
from reporting_rest.http.oauth import ClientCredentials
from reporting_rest.http.settings import HttpSettings

__all__ = [
    "AddressPolicy",
    "Auth",
    "AuthSettings",
    "BasicAuth",
    "BearerAuth",
    "ClientCredentials",
    "HeaderAuth",
    "HttpClient",
    "HttpRequest",
    "HttpResponse",
    "HttpSettings",
    "ParamAuth",
]
