"""The sink: one commit, whoever else writes, whatever the storage answers, and always the same bytes."""

import itertools
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_framework import Rejection, SettingsError, Split
from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    CorruptCheckpoint,
    LocationError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.records import object_of
from reporting_framework.storage import attempts, open_store, sending
from reporting_object_store.parquet_sink import checkpoint as checkpoint_module
from reporting_object_store.parquet_sink.append import AppendCommit
from tests.plugins.object_store.tables import (
    START,
    WIDE,
    divided,
    in_order,
    rows,
    shared,
    table,
)
from tests.support import Fault
from tests.support.plugins import (
    checkpoint,
    event,
    metadata,
    name_of,
    snapshot,
    source_keys_of,
    take,
)
from tests.support.properties import given_few

_numbers = itertools.count(1)


def place():
    return f"memory://sink-{next(_numbers)}/out"


def content(uri):
    """Bytes of every checkpoint below a place in memory, by key."""
    store = open_store(uri)
    return {
        entry.key: store.get(entry.key).data for page in store.list() for entry in page
    }


def row(number, source_key=None, study="a"):
    return (
        study,
        None,
        number,
        0,
        None,
        True,
        None,
        START.replace(minute=number % 60),
        source_key or f"k{number:05}",
    )


def commit(uri, *parts, ask=True, **settings):
    """One run of a sink: it is asked for the rows' objects, unless a source does not, and gets them in these parts."""
    sink = checkpoint(uri, **settings)
    sink.open(WIDE)
    ledger = sink.ledger()
    if ask:
        ledger.filter_new(
            sorted({object_of(each[-1]) for part in parts for each in part})
        )
    staged_parts = [
        sink.stage(table(part), Split(str(at), {}), 0)
        for at, part in enumerate(parts)
        if part
    ]
    try:
        return sink.commit(staged_parts)
    finally:
        sink.close()


# -- what is committed --------------------------------------------------------------------------------------------------


@given_few(
    found=rows,
    draw=st.data(),
    template=st.sampled_from(
        ["x.parquet", "{study}/x.parquet", "{study}-{small}.parquet", "{day}.parquet"]
    ),
)
def test_the_same_rows_give_the_same_bytes_however_they_came(found, draw, template):
    """One run or many, any number of staged parts, any order: the same files with the same bytes, no row lost or doubled."""
    found = [(each[0], each[1], each[2], each[3] % 3, *each[4:]) for each in found]
    whole, pieces = place(), place()
    commit(f"{whole}/{template}", found)
    for run in shared(
        draw, draw.draw(st.permutations(found)), draw.draw(st.integers(1, 3))
    ):
        commit_result = commit(f"{pieces}/{template}", *divided(draw, run))
        assert sum(output.new_rows for output in commit_result.outputs) == len(run)
        assert commit_result.duplicates == 0
    assert content(whole) == content(pieces)
    kept = [
        each
        for data in content(whole).values()
        for each in pl.read_parquet(data).rows()
    ]
    assert in_order(kept) == in_order(found)


@given_few(found=rows, draw=st.data())
def test_rows_that_are_there_already_are_left_out(found, draw):
    """Whatever was committed before, by a source that asks or one that does not: new ones are added, others counted."""
    uri = f"{place()}/x.parquet"
    first, _ = shared(draw, found, 2)
    commit(uri, first)
    commit_result = commit(uri, *shared(draw, found, 3), ask=draw.draw(st.booleans()))
    assert commit_result.duplicates == len(first)
    assert sum(output.new_rows for output in commit_result.outputs) == len(found) - len(
        first
    )
    if found:
        assert pl.read_parquet(
            open_store(uri.rpartition("/")[0]).get("x.parquet").data
        ).rows() == in_order(found)


def test_a_receipt_tells_of_every_output():
    uri = f"{place()}/{{study}}.parquet"
    commit(uri, [row(1, study="a"), row(5, study="b")])
    commit_result = commit(uri, [row(2, study="a"), row(3, study="c")])
    assert [
        (output.uri.rpartition("/")[2], output.rows, output.new_rows)
        for output in commit_result.outputs
    ] == [
        ("a.parquet", 2, 1),
        ("b.parquet", 1, 0),
        ("c.parquet", 1, 1),
    ]
    assert commit_result.newest == START.replace(minute=5)
    store = open_store(uri.rpartition("/")[0])
    for output in commit_result.outputs:
        found = store.get(output.uri.rpartition("/")[2])
        assert (output.version, output.bytes) == (found.version, len(found.data))


@pytest.mark.parametrize("before", [False, True], ids=["into nothing", "into rows"])
def test_a_row_that_is_staged_twice_is_taken_once(before):
    uri = f"{place()}/x.parquet"
    if before:
        commit(uri, [row(0)])
    commit_result = commit(uri, [row(1), row(2)], [row(2), row(3)], ask=False)
    assert (commit_result.duplicates, commit_result.outputs[0].new_rows) == (1, 3)
    [data] = content(uri.rpartition("/")[0]).values()
    source_keys = pl.read_parquet(data)["source_key"]
    assert len(source_keys) == source_keys.n_unique() == 3 + before


def test_nothing_staged_changes_nothing():
    uri = f"{place()}/x.parquet"
    assert list(commit(uri).outputs) == []
    commit(uri, [row(1)])
    before = content(uri.rpartition("/")[0])
    [output] = commit(uri).outputs
    assert (output.rows, output.new_rows) == (1, 0)
    assert content(uri.rpartition("/")[0]) == before


def test_the_compression_is_as_set(tmp_path):
    for compression in ("zstd", "snappy"):
        commit(
            tmp_path / f"{compression}.parquet",
            [row(number) for number in range(50)],
            compression=compression,
        )
    one, other = (
        tmp_path / f"{compression}.parquet" for compression in ("zstd", "snappy")
    )
    assert b"\x28\xb5\x2f\xfd" in one.read_bytes(), (
        "the mark of a zstd frame (RFC 8878)"
    )
    assert b"\x28\xb5\x2f\xfd" not in other.read_bytes()
    assert pl.read_parquet(one).equals(pl.read_parquet(other))


def test_a_folder_holds_nothing_but_checkpoints_and_locks(tmp_path):
    commit(
        tmp_path / "{study}" / "x.parquet", [row(1, study="a"), row(2, study="é/..")]
    )
    assert set(snapshot(tmp_path)) == {
        "a/x.parquet",
        "a/.x.parquet.lock",
        "%C3%A9%2F../x.parquet",
        "%C3%A9%2F../.x.parquet.lock",
    }


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "a [b] *?" / "#1 100%"
    for number in (1, 2):
        commit(folder / "x [1]*.parquet", [row(number)])
    assert pl.read_parquet(folder / "x [1]*.parquet", glob=False).height == 2


def test_values_of_any_kind_have_a_file_of_their_own(
    s3_environment, bucket, monkeypatch
):
    """Also in a bucket, and where polars reads the files in part."""
    monkeypatch.setattr(checkpoint_module, "READ_WHOLE", 10)
    studies = ["a b", "100%", "ü", "..", "", "~null", "_x", "a/b", "a?b#1", "x" * 300]
    uri = f"s3://{bucket}/out put/{{study}}/x.parquet"
    commit(uri, [row(number, study=study) for number, study in enumerate(studies)])
    commit_result = commit(
        uri, [row(number + 20, study=study) for number, study in enumerate(studies)]
    )
    assert [(output.rows, output.new_rows) for output in commit_result.outputs] == [
        (2, 1)
    ] * len(studies)


# -- the ledger ---------------------------------------------------------------------------------------------------------


def test_the_ledger_is_that_of_all_files():
    uri = f"{place()}/{{study}}.parquet"
    commit(uri, [row(1, "a#1", "a"), row(9, "a#2", "b"), row(3, "b", "c")])
    sink = checkpoint(uri)
    sink.open(WIDE)
    ledger = sink.ledger()
    assert (ledger.rows, ledger.newest) == (3, START.replace(minute=9))
    assert ledger.filter_new(["c", "b", "a", "d"]) == ["c", "d"]
    assert ledger.filter_new([]) == []


def test_foreign_files_are_passed_over_and_so_is_the_quarantine(tmp_path):
    commit(tmp_path / "{study}" / "x.parquet", [row(1)])
    quarantine = metadata(checkpoint(tmp_path / "{study}" / "x.parquet")).quarantine
    quarantine.replace_entries(
        [], [Rejection("k", None, "missing")], run_id="r", at=START
    )
    assert quarantine.uri == f"{tmp_path}/_quarantine/{{study}}/x.parquet"
    for name in ("a/y.parquet", "a/b/x.parquet", ".h/x.parquet", "x.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"foreign")
    assert [
        output.rows for output in commit(tmp_path / "{study}" / "x.parquet").outputs
    ] == [1]


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path):
    assert list(commit(tmp_path / "new" / "{study}" / "x.parquet").outputs) == []
    assert not (tmp_path / "new").exists()


def test_a_bucket_that_is_not_there_is_no_empty_one(s3_environment):
    for template in ("x.parquet", "{study}/x.parquet"):
        with pytest.raises(LocationError, match="s3://no-bucket-here: no such bucket"):
            commit(f"s3://no-bucket-here/out/{template}")


def test_one_of_several_that_is_corrupt_stops_the_run():
    uri = f"{place()}/{{study}}.parquet"
    commit(uri, [row(1, study="a"), row(2, study="b")])
    store = open_store(uri.rpartition("/")[0])
    store.put("b.parquet", b"x", if_version=store.head("b.parquet").version)
    with pytest.raises(
        CorruptCheckpoint, match="b.parquet: not a parquet file that can be read"
    ):
        commit(uri)


# -- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [pl.String(), pl.Date(), pl.Datetime("us"), pl.Datetime("ns", "UTC")]
)
def test_a_column_that_rows_cannot_be_sorted_by_is_refused(dtype):
    sink = checkpoint("memory://m/x.parquet", timestamp="when")
    with pytest.raises(SettingsError) as raised:
        sink.open(pl.Schema({"when": dtype, "source_key": pl.String()}))
    assert str(raised.value) == (
        "sink parquet-checkpoint: setting timestamp names when, which is not a column of Datetime (us or ms) with a time "
        f"zone; there are when ({dtype}), source_key (String)"
    )


def test_a_column_that_there_is_not_is_refused():
    with pytest.raises(
        SettingsError, match="setting timestamp names when, which is not a column"
    ):
        checkpoint("memory://m/x.parquet", timestamp="when").open(WIDE)
    with pytest.raises(SettingsError, match="no column nothing; there are study, note"):
        checkpoint("memory://m/{nothing}.parquet").open(WIDE)


def test_a_row_without_a_moment_is_refused_in_words():
    sink = checkpoint("memory://m/x.parquet")
    sink.open(WIDE)
    frame = table([row(1)]).with_columns(
        timestamp=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    message = "sink parquet-checkpoint: column timestamp holds a null, and rows are sorted by it; let the validator require"
    with pytest.raises(SettingsError, match=message):
        sink.stage(frame, Split("s", {}), 0)


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_a_quarantine_in_the_place_of_a_checkpoint_is_refused(template):
    uri = f"memory://m/out/{template}"
    own = uri.format(study="a")
    sink = checkpoint(uri, quarantine=own)
    with pytest.raises(
        SettingsError,
        match=f"setting quarantine names {own}, where a checkpoint goes; name another",
    ):
        sink.open(WIDE)
    checkpoint(uri, quarantine="memory://m/elsewhere/x.parquet").open(WIDE)


def test_the_quarantine_lies_where_it_was_set(tmp_path):
    assert (
        metadata(checkpoint(tmp_path / "x.parquet")).quarantine.uri
        == f"{tmp_path}/_quarantine/x.parquet"
    )
    assert (
        metadata(
            checkpoint(tmp_path / "x.parquet", quarantine=f"{tmp_path}/q.parquet")
        ).quarantine.uri
        == f"{tmp_path}/q.parquet"
    )


def test_a_checkpoint_that_is_not_in_order_is_sorted(tmp_path, caplog):
    """By the commit that adds rows; one that finds nothing new leaves it as it is."""
    wrong = table([row(2), row(1), row(0, "b"), row(0, "a")])
    wrong.write_parquet(tmp_path / "x.parquet")
    before = snapshot(tmp_path)["x.parquet"]
    assert commit(tmp_path / "x.parquet", [row(1)]).duplicates == 1
    assert snapshot(tmp_path)["x.parquet"] == before
    commit_result = commit(tmp_path / "x.parquet", [row(1), row(0, "ab")])
    assert (commit_result.duplicates, commit_result.newest) == (
        1,
        START.replace(minute=2),
    )
    found = pl.read_parquet(tmp_path / "x.parquet")
    assert found["source_key"].to_list() == ["a", "ab", "b", "k00001", "k00002"]
    assert (
        f"{tmp_path}/x.parquet: its rows were not in order; they are sorted"
        in caplog.text
    )
    assert not list(tmp_path.glob("*.tmp"))


# -- other writers ------------------------------------------------------------------------------------------------------


def overtaking(sink, *others):
    """Let one of `others` write whenever the sink is about to."""
    put, left = sink.store.put, list(others)

    def overtaken(key, data, *, if_version):
        if left:
            left.pop(0)()
        return put(key, data, if_version=if_version)

    sink.store.put = overtaken


def test_whoever_loses_the_race_merges_into_what_won():
    uri = f"{place()}/x.parquet"
    commit(uri, [row(1)])
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger().filter_new(["k00002", "k00003"])
    overtaking(
        sink, lambda: commit(uri, [row(2), row(5)]), lambda: commit(uri, [row(6)])
    )
    commit_result = sink.commit(
        [sink.stage(table([row(2), row(3)]), Split("s", {}), 0)]
    )
    assert commit_result.duplicates == 1
    assert [(output.rows, output.new_rows) for output in commit_result.outputs] == [
        (5, 1)
    ]
    assert pl.read_parquet(content(uri.rpartition("/")[0])["x.parquet"])[
        "number"
    ].to_list() == [1, 2, 3, 5, 6]


def test_whoever_finds_everything_there_writes_nothing():
    uri = f"{place()}/x.parquet"
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger().filter_new(["k00001"])
    overtaking(sink, lambda: commit(uri, [row(1)]))
    commit_result = sink.commit([sink.stage(table([row(1)]), Split("s", {}), 0)])
    assert (
        commit_result.duplicates,
        commit_result.outputs[0].new_rows,
        commit_result.outputs[0].rows,
    ) == (1, 0, 1)


def test_whoever_never_gets_a_turn_gives_up(monkeypatch):
    monkeypatch.setattr(attempts, "MAX_ATTEMPTS", 3)
    uri = f"{place()}/x.parquet"
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger()
    overtaking(
        sink,
        *(lambda number=number: commit(uri, [row(number)]) for number in range(2, 9)),
    )
    with pytest.raises(
        CommitConflict,
        match=r"x.parquet: other runs were faster 3 times in a row; run again",
    ):
        sink.commit([sink.stage(table([row(1)]), Split("s", {}), 0)])


def test_a_conflict_that_nobody_can_see_yet_is_tried_again():
    """S3 answers 409 while another's write is under way: nothing has changed, and yet it is no failure."""
    uri = f"{place()}/x.parquet"
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger()

    def conflict():
        raise CommitConflict("409")

    overtaking(sink, conflict, conflict)
    commit_result = sink.commit([sink.stage(table([row(1)]), Split("s", {}), 0)])
    assert commit_result.outputs[0].new_rows == 1


def test_what_was_half_of_two_versions_is_read_again(tmp_path, monkeypatch):
    """A reader may see the old version's end and the new one's beginning: only what has not changed is to blame."""
    uri = f"{place()}/x.parquet"
    commit(uri, [row(number) for number in range(10)])
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger()
    new_rows, times = AppendCommit._new_rows, []

    def torn(self, file, pieces, elsewhere, *, check):
        if self._sink is not sink:
            return new_rows(self, file, pieces, elsewhere, check=check)
        times.append(check)
        if len(times) == 1:
            commit(uri, [row(20)])
            raise CorruptCheckpoint("torn")
        return new_rows(self, file, pieces, elsewhere, check=check)

    monkeypatch.setattr(AppendCommit, "_new_rows", torn)
    commit_result = sink.commit([sink.stage(table([row(30)]), Split("s", {}), 0)])
    assert times[1:] == [True]
    assert commit_result.outputs[0].rows == 12


@pytest.mark.parametrize(
    "error",
    [CorruptCheckpoint("broken"), StorageUnavailable("gone"), AccessDenied("denied")],
)
def test_what_has_not_changed_is_to_blame(error):
    uri = f"{place()}/x.parquet"
    commit(uri, [row(1)])
    before = content(uri.rpartition("/")[0])
    sink = checkpoint(uri)
    sink.open(WIDE)
    sink.ledger()

    def fail():
        raise error

    overtaking(sink, fail)
    with pytest.raises(type(error), match=str(error)):
        sink.commit([sink.stage(table([row(2)]), Split("s", {}), 0)])
    assert content(uri.rpartition("/")[0]) == before


def writer(uri, number, gate=None, **environment):
    """One of several writers at once: each has rows of its own and some that all have."""
    import os

    os.environ.update(environment)
    if gate is not None:
        gate.wait()
    own = [row(each, f"own-{number}-{each:02}") for each in range(10)]
    common = [row(each, f"all-{each:02}") for each in range(10)]
    commit_result = commit(uri, own[:5], own[5:] + common[:5], common[5:])
    return sum(
        output.new_rows for output in commit_result.outputs
    ), commit_result.duplicates


def check_race(uri, found, writers):
    assert sum(new for new, _ in found) == 10 * writers + 10
    assert all(new + duplicates == 20 for new, duplicates in found)
    expected = [
        row(each, f"own-{number}-{each:02}")
        for number in range(writers)
        for each in range(10)
    ]
    expected += [row(each, f"all-{each:02}") for each in range(10)]
    [data] = [
        data
        for key, data in content(uri.rpartition("/")[0]).items()
        if key.endswith(".parquet")
    ]
    assert pl.read_parquet(data).rows() == in_order(expected)


@pytest.mark.parametrize("kind", ["memory", "folder", "s3"])
def test_writers_in_threads_lose_and_double_nothing(request, tmp_path, kind):
    if kind == "s3":
        request.getfixturevalue("s3_environment")
    bucket = request.getfixturevalue("bucket") if kind == "s3" else ""
    uri = {
        "memory": f"{place()}/x.parquet",
        "folder": f"{tmp_path}/x.parquet",
        "s3": f"s3://{bucket}/o/x.parquet",
    }[kind]
    gate = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: writer(uri, number, gate), range(4)))
    check_race(uri, found, 4)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_writers_in_processes_lose_and_double_nothing(request, tmp_path, kind):
    environment = (
        request.getfixturevalue("s3_environment").environment() if kind == "s3" else {}
    )
    uri = (
        f"s3://{request.getfixturevalue('bucket')}/x.parquet"
        if kind == "s3"
        else f"{tmp_path}/x.parquet"
    )
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        waiting = [
            pool.apply_async(writer, (uri, number), environment) for number in range(3)
        ]
        found = [each.get(60) for each in waiting]
    check_race(uri, found, 3)


# -- a bucket's answers -------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(s3_environment, proxy, bucket, monkeypatch):
    """The URI of a checkpoint behind the proxy, and the proxy; what fails is tried once more."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return f"s3://{bucket}/out/x.parquet", proxy


@pytest.mark.parametrize("first", [True, False])
def test_rows_of_a_put_whose_answer_was_lost_are_new_and_no_duplicates(behind, first):
    uri, proxy = behind
    if not first:
        commit(uri, [row(0)])
    rule = proxy.inject(Fault.lose(), kind="PUT")
    commit_result = commit(uri, [row(1), row(2)])
    assert rule.fired == 1
    assert (commit_result.duplicates, commit_result.outputs[0].new_rows) == (0, 2)
    assert (
        commit_result.outputs[0].version
        == open_store(uri.rpartition("/")[0]).head("x.parquet").version
    )


def test_an_incremental_commit_asks_for_as_little_as_it_can(behind):
    uri, proxy = behind
    commit(uri, [row(1)])
    proxy.reset()
    commit(uri, [row(2)])
    asked = [
        each.kind
        for each in proxy.requests
        if not each.key.startswith("out/_quarantine/")
    ]
    assert asked == ["GET", "PUT"], "one to read the checkpoint, one to write it"


def test_a_datetime_in_a_key_is_its_text():
    uri = f"{place()}/{{timestamp}}.parquet"
    commit(uri, [row(1)])
    [key] = content(uri.rpartition("/")[0])
    assert key == "2024-01-01%2000%3A01%3A00%2B00%3A00.parquet"
    assert datetime(2024, 1, 1, 0, 1, tzinfo=UTC) == START.replace(minute=1)


def test_a_file_of_another_checkpoint_is_not_taken_for_one_of_its_own(tmp_path):
    commit(tmp_path / "all.parquet", [row(1, study="alpha")])
    sink = checkpoint(tmp_path / "{study}.parquet")
    sink.open(WIDE)
    with pytest.raises(
        CorruptCheckpoint,
        match="all.parquet: it holds rows that belong into alpha.parquet; it is of",
    ):
        sink.ledger()


@pytest.mark.parametrize("column", ["timestamp", "source_key"])
def test_a_null_where_rows_are_sorted_is_refused(tmp_path, column):
    path = tmp_path / "x.parquet"
    table([row(1), row(2)]).with_columns(
        pl.lit(None, WIDE[column]).alias(column)
    ).write_parquet(path)
    before = path.read_bytes()
    with pytest.raises(
        CorruptCheckpoint, match="column timestamp or source_key holds a null"
    ):
        commit(path, [row(3)])
    assert path.read_bytes() == before


def test_there_is_one_quarantine():
    with pytest.raises(ValidationError, match="there is one quarantine for all files"):
        checkpoint(
            "memory://m/{study}.parquet", quarantine="memory://m/q/{study}.parquet"
        )


def test_a_row_of_a_changed_object_stays_in_the_file_that_has_it(tmp_path):
    """Its new content names another file for the row: the source key is taken once all the same."""
    events, place = tmp_path / "in", tmp_path / "out" / "{study}" / "x.parquet"
    events.mkdir()
    for study in "ab":
        (events / name_of(1)).write_bytes(b"\n".join([b"{}", event(1, study=study)]))
        take(events, place)
    assert source_keys_of(tmp_path / "out" / "a" / "x.parquet") == [f"{name_of(1)}#2"]
    assert not (tmp_path / "out" / "b" / "x.parquet").exists()
