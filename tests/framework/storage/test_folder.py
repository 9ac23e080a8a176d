"""Folders: what lies about in them, who else writes to them, and what the system refuses."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    StorageUnavailable,
)
from reporting_framework.storage import open_store
from reporting_framework.storage.folder import FolderStore
from tests.support.plugins import snapshot, unprivileged


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    return path


def keys(path):
    return [entry.key for page in open_store(str(path)).list() for entry in page]


def test_a_folder_says_what_it_is(folder):
    store = open_store(str(folder))
    assert (store.supports_list_after, store.remote, store.location.uri) == (
        False,
        False,
        str(folder),
    )


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_listing_of_what_is_no_folder_is_refused(folder, name):
    (folder / "file").write_text("")
    with pytest.raises(
        LocationError, match=f"{name}: no such folder; check the path of the source"
    ):
        keys(folder / name)


def test_links_are_followed_to_files_and_not_to_folders(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("")
    (folder / "file").symlink_to(tmp_path / "elsewhere" / "x")
    (folder / "other").symlink_to(tmp_path / "elsewhere")
    (folder / "circle").symlink_to(folder)
    assert keys(folder) == ["circle/", "file", "other/"]


def test_a_folder_whose_name_begins_with_a_dot_is_told_and_not_entered(folder):
    (folder / "sub" / ".git").mkdir(parents=True)
    (folder / "sub" / ".git" / "x").write_text("")
    (folder / ".hidden").write_text("")
    assert keys(folder) == [".hidden", "sub/.git/"]
    assert keys(folder / "sub" / ".git") == ["x"]


def test_the_names_of_one_file_are_told_links_last(folder, tmp_path):
    (tmp_path / "far").write_text("")
    (folder / "b").mkdir()
    (folder / "b" / "file").write_text("")
    (folder / "a").symlink_to("b/file")
    (folder / "c").hardlink_to(folder / "b" / "file")
    for name in ("d", "e"):
        (folder / name).symlink_to(tmp_path / "far")
    (folder / "loop").symlink_to("loop")
    store = open_store(str(folder))
    assert [entry.key for page in store.list() for entry in page] == [
        "a",
        "b/file",
        "c",
        "d",
        "e",
        "loop",
    ]
    assert (
        store.shared["a"]
        == store.shared["b/file"]
        == store.shared["c"]
        == ["b/file", "c", "a"]
    )
    assert store.shared["d"] == store.shared["e"] == ["d", "e"]
    assert len(store.shared) == 5


def test_a_link_that_leads_nowhere_is_listed_and_cannot_be_read(folder):
    (folder / "dangling").symlink_to(folder / "nothing")
    (folder / "loop").symlink_to(folder / "loop")
    assert keys(folder) == ["dangling", "loop"]
    store = open_store(str(folder))
    with pytest.raises(ObjectMissing, match="dangling: no such file"):
        store.get("dangling")
    with pytest.raises(
        StorageUnavailable, match="loop: Too many levels of symbolic links"
    ):
        store.get("loop")


def test_a_pipe_is_passed_over(folder):
    os.mkfifo(folder / "pipe")
    assert keys(folder) == []


def test_names_that_are_no_text_and_names_with_newlines_are_listed(folder):
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))).write_text("1")
    (folder / "new\nline").write_text("2")
    listed = keys(folder)
    assert listed == ["new\nline", "\udcff"]
    assert [open_store(str(folder)).get(key).data for key in listed] == [b"2", b"1"]


def test_a_folder_in_the_place_of_a_file_is_refused(folder):
    (folder / "k").mkdir()
    store = open_store(str(folder))
    for act in (
        lambda: store.get("k"),
        lambda: store.head("k"),
        lambda: store.put("k", b"", if_version=None),
    ):
        with pytest.raises(
            LocationError,
            match="k: expected a file and found something else, or the other way round",
        ):
            act()
    assert keys(folder) == [".k.lock"]


def test_a_file_in_the_place_of_a_folder_is_refused(folder):
    (folder / "file").write_text("")
    store = open_store(str(folder))
    for act in (
        lambda: store.get("file/k"),
        lambda: store.head("file/k"),
        lambda: store.put("file/k", b"", if_version=None),
    ):
        with pytest.raises(
            LocationError,
            match="k: expected a file and found something else, or the other way round",
        ):
            act()


def test_what_the_system_refuses_otherwise_is_told_in_its_words(folder):
    store, key = open_store(str(folder)), "x" * 300
    for act in (
        lambda: store.get(key),
        lambda: store.head(key),
        lambda: store.put(key, b"", if_version=None),
    ):
        with pytest.raises(StorageUnavailable, match="File name too long"):
            act()


def test_a_file_that_is_not_from_scratch_cannot_be_put(folder):
    store = open_store(str(folder))
    with (
        pytest.raises(ObjectMissing, match="k: no such file"),
        store.temp_path("nowhere/k"),
    ):
        pass
    with pytest.raises(ObjectMissing, match="k: no such file"):
        store.put("k", folder / "nothing", if_version=None)


def test_a_disk_that_is_full_is_told_and_leaves_nothing(folder):
    limited = f"""
import resource, signal, sys
from reporting_framework.storage import open_store
from reporting_framework.errors import StorageUnavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
try:
    open_store({str(folder)!r}).put("k", b"x" * 5000, if_version=None)
except StorageUnavailable as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sys.exit(f"StorageUnavailable: {{error}}")
"""
    done = subprocess.run(
        [sys.executable, "-c", limited], capture_output=True, text=True, check=False
    )
    assert done.stderr == f"StorageUnavailable: {folder}/k: File too large\n"
    assert keys(folder) == [".k.lock"]


def test_what_may_not_be_read_or_written_is_denied(public_folder):
    message = (
        "the system denies access; check the permissions of the file and its folder"
    )
    (public_folder / "closed").mkdir(mode=0)
    (public_folder / "file").write_text("")
    (public_folder / "file").chmod(0)
    (public_folder / "read-only").mkdir(mode=0o555)
    store = open_store(str(public_folder))
    with unprivileged():
        for act in (
            lambda: list(store.list()),
            lambda: store.get("file"),
            lambda: store.get("closed/k"),
            lambda: store.head("closed/k"),
            lambda: store.put("read-only/k", b"", if_version=None),
        ):
            with pytest.raises(AccessDenied, match=message):
                act()


def test_half_a_read_is_completed_and_a_file_that_shrank_ends(folder):
    (folder / "k").write_bytes(b"0123456789")
    with (folder / "k").open("rb", buffering=0) as file:
        assert FolderStore._read_rest(file.fileno(), file.read(3), 10) == b"0123456789"
        file.seek(3)
        assert FolderStore._read_rest(file.fileno(), b"012", 99) == b"0123456789"


def test_a_version_changes_with_the_content(folder):
    store = open_store(str(folder))
    versions = [store.put("k", b"one", if_version=None)]
    versions.append(store.put("k", b"two", if_version=versions[0]))
    (folder / "k").write_bytes(b"three")
    versions.append(store.head("k").version)
    assert len(set(versions)) == 3


def test_a_file_has_the_rights_that_the_umask_leaves(folder):
    before = os.umask(0o027)
    try:
        open_store(str(folder)).put("k", b"", if_version=None)
    finally:
        os.umask(before)
    assert (folder / "k").stat().st_mode & 0o777 == 0o640


def test_what_a_killed_writer_left_is_removed_and_nothing_else(folder):
    store = open_store(str(folder))
    left = [
        folder / name
        for name in (".a[1]*.parquet.abcdefgh.tmp", ".a[1]*.parquet.12345678.tmp")
    ]
    other = [
        ".a1.parquet.abcdefgh.tmp",
        ".a[1]*.parquet.more.abcdefgh.tmp",
        ".a[1]*.parquet.tmp",
        "a.tmp",
    ]
    for path in [*left, *(folder / name for name in other)]:
        path.write_text("")
    store.put("a[1]*.parquet", b"", if_version=None)
    assert not any(path.exists() for path in left)
    assert all((folder / name).exists() for name in other)


def test_a_writer_waits_for_the_lock(folder):
    store, order = open_store(str(folder)), []

    def write():
        order.append("waits")
        store.put(
            "k", b"second", if_version=store.head("k") and store.head("k").version
        )
        order.append("written")

    with store.lock("k"):
        waiting = threading.Thread(target=write)
        waiting.start()
        waiting.join(0.1)
        order.append("released")
    waiting.join()
    assert order == ["waits", "released", "written"]


def test_a_lock_dies_with_its_process(folder):
    holder = f"""
import os
from reporting_framework.storage import open_store
with open_store({str(folder)!r}).lock("k"):
    print("held", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        process.kill()
    open_store(str(folder)).put("k", b"free", if_version=None)
    assert (folder / "k").read_bytes() == b"free"


def test_a_refused_put_leaves_nothing_behind(folder):
    store = open_store(str(folder))
    store.put("k", b"one", if_version=None)
    before = snapshot(folder)
    with pytest.raises(CommitConflict):
        store.put("k", b"two", if_version=None)
    assert snapshot(folder) == before


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    store = open_store(str(tmp_path))
    for ask in (store.get, store.head):
        with pytest.raises(
            LocationError, match="pipe: expected a file and found something else"
        ):
            ask("pipe")


def test_folders_may_be_deeper_than_python_nests_calls(tmp_path):
    folders = [tmp_path / "/".join("d" * depth) for depth in range(1, 1101)]
    for folder in folders:
        folder.mkdir()
    (folders[-1] / "x").touch()
    assert [
        entry.key for page in open_store(str(tmp_path)).list() for entry in page
    ] == ["d/" * 1100 + "x"]
    (folders[-1] / "x").unlink()
    for folder in reversed(folders):  # pytest would nest calls to remove them
        folder.rmdir()


def test_the_root_of_the_file_system_is_a_folder():
    assert next(iter(open_store("/etc").list()))
    assert open_store("/").location.uri == "/"


def test_replacing_needs_no_lock_and_leaves_no_other_file(folder):
    store = open_store(str(folder))
    how = {"content_type": "text/plain", "metadata": {}}
    assert store.replace("new/k", b"one", **how) != store.replace(
        "new/k", b"two", **how
    )
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["k"]
    (folder / "file").write_bytes(b"")
    (folder / "taken").mkdir()
    for key in ("file/k", "taken"):
        with pytest.raises(
            LocationError,
            match=f"{key}: expected a file and found something else",
        ):
            store.replace(key, b"", **how)
    with pytest.raises(StorageUnavailable, match="File name too long"):
        store.replace("x" * 300, b"", **how)
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "file",
        "k",
    ]


def test_what_a_killed_process_left_is_removed_by_the_next_that_replaces_a_file(folder):
    """Names of the history's files never come a second time, so no lock of a key can tell."""
    (folder / ".rows-1.parquet.abcdefgh.tmp").write_bytes(b"half")
    store = open_store(str(folder))
    with store.temp_path("other") as used:
        store.replace("rows-2.parquet", b"x", content_type="t", metadata={})
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            [used.name, "rows-2.parquet"]
        )
