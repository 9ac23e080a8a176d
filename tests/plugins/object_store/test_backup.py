"""What a report keeps, wherever its parts are: told, and set aside beside itself."""

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.state import Reset, stored
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


@pytest.fixture
def world(tmp_path):
    """A report whose quarantine is in another folder, after a run on a good event and a bad one."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name_of(1)).write_bytes(event(1))
    (tmp_path / "in" / name_of(2)).write_bytes(b"{}")

    def make():
        sink = checkpoint(
            tmp_path / "out" / "{study}" / "x.parquet",
            quarantine=str(tmp_path / "q" / "bad.parquet"),
        )
        return pipeline(source(tmp_path / "in"), sink)

    execute(make())
    return make


def rows_of(made):
    sink = made.sinks[0]
    sink.open(SCHEMA)
    return sink.ledger().rows


def test_each_part_is_copied_beside_itself(world, tmp_path):
    with prepared(made := world()):
        reset = Reset(made)
        assert [(each.kind, each.uri, each.rows) for each in reset.artifacts] == [
            ("output", f"{tmp_path}/out/alpha/x.parquet", 1),
            ("quarantine", f"{tmp_path}/q/bad.parquet", 1),
        ]
        assert [copy for _, copy in reset.back_up("b")] == [
            f"{tmp_path}/out/_backup/b/alpha/x.parquet",
            f"{tmp_path}/q/_backup/b/bad.parquet",
        ]
        reset.remove()
    assert stored(world()).stored_artifacts == []
    files = [path for path in tmp_path.rglob("*.parquet") if "_runs" not in path.parts]
    assert sorted(map(str, files)) == sorted(
        [
            str(tmp_path / "out/_backup/b/alpha/x.parquet"),
            str(tmp_path / "q/_backup/b/bad.parquet"),
        ]
    )


def test_a_copy_is_no_output(world):
    with prepared(made := world()):
        Reset(made).back_up("b")
    assert [each.kind for each in stored(world()).stored_artifacts].count("output") == 1
    assert rows_of(world()) == 1


def test_what_is_gone_is_told(world, tmp_path):
    with prepared(made := world()):
        reset = Reset(made)
        version = reset.artifacts[1].version
        open_store(str(tmp_path / "q")).delete("bad.parquet", if_version=version)
        for act in (lambda: reset.back_up("b"), reset.remove):
            with pytest.raises(
                CommitConflict,
                match="bad.parquet: it no longer exists; try again; nothing was changed",
            ):
                act()
    assert rows_of(world()) == 1


def test_a_damaged_checkpoint_can_be_set_aside(world, tmp_path):
    (tmp_path / "out" / "alpha" / "x.parquet").write_bytes(b"damaged")
    with prepared(made := world()):
        reset = Reset(made)
        assert (reset.artifacts[0].kind, reset.artifacts[0].rows) == ("output", None)
        reset.back_up("b")
        reset.remove()
    assert execute(world()).accepted == 1
