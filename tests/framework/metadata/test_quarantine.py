"""The quarantine against a plain model of it, and what is said when it cannot be read."""

import io
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import strategies as st

from reporting_framework import Rejection, line_source_key, object_of, single_source_key
from reporting_framework.errors import AccessDenied, CommitConflict, CorruptCheckpoint
from reporting_framework.metadata.quarantine import BEGUN, DISCARDED_PREFIX, SCHEMA
from reporting_framework.storage import attempts, open_store, parse_location, sending
from tests.support import Fault
from tests.support.plugins import quarantine_at
from tests.support.properties import given_few

AT = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = ("a", "b", "a#1", "a#1#2", "x y/é#", "#7")
_numbers = itertools.count(1)

key = st.sampled_from(KEYS)
version = st.sampled_from(["1", "2", None])
rejected = st.builds(
    lambda key, line, version, kind: Rejection(
        line_source_key(key, line) if line else single_source_key(key),
        version,
        kind,
        "f",
    ),
    key,
    st.integers(0, 2),
    version,
    st.sampled_from(["missing", "filtered"]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.lists(key, min_size=1, max_size=3, unique=True)),
        st.tuples(
            st.just("settle"), st.sets(key, max_size=3), st.lists(rejected, max_size=4)
        ),
        st.tuples(st.just("discard"), st.sets(key, max_size=2)),
        st.tuples(st.just("reopen")),
    ),
    max_size=8,
)


def place():
    return parse_location(f"memory://quarantine-{next(_numbers)}/_quarantine/x.parquet")


def fresh():
    return quarantine_at(place())


class Model:
    """What a quarantine does, as a dict of source keys."""

    def __init__(self):
        self.rows = {}

    def mark_in_progress(self, objects):
        self.rows |= {line_source_key(each, 0): (None, BEGUN) for each in objects}

    def replace_entries(self, reread, rejections):
        before = self.rows
        self.rows = {
            source_key: row
            for source_key, row in self.rows.items()
            if object_of(source_key) not in reread
        }
        for each in rejections:
            self.rows[each.source_key] = (each.version, each.error_type)
        for each in {each.source_key: each for each in rejections}.values():
            version, kind = before.get(each.source_key, ("", ""))
            if version == each.version and kind.startswith(DISCARDED_PREFIX):
                self.rows[each.source_key] = before[each.source_key]

    def discard(self, objects):
        chosen = [
            source_key
            for source_key in self.entries()
            if object_of(source_key) in objects
        ]
        self.rows |= {
            source_key: (
                self.rows[source_key][0],
                DISCARDED_PREFIX + self.rows[source_key][1],
            )
            for source_key in chosen
        }
        return len(chosen)

    def entries(self):
        return sorted(
            source_key
            for source_key, (_, kind) in self.rows.items()
            if not kind.startswith((BEGUN, DISCARDED_PREFIX))
        )

    def versions(self, objects):
        known = {}
        for source_key, (version, kind) in self.rows.items():
            if object_of(source_key) in objects:
                known.setdefault(object_of(source_key), set()).add(
                    None if kind == BEGUN else version
                )
        return {
            each: found.pop() if len(found) == 1 else None
            for each, found in known.items()
        }


@given_few(steps, st.sets(key))
def test_it_does_as_a_dict_does(steps, asked):
    """Any series of `mark_in_progress`, `replace_entries` and `discard`, reopened or not, leaves what a dict would."""
    here = place()
    quarantine, model = quarantine_at(here), Model()
    for name, *arguments in steps:
        if name == "reopen":
            quarantine = quarantine_at(here)
        elif name == "begin":
            quarantine.mark_in_progress(*arguments)
            model.mark_in_progress(*arguments)
        elif name == "discard":
            entries = quarantine.entries()
            chosen = entries.filter(
                [
                    object_of(source_key) in arguments[0]
                    for source_key in entries["source_key"]
                ]
            )
            assert quarantine.discard(chosen) == model.discard(*arguments)
        else:
            state = quarantine.replace_entries(*arguments, run_id="r", at=AT)
            model.replace_entries(*arguments)
            assert state.rows == len(model.entries())
    for each in (quarantine, quarantine_at(here)):
        assert each.versions(sorted(asked)) == model.versions(asked)
        assert each.entries()["source_key"].to_list() == model.entries()
    if model.rows:
        rows = pl.read_parquet(open_store(here.parent).get("x.parquet").data)
        assert rows.schema == SCHEMA
        assert {row[0]: (row[1], row[2]) for row in rows.rows()} == model.rows
        assert rows["source_key"].to_list() == sorted(model.rows)


def test_what_is_set_down():
    quarantine = fresh()
    state = quarantine.replace_entries(
        [], [Rejection("k#2", "v", "missing", "study")], run_id="run", at=AT
    )
    assert (state.uri, state.rows) == (quarantine.uri, 1)
    rows = pl.read_parquet(
        open_store(parse_location(quarantine.uri).parent).get("x.parquet").data
    )
    assert rows.rows() == [("k#2", "v", "missing", "study", "run", AT)]


def test_the_last_reason_for_a_source_key_counts():
    quarantine = fresh()
    quarantine.replace_entries(
        [], [Rejection("k", "1", "a"), Rejection("k", "2", "b")], run_id="r", at=AT
    )
    assert quarantine.versions(["k"]) == {"k": "2"}


def test_lines_read_at_two_versions_are_to_be_read_again():
    quarantine = fresh()
    quarantine.replace_entries(
        [], [Rejection("k#1", "1", "a"), Rejection("k#2", "2", "b")], run_id="r", at=AT
    )
    assert quarantine.versions(["k", "other"]) == {"k": None}
    assert quarantine.versions([]) == {}


def test_nothing_to_say_writes_nothing(tmp_path):
    quarantine = quarantine_at(parse_location(str(tmp_path / "q" / "x.parquet")))
    assert quarantine.replace_entries(["k"], [], run_id="r", at=AT).rows == 0
    assert quarantine.versions(["k"]) == {}
    quarantine.load()
    assert not (tmp_path / "q").exists()


def test_runs_at_once_lose_nothing(tmp_path):
    """Four writers set down five objects each, begun and settled, in a folder and in memory."""
    for here in (parse_location(str(tmp_path / "q" / "x.parquet")), place()):
        gate = threading.Barrier(4)

        def write(number, here=here, gate=gate):
            quarantine = quarantine_at(here)
            gate.wait()
            for each in range(5):
                quarantine.mark_in_progress([f"{number}-{each}"])
                quarantine.replace_entries(
                    [f"{number}-{each}"],
                    [Rejection(f"{number}-{each}#1", "v", "t")],
                    run_id="r",
                    at=AT,
                )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        objects = [f"{number}-{each}" for number in range(4) for each in range(5)]
        assert quarantine_at(here).versions(objects) == dict.fromkeys(objects, "v")


def test_drops_and_runs_at_once_lose_nothing(tmp_path):
    """Each discards its own five while the others set down theirs: nothing comes back, nothing else goes."""
    for here in (parse_location(str(tmp_path / "q" / "x.parquet")), place()):
        quarantine = quarantine_at(here)
        first = [
            Rejection(f"{writer}-{each}", "v", "t")
            for writer in range(3)
            for each in range(5)
        ]
        quarantine.replace_entries([], first, run_id="r", at=AT)
        gate = threading.Barrier(3)

        def write(number, here=here, gate=gate):
            quarantine, discarded = quarantine_at(here), 0
            entries = quarantine.entries()
            gate.wait()
            for each in range(5):
                discarded += quarantine.discard(
                    entries.filter(pl.col("source_key") == f"{number}-{each}")
                )
                quarantine.replace_entries(
                    [], [Rejection(f"{number}-new-{each}", "v", "t")], run_id="s", at=AT
                )
            return discarded

        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(write, range(3))) == [5, 5, 5]
        found = quarantine_at(here)
        assert found.entries()["source_key"].to_list() == sorted(
            f"{w}-new-{each}" for w in range(3) for each in range(5)
        )
        assert set(found.versions([each.source_key for each in first]).values()) == {
            "v"
        }


def test_what_changed_since_it_was_shown_is_not_discarded():
    quarantine = fresh()
    quarantine.replace_entries(
        [],
        [Rejection("a", "1", "missing", "f"), Rejection("b", None, "missing")],
        run_id="r",
        at=AT,
    )
    shown = quarantine.entries()
    quarantine.replace_entries(
        ["a"], [Rejection("a", "1", "missing", "g")], run_id="s", at=AT
    )
    assert quarantine.discard(shown) == 1
    assert quarantine.entries()["source_key"].to_list() == ["a"]
    assert quarantine.discard(shown) == 0


def test_a_writer_that_never_gets_its_turn_gives_up(tmp_path, monkeypatch):
    monkeypatch.setattr(attempts, "LONGEST_PAUSE", 0.02)
    here = parse_location(str(tmp_path / "x.parquet"))
    quarantine = quarantine_at(here)
    get = quarantine._store.get

    def overtaken(key, **how):
        found = get(key, **how)
        quarantine_at(here).replace_entries(
            [], [Rejection(f"{next(_numbers)}", "v", "t")], run_id="r", at=AT
        )
        return found

    quarantine_at(here).mark_in_progress(["first"])
    quarantine._store.get = overtaken
    with pytest.raises(
        CommitConflict,
        match="x.parquet: other runs were faster 20 times in a row; run again",
    ):
        quarantine.mark_in_progress(["k"])


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1" + bytes(40) + b"PAR1"])
def test_what_is_no_parquet_is_told_and_left_alone(content):
    here = place()
    open_store(here.parent).put("x.parquet", content, if_version=None)
    for act in (
        lambda q: q.versions(["k"]),
        lambda q: q.mark_in_progress(["k"]),
        lambda q: q.load(),
    ):
        with pytest.raises(
            CorruptCheckpoint,
            match="x.parquet: not a parquet file that can be read; nothing was changed",
        ):
            act(quarantine_at(here))
    assert open_store(here.parent).get("x.parquet").data == content


def test_another_table_is_told_and_left_alone():
    here, buffer = place(), io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(buffer)
    open_store(here.parent).put("x.parquet", buffer.getvalue(), if_version=None)
    with pytest.raises(
        CorruptCheckpoint,
        match="not a quarantine; its columns must be source_key, version, error_type,",
    ):
        quarantine_at(here).replace_entries([], [], run_id="r", at=AT)


def test_a_denied_quarantine_is_not_an_empty_one(
    s3_environment, proxy, bucket, monkeypatch
):
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    quarantine = quarantine_at(parse_location(f"s3://{bucket}/_quarantine/x.parquet"))
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    with pytest.raises(AccessDenied, match="access denied"):
        quarantine.versions(["k"])
