"""The bucket and the tables by which `hatch run bench-scale` measures growth."""

import sys
from pathlib import Path

import pytest
from benchmarks import scale
from benchmarks.bench import Bench
from benchmarks.peers.scale_table import rows
from benchmarks.scale_objects import BUCKET, PREFIX, Names, ObjectMemory
from benchmarks.scale_runs import Place

from reporting_framework.storage import open_store
from reporting_framework.testing.faults.proxy import s3_proxy
from reporting_framework.testing.s3 import S3Server, lead_to

PROGRAM = str(Path(sys.executable).with_name("reporting-run"))


@pytest.fixture
def s3_place(s3: S3Server, tmp_path: Path) -> Place:
    return Place(Bench([PROGRAM], PROGRAM, 1, tmp_path), s3)


@pytest.mark.parametrize("dated", [False, True])
def test_names_are_in_the_order_of_a_bucket(dated: bool):
    names = list(Names(-2_000, 400, dated=dated))
    assert names == sorted(names)
    assert len(set(names)) == 2_400


@pytest.mark.parametrize("dated", [False, True])
@pytest.mark.parametrize("lines", [1, 3])
def test_rows_are_those_of_the_old_objects(lines: int, dated: bool):
    made = rows(-40 * lines, 40 * lines, lines, dated=dated)
    found = made["source_key"].str.replace("#.*", "")
    due = [name.removeprefix(PREFIX) for name in Names(-40, 0, dated=dated)]
    assert sorted(set(found)) == due
    assert found.len() == 40 * lines


def test_the_bucket_is_listed_and_read_through_the_proxy(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
):
    with s3_proxy(s3.endpoint, memory := ObjectMemory(2_000)) as proxy:
        lead_to(s3.behind(proxy.endpoint), monkeypatch)
        store = open_store(f"s3://{BUCKET}/{PREFIX}")
        pages = [[entry.key for entry in page] for page in store.list()]
        due = [name.removeprefix(PREFIX) for name in Names(memory.first, 0)]
        assert [key for page in pages for key in page] == due
        assert b'"action": "delete"' in store.get(due[0]).data
        assert (proxy.count("LIST"), proxy.count("GET")) == (3, 1)
        assert all(each.sent > 100 for each in proxy.requests)
        assert 300_000 < sum(each.received for each in proxy.requests) < 500_000


@pytest.mark.slow
@pytest.mark.parametrize("sink", scale.SINKS, ids=lambda sink: sink.use)
def test_requests_do_not_depend_on_the_number_of_old_objects(
    s3_place: Place, sink: scale.Sink
):
    """Ten times the objects, in windows that are full, and rows in as many files."""
    found = []
    for objects in (8_000, 80_000):
        with s3_place.report(sink, objects) as report:
            report.make_table(1)
            report.run(0)
            found.append(report.run(scale.NEW))
    few, many = found
    assert few.object_gets == many.object_gets == scale.NEW
    assert few.lists == many.lists
    assert few.puts == many.puts
