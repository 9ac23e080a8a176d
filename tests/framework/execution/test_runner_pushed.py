"""Records that a trigger hands over, and sinks that keep no account: what comes again, and what is told of it."""

import polars as pl
import pytest

from reporting_framework import (
    Batch,
    CommitResult,
    ReadFailure,
    Rejection,
    Sink,
    StagedPart,
    StorageUnavailable,
    TriggerResponse,
)
from tests.support.plugins import (
    GivenRecords,
    SinkWith,
    batch,
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    take,
)


class Pushing(GivenRecords):
    """A source whose trigger delivers again what is not taken."""

    triggers = frozenset({"test"})
    responded = None
    stuck = ()

    def accept_trigger(self, trigger):
        pass

    def build_response(self, unread, rejections):
        self.responded = (
            [(each.source_key, each.reason) for each in unread],
            [each.source_key for each in rejections],
        )
        return TriggerResponse(
            {"failed": len(unread)},
            [
                ReadFailure(each.source_key, "test: not set aside")
                for each in self.stuck
            ],
        )


class Forgetful(Sink):
    """A sink that keeps no account of what it was given."""

    name = "forgetful"

    def __init__(self, *, failed=(), staging=None):
        self.failed, self.staging, self.committed = failed, staging, None

    def stage(self, frame, split, part):
        if self.staging and part == 0:
            raise self.staging
        return StagedPart(frame.height, list(frame["source_key"]))

    def commit(self, staged_parts, context=None):
        self.committed = [
            source_key
            for staged_part in staged_parts
            for source_key in staged_part.data
        ]
        return CommitResult(
            duplicates=None,
            failed=[ReadFailure(each, "forgetful: full") for each in self.failed],
        )


def pushed(*parts):
    return pipeline(*parts)._replace(pushed=True)


def bad(source_key):
    return Batch([source_key], [None], [b"{}"])


def test_what_a_sink_could_not_keep_is_answered_and_counts_as_not_read():
    given, sink = Pushing({"a": [batch(1, 2, 3)]}), Forgetful(failed=["given.ndjson#2"])
    result = execute(pushed(given, sink))
    assert (
        result.records_read,
        result.accepted,
        result.objects_unread,
        result.status,
    ) == (2, 2, 1, "partial")
    assert given.responded == ([("given.ndjson#2", "forgetful: full")], [])
    assert result.response == {"failed": 1}


def test_a_step_that_fails_for_a_while_leaves_its_batch_and_what_was_rejected_stays_rejected():
    first = batch(1, 2)
    mixed = Batch(
        [*first.source_keys, "bad"], [*first.versions, None], [*first.payloads, b"{}"]
    )
    given, sink = (
        Pushing({"a": [mixed, batch(3)]}),
        Forgetful(staging=StorageUnavailable("away")),
    )
    other = Forgetful()
    result = execute(pushed(given, other, sink))
    assert given.responded == (
        [
            ("given.ndjson#1", "forgetful: unavailable"),
            ("given.ndjson#2", "forgetful: unavailable"),
        ],
        ["bad"],
    )
    assert (
        result.records_read,
        result.accepted,
        result.rejected,
        result.objects_unread,
    ) == (2, 1, 1, 2)
    assert other.committed == sink.committed == ["given.ndjson#3"], (
        "no sink gets a part of what comes again"
    )


def test_a_transient_error_of_a_report_that_looks_for_its_work_fails_the_run():
    with pytest.raises(StorageUnavailable, match="away"):
        execute(
            pipeline(
                Pushing({"a": [batch(1)]}),
                Forgetful(staging=StorageUnavailable("away")),
            )
        )


@pytest.mark.parametrize("make", [pipeline, pushed], ids=["pull", "pushed"])
def test_where_nobody_would_deliver_it_again_a_row_that_is_not_kept_fails_the_run_before_it_is_accounted_for(
    make, tmp_path
):
    place = tmp_path / "out" / "e.parquet"
    sinks = [checkpoint(place), Forgetful(failed=["given.ndjson#1"])]
    with pytest.raises(StorageUnavailable) as caught:
        execute(make(Pushing({"a": [batch(1, 2)]}), *sinks))
    assert (
        str(caught.value)
        == "report test: sink forgetful could not keep 1 rows: forgetful: full; run again"
    )
    assert not place.exists()


def test_a_pull_run_whose_only_sink_could_not_keep_a_row_fails():
    with pytest.raises(StorageUnavailable, match="could not keep 1 rows"):
        execute(
            pipeline(Pushing({"a": [batch(1)]}), Forgetful(failed=["given.ndjson#1"]))
        )


def test_a_sink_without_a_ledger_goes_first_and_the_other_s_ledger_decides_what_is_new(
    tmp_path,
):
    events, place = tmp_path / "in", tmp_path / "out" / "e.parquet"
    events.mkdir()
    (events / name_of(1)).write_bytes(event(1))
    order = []

    def noting(name, sink):
        commit = sink.commit
        return SinkWith(
            sink,
            commit=lambda staged_parts, context: (
                order.append(name),
                commit(staged_parts, context),
            )[1],
        )

    result = execute(
        pipeline(
            source(events),
            noting("ledger", checkpoint(place)),
            noting("none", Forgetful()),
        )
    )
    assert order == ["none", "ledger"]
    assert (result.accepted, result.duplicates, pl.read_parquet(place).height) == (
        1,
        0,
        1,
    )
    again = Forgetful()
    execute(pipeline(source(events), checkpoint(place), again))
    assert again.committed == []
    assert take(events, place).accepted == 0


def test_with_no_ledger_at_all_everything_is_new_each_time(tmp_path):
    (tmp_path / name_of(1)).write_bytes(event(1))
    for _ in range(2):
        assert execute(pipeline(source(tmp_path), Forgetful())).accepted == 1


def test_a_dry_run_answers_nothing():
    given = Pushing({"a": [batch(1), bad("x")]})
    result = execute(pushed(given, Forgetful()), dry_run=True)
    assert (given.responded, result.response, result.rejected) == (None, None, 1)


def test_rejections_reach_the_source(tmp_path):
    given = Pushing({"a": [Batch(rejected=[Rejection("r", None, "undecodable")])]})
    execute(pushed(given, Forgetful()))
    assert given.responded == ([], ["r"])


def test_what_could_not_be_set_aside_counts_as_not_read():
    given = Pushing({"a": [batch(1), bad("x"), bad("y")]})
    given.stuck = [Rejection("x", None, "missing")]
    result = execute(pushed(given, Forgetful()))
    assert (
        result.records_read,
        result.rejected,
        result.objects_unread,
        result.status,
    ) == (2, 1, 1, "partial")
    assert result.unread_reasons == {"test: not set aside": 1}
