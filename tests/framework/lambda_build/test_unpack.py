"""Wheels unpacked for another machine."""

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.lock import make_lock
from reporting_framework.lambda_build.unpack import read_folder, unpack
from reporting_framework.lambda_build.uv import interpreter
from reporting_framework.lambda_build.wheels import Wheel
from tests.framework.lambda_build.making import index_in, make_wheel, metadata


@pytest.fixture
def unpacked(tmp_path, target, monkeypatch):
    """Two wheels of an index and one of this machine, unpacked."""
    index = index_in(tmp_path / "index", monkeypatch)
    make_wheel(
        index,
        "native",
        tag="py3-none-manylinux_2_28_x86_64",
        files={"native/x.so": "code"},
    )
    make_wheel(
        index,
        "pure",
        requires=["native"],
        points="[reporting_framework]\npure = pure\n",
    )
    mine = make_wheel(
        tmp_path / "mine",
        "mine",
        files={"mine.py": "", "mine-1.0.data/scripts/tool": "#!python\n"},
    )
    lock = tmp_path / "pylock.toml"
    make_lock(lock, tmp_path / "no", ["pure"], [], [], target, upgrade=False)
    python = interpreter(target.python)
    return unpack(
        lock, [Wheel("mine", mine, ())], target, tmp_path / "unpacked", python
    )


def test_each_distribution_with_its_files_and_what_its_metadata_says(unpacked):
    assert sorted(unpacked) == ["mine", "native", "pure"]
    native, pure, mine = unpacked["native"], unpacked["pure"], unpacked["mine"]
    assert (native.pure, native.plugin, native.tags) == (
        False,
        False,
        ("py3-none-manylinux_2_28_x86_64",),
    )
    assert (pure.pure, pure.plugin, pure.requires, pure.license) == (
        True,
        True,
        ("native",),
        "MIT",
    )
    assert "native/x.so" in map(str, native.files)
    assert {"mine.py", "bin/tool"} <= set(map(str, mine.files))
    assert mine.folder != pure.folder


def test_a_wheel_that_is_not_what_the_lock_says(tmp_path, target, unpacked):
    lock = tmp_path / "pylock.toml"
    text = lock.read_text()
    at = text.index('sha256 = "') + len('sha256 = "')
    lock.write_text(text[:at] + "0" * 64 + text[at + 64 :])
    with pytest.raises(
        BuildError, match="^fetching the wheels of pylock.toml: uv says: .*[Hh]ash"
    ):
        unpack(lock, [], target, tmp_path / "again", interpreter(target.python))


def test_a_distribution_without_a_record(tmp_path):
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata("thing"))
    with pytest.raises(
        BuildError, match="^thing 1.0: it has no RECORD, so its files are not known;"
    ):
        read_folder(tmp_path)
