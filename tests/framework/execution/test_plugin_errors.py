"""The boundary between the framework and a plugin: errors are wrapped once, and everything else is the plugin's."""

import errno
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from reporting_framework.errors import CommitConflict, StepFailed, StorageUnavailable
from reporting_framework.execution.plugin_errors import (
    Owner,
    build,
    call,
    closing,
    guard,
    owner_of,
)
from reporting_framework.plugin_api.base import supports

GOOD = Owner("r", "sink", "good")


def raising(error):
    raise error


def test_what_the_operating_system_refuses_a_library_in_rust_is_told_with_what_to_do():
    frame = pl.DataFrame({"a": range(100_000)})
    for write in (frame.write_ipc, frame.write_parquet, frame.lazy().sink_parquet):
        with pytest.raises(
            StorageUnavailable, match="sink good: No space left on device; make room"
        ):
            call(GOOD, write, "/dev/full")


def test_too_few_descriptors_are_told_with_what_to_do():
    code = """
import os, resource
import polars as pl
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.errors import StorageUnavailable
limit = len(os.listdir("/proc/self/fd")) + 1
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
try:
    call(Owner("r", "sink", "good"), pl.scan_parquet("none.parquet").collect)
except StorageUnavailable as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (
        done.stdout
        == "report r: sink good: Too many open files; raise the limit of open files (ulimit -n)\n"
    )


def test_what_the_operating_system_refuses_is_told_on_one_line():
    with pytest.raises(StorageUnavailable) as caught:
        call(GOOD, Path("/dev/full").write_bytes, b"x")
    assert str(caught.value) == (
        "report r: sink good: No space left on device; make room there"
    )
    with pytest.raises(StorageUnavailable) as caught:
        call(GOOD, raising, OSError(errno.EMFILE, "Too many open files", "/tmp/x"))
    assert str(caught.value) == (
        "report r: sink good: /tmp/x: Too many open files; raise the limit of open files (ulimit -n)"
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_tmpdir_is_named_for_a_temporary_file_alone(number):
    def told(path):
        with pytest.raises(StorageUnavailable) as caught:
            call(GOOD, raising, OSError(number, "", path))
        return str(caught.value)

    assert "TMPDIR" not in told("/tmp/out/events.parquet")
    assert told("/elsewhere/reporting-locked-spool-x/y.arrow").endswith(
        ", or set TMPDIR to another folder"
    )
    assert "TMPDIR" not in told(None)


@pytest.mark.parametrize(
    "kind", [SystemExit, type("PanicException", (BaseException,), {})]
)
def test_a_plugin_that_ends_the_process_or_panics_ends_the_run_alone(kind):
    with pytest.raises(StepFailed, match=f"report r: sink good raised {kind.__name__}"):
        call(GOOD, raising, kind("SECRET"))
    with pytest.raises(KeyboardInterrupt):
        call(GOOD, raising, KeyboardInterrupt())


class Plugin:
    """One of every kind of attribute."""

    name = "good"
    triggers = frozenset({"s3"})

    def __init__(self, settings=None):
        self.settings, self.closed = settings, False
        if settings == "bad":
            raise KeyError

    @property
    def newest(self):
        raise ValueError("SECRET")

    def conflict(self):
        raise CommitConflict("as it is")

    def fail(self):
        raise ValueError("SECRET")

    def items(self):
        try:
            yield 1
            raise ValueError("SECRET")
        finally:
            self.closed = True

    def ledger(self):
        return Plugin()

    def scan(self):
        return None

    def accept_trigger(self, trigger):
        return trigger

    def build_response(self, unread, rejections):
        return None


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def guarded(plugin):
    return guard(plugin, GOOD)


def test_an_attribute_of_a_guarded_plugin_raises_by_its_name_and_shows_no_value(
    guarded,
):
    for fails in (
        guarded.fail,
        lambda: guarded.newest,
        lambda: list(guarded.items()),
        lambda: guarded.ledger().newest,
    ):
        with pytest.raises(StepFailed) as raised:
            fails()
        assert (
            str(raised.value)
            == "report r: sink good raised ValueError; see the log for where"
        )
        assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(CommitConflict, match="^as it is$"):
        guarded.conflict()
    with pytest.raises(StepFailed, match="sink good raised KeyError"):
        build(GOOD, Plugin, "bad")


def test_a_guarded_plugin_is_what_the_plugin_is(guarded, plugin):
    assert isinstance(guarded, Plugin)
    assert type(guarded).__name__ == "Plugin"
    assert [
        supports(guarded, method)
        for method in ("scan", "accept_trigger", "remove", "metadata_location")
    ] == [True, True, False, False]
    assert (guarded.name, guarded.triggers) == ("good", {"s3"})
    assert not hasattr(guarded, "absent")
    guarded.settings = "new"
    assert plugin.settings == "new"
    assert guard(guarded, Owner("other", "source", "else")) is guarded
    assert owner_of(guarded) == owner_of(guarded.ledger()) == GOOD
    copy = pickle.loads(pickle.dumps(guarded))
    assert (copy.settings, owner_of(copy)) == ("new", GOOD)


def test_an_iterator_of_a_guarded_plugin_is_closed_early(guarded, plugin):
    with closing(guarded.items()) as items:
        assert isinstance(items, Iterator)
        assert next(items) == 1
    assert plugin.closed


def test_what_closing_an_iterator_raises_is_logged(caplog):
    class Stubborn(Plugin):
        def items(self):
            try:
                yield 1
            finally:
                raise ValueError("SECRET")

    with closing(guard(Stubborn(), GOOD).items()) as items:
        next(items)
    assert caplog.messages == [
        "while closing: report r: sink good raised ValueError; see the log for where"
    ]
