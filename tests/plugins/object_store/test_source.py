"""The source: nothing that arrives is missed, nothing is read twice, and what cannot be read is told."""

import functools
import gzip
import itertools
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from reporting_framework import ReadFailure, Rejection, Split, Trigger
from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    StorageUnavailable,
)
from reporting_framework.storage import folder, open_store, sending
from reporting_framework.testing.s3 import lead_to
from reporting_object_store.json_source import batches, listing_state, object_reader
from reporting_object_store.json_source import source as module
from tests.support import Fault
from tests.support.listings import listing_server
from tests.support.plugins import (
    START,
    checkpoint,
    event,
    execute,
    metadata,
    name_of,
    pipeline,
    rows_of,
    source,
    source_keys_of,
    take,
)
from tests.support.properties import given_few

_numbers = itertools.count(1)
BASE = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
    days=200
)


class Ledger:
    """A ledger of a few objects, that notes what it is asked."""

    def __init__(
        self, objects=(), *, rows=0, newest=None, hints=None, quarantined=None
    ):
        self.objects, self.rows, self.newest, self.hints = (
            set(objects),
            rows,
            newest,
            hints or {},
        )
        self.quarantined = quarantined or {}
        self.asked = []

    def newest_until(self, moment):
        return self.newest and min(self.newest, moment)

    def filter_new(self, objects, version_of):
        self.asked.append(list(objects))
        changed = {
            key
            for key in objects
            if key in self.quarantined and version_of(key) != self.quarantined[key]
        }
        return [
            key
            for key in objects
            if key in changed or key not in self.objects | self.quarantined.keys()
        ]


def memory(objects=()):
    uri = f"memory://source-{next(_numbers)}/p"
    fill(uri, objects)
    return uri


def fill(uri, objects):
    store = open_store(uri)
    for key, data in dict(objects).items():
        try:
            store.put(key, data, if_version=None)
        except CommitConflict:  # it is there already
            store.put(key, data, if_version=store.head(key).version)


def read(uri, keys, **how):
    made = source(uri, **{"include": "*"} | how)
    [split] = made._new_plan().splits(
        iter([module.Entry(key, None, None) for key in keys])
    )
    return list(made.read(split))


def read_one(data, key="k", **how):
    [batch] = read(memory({key: data}), [key], **how)
    return batch


def kinds(batch):
    return [
        (rejection.source_key, rejection.error_type) for rejection in batch.rejected
    ]


# -- reading ------------------------------------------------------------------------------------------------------------


def test_records_come_with_their_source_key_and_version():
    uri = memory(
        {
            "a": b'{"n": 1}',
            "b": b"[1, 2]",
            "c": gzip.compress(b'{"n": 3}\n{"n": 4}\n'),
            "d#1": b"{}",
        }
    )
    [batch] = read(uri, ["a", "b", "c", "d#1"])
    assert batch.source_keys == ["a", "b#1", "b#2", "c#1", "c#2", "d#1#1"]
    assert batch.payloads == [b'{"n": 1}', b"1", b"2", b'{"n": 3}', b'{"n": 4}', b"{}"]
    versions = [
        open_store(uri).head(key).version for key in ("a", "b", "b", "c", "c", "d#1")
    ]
    assert batch.versions == versions
    assert (batch.frame, batch.rejected, batch.unread) == (None, [], [])


@pytest.mark.parametrize("data", [b"[]", b" [ ] ", gzip.compress(b"[]", mtime=0)])
def test_an_object_of_no_records_is_rejected_as_empty(data):
    batch = read_one(data)
    assert (batch.source_keys, kinds(batch)) == ([], [("k", "empty")])


@pytest.mark.parametrize("data", [b"", b"\n", b" \n\n "])
def test_an_empty_list_of_lines_is_rejected_as_empty(data):
    assert kinds(read_one(data, "k.ndjson")) == [("k.ndjson", "empty")]


def test_an_empty_file_is_a_record_that_a_validator_refuses():
    assert read_one(b"").payloads == [b""]


def test_a_record_over_the_limit_is_rejected_and_the_others_are_not():
    big = json.dumps({"x": "y" * (2 << 20)}).encode()
    assert kinds(read_one(big)) == [("k", "too_large")]
    batch = read_one(b'{"a": 1}\n' + big + b'\n{"b": 2}')
    assert (batch.source_keys, kinds(batch)) == (["k#1", "k#3"], [("k#2", "too_large")])
    batch = read_one(b"[1, 22, 333]", max_record_bytes=2)
    assert (batch.payloads, kinds(batch)) == ([b"1", b"22"], [("k#3", "too_large")])


def test_an_object_over_the_limit_is_not_read():
    assert kinds(read_one(b"x" * 11, max_object_bytes=10)) == [("k", "too_large")]
    assert kinds(read_one(b"x" * 11, "k#7", max_object_bytes=10)) == [
        ("k#7#1", "too_large")
    ]
    assert read_one(b"x" * 10, max_object_bytes=10).source_keys == ["k"]


def test_a_bomb_and_a_broken_gzip_are_rejected():
    assert kinds(read_one(gzip.compress(bytes(1 << 20)), max_object_bytes=1 << 19)) == [
        ("k", "too_large")
    ]
    assert kinds(read_one(gzip.compress(b"{}")[:-1])) == [("k", "gzip_invalid")]


def test_deep_nesting_is_a_record_like_any_other(tmp_path):
    deep = b'{"study": ' + b"[" * 100_000 + b"]" * 100_000 + b', "number": 1}'
    result = take(
        memory({name_of(1): deep, name_of(2): event(2)}), tmp_path / "x.parquet"
    )
    assert (result.accepted, result.rejected) == (1, 1)


def test_batches_and_splits_are_bounded(monkeypatch):
    monkeypatch.setattr(object_reader, "BATCH_BYTES", 10)
    monkeypatch.setattr(batches, "RECORD_BYTES", 0)
    monkeypatch.setattr(module, "SPLIT_BYTES", 12)
    monkeypatch.setattr(module, "SPLIT_FILES", 4)
    uri = memory(
        {f"{number}": b"x" * 5 for number in range(5)} | {"5": b"x" * 50, "6": b""}
    )
    made = source(uri, include="*")
    splits = list(made.plan(Ledger()))
    assert [split.data["keys"] for split in splits] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
        ["5"],
        ["6"],
    ]
    assert [split.id for split in splits] == ["0", "2", "4", "5", "6"]
    [all_keys] = made._new_plan().splits(
        [module.Entry(f"{number}", 1, None) for number in range(4)]
    )
    assert [len(batch.source_keys) for batch in made.read(all_keys)] == [2, 2, 0]


@pytest.mark.parametrize("remote", [True, False])
def test_the_number_of_objects_in_a_split_is_bounded(
    monkeypatch, s3_environment, bucket, tmp_path, remote
):
    monkeypatch.setattr(module, "SPLIT_OBJECTS", 2)
    monkeypatch.setattr(module, "SPLIT_FILES", 3)
    uri = f"s3://{bucket}" if remote else str(tmp_path)
    fill(uri, {f"{number}": b"{}" for number in range(5)})
    made = source(uri, include="[0-9]")
    assert [len(split.data["keys"]) for split in made.plan(Ledger())] == (
        [2, 2, 1] if remote else [3, 2]
    )
    assert made.parallelism == (3 if remote else 1)


def test_a_split_of_a_folder_has_fewer_large_files(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SPLIT_FILE_BYTES", 2_500)
    monkeypatch.setattr(module, "LARGE_FILE", 1_000)
    fill(str(tmp_path), {f"{number}": b" " * 1_000 for number in range(5)})
    made = source(str(tmp_path), include="[0-9]")
    splits = made.plan(Ledger())
    assert [len(split.data["keys"]) for split in splits] == [2, 2, 1]
    assert made.parallelism == 2


def test_ignored_files_do_not_hide_the_size_of_those_behind_them(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "PAGE_SIZE", 2)
    monkeypatch.setattr(module, "SPLIT_FILE_BYTES", 2_500)
    fill(str(tmp_path), {f"{number}": b" " * 1_000 for number in range(5)})
    fill(str(tmp_path), {f".{number}": b"" for number in range(4)})
    made = source(str(tmp_path), include="[0-9]")
    splits = made.plan(Ledger())
    assert [len(split.data["keys"]) for split in splits] == [2, 2, 1]


def test_files_of_two_splits_are_never_read_at_once(tmp_path):
    """Two threads read files more slowly than one."""
    fill(str(tmp_path), {f"{number}": b"{}" for number in range(4)})
    made = source(str(tmp_path), include="[0-9]")
    reading: list[str] = []
    get = made.store.get

    def slow(key, **options):
        reading.append(key)
        time.sleep(0.01)
        assert reading == [key]
        reading.clear()
        return get(key, **options)

    made.store.get = slow
    halves = [Split("0", {"keys": ["0", "1"]}), Split("2", {"keys": ["2", "3"]})]
    with ThreadPoolExecutor(2) as pool:
        batches = list(pool.map(lambda split: list(made.read(split)), halves))
    assert [keys for (batch,) in batches for keys in batch.source_keys] == list("0123")


# -- what cannot be read ------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(s3_environment, proxy, bucket, monkeypatch):
    """The URI of a folder behind the proxy, and the proxy; what fails is tried once more."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return f"s3://{bucket}/events", proxy


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.answer(403, "AccessDenied"), "denied"),
        (Fault.answer(403, "InvalidObjectState"), "archived"),
        (Fault.answer(404, "NoSuchKey"), "missing"),
        (Fault.answer(404, "NoSuchBucket"), "unavailable"),
        (Fault.answer(503, "SlowDown"), "unavailable"),
        (Fault.answer(409, "OperationAborted"), "unavailable"),
        (Fault.cut(), "unavailable"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.code or value.kind,
)
def test_an_object_that_cannot_be_read_is_unread_and_tried_again_first_thing(
    behind, tmp_path, fault, reason
):
    """Also by a run that lists only what is new, and however old the object is."""
    uri, proxy = behind
    old = name_of(1, at=BASE)
    fill(
        uri,
        {old: event(1, at=BASE)}
        | {
            name_of(n, at=BASE + timedelta(days=n)): event(
                n, at=BASE + timedelta(days=n)
            )
            for n in (90, 91)
        },
    )
    proxy.inject(fault, key=f"events/{old}*", times=None)
    place = tmp_path / "x.parquet"
    first = execute(pipeline(made := source(uri), checkpoint(place)))
    assert (first.status, first.objects_unread, first.accepted) == ("partial", 1, 2)
    [split] = made._new_plan().splits([module.Entry(old, None, None)])
    assert [batch.unread for batch in made.read(split)] == [[ReadFailure(old, reason)]]
    proxy.reset()
    if reason != "missing":  # it is there, and still cannot be read
        proxy.inject(fault, key=f"events/{old}*", times=None)
        again = take(uri, place)
        assert (again.objects_unread, again.accepted) == (1, 0)
        proxy.reset()
    last = take(uri, place)
    assert (last.status, last.objects_unread, last.accepted) == ("ok", 0, 1)
    assert source_keys_of(place)[0] == old


def test_an_unread_object_that_has_gone_is_forgotten(behind, tmp_path, s3, bucket):
    uri, proxy = behind
    fill(uri, {name_of(number): event(number) for number in (1, 2)})
    proxy.inject(
        Fault.answer(403, "AccessDenied"),
        kind="GET",
        key=f"events/{name_of(1)}",
        times=None,
    )
    assert take(uri, tmp_path / "x.parquet").objects_unread == 1
    s3.client().delete_object(Bucket=bucket, Key=f"events/{name_of(1)}")
    proxy.reset()
    assert take(uri, tmp_path / "x.parquet").status == "ok"


def test_unread_objects_are_not_read_twice_where_they_are_listed_too(
    tmp_path, monkeypatch
):
    """They are asked for by name and lie in the look-back besides; questions to the ledger are in small portions."""
    monkeypatch.setattr(module, "LOOKUP_OBJECTS", 2)
    uri = memory({name_of(number): event(number) for number in range(6)})
    names = [name_of(number) for number in range(6)]
    hints = hints_of(uri, unread=names[2:])
    made = source(uri)
    splits = list(
        made.plan(Ledger(rows=1, newest=datetime(2024, 1, 1, tzinfo=UTC), hints=hints))
    )
    assert sorted(key for split in splits for key in split.data["keys"]) == names


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.answer(403, "AccessDenied"), AccessDenied),
        (Fault.answer(404, "NoSuchBucket"), LocationError),
        (Fault.answer(503, "SlowDown"), StorageUnavailable),
        (Fault.cut(), StorageUnavailable),
    ],
    ids=["denied", "bucket", "busy", "cut"],
)
@pytest.mark.parametrize("incremental", [False, True])
def test_a_listing_that_fails_fails_the_run(
    behind, tmp_path, fault, error, incremental
):
    uri, proxy = behind
    fill(uri, {name_of(1): event(1)})
    if incremental:
        take(uri, tmp_path / "x.parquet")
    proxy.inject(fault, kind="LIST", times=None)
    with pytest.raises(error):
        take(uri, tmp_path / "x.parquet")


@pytest.mark.parametrize(
    "others", [[], ["odd//key"]], ids=["tidy", "beside an odd key"]
)
@pytest.mark.parametrize("body", [b"", b"full"], ids=["empty", "full"])
def test_the_object_that_a_console_made_for_a_folder_is_ignored_and_counted(
    moto_place, tmp_path, body, others
):
    store, put = moto_place
    for key in ("", "sub/", "a.json/"):
        put(key, body)
    for number, key in enumerate(["a.json", "a.json-", *others]):
        put(key, event(number))
    for _ in range(2):
        result = take(
            store.location.uri, tmp_path / "x.parquet", include="*", name_pattern=None
        )
        assert (result.status, result.objects_ignored, result.rejected) == ("ok", 3, 0)
        assert sorted(result.ignored_samples) == ["/", "a.json/", "sub/"]
    assert source_keys_of(tmp_path / "x.parquet") == ["a.json", "a.json-", *others]
    assert result.records_read == 0


@pytest.mark.parametrize(
    "others",
    [[], ["odd//key"], ["aws/x.json"]],
    ids=["alone", "beside an odd key", "twin"],
)
@pytest.mark.parametrize("how", ["listed", "named", "replayed"])
def test_a_key_that_begins_with_a_slash_is_read_under_that_key(
    moto, moto_place, tmp_path, others, how
):
    store, _ = moto_place
    keys = ["/aws/x.json", *others]
    for number, key in enumerate(keys):
        body = b"no JSON" if how == "replayed" else event(number)
        moto.client().put_object(Bucket=store.location.root, Key=key, Body=body)
    uri, place = f"s3://{store.location.root}", tmp_path / "x.parquet"
    if how == "named":
        made = source(uri, include="*", name_pattern=None)
        named = [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": store.location.root},
                  "object": {"key": key}}} for key in keys]  # fmt: skip
        made.accept_trigger(Trigger("s3", {"Records": named}, names_work=True))
        assert execute(pipeline(made, checkpoint(place))).accepted == len(keys)
    result = take(uri, place, include="*", name_pattern=None)
    if how == "replayed":
        assert result.rejected == len(keys)
        for number, key in enumerate(keys):
            moto.client().put_object(
                Bucket=store.location.root, Key=key, Body=event(number)
            )
        execute(
            pipeline(source(uri, include="*", name_pattern=None), checkpoint(place)),
            replay=keys,
        )
    assert (result.status, result.duplicates) == ("ok", 0)
    assert source_keys_of(place) == keys
    assert take(uri, place, include="*", name_pattern=None).records_read == 0


def test_a_key_that_is_listed_twice_is_taken_once_and_counted(monkeypatch, tmp_path):
    first = [f"p/{number:04}" for number in range(1000)]
    with listing_server(
        (first, True), (["p/0999", "p/1000"], False), body=event(1)
    ) as server:
        lead_to(server, monkeypatch)
        result = take(
            "s3://any/p", tmp_path / "x.parquet", include="*", name_pattern=None
        )
    assert (result.records_read, result.accepted, result.duplicates, result.status) == (
        1002,
        1001,
        1,
        "ok",
    )
    assert (
        len(set(source_keys_of(tmp_path / "x.parquet")))
        == len(rows_of(tmp_path / "x.parquet"))
        == 1001
    )


def test_a_listing_that_never_ends_fails_the_run_and_writes_nothing(
    monkeypatch, tmp_path
):
    with listing_server(
        ([f"p/{number:04}" for number in range(1000)], True), body=event(1)
    ) as server:
        lead_to(server, monkeypatch)
        with pytest.raises(StorageUnavailable, match="does not go on"):
            take("s3://any/p", tmp_path / "x.parquet", include="*", name_pattern=None)
    assert not (tmp_path / "x.parquet").exists()


def test_an_object_that_goes_between_listing_and_reading_is_missing(moto_place):
    store, put = moto_place
    put("full/", b"not a folder")
    made = source(store.location.uri)
    [split] = made._new_plan().splits(
        [module.Entry("gone", None, None), module.Entry("full", None, None)]
    )
    [batch] = made.read(split)
    assert batch.unread == [ReadFailure("gone", "missing")]
    assert batch.ignored == ["full/"]


KEYS = [
    "a b.json",
    "100%.json",
    "a%20b.json",
    "é.json",
    "log#1",
    "q?a=1",
    "#7",
    "x/..y.json",
]
UNTIDY = ["x//y.json", "../up.json", "./here.json", "x/../y.json", "tab\t.json"]


def test_keys_of_any_kind_are_read_once_in_a_bucket(moto_place, tmp_path):
    store, put = moto_place
    check_keys(store.location.uri, put, KEYS + UNTIDY, tmp_path)


def test_keys_with_newlines_are_read_once_in_a_bucket(s3_environment, bucket, tmp_path):
    def put(key, data):
        s3_environment.client().put_object(Bucket=bucket, Key=f"p/{key}", Body=data)

    check_keys(
        f"s3://{bucket}/p", put, [*KEYS, "a\nb.json", "a\r\n\x7fb.json"], tmp_path
    )


def test_keys_of_any_kind_are_read_once_in_a_folder(tmp_path):
    folder = tmp_path / "events"
    (folder / "x").mkdir(parents=True)
    check_keys(
        folder,
        lambda key, data: (folder / key).write_bytes(data),
        [*KEYS, "a\nb.json", "tab\t"],
        tmp_path,
    )


def check_keys(uri, put, keys, tmp_path):
    for number, key in enumerate(keys):
        put(key, event(number))
    result = take(uri, tmp_path / "x.parquet", include="*", name_pattern=None)
    assert (result.status, result.accepted) == ("ok", len(keys))
    expected = [{"log#1": "log#1#1", "#7": "#7#1"}.get(key, key) for key in keys]
    assert source_keys_of(tmp_path / "x.parquet") == expected
    assert (
        take(uri, tmp_path / "x.parquet", include="*", name_pattern=None).records_read
        == 0
    )


def swap(volume, number, body):
    """Put the next version of a volume in place as Kubernetes does."""
    new = volume / f"..2024_01_0{number}"
    new.mkdir(parents=True)
    (new / "log-a.json").write_bytes(body)
    (volume / "..data_tmp").symlink_to(new.name)
    (volume / "..data_tmp").replace(volume / "..data")
    if number > 1:
        shutil.rmtree(volume / f"..2024_01_0{number - 1}")
    else:
        (volume / "log-a.json").symlink_to("..data/log-a.json")


@pytest.mark.parametrize("include", ["*", "log-*.json"])
def test_a_file_of_a_volume_of_kubernetes_is_one_row_before_and_after_a_swap(
    tmp_path, include
):
    for number in (1, 2, 3):
        swap(tmp_path / "in", number, event(1))
        result = take(
            tmp_path / "in", tmp_path / "x.parquet", include=include, name_pattern=None
        )
        assert (result.accepted, result.objects_ignored) == (number == 1, 2)
        assert result.ignored_samples == [f"..2024_01_0{number}/", "..data/"]
    assert source_keys_of(tmp_path / "x.parquet") == ["log-a.json"]


@pytest.mark.parametrize("link", ["hardlink_to", "symlink_to"])
@pytest.mark.parametrize(
    ("file", "others"),
    [("log-b.json", ["log-a.json", "x"]), ("data", ["log-b.json", "log-c.json"])],
)
def test_a_file_that_is_reached_twice_is_one_under_a_name_that_is_read(
    tmp_path, link, file, others
):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / file).write_bytes(event(1))
    for name in others:
        getattr(folder / name, link)(folder / file)
    (folder / "log-z.json").write_bytes(event(1))
    result = take(folder, tmp_path / "x.parquet", name_pattern=None)
    assert (result.accepted, result.objects_ignored) == (2, 2)
    first = (
        "log-a.json" if file == "log-b.json" and link == "hardlink_to" else "log-b.json"
    )
    assert source_keys_of(tmp_path / "x.parquet") == [first, "log-z.json"]
    assert take(folder, tmp_path / "x.parquet", name_pattern=None).records_read == 0


def test_a_name_that_no_table_can_hold_is_ignored(tmp_path):
    import os

    folder = os.fsencode(tmp_path / "events")
    os.mkdir(folder)
    with open(folder + b"/\xff.json", "wb") as file:
        file.write(event(1))
    result = take(tmp_path / "events", tmp_path / "x.parquet", include="*")
    assert (result.objects_ignored, result.ignored_samples, result.records_read) == (
        1,
        ["\\udcff.json"],
        0,
    )


def test_a_quarantined_file_is_asked_for_its_version_and_no_other(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"{}")
    made = source(tmp_path, include="*")
    version = open_store(str(tmp_path)).head("a").version
    assert list(made.plan(Ledger(objects=["b"], quarantined={"a": version}))) == []
    [split] = made.plan(Ledger(objects=["b"], quarantined={"a": "another"}))
    assert split.data["keys"] == ["a"]


def test_a_quarantined_file_that_goes_meanwhile_is_tried(tmp_path):
    (tmp_path / "a").write_bytes(b"{}")
    made = source(tmp_path, include="*")

    class Removing(Ledger):
        def filter_new(self, objects, version_of):
            (tmp_path / "a").unlink(missing_ok=True)
            assert version_of("a") is None
            return list(objects)

    [split] = made.plan(Removing())
    assert [batch.unread for batch in made.read(split)] == [
        [ReadFailure("a", "missing")]
    ]


# -- what is listed -----------------------------------------------------------------------------------------------------


def hints_of(place, **changes):
    made = source(place)
    now = datetime.now(UTC)
    return {
        **made._identity,
        "listed": now.isoformat(),
        "looked": now.isoformat(),
        "ranges": {"log-submit-": []},
        "dated": "",
        "unread": [],
        "rows": 1,
    } | changes


OLD, NEW = name_of(1, at=BASE), name_of(2, at=BASE + timedelta(days=90))


def found(uri, *, rows=1, newest=BASE + timedelta(days=90), hints=None, **how):
    made = source(uri, **how)
    splits = list(made.plan(Ledger(rows=rows, newest=newest, hints=hints)))
    return [key for split in splits for key in split.data["keys"]]


@pytest.fixture
def two():
    return memory({OLD: b"{}", NEW: b"{}"})


def test_what_is_new_is_found_without_what_is_old(two):
    assert found(two, hints=hints_of(two)) == [NEW]
    assert found(two, hints=hints_of(two), lookback_days=100) == [OLD, NEW]


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "memory://another/p"},
        {"names": ["log-*.txt", None]},
        {"listed": None},
        pytest.param(
            {"listed": (datetime.now(UTC) - timedelta(days=8)).isoformat()},
            id="long ago",
        ),
        pytest.param(
            {"listed": (datetime.now(UTC) + timedelta(days=8)).isoformat()},
            id="in days to come",
        ),
        {"listed": "yesterday"},
        {"listed": 7},
        {"looked": 7},
        {"ranges": {}},
        {"ranges": ["log-submit-"]},
        {"ranges": {"log-submit-": None}},
        {"ranges": None},
        {"unread": 7},
        {"rows": 2},
        {"rows": "many"},
        None,
    ],
    ids=str,
)
def test_hints_that_do_not_fit_are_of_no_use(two, changes):
    hints = {} if changes is None else hints_of(two, **changes)
    assert found(two, hints=hints) == [OLD, NEW]


@pytest.mark.parametrize(
    "how",
    [
        {"newest": None},
        {"full_scan": True},
        {"name_pattern": None},
        {"full_scan_every_days": 0},
    ],
    ids=str,
)
def test_other_reasons_to_list_everything(two, how):
    assert found(two, hints=hints_of(two), **how) == [OLD, NEW]


def test_a_moment_without_a_zone_is_no_reason_to_fail(two):
    listed = datetime.now(UTC).replace(tzinfo=None).isoformat()
    assert found(two, hints=hints_of(two, listed=listed)) in ([NEW], [OLD, NEW])


def test_an_event_of_next_year_does_not_hide_this_year_s(two):
    hints = hints_of(two)
    late = datetime.now(UTC) - timedelta(days=1)
    fill(two, {name_of(3, at=late): b"{}"})
    assert found(two, hints=hints, newest=datetime.now(UTC) + timedelta(days=400)) == [
        name_of(3, at=late)
    ]
    assert found(two, hints=hints, newest=datetime(9999, 12, 31, tzinfo=UTC)) == [
        name_of(3, at=late)
    ]


@pytest.mark.parametrize(
    "grouped", [False, True], ids=["one file", "a file for each study"]
)
def test_a_backfill_is_found_at_once_whatever_is_dated_in_the_future(tmp_path, grouped):
    uri, place = memory(), tmp_path / ("{study}.parquet" if grouped else "x.parquet")
    years_ago = BASE - timedelta(days=700)
    fill(uri, {name_of(1, at=years_ago): event(1, at=years_ago)})
    future = {
        name_of(number, at=START.replace(year=2131)): event(
            number, at=START.replace(year=2131)
        )
        for number in (2, 3)
    }
    fill(uri, future)
    assert take(uri, place).accepted == 3
    backfill = [
        years_ago - timedelta(days=20) + timedelta(minutes=number)
        for number in range(4, 54)
    ]
    fill(
        uri,
        {
            name_of(number, at=at): event(number, at=at)
            for number, at in enumerate(backfill, 4)
        },
    )
    result = take(uri, place)
    assert (result.accepted, result.records_read) == (50, 50)
    assert take(uri, place).records_read == 0


def test_what_was_in_the_future_at_the_last_run_moves_no_look_back_past_that_run(two):
    newest = datetime.now(UTC) - timedelta(days=1)
    looked = BASE + timedelta(days=30)
    assert found(two, newest=newest, hints=hints_of(two)) == []
    assert found(
        two, newest=newest, hints=hints_of(two, looked=looked.isoformat())
    ) == [OLD, NEW]


def test_the_look_back_is_the_same_after_runs_that_found_nothing_new(two):
    """Such a run stores no hints: the start of an earlier one serves as well, unless a row is newer."""
    newest, looked = BASE + timedelta(days=90), datetime.now(UTC) - timedelta(days=3)
    hints = hints_of(two, looked=looked.isoformat())

    def stored(newest, rows):
        made = source(two)
        list(made.plan(Ledger(rows=1, newest=newest, hints=hints)))
        return made.next_hints(complete=True, unread=[], rows=rows)

    assert stored(newest, 1) == hints
    for other, rows in ((newest, 2), (looked + timedelta(days=9), 1)):
        now = datetime.fromisoformat(stored(other, rows)["looked"])
        assert now - looked > timedelta(days=2)


def test_what_is_newer_than_the_last_run_is_said_with_the_start_of_that_run(two):
    looked = datetime(2023, 1, 1, tzinfo=UTC)
    hints = hints_of(two, looked=looked.isoformat())
    for last_run in (None, looked - timedelta(days=1), looked + timedelta(days=1)):
        began = max(looked, last_run or looked)
        absent = source(two).absence(OLD, Ledger(rows=1, hints=hints), last_run)
        assert f" and the last run began at {began:%Y-%m-%d}" in absent.text


def told(made):
    plan_stats = made.plan_stats()
    return plan_stats.listing, plan_stats.listed_from, plan_stats.full_scan_due


def test_what_was_listed_is_told(two, tmp_path):
    def planned(**how):
        made = source(two, **how)
        list(made.plan(Ledger(rows=1, newest=newest, hints=hints)))
        return made

    newest, hints = BASE + timedelta(days=90, hours=5), hints_of(two)
    listed = datetime.fromisoformat(hints["listed"])
    assert told(planned()) == (
        "window",
        BASE + timedelta(days=55),
        listed + timedelta(days=7),
    )
    listing, since, due = told(planned(full_scan=True))
    assert (listing, since) == ("full", None)
    assert due - timedelta(days=7) - datetime.now(UTC) < timedelta(minutes=1)
    assert told(planned(name_pattern=None)) == ("full", None, None), (
        "each run lists everything"
    )
    made = source(two)
    list(made.plan_replay([OLD]))
    assert told(made) == ("named", None, None)
    (tmp_path / "in").mkdir()
    made = source(tmp_path / "in")
    list(made.plan(Ledger()))
    assert told(made) == ("full", None, None)


def test_a_listing_that_was_not_handled_to_its_end_is_due_at_once(two, monkeypatch):
    monkeypatch.setattr(module, "SPLIT_FILES", 1)
    made = source(two)
    next(iter(made.plan(Ledger())))
    assert made.plan_stats().full_scan_due <= datetime.now(UTC)


def test_the_first_day_there_is_is_early_enough(two):
    assert found(two, hints=hints_of(two), newest=datetime(1, 1, 2, tzinfo=UTC)) == [
        OLD,
        NEW,
    ]


def test_hints_say_what_the_next_run_needs(two):
    made = source(two)
    list(made.plan(Ledger()))
    left = made.next_hints(complete=True, unread=["u", "t"], rows=7)
    assert (left["ranges"], left["dated"]) == ({"log-submit-": []}, NEW[11:19])
    assert (left["unread"], left["rows"]) == (["t", "u"], 7)
    assert datetime.now(UTC) - datetime.fromisoformat(left["listed"]) < timedelta(
        minutes=1
    )
    assert json.loads(json.dumps(left)) == left
    assert made.next_hints(complete=False, unread=[], rows=7)["listed"] is None


def test_a_run_that_lists_what_is_new_does_not_pass_for_a_full_one(two):
    hints = hints_of(two)
    made = source(two)
    list(made.plan(Ledger(rows=1, newest=BASE, hints=hints)))
    assert (
        made.next_hints(complete=True, unread=[], rows=1)["listed"] == hints["listed"]
    )


def test_more_unread_objects_than_are_kept_mean_a_full_listing(two, monkeypatch):
    monkeypatch.setattr(listing_state, "UNREAD_KEPT", 2)
    made = source(two)
    list(made.plan(Ledger()))
    left = made.next_hints(complete=True, unread=["a", "b", "c"], rows=0)
    assert (left["listed"], left["unread"]) == (None, ["a", "b"])


def test_a_folder_leaves_no_hints(tmp_path):
    made = source(tmp_path)
    list(made.plan(Ledger()))
    assert made.next_hints(complete=True, unread=[], rows=0) == {}


def test_a_folder_that_was_not_listed_to_its_end_is_counted_all_the_same(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "SPLIT_FILES", 2)
    for number in range(2500):
        (tmp_path / f"log-submit-20240101-{number:06}.json").touch()
    made = source(tmp_path)
    [first, *_] = itertools.islice(
        made.plan(Ledger(["log-submit-20240101-002499.json"])), 1
    )
    assert made.plan_stats().waiting == 2500 - len(first.data["keys"]) - 1


def test_a_survey_counts_what_is_not_handed_out(two):
    made = source(two, include="*", name_pattern=None)
    fill(two, {"other": b"{}"})
    plan = iter(made.plan(Ledger()))
    next(plan)
    assert made.plan_stats().waiting == 0
    assert list(plan) == []
    assert (made.plan_stats().ignored, made.plan_stats().ignored_samples) == (0, ())


@pytest.mark.slow
def test_requests_do_not_grow_with_what_is_old(behind, tmp_path):
    uri, proxy = behind

    def fill_hours(hours):
        store, moments = open_store(uri), [BASE + timedelta(hours=h) for h in hours]
        with ThreadPoolExecutor(32) as pool:
            write = functools.partial(store.put, if_version=None)
            list(
                pool.map(
                    write,
                    [name_of(0, at=at) for at in moments],
                    [event(0, at=at) for at in moments],
                )
            )

    def counted():
        proxy.reset()
        assert take(uri, tmp_path / "x.parquet", lookback_days=1).records_read == 0
        return proxy.count()

    fill_hours(range(2000, 2050))
    take(uri, tmp_path / "x.parquet")
    few = counted()
    fill_hours(range(1200))
    proxy.reset()
    assert take(uri, tmp_path / "x.parquet", full_scan=True).accepted == 1200
    assert proxy.count("LIST") == 2, "a page holds 1000"
    assert counted() == few <= 6


def test_a_run_that_finds_nothing_new_writes_only_its_record_in_the_history(behind):
    uri, proxy = behind
    fill(uri, {OLD: event(0, at=BASE), "log-submit-bad.json": b"{}"})
    table = f"{uri}-out/x.parquet"
    assert take(uri, table).accepted == 1
    for _ in range(2):
        proxy.reset()
        assert take(uri, table).records_read == 0
        written = [each.key for each in proxy.requests if each.kind == "PUT"]
        assert written == ["events-out/_runs/x/runs.ndjson"]


def test_several_sources_do_not_wait_for_each_other_s_requests(behind):
    uri, proxy = behind
    fill(uri, {f"{number}": b"{}" for number in range(32)})
    proxy.delay("GET", 0.5)
    began = time.monotonic()
    [batch] = read(uri, [str(number) for number in range(32)], max_in_flight=32)
    assert len(batch.source_keys) == 32
    assert time.monotonic() - began < 32 * 0.5, "one after the other"


# -- nothing is missed --------------------------------------------------------------------------------------------------

LOOKBACK = 10
arrival = st.tuples(
    st.sampled_from(["a", "a-b", "submit", "zz"]),
    st.integers(0, 60 * 24),  # hours after BASE: what the name says
    st.integers(-47, 47),  # hours by which the record's clock is off
    st.integers(0, 2),  # the run before which it arrives
    st.sampled_from(["good", "good", "bad"]),
)


@given_few(
    st.lists(arrival, max_size=12, unique_by=lambda each: (each[0], each[1])),
    st.booleans(),
)
def test_whatever_the_order_of_arrival_nothing_is_missed_or_taken_twice(
    arrivals, late_is_within
):
    """A model of a bucket: objects arrive in any order, their clocks off by days, in ranges that nobody knew of.

    After each run everything is taken that arrived by then, if it is dated within the look-back before the newest event,
    or if its range is new; after the next full scan everything is, and each exactly once.
    """
    uri, place = memory(), f"memory://source-{next(_numbers)}/out/x.parquet"
    arrived, taken, ranges, newest = {}, set(), set(), None
    for run in range(3):
        for number, (action, hours, skew, before, kind) in enumerate(arrivals):
            if before == run:
                named = BASE + timedelta(hours=hours)
                name = name_of(number, action=action, at=named)
                moment = named + timedelta(hours=skew)
                fill(
                    uri, {name: event(number, at=moment) if kind == "good" else b"bad"}
                )
                arrived[name] = (action, named, moment, kind)
        full = newest is None or (run == 2 and not late_is_within)
        first = "" if full else f"{newest - timedelta(days=LOOKBACK):%Y%m%d}"
        due = {
            name
            for name, (action, named, _, _) in arrived.items()
            if full or action not in ranges or f"{named:%Y%m%d}" >= first
        } - taken
        result = take(uri, place, lookback_days=LOOKBACK, full_scan=full)
        assert result.records_read == len(due), "exactly what can be new is read"
        taken |= due
        good = {
            name: moment
            for name, (_, _, moment, kind) in arrived.items()
            if kind == "good" and name in taken
        }
        assert result.accepted + result.rejected == len(due)
        ranges |= {arrived[name][0] for name in taken}
        newest = max(good.values(), default=None)
        kept = open_store(place.rpartition("/")[0])
        if good:
            assert sorted(source_keys_of(kept.get("x.parquet").data)) == sorted(good)
    assert take(uri, place, full_scan=True).records_read == len(arrived.keys() - taken)
    good = sorted(name for name, (_, _, _, kind) in arrived.items() if kind == "good")
    if good:
        assert sorted(source_keys_of(kept.get("x.parquet").data)) == good


def test_a_rejection_by_the_source_is_one(tmp_path):
    uri = memory({name_of(1): b"x" * 200})
    execute(
        pipeline(
            source(uri, max_record_bytes=100),
            sink := checkpoint(tmp_path / "x.parquet"),
        )
    )
    assert metadata(sink).quarantine.versions([name_of(1)]) == {
        name_of(1): open_store(uri).head(name_of(1)).version
    }
    assert Rejection(name_of(1), None, "too_large").field is None
