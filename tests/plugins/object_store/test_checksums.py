"""Checksums: a damaged checkpoint is never merged, whatever byte of it is damaged, and files without them are read."""

import io
import itertools
import random

import polars as pl
import pytest

from reporting_framework import Rejection, Split
from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.metadata.lineage import Lineage
from reporting_framework.storage import (
    checksums,
    open_store,
    parquet_writing,
    parse_location,
)
from reporting_object_store.parquet_sink import checkpoint as checkpoint_module
from tests.plugins.object_store.tables import START, WIDE, table
from tests.support.plugins import checkpoint, quarantine_at

_numbers = itertools.count(1)


@pytest.fixture(
    params=["folder", "memory", "s3 in one request", "s3 in several requests"]
)
def uri(request, tmp_path, monkeypatch):
    """Where the checkpoint is, of four small row groups."""
    monkeypatch.setattr(parquet_writing, "ROW_GROUP", 500)
    if request.param.startswith("s3"):
        request.getfixturevalue("s3_environment")
        if request.param.endswith("several requests"):
            monkeypatch.setattr(checkpoint_module, "READ_WHOLE", 10)
        return f"s3://{request.getfixturevalue('bucket')}/out/x.parquet"
    return (
        f"memory://checksums-{next(_numbers)}/out/x.parquet"
        if request.param == "memory"
        else f"{tmp_path}/x.parquet"
    )


def row(number):
    return (
        "a",
        f"n{number}",
        number,
        0,
        number / 3,
        True,
        None,
        START.replace(microsecond=number),
        f"k{number:05}",
    )


def commit(uri, numbers):
    sink = checkpoint(uri)
    sink.open(WIDE)
    try:
        ledger = sink.ledger()
        new = set(ledger.filter_new([row(number)[-1] for number in numbers]))
        found = [row(number) for number in numbers if row(number)[-1] in new]
        return sink.commit(
            [sink.stage(table(found), Split("s", {}), 0)] if found else []
        )
    finally:
        sink.close()


def stored(uri):
    place = parse_location(uri)
    return open_store(place.parent), place.name


@pytest.mark.parametrize("flips", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_a_flipped_bit_anywhere_is_refused_or_has_no_effect(uri, flips):
    commit(uri, range(2000))
    store, key = stored(uri)
    good = store.get(key)
    commit(uri, range(1998, 2003))
    merged, version = store.get(key), store.get(key).version
    generator, refused = random.Random(7), 0
    for at in sorted(generator.sample(range(len(good.data)), flips)):
        damaged = bytearray(good.data)
        damaged[at] ^= 1 << generator.randrange(8)
        version = store.put(key, bytes(damaged), if_version=version)
        try:
            commit(uri, range(1998, 2003))
        except CorruptCheckpoint as error:
            refused += 1
            assert str(error).startswith(uri)
            assert str(error).endswith("nothing was changed")
            assert store.get(key).data == bytes(damaged)
        else:
            assert pl.read_parquet(store.get(key).data).equals(
                pl.read_parquet(merged.data)
            ), f"byte {at}"
        version = store.head(key).version
    assert refused > 0


def test_a_checkpoint_without_checksums_is_read_and_gets_them(uri):
    commit(uri, range(10))
    store, key = stored(uri)
    whole = store.get(key)
    plain = io.BytesIO()
    pl.read_parquet(whole.data).head(9).write_parquet(plain)
    store.put(key, plain.getvalue(), if_version=whole.version)
    assert commit(uri, range(10)).outputs[0].new_rows == 1
    assert store.get(key).data == whole.data, "the same rows are the same bytes"
    assert checksums.KEY in pl.read_parquet_metadata(io.BytesIO(whole.data))


def test_a_checkpoint_that_lost_the_count_of_its_rows_is_not_overwritten(tmp_path):
    """A footer that counts no rows would make the next commit write nothing but its own."""
    uri = f"{tmp_path}/x.parquet"
    commit(uri, range(3))
    path = tmp_path / "x.parquet"
    good = path.read_bytes()
    empty = io.BytesIO()
    WIDE.to_frame().write_parquet(
        empty, metadata={checksums.KEY: pl.read_parquet_metadata(path)[checksums.KEY]}
    )
    path.write_bytes(empty.getvalue())
    with pytest.raises(
        CorruptCheckpoint,
        match="does not match its checksums; restore an earlier version",
    ):
        commit(uri, range(5))
    assert path.read_bytes() == empty.getvalue() != good


@pytest.mark.parametrize(
    "ask", [lambda sink: sink.scan(), lambda sink: sink.parquet_files()]
)
def test_a_query_of_a_small_local_file_refuses_a_flipped_bit(tmp_path, ask):
    commit(f"{tmp_path}/x.parquet", range(2000))
    damage(tmp_path / "x.parquet")
    sink = checkpoint(f"{tmp_path}/x.parquet")
    sink.open(WIDE)
    with pytest.raises(CorruptCheckpoint, match="does not match its checksums"):
        ask(sink)


def test_doctor_compares_checksums(tmp_path):
    commit(f"{tmp_path}/x.parquet", range(2000))
    sink = checkpoint(f"{tmp_path}/x.parquet")
    sink.open(WIDE)
    assert sink.health_checks(write=False)["checkpoint"]().found.endswith(
        ": 2,000 rows"
    )
    damage(tmp_path / "x.parquet")
    with pytest.raises(CorruptCheckpoint, match="does not match its checksums"):
        sink.health_checks(write=False)["checkpoint"]()


def test_a_quarantine_refuses_a_flipped_bit(tmp_path):
    place = parse_location(f"{tmp_path}/q.parquet")
    rejections = [
        Rejection(f"k{number}", str(number), "missing", "field")
        for number in range(500)
    ]
    quarantine_at(place).replace_entries([], rejections, run_id="r", at=START)
    assert quarantine_at(place).entries().height == 500
    damage(tmp_path / "q.parquet")
    before = (tmp_path / "q.parquet").read_bytes()
    with pytest.raises(CorruptCheckpoint, match="does not match its checksums"):
        quarantine_at(place).replace_entries([], rejections[:1], run_id="r2", at=START)
    assert (tmp_path / "q.parquet").read_bytes() == before


def test_lineage_passes_over_a_file_with_a_flipped_bit(tmp_path, caplog):
    lineage = Lineage(parse_location(str(tmp_path)))
    lineage.add_rows(
        [f"k{number}" for number in range(500)], [f"v{number}" for number in range(500)]
    )
    lineage.flush(run_id="r", validator="v", at=START)
    assert lineage.of(["k1"]).height == 1
    [path] = tmp_path.glob("*.parquet")
    damage(path)
    assert lineage.of(["k1"]).height == 0
    assert "skipped" in caplog.text


@pytest.mark.parametrize(("rows", "groups"), [(1, 1), (7, 7), (40, 3)])
def test_any_number_of_row_groups_is_sealed(tmp_path, rows, groups):
    """Also where there are more blocks than the data can be cut into."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": range(rows)}).write_parquet(
        path, metadata=checksums.placeholder(groups * 1000)
    )
    with path.open("r+b") as file:
        checksums.seal(file)
    checksums.check_bytes("x", path.read_bytes())
    damage(path)
    with pytest.raises(CorruptCheckpoint):
        checksums.check_bytes("x", path.read_bytes())


def damage(path):
    """Flip a bit of the data, in the middle."""
    content = bytearray(path.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    content[(len(content) - footer) // 2] ^= 4
    path.write_bytes(bytes(content))
