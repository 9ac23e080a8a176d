"""What a checkpoint keeps, wherever its parts are: told, and set aside beside itself."""

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.storage import open_store
from tests.support.plugins import (
    SCHEMA,
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
)

PARTS = ("output", "quarantine", "bookmark")


@pytest.fixture
def world(tmp_path):
    """A checkpoint whose quarantine is in another folder, after a run on a good event and a bad one."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name_of(1)).write_bytes(event(1))
    (tmp_path / "in" / name_of(2)).write_bytes(b"{}")

    def make():
        sink = checkpoint(
            tmp_path / "out" / "{study}" / "x.parquet",
            quarantine=str(tmp_path / "q" / "bad.parquet"),
        )
        sink.open(SCHEMA)
        return sink

    execute(pipeline(source(tmp_path / "in"), make()))
    return make


def kept(sink):
    return [each for each in sink.belongings() if each.kind in PARTS]


def test_each_part_is_copied_beside_itself(world, tmp_path):
    sink = world()
    found = kept(sink)
    assert [(each.kind, each.uri, each.rows) for each in found] == [
        ("output", f"{tmp_path}/out/alpha/x.parquet", 1),
        ("quarantine", f"{tmp_path}/q/bad.parquet", 1),
    ]
    assert sink.back_up(found, "b") == [
        f"{tmp_path}/out/_backup/b/alpha/x.parquet",
        f"{tmp_path}/q/_backup/b/bad.parquet",
    ]
    sink.remove(found)
    assert kept(world()) == []
    files = [path for path in tmp_path.rglob("*.parquet") if "_runs" not in path.parts]
    assert sorted(map(str, files)) == sorted(
        [
            str(tmp_path / "out/_backup/b/alpha/x.parquet"),
            str(tmp_path / "q/_backup/b/bad.parquet"),
        ]
    )


def test_a_copy_is_no_output(world):
    world().back_up(kept(world()), "b")
    assert len([each for each in kept(world()) if each.kind == "output"]) == 1
    assert world().ledger().rows == 1


def test_what_is_gone_is_told(world, tmp_path):
    found = kept(world())
    open_store(str(tmp_path / "q")).delete("bad.parquet", if_version=found[1].version)
    for act in (lambda sink: sink.back_up(found, "b"), lambda sink: sink.remove(found)):
        with pytest.raises(
            CommitConflict,
            match="bad.parquet: it is not there any more; nothing was changed",
        ):
            act(world())
    assert world().ledger().rows == 1


def test_a_damaged_checkpoint_can_be_set_aside(world, tmp_path):
    (tmp_path / "out" / "alpha" / "x.parquet").write_bytes(b"damaged")
    sink = world()
    found = kept(sink)
    assert (found[0].kind, found[0].rows) == ("output", None)
    sink.back_up(found, "b")
    sink.remove(found)
    assert execute(pipeline(source(tmp_path / "in"), world())).accepted == 1
