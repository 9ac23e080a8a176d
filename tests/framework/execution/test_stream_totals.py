"""The result of a report with streams is the sum of theirs."""

from datetime import UTC, datetime

import pytest

from reporting_framework import StorageUnavailable
from reporting_framework.execution.stream_totals import failed_stream, sum_of
from reporting_framework.plugin_api.result import (
    Output,
    RejectionCount,
    RunResult,
    Seconds,
    Traffic,
)


def result(**more):
    known = {"report": "r/a", "run_id": "1", "status": "ok", "complete": True}
    return RunResult(**known | more)


def summed(*results):
    streams = {str(number): each for number, each in enumerate(results)}
    return sum_of("r", "2", streams, seconds=3)


def test_counts_reasons_times_and_outputs_are_added():
    one = result(
        records_read=5,
        accepted=3,
        rejected=2,
        rejections=[RejectionCount(type="missing", field="id", count=2)],
        unread_reasons={"denied": 1},
        outputs=[Output(uri="a", rows=3, new_rows=3, bytes=1)],
        seconds=Seconds(read=1, total=9),
        spans={"read": (1, 2)},
        last_processed_timestamp=datetime(2024, 1, 1, tzinfo=UTC),
    )
    other = result(
        records_read=4,
        accepted=1,
        rejected=3,
        rejections=[
            RejectionCount(type="missing", field="id", count=1),
            RejectionCount(type="other", field=None, count=2),
        ],
        unread_reasons={"denied": 2},
        outputs=[Output(uri="b", rows=1, new_rows=1, bytes=1)],
        seconds=Seconds(read=2, total=9),
        spans={"read": (3, 4)},
        last_processed_timestamp=datetime(2024, 2, 1, tzinfo=UTC),
    )
    total = summed(one, other)
    assert (total.records_read, total.accepted, total.rejected) == (9, 4, 5)
    counted = [(each.type, each.field, each.count) for each in total.rejections]
    assert counted == [("missing", "id", 3), ("other", None, 2)]
    assert total.unread_reasons == {"denied": 3}
    assert [output.uri for output in total.outputs] == ["a", "b"]
    assert (total.seconds.read, total.seconds.total) == (3, 3)
    assert total.spans == {"read": (1, 4)}
    assert total.last_processed_timestamp == datetime(2024, 2, 1, tzinfo=UTC)
    assert total.streams == {"0": one, "1": other}
    assert total.inserted is None


def test_counts_of_an_upsert_are_added_where_there_are_any():
    upserted = {"inserted": 2, "updated": 0, "unchanged": 1, "deleted": 0}
    total = summed(result(**upserted), result(inserted=1), result())
    assert (total.inserted, total.updated, total.deleted) == (3, 0, 0)


FAILED = failed_stream("r/b", StorageUnavailable("source s: no answer"))
CUT = result(status="partial", complete=False, cut_short=True)
STOPPED = result(status="partial", complete=False)


@pytest.mark.parametrize(
    ("results", "status", "complete", "cut_short"),
    [
        ([result(), result()], "ok", True, False),
        ([result(), result(status="partial")], "partial", True, False),
        ([result(), CUT], "partial", False, True),
        ([STOPPED, CUT], "partial", False, False),
        ([result(), FAILED], "partial", False, False),
    ],
)
def test_the_whole_is_as_its_streams_are(results, status, complete, cut_short):
    total = summed(*results)
    known = (total.status, total.complete, total.cut_short)
    assert known == (status, complete, cut_short)


def test_a_result_without_streams_prints_none():
    assert not {"streams", "cut_short"} & result().model_dump(mode="json").keys()


def test_requests_and_bytes_are_added():
    one = result(traffic=Traffic(requests={"get": 1}, bytes_read=2))
    other = result(traffic=Traffic(requests={"api": 3}, bytes_read=4))
    assert summed(one, other, result()).traffic == Traffic(
        requests={"api": 3, "get": 1}, bytes_read=6
    )
    assert summed(result()).traffic is None
