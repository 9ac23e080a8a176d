"""Closing: every plugin is closed, nothing is hidden by it, and a run ends with exactly one event that history confirms."""

import logging

import pytest

from reporting_framework import Engine as EngineBase
from reporting_framework import StepFailed, Transform, hookimpl
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.history import runs_of
from tests.support.plugins import (
    EventValidator,
    GivenRecords,
    Notes,
    SinkWith,
    batch,
    checkpoint,
    execute,
    lifecycle,
    pipeline,
    source_keys_of,
)

ERRORS = [ValueError("SECRET-VALUE"), SystemExit(3), KeyboardInterrupt()]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "out" / "events.parquet"


class Closing(GivenRecords):
    """A source that notes when it is closed, and raises then."""

    def __init__(self, splits, error=None):
        super().__init__(splits)
        self.error, self.order = error, []

    def close(self):
        self.order.append("source")
        if self.error is not None:
            raise self.error


class Ends:
    """An observer that notes how the run ended, after what was closed by then."""

    def __init__(self, order):
        self.order = order

    @hookimpl
    def reporting_run_finished(self):
        self.order.append("finished")

    @hookimpl
    def reporting_run_failed(self):
        self.order.append("failed")


def parts(place, error, order, *, sinks=2, **replaced):
    """Sinks that note when they are closed, and raise then."""

    def aborting(sink):
        def close():
            order.append("sink")
            sink.close()
            if error is not None:
                raise error

        return close

    real = [
        checkpoint(place.with_name(f"{number}-{place.name}")) for number in range(sinks)
    ]
    return [SinkWith(sink, close=aborting(sink), **replaced) for sink in real]


def recorded(place):
    [record] = runs_of(
        pipeline(GivenRecords({}), checkpoint(place.with_name(f"0-{place.name}")))
    )
    return record.status


def raising(error):
    def act(*_, **__):
        raise error

    return act


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_closing_raises_after_a_commit_leaves_the_run_finished_and_everything_closed(
    place, error, caplog
):
    source = Closing({"one": [batch(1)]}, error)
    made = pipeline(source, *parts(place, error, source.order))
    with caplog.at_level(logging.WARNING):
        if isinstance(error, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                execute(made, Ends(source.order))
        else:
            assert execute(made, Ends(source.order)).accepted == 1
            assert [message.split(" raised ")[0] for message in caplog.messages] == [
                "while closing: report test: source test-given",
                *["while closing: report test: sink test-sink-with"] * 2,
            ]
    assert source.order == ["source", "sink", "sink", "finished"]
    assert recorded(place) == "ok"
    assert source_keys_of(place.with_name(f"0-{place.name}")) == ["given.ndjson#1"]


@pytest.mark.parametrize("closing", ERRORS[:2], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "error",
    [KeyError("SECRET-VALUE"), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
def test_what_closing_raises_never_hides_why_a_run_failed(place, error, closing):
    source, notes = Closing({"one": [batch(1)]}, closing), Notes()
    made = pipeline(source, *parts(place, closing, source.order, commit=raising(error)))
    with pytest.raises((StepFailed, KeyboardInterrupt)) as raised:
        execute(made, notes, Ends(source.order))
    assert error in (raised.value, raised.value.__cause__)
    assert notes.error is raised.value
    assert source.order == ["source", "sink", "sink", "failed"]
    assert recorded(place) == "failed"


def test_what_closing_raises_never_hides_why_a_command_failed(place):
    source = Closing({}, ValueError("SECRET-VALUE"))
    made = pipeline(source, *parts(place, ValueError("SECRET-VALUE"), source.order))
    with pytest.raises(KeyError, match="first"), prepared(made):
        raise KeyError("first")
    assert source.order == ["source", "sink", "sink"]


def test_an_interrupt_while_the_start_is_observed_ends_the_run_with_everything_closed(
    place,
):
    class Interrupted(Notes):
        @hookimpl
        def reporting_run_started(self):
            raise KeyboardInterrupt

    source, notes = Closing({"one": [batch(1)]}), Notes()
    with pytest.raises(KeyboardInterrupt):
        execute(
            pipeline(source, *parts(place, None, source.order)), notes, Interrupted()
        )
    assert notes.calls == ["started", "failed"]
    assert source.order == ["source", "sink", "sink"]


def test_an_interrupt_while_the_source_names_its_places_ends_the_run_with_everything_closed(
    place,
):
    class Named(Closing):
        def source_uris(self):
            raise KeyboardInterrupt

    source, notes = Named({"one": [batch(1)]}), Notes()
    with pytest.raises(KeyboardInterrupt):
        execute(pipeline(source, *parts(place, None, source.order)), notes)
    assert notes.calls == ["failed"]
    assert source.order == ["source", "sink", "sink"]


class Unspeakable(OSError):
    """An error that fails to say what it is."""

    def __str__(self):
        raise ValueError("SECRET-VALUE")


def test_an_error_without_a_message_is_wrapped_like_any_other(place):
    class Broken(Closing):
        def plan(self, ledger):
            raise Unspeakable

    with pytest.raises(StepFailed, match="raised Unspeakable"):
        execute(pipeline(Broken({}), checkpoint(place)))


def test_an_interrupt_of_one_observer_keeps_the_end_from_no_other():
    class Interrupted(Notes):
        @hookimpl
        def reporting_run_failed(self):
            raise KeyboardInterrupt

    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        lifecycle(notes, Interrupted()).run_failed(
            report="r", run_id="1", error=ValueError()
        )
    assert notes.calls == ["failed"]


def test_a_panic_of_an_observer_s_library_never_fails_a_run(place):
    class PanicException(BaseException):
        """What libraries in Rust raise."""

    class Panicking:
        @hookimpl
        def reporting_split_finished(self):
            raise PanicException

    assert (
        execute(
            pipeline(GivenRecords({"one": [batch(1)]}), checkpoint(place)), Panicking()
        ).accepted
        == 1
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_source_yields_is_closed_before_the_source_when_a_later_step_fails(
    place, dry_run
):
    class Held(Closing):
        def read(self, split):
            try:
                yield from super().read(split)
            finally:
                self.order.append("read")

    class Failing(EventValidator):
        def validate(self, batch):
            raise KeyError("SECRET-VALUE")

    source = Held({"one": [batch(1), batch(2)]})
    made = pipeline(
        source, *parts(place, None, source.order, sinks=1), validator=Failing()
    )
    with pytest.raises(StepFailed):
        execute(made, dry_run=dry_run)
    assert source.order == ["read", "source", "sink"]


def test_the_engine_is_ended_before_anything_is_closed(place):
    class Engine(EngineBase):
        name = "test-engine"

        def map(self, process, splits, *, parallelism, stop):
            try:
                yield from map(process, splits)
            finally:
                source.order.append("engine")

    class Interrupted:
        @hookimpl
        def reporting_split_finished(self):
            raise KeyboardInterrupt

    source = Closing({"one": [batch(1)], "two": [batch(2)]})
    made = pipeline(source, *parts(place, None, source.order, sinks=1), engine=Engine())
    with pytest.raises(KeyboardInterrupt):
        execute(made, Interrupted(), Ends(source.order))
    assert source.order == ["engine", "source", "sink", "failed"]


def test_the_other_parts_are_closed_too_first_the_engine_and_last_the_sinks(place):
    class Engine(EngineBase):
        name = "test-engine"

        def map(self, process, splits, *, parallelism, stop):
            return map(process, splits)

        def close(self):
            source.order.append("engine")

    class Validator(EventValidator):
        def close(self):
            source.order.append("validator")

    class Unchanged(Transform):
        name = "test-unchanged"

        def apply(self, frame):
            return frame

        def close(self):
            source.order.append("transform")

    source = Closing({"one": [batch(1)]})
    made = pipeline(
        source,
        *parts(place, None, source.order, sinks=1),
        validator=Validator(),
        transforms=[Unchanged()],
        engine=Engine(),
    )
    execute(made)
    assert source.order == ["engine", "source", "validator", "transform", "sink"]
