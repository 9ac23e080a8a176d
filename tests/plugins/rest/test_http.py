"""The HTTP client against a server with faults: retries, limits, redirects, credentials."""

import gzip
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from reporting_framework import (
    AccessDenied,
    LocationError,
    ObjectMissing,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.traffic import TrafficCounts, counting
from reporting_rest.http import (
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCredentials,
    HeaderAuth,
    HttpClient,
    HttpRequest,
    HttpSettings,
    ParamAuth,
)
from tests.plugins.rest.h2_server import serving_h2
from tests.plugins.rest.server import Answer, Asked, Handler, Server, serving
from tests.support.tls import certificates, tls_front

QUICK = {"allow_private": True, "wait_seconds": 0.01}

Serve = Callable[[Handler], Server]


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(resources: ExitStack) -> Serve:
    return lambda handler: resources.enter_context(serving(handler))


@pytest.fixture
def client(resources: ExitStack) -> Callable[..., HttpClient]:
    def made(
        server: str | None = None, auth: Auth | None = None, **settings: Any
    ) -> HttpClient:
        opened = HttpClient(
            HttpSettings(**{**QUICK, **settings}),
            subject="source rest-api",
            base_url=server,
            auth=auth,
        )
        return resources.enter_context(opened)

    return made


def in_turn(*answers: Answer) -> Handler:
    """Give the answers in turn; the last one stays."""
    left = list(answers)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def get(url: str, **others: Any) -> HttpRequest:
    return HttpRequest("GET", url, **others)


GOOD = Answer({"ok": True})


@pytest.mark.parametrize("size", [1_000, 600_000, 5_000_000])
@pytest.mark.parametrize(
    ("version", "framing", "closes"),
    [
        ("1.0", "length", True),
        ("1.0", "close", True),
        ("1.1", "length", True),
        ("1.1", "close", True),
        ("1.1", "chunked", True),
        ("1.1", "length", False),
        ("1.1", "chunked", False),
    ],
)
def test_a_response_is_read_to_its_end_however_it_ends(
    serve: Serve,
    client: Callable[..., HttpClient],
    version: str,
    framing: str,
    closes: bool,
    size: int,
) -> None:
    """http.client closes its socket before it reads a response that ends with the connection."""
    body = bytes(range(256)) * (size // 256 + 1)
    answer = Answer(body, version=version, framing=framing, closes=closes)
    server = serve(lambda asked: answer)
    opened = client(attempts=1)
    for _ in range(3):
        assert opened.send(get(server.url)).body == body
    assert server.connections == (3 if closes else 1)


@pytest.mark.parametrize(
    "bad",
    [
        Answer(status=429, headers={"retry-after": "0"}),
        Answer(status=503),
        Answer(
            status=403,
            headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"},
        ),
        Answer({"ok": True}, cut=60),
        Answer({"ok": True}, cut=0),
        Answer({"ok": True}, version="1.0", cut=60),
        Answer({"ok": True}, version="1.0", cut=75),
        Answer({"ok": True}, framing="chunked", cut=85),
        Answer({"ok": True}, framing="chunked", cut=-2),
        Answer(gzip.compress(b"[]")[:-4], headers={"content-encoding": "gzip"}),
        Answer(b"not gzip", headers={"content-encoding": "gzip"}),
        Answer({"error": "try again"}),
    ],
    ids=[
        "429",
        "503",
        "limit",
        "cut",
        "closed",
        "1.0 headers cut",
        "1.0 cut",
        "chunk cut",
        "end cut",
        "gzip cut",
        "damaged",
        "body",
    ],
)
def test_what_may_succeed_later_is_sent_again(
    serve: Serve, client: Callable[..., HttpClient], bad: Answer
) -> None:
    server = serve(in_turn(bad, bad, GOOD))
    counts = TrafficCounts()
    with counting(counts):
        response = client().send(
            get(f"{server.url}/x"),
            retry_on=lambda response: "an error" if b"error" in response.body else None,
        )
    assert response.json() == {"ok": True}
    assert len(server.asked) == counts.current()["api"] == 3
    assert counts.current()["bytes_read"] >= len(response.body)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (Answer(status=401), AccessDenied, "HTTP 401: the server refused"),
        (Answer(status=403), AccessDenied, "HTTP 403: the server refused"),
        (Answer(status=404), ObjectMissing, "HTTP 404: there is no such resource"),
        (Answer(status=422), LocationError, "HTTP 422: the server did not accept"),
        (Answer(status=503), StorageUnavailable, "HTTP 503, 2 attempts; run again"),
        (Answer(cut=0), StorageUnavailable, "the response was cut off, 2 attempts"),
        (
            Answer(status=429, headers={"retry-after": "1e308"}),
            StorageUnavailable,
            "the server asks to wait 1,000,000,000 seconds",
        ),
        (
            Answer(status=429, headers={"retry-after": "3600"}),
            StorageUnavailable,
            "HTTP 429: the server asks to wait 3,600 seconds",
        ),
        (Answer(b"x" * 2000), SettingsError, "more than 1,000 bytes; ask for smaller"),
        (
            Answer(gzip.compress(b"x" * 10**6), headers={"content-encoding": "gzip"}),
            SettingsError,
            "more than 1,000 bytes",
        ),
        (Answer(b"x" * 20, drip=0.05), StorageUnavailable, "no response in time"),
        (Answer(wait=1), StorageUnavailable, "no response in time"),
        (Answer(b"x", headers={"content-encoding": "br"}), StorageUnavailable, "encod"),
    ],
    ids=lambda value: getattr(value, "status", None),
)
def test_errors_say_what_to_do_and_show_no_value(
    serve: Serve,
    client: Callable[..., HttpClient],
    answer: Answer,
    error: type[Exception],
    message: str,
) -> None:
    server = serve(lambda asked: answer)
    with pytest.raises(error) as raised:
        client(attempts=2, max_response_bytes=1000, response_seconds=0.4).send(
            get(f"{server.url}/secret-1?token=secret-2", shown="/{id}")
        )
    assert message in str(raised.value)
    assert str(raised.value).startswith("source rest-api: ")
    assert "secret" not in str(raised.value)
    if answer.status in (401, 403, 404, 422) or error is SettingsError:
        assert len(server.asked) == 1


def test_a_server_decides_how_long_all_threads_wait(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    server = serve(in_turn(Answer(status=429, headers={"retry-after": "0.3"}), GOOD))
    began = time.monotonic()
    client().send(get(server.url))
    assert 0.3 <= time.monotonic() - began < 2


def test_requests_keep_a_rate(serve: Serve, client: Callable[..., HttpClient]) -> None:
    server = serve(lambda asked: GOOD)
    opened = client(rate=50, burst=3)
    began = time.monotonic()
    for _ in range(8):
        opened.send(get(server.url))
    assert 0.1 <= time.monotonic() - began < 1  # three at once, five a fiftieth each
    assert server.connections == 1


def test_redirects_are_followed_without_credentials_for_others(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    other = serve(lambda asked: GOOD)

    def answer(asked: Asked) -> Answer:
        targets = {"/a": "/b", "/b": f"{other.url}/c?x=1", "/loop": "/loop"}
        return Answer(status=302, headers={"location": targets[asked.path]})

    server = serve(answer)
    opened = client(server.url, BearerAuth("secret"))
    assert opened.send(get(f"{server.url}/a")).json() == {"ok": True}
    assert [each.headers.get("authorization") for each in server.take()] == [
        "Bearer secret"
    ] * 2
    (asked,) = other.take()
    assert asked.target == "/c?x=1"
    assert "secret" not in str(asked.headers)
    with pytest.raises(LocationError, match="more than 5 redirects"):
        opened.send(get(f"{server.url}/loop"))
    assert opened.send(get(f"{other.url}/c")).json() == {"ok": True}
    assert "secret" not in str(other.take())


def test_a_form_is_never_redirected_to_another_server(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    other = serve(lambda asked: GOOD)
    server = serve(lambda asked: Answer(status=307, headers={"location": other.url}))
    request = HttpRequest("POST", f"{server.url}/api/", form={"token": "secret"})
    with pytest.raises(LocationError, match="send the body to another server"):
        client().send(request)
    assert not other.asked
    assert server.asked[0].body == b"token=secret"
    assert server.asked[0].headers["content-type"] == (
        "application/x-www-form-urlencoded"
    )


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (BearerAuth("a-b"), "Bearer a-b"),
        (BasicAuth("me", "päss"), "Basic bWU6cMOkc3M="),
        (HeaderAuth("X-Key", "k"), "k"),
        (ParamAuth("key", "a b"), "/?page=1&key=a+b"),
    ],
    ids=["bearer", "basic", "header", "param"],
)
def test_credentials(
    serve: Serve, client: Callable[..., HttpClient], auth: Auth, sent: str
) -> None:
    server = serve(lambda asked: GOOD)
    response = client(server.url, auth).send(get(server.url, params={"page": "1"}))
    (asked,) = server.asked
    headers = asked.headers
    assert sent in (headers.get("authorization"), headers.get("x-key"), asked.target)
    assert "key" not in response.url


def test_tokens_are_renewed_before_and_after_they_expire(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    issued: list[str] = []

    def answer(asked: Asked) -> Answer:
        if asked.path == "/token":
            issued.append(f"t{len(issued)}")
            return Answer({"access_token": issued[-1], "expires_in": 3600})
        good = (
            asked.headers["authorization"] == f"Bearer {issued[-1]}"
            and len(issued) != 1
        )
        return GOOD if good else Answer(status=401)

    server = serve(answer)
    auth = ClientCredentials(f"{server.url}/token", "id", "pass", scope="read")
    opened = client(server.url, auth)
    for _ in range(3):
        opened.send(get(f"{server.url}/x"))
    assert len(issued) == 2  # the first one was refused: its end came early
    token = server.asked[0]
    assert token.headers["authorization"] == "Basic aWQ6cGFzcw=="
    assert token.body == b"grant_type=client_credentials&scope=read"


def test_a_refused_client_is_an_error(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    server = serve(lambda asked: Answer({"error": "invalid_client"}, status=401))
    auth = ClientCredentials(f"{server.url}/token", "id", "pass", in_body=True)
    with pytest.raises(AccessDenied, match=r"/token: no token \(HTTP 401\)"):
        client(server.url, auth).send(get(server.url))
    assert b"client_secret=pass" in server.asked[0].body


@pytest.mark.parametrize(
    ("allow", "host", "allowed"),
    [
        (False, "127.0.0.1", False),
        (False, "10.0.0.1", False),
        (False, "169.254.169.254", False),
        (False, "::ffff:127.0.0.1", False),
        (False, "64:ff9b::a00:1", False),
        (False, "2002:7f00:1::", False),
        (False, "0.0.0.0", False),
        (False, "224.0.0.1", False),
        (False, "168.63.129.16", False),
        (False, "fd00:ec2::254", False),
        (False, "fe80::1%lo", False),
        (False, "93.184.216.34", True),
        (False, "2606:2800:220:1::1", True),
        (True, "127.0.0.1", True),
        (True, "10.0.0.1", True),
        (True, "::1", True),
        (True, "fd12::1", True),
        (True, "169.254.169.254", False),
        (True, "100.100.100.200", False),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "192.168.0.1", False),
        (["169.254.0.0/16"], "169.254.169.254", True),
    ],
)
def test_addresses(allow: bool | Sequence[str], host: str, allowed: bool) -> None:
    from reporting_rest.http import AddressPolicy

    settings = HttpSettings(allow_private=allow)
    assert AddressPolicy(settings.allow_private).allows(host) is allowed


def test_private_addresses_are_refused_also_by_redirects(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    server = serve(
        lambda asked: Answer(
            status=302, headers={"location": "http://169.254.169.254/latest"}
        )
    )
    with pytest.raises(LocationError, match=r"host 127.0.0.1: its address is private"):
        client(allow_private=False).send(get(server.url))
    with pytest.raises(LocationError, match=r"host localhost: its address is private"):
        client(allow_private=False).send(get("http://localhost:1/"))
    assert server.connections == 0
    with pytest.raises(LocationError, match=r"host 169.254.169.254: its address"):
        client().send(get(server.url))


def test_the_checked_address_is_the_one_that_is_used(
    serve: Serve, client: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is resolved once: the second answer of a hostile name server is never asked for."""
    server = serve(lambda asked: GOOD)
    answers = iter([HOSTILE_FIRST])

    def resolve(host: str, port: int, *args: Any, **others: Any) -> Any:
        if host != "rebind.example":  # the connection itself: an address
            return real(host, port, *args, **others)
        return real(next(answers), port, *args, **others)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    request = get(f"http://rebind.example:{server.port}/")
    assert client().send(request).json() == {"ok": True}
    assert server.asked[0].headers["host"] == f"rebind.example:{server.port}"


HOSTILE_FIRST = "127.0.0.1"


def test_certificates_are_checked(
    serve: Serve,
    client: Callable[..., HttpClient],
    resources: ExitStack,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority, certificate = certificates(tmp_path_factory.mktemp("tls"))
    server = serve(lambda asked: GOOD)
    url = resources.enter_context(tls_front(server.url, certificate))
    assert client(ca_file=authority).send(get(url)).json() == {"ok": True}
    with pytest.raises(LocationError, match="the certificate of the server is not"):
        client().send(get(url))
    with pytest.raises(SettingsError, match="ca_file: not a file of certificates"):
        client(ca_file=certificate.with_name("none.pem"))
    assert len(server.asked) == 1


def test_http_2_is_spoken_where_the_server_does(
    client: Callable[..., HttpClient],
    resources: ExitStack,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority, certificate = certificates(tmp_path_factory.mktemp("h2"))
    url = resources.enter_context(serving_h2(certificate))
    opened = client(url, BearerAuth("token"), ca_file=authority)
    for path in ("/a?b=1", "/c"):
        headers = opened.send(get(f"{url}{path}")).json()
        assert headers[":path"] == path
        assert headers[":authority"] == url.removeprefix("https://")
        assert headers["authorization"] == "Bearer token"


def test_what_is_no_url_is_refused(client: Callable[..., HttpClient]) -> None:
    for url in ("ftp://x/y", "x", "http://", "http://[x/", "http://x:secret/"):
        with pytest.raises(LocationError, match="not the URL of a server") as raised:
            client().send(get(url))
        assert "secret" not in str(raised.value)
    with pytest.raises(StorageUnavailable, match="host name was not resolved"):
        client(attempts=1).send(get("http://no-such-host.invalid/"))


def test_closing_ends_what_is_in_flight(
    serve: Serve, client: Callable[..., HttpClient]
) -> None:
    """Neither a response that does not come nor a long pause holds the end of a run up."""
    server = serve(in_turn(Answer(status=429, headers={"retry-after": "50"}), GOOD))
    silent = serve(lambda asked: Answer(wait=50))
    clients = client(), client()
    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        failing = [
            threads.submit(opened.send, get(url))
            for opened, url in zip(clients, (server.url, silent.url), strict=True)
        ]
        while not (server.asked and silent.asked):
            time.sleep(0.01)
        time.sleep(0.1)
        for opened in clients:
            opened.close()
    assert time.monotonic() - began < 5
    for each in failing:
        with pytest.raises(StorageUnavailable):
            each.result()
    with pytest.raises(StorageUnavailable, match="the client is closed"):
        clients[0].send(get(server.url))
