"""Write modes `upsert` and `replace`: the newest version wins, in any order, against a plain model."""

import itertools
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import strategies as st

from reporting_framework import CommitContext, Split
from reporting_framework.errors import ReportingError
from reporting_framework.storage import open_store
from reporting_framework.testing.faults.calls import Killed
from reporting_framework.testing.harness.memory import assert_bounded, peak
from reporting_object_store.parquet_sink import checkpoint as checkpoint_module
from reporting_object_store.parquet_sink import (
    piece_joining,
    row_comparison,
    staged_keys,
)
from tests.support.plugins import checkpoint
from tests.support.properties import given_few

SCHEMA = pl.Schema(
    {
        "study": pl.String(),
        "number": pl.Int64(),
        "share": pl.Float64(),
        "tags": pl.List(pl.String()),
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String(),
    }
)
VERSIONED = pl.Schema(
    {
        **SCHEMA,
        "_version": pl.String(),
        "_deleted_at": pl.Datetime("us", "UTC"),
    }
)
START = datetime(2023, 12, 31, 23, 58, tzinfo=UTC)  # a day ends two minutes later
RUNS_AT = datetime(2030, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def place():
    return f"memory://upsert-{next(_numbers)}/x.parquet"


def row(key, version, number=0, minute=0, study="a"):
    at = START + timedelta(minutes=minute)
    return (study, number, number / 3, ["t", None], at, key, version, None)


def delete(key, version, minute=0):
    at = START + timedelta(minutes=minute)
    return (None, None, None, None, None, key, version, at)


def frame(rows):
    return pl.DataFrame(list(rows), schema=VERSIONED, orient="row")


def opened(uri, mode="upsert", **chosen):
    sink = checkpoint(uri, **chosen)
    sink.open(SCHEMA, mode)
    return sink


def commit(uri, *parts, mode="upsert", context=None, meanwhile=None, **chosen):
    """One run that is given these parts; `meanwhile` is called before its commit."""
    sink = opened(uri, mode, **chosen)
    try:
        sink.ledger()
        sink.load_state()
        staged = [
            sink.stage(
                frame(part) if mode != "append" else frame(part).select(SCHEMA.names()),
                Split(str(number), {}),
                0,
            )
            for number, part in enumerate(parts)
            if part
        ]
        if meanwhile:
            meanwhile()
        return sink.commit(staged, context or CommitContext())
    finally:
        sink.close()


def shown(uri, mode="upsert", **chosen):
    """Rows of the table by source key; each has one."""
    sink = opened(uri, mode, **chosen)
    scan = sink.scan()
    rows = [] if scan is None else scan.collect().rows()
    sink.close()
    found = {each[5]: each for each in rows}
    assert len(found) == len(rows), "each source key is there once"
    return found


def state_of(uri, **chosen):
    sink = opened(uri, **chosen)
    try:
        return sink.load_state()
    finally:
        sink.close()


# -- the model --------------------------------------------------------------------------------------------------------


def newer(version, than):
    return than is None or (version is not None and version >= than)


class Model:
    """Content of a table, and what each run must say of itself."""

    def __init__(self, *, hard=False):
        self.rows, self.hard = {}, hard

    def run(self, parts, *, snapshot=False, not_staged=()):
        staged = [each for part in parts for each in part]
        newest = {}
        for each in staged:
            best = newest.get(each[5])
            if best is None or (self.rank(each) >= self.rank(best)):
                newest[each[5]] = each
        counts = {"inserted": 0, "updated": 0, "unchanged": 0, "deleted": 0}
        for each in newest.values():
            what = self.take(each)
            if what:
                counts[what] += 1
        if snapshot:
            for key in [*self.rows]:
                old = self.rows[key]
                if key not in newest and key not in not_staged and old[7] is None:
                    counts["deleted"] += 1
                    self.rows[key] = (*old[:7], RUNS_AT)
                    if self.hard:
                        del self.rows[key]
        live = sum(each[7] is None for each in staged)
        taken = counts["inserted"] + counts["updated"] + counts["unchanged"]
        return counts, live - taken

    @staticmethod
    def rank(each):
        is_newer_delete = each[7] is not None and each[6] is not None
        return (each[6] is not None, each[6] or "", is_newer_delete)

    @staticmethod
    def outlived(new, old):
        """Return whether the source deleted a row in this version."""
        same = new[6] is not None and new[6] == old[6]
        return same and new[7] is None and old[7] is not None and old[0] is None

    def take(self, new):
        old = self.rows.get(new[5])
        if old is not None and not newer(new[6], old[6]):
            return None
        if old is not None and self.outlived(new, old):
            return None
        is_delete, live = new[7] is not None, old is not None and old[7] is None
        if is_delete and self.hard:
            self.rows.pop(new[5], None)
        else:
            self.rows[new[5]] = (*new[:4], new[4] or new[7], *new[5:])
        if is_delete:
            return "deleted" if live else None
        if live:
            return "unchanged" if self.rows[new[5]] == old else "updated"
        return "inserted"


versions = st.none() | st.sampled_from(["", "1", "2", "10", "é"])
keys = st.sampled_from(["a", "b", "c#1", "c#2", "é/\n"])
live_rows = st.builds(
    row,
    keys,
    versions,
    st.integers(0, 1),
    st.integers(0, 3),
    st.sampled_from(["a", "b"]),
)
deletes = st.builds(delete, keys, versions, st.integers(0, 3))
part = st.lists(st.one_of(live_rows, live_rows, deletes), max_size=6)
run = st.tuples(
    st.lists(part, max_size=3),
    st.booleans(),
    st.lists(keys, max_size=2),
)


@given_few(
    st.lists(run, max_size=3),
    st.sampled_from(["soft", "hard"]),
    st.sampled_from([1, 1000]),
    st.sampled_from(["x.parquet", "{study}/x.parquet", "{day}/x.parquet"]),
)
def test_a_table_is_that_of_the_model_whatever_comes_in_whatever_order(
    runs, kind, bucket, template
):
    uri = place().replace("x.parquet", template)
    model = Model(hard=kind == "hard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staged_keys, "BUCKET", bucket)
        patch.setattr(staged_keys, "FEW", bucket - 1)
        patch.setattr(row_comparison, "WINDOW", 2)
        patch.setattr(piece_joining, "MAX_PIECES", bucket)
        patch.setattr(piece_joining, "ROWS", 4)
        for parts, snapshot, not_staged in runs:
            context = CommitContext(
                None, RUNS_AT, snapshot=snapshot, not_staged=not_staged
            )
            result = commit(uri, *parts, context=context, deletes=kind)
            counts, duplicates = model.run(
                parts, snapshot=snapshot, not_staged=not_staged
            )
            assert result.upserted._asdict() == counts
            assert result.duplicates == duplicates
            assert shown(uri) == model.rows
            live = sum(each[7] is None for each in model.rows.values())
            gone = len(model.rows) - live
            assert sum(output.rows for output in result.outputs) == live
            assert sum(output.deleted_rows for output in result.outputs) == gone


@given_few(st.lists(part, max_size=3), st.randoms(use_true_random=False))
def test_the_same_versions_in_any_order_give_the_same_bytes(parts, random):
    """Rows of a source key and a version are equal, as those of a source are."""
    rows = {}
    for each in itertools.chain(*parts):
        rows.setdefault((each[5], each[6]), each)
    chosen = list(rows.values())
    tables = []
    for commits in (1, 2):
        uri = place()
        random.shuffle(chosen)
        cut = random.randint(0, len(chosen)) if commits == 2 else 0
        for some in (chosen[:cut], [*chosen[cut:], *chosen[:2]]):
            half = random.randint(0, len(some))
            if some:
                commit(uri, some[:half], some[half:])
        store = open_store(uri.removesuffix("/x.parquet"))
        tables.append(store.get("x.parquet").data if chosen else b"")
    assert tables[0] == tables[1]


def test_pieces_that_overlap_are_joined_and_give_the_same_table(monkeypatch):
    parts = [
        [
            row(f"{key}", f"{part}", part, (key * 7 + part) % 9)
            for key in range(part, 40)
        ]
        for part in range(20)
    ]
    found = []
    for most in (1, 1000):
        monkeypatch.setattr(piece_joining, "MAX_PIECES", most)
        monkeypatch.setattr(piece_joining, "ROWS", 64)
        uri, appended = place(), place()
        result = commit(uri, *parts)
        kept = commit(appended, *parts[:1], *parts[:1], mode="append")
        tables = shown(uri), shown(appended, "append")
        found.append((result.upserted, result.duplicates, kept.duplicates, tables))
    assert found[0] == found[1]
    assert found[0][2] == 40


def test_a_file_is_sorted_and_has_the_columns_of_versions_last():
    uri = place()
    commit(uri, [row("b", "1", minute=2), row("a", "1", minute=2)], [row("c", "1")])
    commit(uri, [row("c", "2", minute=9), delete("b", "2", minute=5)])
    found = opened(uri).scan().collect()
    assert found.columns == VERSIONED.names()
    assert found["source_key"].to_list() == ["a", "b", "c"]
    assert found["number"].to_list() == [0, None, 0]


def test_nothing_is_written_if_nothing_changes():
    uri = place()
    parts = [
        [row(f"{number}", "1", number) for number in range(50)],
        [delete("x", "1")],
    ]
    state = CommitContext(state={"cursor": 1})
    first = commit(uri, *parts, context=state)
    again = commit(uri, *parts[::-1], context=state)
    assert again.outputs[0].version == first.outputs[0].version
    assert again.upserted.unchanged == 50


ODD = (
    "_at _file _row _piece _moment _target _delete _applies _live _gone _same _number"
    " _is_delete _bucket best_file best_at new _version_right _deleted_at_right"
)


@pytest.mark.parametrize("bucket", [1, 1000])
@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_columns_may_have_the_names_of_what_a_commit_works_with(
    template, bucket, monkeypatch
):
    """These were columns of its own once."""
    monkeypatch.setattr(staged_keys, "BUCKET", bucket)
    monkeypatch.setattr(staged_keys, "FEW", bucket - 1)
    names = ODD.split()
    schema = pl.Schema({**dict.fromkeys(names, pl.String()), **SCHEMA})
    uri = place().replace("x.parquet", template)

    def run(*rows, snapshot=False):
        sink = checkpoint(uri)
        sink.open(schema, "upsert")
        sink.ledger()
        odd = [pl.lit(f"value of {name}").alias(name) for name in names]
        staged = [
            sink.stage(
                part.with_columns(odd).select([*schema, "_version", "_deleted_at"]),
                Split(str(number), {}),
                0,
            )
            for number, part in enumerate([frame(rows), frame(rows[:1] * 2)])
        ]
        context = CommitContext(None, RUNS_AT, snapshot=snapshot)
        return sink.commit(staged, context), sink.scan().collect()

    run(row("a", "1"), row("b", "1"), row("c", "1"))
    result, found = run(row("a", "1"), row("b", "2", study="b"), snapshot=True)
    assert result.upserted._asdict() == {
        "inserted": 0,
        "updated": 1,
        "unchanged": 1,
        "deleted": 1,
    }
    assert found.select(names).unique().row(0) == tuple(
        f"value of {name}" for name in names
    )
    assert found.height == 3


# -- other modes ------------------------------------------------------------------------------------------------------


def test_a_table_of_append_is_upserted_its_rows_being_the_oldest():
    uri = place()
    commit(uri, [row("a", "9", 1), row("b", "9", 2)], mode="append")
    assert shown(uri)["a"][6:] == (None, None)
    result = commit(uri, [row("a", None, 1), row("b", "", 3)])
    assert result.upserted._asdict() == {
        "inserted": 0,
        "updated": 1,
        "unchanged": 1,
        "deleted": 0,
    }
    assert shown(uri)["b"] == row("b", "", 3)


def test_append_to_an_upserted_table_keeps_versions_and_tombstones():
    uri = place()
    commit(uri, [row("a", "1"), delete("b", "1")])
    result = commit(
        uri, [row("a", None), row("b", None), row("c", None)], mode="append"
    )
    assert (result.outputs[0].new_rows, result.duplicates) == (1, 2)
    found = shown(uri)
    assert found["a"][6] == "1"
    assert found["b"][7] == START
    assert found["c"][6:] == (None, None)


def test_replace_makes_the_newest_versions_the_table_without_their_columns():
    uri = place()
    commit(uri, [row("old", "1")], context=CommitContext(state={"a": 1}))
    result = commit(
        uri,
        [row("a", "2", 2), row("b", "1"), delete("b", "2")],
        [row("a", "1", 1), row("c", None, minute=1)],
        mode="replace",
    )
    assert (result.duplicates, result.upserted) == (2, None)
    assert result.outputs[0].rows == 2
    found = opened(uri, "append").scan().collect()
    assert found.schema == SCHEMA
    assert found["source_key"].to_list() == ["a", "c"]
    assert found["number"].to_list() == [2, 0]
    assert state_of(uri) == {"a": 1}
    commit(uri, mode="replace", context=CommitContext(state={"a": 2}))
    assert shown(uri, "append") == {}
    assert state_of(uri) == {"a": 2}


def test_replace_leaves_no_row_in_any_file_of_a_table():
    uri = place().replace("x.parquet", "{study}/x.parquet")
    commit(uri, [row("a", "1", study="a"), row("b", "1", study="b")], mode="replace")
    commit(uri, [row("b", "1", study="c")], mode="replace")
    assert [*shown(uri, "append")] == ["b"]


# -- source state -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_state_is_kept_by_every_commit_that_brings_none(mode, template):
    uri = place().replace("x.parquet", template)
    assert state_of(uri) is None
    state = {"sequence": 1, "source": "é", "state": {"cursor": ["x", None]}}
    commit(uri, mode=mode, context=CommitContext(state=state))
    assert state_of(uri) == state
    assert shown(uri, mode) == {}
    commit(uri, [row("a", "1")], mode=mode)
    commit(uri, [row("b", "1", minute=-1)], mode=mode)
    assert state_of(uri) == state
    commit(uri, mode=mode, context=CommitContext(state={"cursor": 2}))
    assert state_of(uri) == {"cursor": 2}
    assert sorted(shown(uri, mode)) == ["a", "b"]


def test_a_state_and_its_rows_are_one_write():
    """Whoever loses a race leaves the state of the winner, and infers no deletes."""
    uri = place()
    commit(uri, [row("a", "1"), row("gone", "1")])

    def other():
        commit(uri, [row("b", "1")], context=CommitContext(state={"winner": 1}))

    context = CommitContext({"loser": 1}, RUNS_AT, snapshot=True)
    result = commit(uri, [row("a", "2")], context=context, meanwhile=other)
    assert result.upserted.deleted == 0
    assert state_of(uri) == {"winner": 1}
    assert {key: each[6:] for key, each in shown(uri).items()} == {
        "a": ("2", None),
        "b": ("1", None),
        "gone": ("1", None),
    }


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_a_row_stays_deleted_that_another_run_has_deleted_meanwhile(template):
    """Return whether this run read an older version, not a newer one."""
    uri = place().replace("x.parquet", template)
    rows = [row(key, "1", 1) for key in ("same", "newer", "deleted before", "there")]
    commit(uri, *[[each] for each in rows])
    earlier = RUNS_AT - timedelta(days=1)
    before = CommitContext(None, earlier, snapshot=True, not_staged=["same", "newer"])
    commit(uri, rows[-1:], context=before)

    def full_scan():
        commit(uri, rows[-1:], context=CommitContext(None, RUNS_AT, snapshot=True))

    result = commit(
        uri,
        [row("same", "1", 1), row("newer", "2", 2), row("deleted before", "1", 1)],
        context=CommitContext(at=RUNS_AT - timedelta(seconds=1)),
        meanwhile=full_scan,
    )
    found = shown(uri)
    assert found["same"] == (*row("same", "1", 1)[:7], RUNS_AT)
    assert found["newer"] == row("newer", "2", 2)
    assert found["deleted before"] == row("deleted before", "1", 1)
    assert (result.upserted.inserted, result.duplicates) == (2, 1)
    commit(uri, [row("same", "1", 1)], context=CommitContext(at=RUNS_AT))
    assert shown(uri)["same"] == row("same", "1", 1)


def changes_between(sink, meanwhile):
    """Call `meanwhile` once, after the first file of a commit was written."""
    attempt = sink.attempt

    def first(file, write):
        sink.attempt = attempt
        done = attempt(file, write)
        meanwhile()
        return done

    sink.attempt = first


@pytest.mark.parametrize("rival_first", [True, False])
@pytest.mark.parametrize("version", ["1", "3"])
@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_row_that_another_run_moves_to_a_new_file_is_there_once(
    kind, version, rival_first
):
    """The newer version stays, whichever run writes last."""
    uri = place().replace("x.parquet", "{study}/x.parquet")
    commit(uri, [row("moves", "0", study="a"), row("b", "1", study="b")])
    rival, mine = row("moves", "2", 2, study="c"), row("moves", version, 1, study="a")
    scan = CommitContext(None, RUNS_AT, snapshot=True, not_staged=["b"])

    def other():
        commit(uri, [rival], deletes=kind)

    if rival_first:
        commit(uri, [mine], context=scan, meanwhile=other, deletes=kind)
    else:
        sink = opened(uri, deletes=kind)
        sink.ledger()
        changes_between(sink, other)
        sink.commit([sink.stage(frame([mine]), Split("1", {}), 0)], scan)
        sink.close()
    assert shown(uri) == {
        "moves": max(rival, mine, key=lambda each: each[6]),
        "b": row("b", "1", study="b"),
    }


@pytest.mark.parametrize("version", ["1", "3"])
def test_a_new_row_that_two_runs_put_into_different_files_is_there_once(version):
    uri = place().replace("x.parquet", "{study}/x.parquet")
    commit(uri, [row("old", "0", study="a")])
    rival, mine = row("new", "2", 2, study="c"), row("new", version, 1, study="a")
    commit(uri, [mine], meanwhile=lambda: commit(uri, [rival]))
    newest = max(rival, mine, key=lambda each: each[6])
    assert shown(uri) == {"new": newest, "old": row("old", "0", study="a")}


def test_a_hard_delete_finds_a_row_that_went_to_a_new_file_meanwhile():
    uri = place().replace("x.parquet", "{study}/x.parquet")
    commit(uri, [row("moves", "0", study="a")])

    def other():
        commit(uri, [row("moves", "1", study="c")])

    commit(uri, [delete("moves", "2")], meanwhile=other, deletes="hard")
    assert shown(uri) == {}


def replaces(uri, *rows, meanwhile):
    """Replace a table; `meanwhile` is called when its first file was written."""
    sink = opened(uri, "replace")
    sink.ledger()
    changes_between(sink, meanwhile)
    result = sink.commit([sink.stage(frame(rows), Split("1", {}), 0)], CommitContext())
    sink.close()
    return result


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("new", ["0", "c"])
def test_a_table_that_two_runs_replace_has_the_rows_of_one(new, early):
    """A row went from one file to another between what both have read."""
    uri = place().replace("x.parquet", "{study}/x.parquet")
    kept = row("b", "1", study="b")
    commit(uri, [row("goes", "1", study="a"), kept], mode="replace")
    mine, rival = row("goes", "1", study="a"), row("goes", "2", study=new)

    def other():
        commit(uri, [rival, kept], mode="replace")

    if early:
        result = commit(uri, [mine, kept], mode="replace", meanwhile=other)
    else:
        result = replaces(uri, mine, kept, meanwhile=other)
    assert result.overtaken
    found = shown(uri, "append")
    assert {key: each[0] for key, each in found.items()} == {"goes": "a", "b": "b"}


def test_tables_that_are_replaced_at_once_have_the_rows_of_one_run():
    uri = place().replace("x.parquet", "{study}/x.parquet")

    def one(number):
        studies = [f"{(number * step) % 5}" for step in (1, 2, 3)]
        rows = [
            row(key, f"{number}", number, study=s)
            for key, s in zip("abc", studies, strict=True)
        ]
        commit(uri, rows, mode="replace")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    found = shown(uri, "append")
    assert sorted(found) == ["a", "b", "c"]
    assert len({each[1] for each in found.values()}) == 1


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_a_table_that_is_reset_takes_its_state_along(template, tmp_path):
    uri = tmp_path / template
    commit(uri, [row("a", "1")], context=CommitContext(state={"cursor": 1}))
    sink = opened(uri)
    chosen = [each for each in sink.stored_artifacts() if each.kind == "output"]
    sink.back_up(chosen, "name")
    sink.remove(chosen)
    assert opened(uri).scan() is None
    assert state_of(uri) is None
    assert all(each.kind != "output" for each in opened(uri).stored_artifacts())


def test_a_state_says_nothing_if_a_file_of_the_table_has_gone(tmp_path):
    uri = tmp_path / "{study}/x.parquet"
    rows = [row("a", "1", study="a"), row("b", "1", study="b")]
    commit(uri, rows, context=CommitContext(state={"cursor": 1}))
    assert state_of(uri) == {"cursor": 1}
    (tmp_path / "a/x.parquet").unlink()
    assert state_of(uri) is None


def test_a_damaged_state_beside_several_files_is_noticed(tmp_path):
    uri = tmp_path / "{study}/x.parquet"
    commit(uri, [row("a", "1")], context=CommitContext(state={"cursor": 12345}))
    (path,) = (tmp_path / "_state").rglob("*.json")
    path.write_text(path.read_text().replace("12345", "12346"))
    with pytest.raises(ReportingError, match="source state"):
        state_of(uri)


def test_a_damaged_state_is_noticed(tmp_path):
    uri = tmp_path / "x.parquet"
    commit(uri, [row("a", "1")], context=CommitContext(state={"cursor": 12345}))
    data = uri.read_bytes()
    assert data.count(b"12345") == 1
    uri.write_bytes(data.replace(b"12345", b"12346"))
    with pytest.raises(ReportingError, match="checksums"):
        state_of(uri)


def test_the_checksums_hold_whatever_the_state_says(tmp_path):
    uri = tmp_path / "x.parquet"
    from reporting_framework.storage import checksums

    value = next(iter(checksums.placeholder(1).values()))
    commit(
        uri, [row("a", "1")], context=CommitContext(state={"a": value, "b": [value]})
    )
    assert state_of(uri) == {"a": value, "b": [value]}
    for file in opened(uri)._files or [opened(uri).opened("x.parquet")]:
        file.check()


# -- crashes and races ------------------------------------------------------------------------------------------------


STEPS = (
    [[row("a", "1", 1, study="a"), row("b", "1", 1, study="b"), row("c", "1")]],
    [
        [row("a", "2", 2, minute=3, study="b"), delete("c", "2")],
        [row("b", "2", 2, study="a"), row("d", "1", study="c")],
    ],
)


KINDS = ["killed before", "killed after", "fails once", "done once, answer lost"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_ends_at_any_call_of_the_store_is_made_good_by_the_next(
    kind, tmp_path, reporting_store_faults
):
    sweep(kind, "x.parquet", tmp_path, reporting_store_faults)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_a_run_over_several_files_that_ends_at_any_call_is_made_good_by_the_next(
    kind, tmp_path, reporting_store_faults
):
    sweep(kind, "{study}/x.parquet", tmp_path, reporting_store_faults)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_run_over_several_files_that_ends_at_some_calls_is_made_good_by_the_next(
    kind, tmp_path, reporting_store_faults
):
    for nth in (12, 16, 20, 24, 28):
        broken(kind, nth, "{study}/x.parquet", tmp_path, reporting_store_faults)


def sweep(kind, template, folder, faults):
    for nth in range(1, 100):
        if not broken(kind, nth, template, folder, faults):
            assert nth > 4
            return
    raise AssertionError("a run has fewer calls")


def broken(kind, nth, template, folder, faults):
    """Break one call of a run, look at what there is, and run again; whether there was such a call."""
    uri, model = folder / f"{nth}" / template, Model()
    commit(uri, *STEPS[0], context=CommitContext(state={"run": 1}))
    model.run(STEPS[0])
    before = dict(model.rows)
    model.run(STEPS[1])
    faults.arm(kind, nth)
    with suppress(ReportingError, Killed):
        commit(uri, *STEPS[1], context=CommitContext(state={"run": 2}))
    fired = faults.disarm()
    newest = {}
    for each in sorted(opened(uri).scan().collect().rows(), key=lambda each: each[6]):
        newest[each[5]] = each
    for key, after in model.rows.items():  # no newest version is ever lost
        assert newest.get(key) in (before.get(key), after)
    if state_of(uri) == {"run": 2}:
        assert shown(uri) == model.rows
    elif template == "x.parquet":
        assert shown(uri) == before
    commit(uri, *STEPS[1], context=CommitContext(state={"run": 2}))
    assert shown(uri) == model.rows
    assert state_of(uri) == {"run": 2}
    return fired


def part_of(number):
    """Versions of ten source keys, of which some are in each part."""
    return [
        row(f"k{key}", f"{(number * 7 + key) % 8}", (number * 7 + key) % 8, key)
        for key in range(10)
        if (key + number) % 3
    ]


def expected():
    model = Model()
    model.run([part_of(number) for number in range(8)])
    return model.rows


def commit_part(arguments):
    uri, number = arguments
    commit(uri, part_of(number))


def test_eight_commits_at_once_by_threads_give_the_table_of_the_model():
    uri = place()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(commit_part, [(uri, number) for number in range(8)]))
    assert shown(uri) == expected()


def test_eight_commits_at_once_by_processes_give_the_table_of_the_model(tmp_path):
    uri = str(tmp_path / "x.parquet")
    with multiprocessing.get_context("forkserver").Pool(4) as pool:
        pool.map(commit_part, [(uri, number) for number in range(8)])
    assert shown(uri) == expected()


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_commits_at_once_over_several_files_give_the_newest_versions(template):
    uri = place().replace("x.parquet", template)

    def one(number):
        parts = [
            (*each[:0], "abc"[(int(each[6]) + number) % 3], *each[1:])
            for each in part_of(number)
        ]
        commit(uri, parts)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    rows = opened(uri).scan().collect().rows()
    newest = {}
    for each in rows:
        newest[each[5]] = max(newest.get(each[5], ""), each[6])
    assert newest == {key: each[6] for key, each in expected().items()}


# -- memory -----------------------------------------------------------------------------------------------------------


def numbered(begin, end, version):
    number = pl.int_range(begin, end, eager=True)
    return pl.DataFrame(
        {
            "study": "a" * 60 + number.cast(pl.String),
            "number": number,
            "share": number / 3,
            "tags": pl.Series([["t"]]).new_from_index(0, len(number)),
            "timestamp": number.cast(pl.Datetime("us", "UTC")),
            "source_key": "table/" + number.cast(pl.String),
            "_version": pl.Series([version]).new_from_index(0, len(number)),
            "_deleted_at": pl.Series([None], dtype=VERSIONED["_deleted_at"]).new_from_index(0, len(number)),
        }
    )  # fmt: skip


def upsert_numbers(uri, count, version, *, snapshot):
    """A run that stages all rows of a table, in many parts."""
    sink, staged, size = opened(uri), [], 0
    sink.ledger()
    for begin in range(0, count, 20_000):
        part = numbered(begin, min(count, begin + 20_000), version)
        size += int(part.estimated_size())
        staged.append(sink.stage(part, Split(str(begin), {}), 0))
    context = CommitContext({"cursor": count}, RUNS_AT, snapshot=snapshot)
    result = sink.commit(staged, context)
    sink.close()
    return result.upserted, size


@pytest.fixture
def small_parts(monkeypatch):
    """Less is read at once, so that a small table has many parts."""
    monkeypatch.setattr(checkpoint_module, "READ_ROWS", 20_000)
    monkeypatch.setattr(staged_keys, "READ_ROWS", 20_000)
    monkeypatch.setattr(staged_keys, "BUCKET", 20_000)
    monkeypatch.setattr(row_comparison, "WINDOW", 20_000)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1", "2"])
def test_memory_does_not_grow_with_the_table_nor_with_what_is_staged(
    version, tmp_path, small_parts
):
    """Of the staged rows only positions are kept, of equal versions those of both sides."""
    peaks, sizes = [], []
    for count in (300_000, 1_200_000):
        uri = tmp_path / f"{count}.parquet"
        _, size = upsert_numbers(uri, count, "1", snapshot=False)
        sizes.append(size)
        found = []
        peaks.append(
            peak(
                lambda uri=uri, count=count, found=found: found.append(
                    upsert_numbers(uri, count, version, snapshot=True)
                )
            )
        )
        counts = found[0][0]
        assert (counts.unchanged if version == "1" else counts.updated) == count
    assert_bounded(peaks[0], peaks[1], data=sizes[1] - sizes[0], what="an upsert")
    grown = peaks[1].process - peaks[0].process
    assert grown < 900_000 * 64 + 12 * 1024 * 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_a_table_of_which_few_rows_change(
    tmp_path, small_parts
):
    peaks, sizes = [], []
    for count in (300_000, 1_200_000):
        uri = tmp_path / f"{count}.parquet"
        sizes.append(upsert_numbers(uri, count, "1", snapshot=False)[1])
        peaks.append(peak(lambda uri=uri: commit(uri, [row("table/7", "2")])))
    assert_bounded(peaks[0], peaks[1], data=sizes[1] - sizes[0], what="a run")


@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_rows_of_an_output_are_those_that_are_not_deleted(template):
    uri = place().replace("x.parquet", template)
    commit(uri, [row("a", "1"), row("b", "1"), row("c", "1", study="b")])
    parts = [delete("b", "2"), delete("unseen", "1")]
    for staged in ([parts], [parts], []):  # written, unchanged, nothing staged
        result = commit(uri, *staged)
        assert sum(output.rows for output in result.outputs) == 2
        assert sum(output.deleted_rows for output in result.outputs) == 2


@pytest.mark.parametrize("staged", [[], [row("a", "1")], [row("c", "1")]])
@pytest.mark.parametrize("template", ["x.parquet", "{study}/x.parquet"])
def test_deletes_that_become_hard_remove_what_was_deleted_before(template, staged):
    uri = place().replace("x.parquet", template)
    commit(uri, [row("a", "1"), row("b", "1")])
    commit(uri, [delete("b", "2"), delete("unseen", "1")])
    result = commit(uri, staged, deletes="hard")
    assert shown(uri).keys() == {"a", *(each[5] for each in staged)}
    assert sum(output.deleted_rows for output in result.outputs) == 0
    assert result.upserted.deleted == 0, "they were deleted before"


@pytest.mark.parametrize("study", ["a", "b"])
def test_a_late_run_deletes_nothing_in_any_file(study):
    """Nor in a file that the other run has not written."""
    uri = place().replace("x.parquet", "{study}/x.parquet")
    commit(uri, [row("a", "1"), row("b", "1", study="b"), row("c", "1", study="c")])
    commit(
        uri,
        [row("a", "2"), row("b", "2", study="b")],
        context=CommitContext(None, RUNS_AT, snapshot=True),
        meanwhile=lambda: commit(uri, [row(study, "3", study=study)]),
    )
    rows = shown(uri)
    assert {key: each[6] for key, each in rows.items()} == {
        "a": "2",
        "b": "2",
        "c": "1",
    } | {study: "3"}
    assert all(each[7] is None for each in rows.values())
