"""Buckets: keys that are hard to name, answers that do not come, and the error for each."""

import re
import subprocess
import sys
import time

import pytest

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    StorageUnavailable,
)
from reporting_framework.storage import (
    Location,
    TooLargeError,
    bucket_listing,
    list_keys,
    open_store,
    sending,
)
from reporting_framework.storage.bucket import PUT_LIMIT, BucketStore
from reporting_framework.testing.s3 import lead_to
from tests.support import Fault, moto_server
from tests.support.listings import listing_server

SLOW = Fault.answer(503, "SlowDown")
DENIED = Fault.answer(403, "AccessDenied")


@pytest.fixture
def broken(proxy, s3_environment, bucket, monkeypatch):
    """A store behind the proxy that tries only twice, and the proxy."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return open_store(f"s3://{bucket}/a"), proxy


@pytest.fixture(scope="module")
def moto():
    """A server that keeps every key as it is; SeaweedFS tidies some up. Its bucket `odd` has such keys."""
    with moto_server() as server:
        server.client().create_bucket(Bucket="odd")
        for key in ODD:
            server.client().put_object(Bucket="odd", Key=f"p/{key}", Body=key.encode())
        yield server


@pytest.fixture
def at_moto(moto, monkeypatch):
    """The AWS variables lead to `moto`."""
    for name, value in moto.environment().items():
        monkeypatch.setenv(name, value)
    return moto


@pytest.fixture
def odd(at_moto):
    """A store of keys that obstore cannot name, among others."""
    return open_store("s3://odd/p")


ODD = [
    "../up",
    "./dot",
    "/empty",
    "a",
    "b//c",
    "d/",
    "tab\t",
    "x/../y",
    "z",
    "\x7f",
    "é",
]


def calls(store):
    return {
        "GET": lambda: store.get("k"),
        "LIST": lambda: list(store.list()),
        "HEAD": lambda: store.head("k"),
        "PUT": lambda: store.put("k", b"new", if_version=None),
    }


def test_a_bucket_says_what_it_is(broken, memory):
    store, _ = broken
    assert (store.supports_list_after, store.remote) == (True, True)
    assert (memory.supports_list_after, memory.remote) == (True, False)


@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD", "PUT"])
def test_a_bucket_that_is_not_there_is_told(broken, kind):
    store, proxy = broken
    proxy.inject(Fault.answer(404, "NoSuchBucket"), times=None)
    expected = f"s3://{store.location.root}: no such bucket; check its name and AWS_ENDPOINT_URL"
    if kind == "HEAD":
        proxy.inject(Fault.answer(404, "NoSuchBucket"), kind="GET", times=None)
    with pytest.raises(LocationError) as raised:
        calls(store)[kind]()
    assert str(raised.value) == expected


def test_a_real_bucket_that_is_not_there_is_told(s3_environment):
    store = open_store("s3://no-such-bucket/a")
    for kind in ("GET", "LIST", "HEAD"):
        with pytest.raises(LocationError, match="s3://no-such-bucket: no such bucket"):
            calls(store)[kind]()


@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD", "PUT"])
def test_a_denial_is_told_with_the_reason_that_is_given(broken, kind):
    store, proxy = broken
    proxy.inject(DENIED, kind=kind, times=None)
    with pytest.raises(
        AccessDenied,
        match=r"access denied \(AccessDenied\); check the credentials and the bucket's po",
    ):
        calls(store)[kind]()


def test_a_wrong_secret_is_told_as_such(s3_environment, bucket, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AccessDenied, match=r"access denied \(SignatureDoesNotMatch\)"):
        open_store(f"s3://{bucket}").get("k")


def test_an_archived_object_is_told_as_such(broken):
    store, proxy = broken
    proxy.inject(Fault.answer(403, "InvalidObjectState"), kind="GET", times=None)
    with pytest.raises(
        AccessDenied, match="k: the object is archived in a cold tier; restore it first"
    ):
        store.get("k")


@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD", "PUT"])
def test_a_server_that_stays_busy_is_unavailable(broken, kind):
    store, proxy = broken
    rule = proxy.inject(SLOW, times=None)
    with pytest.raises(
        StorageUnavailable, match=r"the storage answered .*503.* after all retries"
    ):
        calls(store)[kind]()
    assert rule.fired >= 2, "it was tried again"


@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD", "PUT"])
def test_a_server_that_hangs_up_is_unavailable(broken, kind):
    store, proxy = broken
    proxy.inject(Fault.cut(), times=None)
    with pytest.raises(
        StorageUnavailable,
        match="the storage did not answer; check the network and AWS_ENDPOINT_URL",
    ):
        calls(store)[kind]()


@pytest.mark.parametrize("code", ["NotThisTime", "AccessPointNotFound"])
def test_only_a_definite_not_found_is_one(broken, code):
    """A gateway's 404 is no word on whether the object is there."""
    store, proxy = broken
    proxy.inject(Fault.answer(404, code), times=None)
    for act in (lambda: store.get("k"), lambda: store.head("k")):
        with pytest.raises(StorageUnavailable, match="the storage answered 404"):
            act()
    proxy.reset()
    with pytest.raises(ObjectMissing, match="k: no such object"):
        store.get("k")
    assert store.head("k") is None


@pytest.mark.parametrize(
    "fault",
    [SLOW, Fault.cut(), Fault.lose(), Fault.truncate()],
    ids=lambda fault: fault.kind,
)
@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD"])
def test_a_fault_that_passes_is_not_noticed(broken, fault, kind):
    store, proxy = broken
    store.put("k", b"content" * 100, if_version=None)
    undisturbed = calls(store)[kind]()
    proxy.inject(fault, kind=kind)
    assert calls(store)[kind]() == undisturbed


@pytest.mark.parametrize("expected", [None, "the first"])
@pytest.mark.parametrize(
    "fault", [Fault.lose(), Fault.truncate()], ids=lambda fault: fault.kind
)
def test_a_put_whose_answer_was_lost_is_recognised(broken, fault, expected):
    store, proxy = broken
    before = store.put("k", b"old", if_version=None) if expected else None
    rule = proxy.inject(fault, kind="PUT")
    version = store.put("k", b"new", if_version=before)
    assert rule.fired == 1
    assert store.get("k") == (b"new", version)


def test_a_put_that_was_overtaken_while_its_answer_was_lost_is_a_conflict(
    broken, s3, bucket
):
    store, proxy = broken
    version = store.put("k", b"old", if_version=None)

    def overtake(_):
        s3.client().put_object(Bucket=bucket, Key="a/k", Body=b"the other's")
        return True

    proxy.inject(Fault.cut(), kind="PUT", when=overtake)
    with pytest.raises(
        CommitConflict, match="a/k: another run has written it meanwhile"
    ):
        store.put("k", b"new", if_version=version)
    assert store.get("k").data == b"the other's"


def test_a_put_of_which_nothing_can_be_learnt_fails(broken):
    store, proxy = broken
    proxy.inject(Fault.lose(), kind="PUT", times=None)
    proxy.inject(SLOW, kind="HEAD", times=None)
    with pytest.raises((StorageUnavailable, CommitConflict), match="a/k: "):
        store.put("k", b"new", if_version=None)


def test_a_conflict_that_s3_answers_is_one(broken):
    store, proxy = broken
    proxy.inject(
        Fault.answer(409, "ConditionalRequestConflict"), kind="PUT", times=None
    )
    with pytest.raises(
        CommitConflict, match="a/k: another run has written it meanwhile"
    ):
        store.put("k", b"new", if_version=None)


@pytest.mark.parametrize("kind", ["GET", "LIST", "HEAD"])
@pytest.mark.parametrize("status", [409, 412])
def test_what_only_reads_has_no_conflicts(broken, kind, status):
    store, proxy = broken
    proxy.inject(Fault.answer(status, "OperationAborted"), kind=kind, times=None)
    with pytest.raises(StorageUnavailable, match=f"the storage answered .*{status}"):
        calls(store)[kind]()


def test_a_file_over_the_limit_of_one_put_is_refused_and_not_sent(broken):
    store, proxy = broken
    with store.temp_path("k") as scratch:
        with scratch.open("wb") as file:
            file.truncate(PUT_LIMIT + 1)
        with pytest.raises(
            LocationError,
            match="a checkpoint of 5368709121 bytes is over S3's limit of 5368709120 for one a",
        ):
            store.put("k", scratch, if_version=None)
    assert not scratch.exists()
    assert proxy.count("PUT") == 0


def test_a_listing_goes_on_where_obstore_cannot(odd):
    listed = [entry.key for page in odd.list() for entry in page]
    assert listed == sorted(ODD)
    assert [entry.key for page in odd.list(after="x/../y") for entry in page] == [
        "z",
        "\x7f",
        "é",
    ]
    assert [entry.key for page in odd.list(after="x") for entry in page] == [
        "x/../y",
        "z",
        "\x7f",
        "é",
    ]


@pytest.mark.parametrize("key", ODD)
def test_a_key_that_obstore_cannot_name_is_read(odd, key):
    found = odd.get(key)
    assert found.data == key.encode()
    assert odd.head(key) == (key, len(key.encode()), found.version)
    with pytest.raises(TooLargeError) as raised:
        odd.get(key, limit=len(key.encode()) - 1)
    assert (raised.value.version, raised.value.size) == (
        found.version,
        len(key.encode()),
    )


def test_a_missing_key_that_obstore_cannot_name_is_missing(odd):
    with pytest.raises(ObjectMissing, match="no such object"):
        odd.get("no//thing")
    assert odd.head("no//thing") is None


def test_errors_of_the_other_way_are_translated_too(at_moto):
    store = open_store("s3://nowhere/p")
    for act in (lambda: store.get("a//b"), lambda: list(store.list(after="a//b"))):
        with pytest.raises(LocationError, match="s3://nowhere: no such bucket"):
            act()


def test_where_there_is_no_other_way_an_odd_key_is_refused(memory):
    for act in (lambda: memory.get("a//b"), lambda: memory.head("a//b")):
        with pytest.raises(
            LocationError,
            match="memory://.*: a key holds characters that this storage cannot name",
        ):
            act()


def keys_of(uri, **how):
    return [entry.key for page in open_store(uri).list(**how) for entry in page]


def filled(server, name, keys, body=b"{}"):
    server.client().create_bucket(Bucket=name)
    for key in keys:
        server.client().put_object(Bucket=name, Key=key, Body=body)
    return f"s3://{name}"


def test_the_object_that_a_console_makes_for_the_folder_itself_has_an_empty_key(
    at_moto,
):
    assert keys_of(filled(at_moto, "console", ["p/", "p/k"], b"") + "/p") == ["", "k"]


SLASHES = [
    ["/aws/x.json"],
    ["/aws/x.json", "aws/x.json"],
    ["/aws/x.json", "b", "c"],
    ["/-x", "a"],
    ["-x", "/.x", "0", "z"],
    ["0", "a"],
    ["/", "a/", "a/b"],
    ["a/", "a/b"],
    ["a", "a.json", "a/", "b"],
    ["a//b", "a/b", "z"],
]


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["empty", "full"])
@pytest.mark.parametrize("keys", SLASHES, ids=" ".join)
def test_a_bucket_read_as_a_whole_is_listed_with_the_keys_it_has(
    at_moto, keys, body, request
):
    uri = filled(at_moto, f"whole-{abs(hash(request.node.name))}", keys, body)
    assert keys_of(uri) == sorted(keys)
    assert keys_of(uri, after=min(keys)) == sorted(keys)[1:]
    for end in {*keys, *(key.strip("/") or "0" for key in keys), "a0", "~"}:
        expected = sorted(key for key in keys if key < end)
        assert keys_of(uri, before=end) == expected, end


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_listing_is_the_same_however_its_pages_are_cut(at_moto, monkeypatch, most):
    keys = ["a.json", "a/", "x.json", "x.json/", "x.json/y", "y//z", "z", "z1"]
    uri = filled(at_moto, f"cut-{most}", [f"p/{key}" for key in keys])
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(most))
    assert keys_of(f"{uri}/p") == keys
    for end in keys:
        assert keys_of(f"{uri}/p", before=end) == [key for key in keys if key < end]


def test_a_listing_without_odd_keys_needs_no_boto3(at_moto):
    uri = filled(at_moto, "plain", ["p/a", "p/b/c"])
    code = "import sys; from reporting_framework.storage import open_store\n" + (
        "print([e.key for u in sys.argv[1:] for p in open_store(u).list() for e in p], 'boto3' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, f"{uri}/p", uri],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "['a', 'b/c', 'p/a', 'p/b/c'] False"


def test_a_few_empty_objects_need_no_boto3_and_a_marker_is_told_from_one(at_moto):
    few = filled(at_moto, "empty", ["p/a", "p/b"], b"")
    code = (
        "import sys; from reporting_framework.storage import open_store\n"
        "print([e.key for p in open_store(sys.argv[1]).list() for e in p], 'boto3' in sys.modules)"
    )
    command = [sys.executable, "-c", code, f"{few}/p"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['a', 'b'] False"
    assert keys_of(f"{filled(at_moto, 'marker', ['p/a', 'p/b/'], b'')}/p") == [
        "a",
        "b/",
    ]
    many = [f"p/{number:02}" for number in range(bucket_listing.MAX_HEADS + 1)]
    assert len(keys_of(f"{filled(at_moto, 'many', many, b'')}/p")) == len(many)


def test_only_empty_objects_of_the_listing_are_looked_up_and_all_at_once(broken):
    store, proxy = broken
    for key in "abcdef":
        store.put(key, b"", if_version=None)
    proxy.reset()
    proxy.delay("HEAD", 0.5)
    began = time.monotonic()
    assert [e.key for page in store.list(after="a", before="f") for e in page] == list(
        "bcde"
    )
    assert proxy.count("HEAD") == 4
    assert time.monotonic() - began < 4 * 0.5, "one after the other"
    list(store.list())
    assert proxy.count("HEAD") == 6, "each once"


MODIFIED = "<LastModified>2024-01-01T00:00:00.000Z</LastModified>"
FIRST = ([f"p/{number:04}" for number in range(1000)], True)


@pytest.mark.parametrize(
    "page", [FIRST, (["p/b", "p/a"], False)], ids=["a page for good", "out of order"]
)
def test_a_listing_whose_keys_do_not_grow_is_refused(monkeypatch, page):
    with listing_server(page) as server:
        lead_to(server, monkeypatch)
        with pytest.raises(
            StorageUnavailable,
            match="listing of bucket any does not go on: '[^']+' follows '[^']+'",
        ):
            keys_of("s3://any/p")


def test_a_key_that_a_page_begins_with_again_is_listed_again(monkeypatch):
    with listing_server(FIRST, (["p/0999", "p/1000"], False)) as server:
        lead_to(server, monkeypatch)
        assert keys_of("s3://any/p")[998:] == ["0998", "0999", "0999", "1000"]


def test_a_key_that_is_listed_twice_is_named_once(monkeypatch):
    """The files of a table, of a history and of an archive are found so."""
    again = (["p/0999", "p/0999", "p/1000", "p/1000"], False)
    with listing_server(FIRST, again) as server:
        lead_to(server, monkeypatch)
        assert list(list_keys(open_store("s3://any/p"))) == [
            f"{number:04}" for number in range(1001)
        ]


def test_an_empty_bucket_has_no_keys(monkeypatch):
    with listing_server(([], False)) as server:
        lead_to(server, monkeypatch)
        assert keys_of("s3://any") == keys_of("s3://any/p") == []


NO_LISTING = {
    "an error": b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>",
    "a page to log in": b"<html><body>Log in</body></html>",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", NO_LISTING.values(), ids=NO_LISTING)
@pytest.mark.parametrize("before", [[], [FIRST]], ids=["at once", "after a page"])
def test_an_answer_that_is_no_listing_is_an_error(monkeypatch, answer, before):
    with listing_server(*before, answer) as server:
        lead_to(server, monkeypatch)
        with pytest.raises(StorageUnavailable):
            keys_of("s3://any/p")


def test_an_answer_that_is_no_listing_once_loses_nothing(monkeypatch):
    with listing_server(NO_LISTING["an error"], (["p/a"], False)) as server:
        lead_to(server, monkeypatch)
        assert keys_of("s3://any/p") == ["a"]


def test_a_page_that_has_more_and_no_token_is_no_end(monkeypatch):
    keys = "".join(
        f"<Contents><Key>{key}</Key><Size>2</Size><ETag>1</ETag>{MODIFIED}</Contents>"
        for key in FIRST[0]
    )
    without = f"<ListBucketResult><IsTruncated>true</IsTruncated>{keys}</ListBucketResult>".encode()
    with listing_server(without, (["p/1000"], False)) as server:
        lead_to(server, monkeypatch)
        assert keys_of("s3://any/p")[998:] == ["0998", "0999", "1000"]


def test_a_server_that_always_has_more_and_no_keys_is_refused(monkeypatch):
    monkeypatch.setattr(bucket_listing, "TIMEOUT_SECONDS", 1)
    with listing_server(([], True)) as server:
        lead_to(server, monkeypatch)
        with pytest.raises(StorageUnavailable, match="does not go on: '' follows ''"):
            keys_of("s3://any/p")


def test_a_message_is_one_line_whatever_the_key(broken):
    store, _ = broken
    with pytest.raises(ObjectMissing) as raised:
        store.get("a\nb")
    assert re.fullmatch(r"s3://\S+/a/a b: no such object", str(raised.value))


def test_a_store_needs_no_options_of_polars_in_memory():
    from obstore.store import MemoryStore

    store = BucketStore(Location("memory", "m", ""), MemoryStore())
    store.put("k", b"content", if_version=None)
    assert store.scan("k").source == b"content"
    assert store.scan("k").options == {}


def replace(store):
    return store.replace(
        "k", b"new", content_type="text/plain", metadata={"count": "1"}
    )


def test_replacing_is_one_request_and_keeps_type_and_metadata(broken, s3, bucket):
    store, proxy = broken
    store.put("k", b"old", if_version=None)
    proxy.reset()
    version = replace(store)
    assert [each.method for each in proxy.requests] == ["PUT"]
    answer = s3.client().get_object(Bucket=bucket, Key="a/k")
    assert (answer["ContentType"], answer["Metadata"], answer["ETag"]) == (
        "text/plain",
        {"count": "1"},
        version,
    )


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault.answer(403, "AccessDenied"), AccessDenied, "access denied"),
        (Fault.answer(404, "NoSuchBucket"), LocationError, "no such bucket"),
        (
            Fault.answer(409, "OperationAborted"),
            StorageUnavailable,
            "the storage answered 409",
        ),
        (Fault.answer(503, "SlowDown"), StorageUnavailable, "the storage answered 503"),
        (Fault.cut(), StorageUnavailable, "the storage did not answer"),
    ],
)
def test_what_keeps_from_replacing_is_told(broken, fault, error, message):
    store, proxy = broken
    proxy.inject(fault, kind="PUT", times=None)
    with pytest.raises(error, match=message):
        replace(store)


def test_replacing_survives_a_lost_answer(broken):
    store, proxy = broken
    proxy.inject(Fault.lose(), kind="PUT")
    assert replace(store) == store.get("k").version
