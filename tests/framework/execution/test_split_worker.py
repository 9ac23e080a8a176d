"""One split: what is read is accounted for, steps that break a rule are named, and no value of a record is told."""

from datetime import UTC, datetime

import polars as pl
import pytest

from reporting_framework import (
    FILTERED,
    AccessDenied,
    Batch,
    InvariantBroken,
    PluginError,
    ReadFailure,
    Rejection,
    Sink,
    Split,
    StagedPart,
    StepFailed,
    Validated,
)
from reporting_framework.execution.split_worker import SplitWorker
from tests.support.plugins import (
    SCHEMA,
    EventValidator,
    GivenRecords,
    WithoutStudy,
    batch,
    event,
    pipeline,
)

SPLIT = Split("s", {})


class Staging(Sink):
    """A sink that keeps what is staged."""

    name = "test-staging"

    def __init__(self):
        self.staged = []

    def stage(self, frame, split, part):
        self.staged.append((split.id, part, frame.rows()))
        return StagedPart(frame.height, part)

    def commit(self, staged_parts, context=None):
        raise AssertionError


class FramedRecords(GivenRecords):
    """A source of given frames."""

    output_format = "frames"


class Breaking:
    """A step that raises, at its first call or when it is iterated."""

    name = "test-breaking"
    output_format = "payloads"
    natural_keys = False
    stream = None
    schema = SCHEMA

    def __init__(self, error, late=False):
        self.error, self.late = error, late

    def act(self, *_):
        if not self.late:
            raise self.error
        return self._iterate()

    def _iterate(self):
        yield batch(1)
        raise self.error

    def metadata_location(self):
        return None

    read = validate = apply = stage = act


class Answering:
    """A validator or transform that gives what a test says."""

    name = "test-answering"
    input_format = "payloads"
    schema = SCHEMA

    def __init__(self, answer):
        self.answer = answer

    def act(self, given):
        return self.answer(given)

    validate = apply = act


def work(*batches, limit=None, sinks=None, **parts):
    made = pipeline(
        GivenRecords({"s": batches}),
        *([Staging()] if sinks is None else sinks),
        **parts,
    )
    return SplitWorker(made, limit)(SPLIT)


def test_a_split_becomes_an_outcome():
    sinks = [Staging(), Staging()]
    bad = Batch(
        ["x"],
        ["7"],
        [b'{"study": 1}'],
        rejected=[Rejection("y", None, "too_large")],
        unread=[ReadFailure("z", "denied")],
    )
    split_result = work(batch(1, 2), bad, batch(3), sinks=sinks)
    assert split_result.split is SPLIT
    assert split_result.source_keys == [
        "given.ndjson#1",
        "given.ndjson#2",
        "y",
        "x",
        "given.ndjson#3",
    ]
    assert split_result.accepted == 3
    assert split_result.rejections == [
        Rejection("y", None, "too_large"),
        Rejection("x", "7", "string_type", "study"),
    ]
    assert split_result.unread == [ReadFailure("z", "denied")]
    assert split_result.staged_parts == [[StagedPart(2, 0), StagedPart(1, 2)]] * 2
    assert set(split_result.seconds) == {"read", "validate", "commit"}
    assert sinks[0].staged == sinks[1].staged
    assert [(split, part, len(rows)) for split, part, rows in sinks[0].staged] == [
        ("s", 0, 2),
        ("s", 2, 1),
    ]


def test_a_batch_of_nothing_valid_is_not_staged():
    sink = Staging()
    split_result = work(
        Batch(["x"], [None], [b""]),
        Batch(unread=[ReadFailure("z", "archived")]),
        sinks=[sink],
    )
    assert (
        split_result.accepted,
        len(split_result.rejections),
        len(split_result.unread),
    ) == (0, 1, 1)
    assert sink.staged == []


def test_ignored_fields_are_added_up():
    validator = Answering(
        lambda given: Validated(
            SCHEMA.to_frame(), [Rejection("o", None, "t")], {"naccid": 2, "x": 1}
        )
    )
    assert work(batch(1), batch(2), validator=validator).ignored_fields == {
        "naccid": 4,
        "x": 2,
    }


def test_rows_that_a_transform_drops_are_filtered_with_their_version():
    alpha, beta = event(1, study="alpha"), event(2, study="beta")
    given = Batch(["a", "b", "c"], ["1", "2", "3"], [alpha, beta, beta])
    split_result = work(given, transforms=[WithoutStudy("beta"), WithoutStudy("alpha")])
    assert split_result.accepted == 0
    assert sorted(split_result.rejections, key=lambda each: each.source_key) == [
        Rejection("a", "1", FILTERED),
        Rejection("b", "2", FILTERED),
        Rejection("c", "3", FILTERED),
    ]
    assert "transform" in split_result.seconds


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda frame: pl.concat([frame, frame]), "made 4 rows of 2 and dropped 0"),
        (
            lambda frame: frame.with_columns(source_key=pl.lit("new")),
            "made 2 rows of 2 and dropped 2",
        ),
        (
            lambda frame: pl.concat([frame[:1], frame[:1]]),
            "made 2 rows of 2 and dropped 1",
        ),
    ],
)
def test_a_transform_that_makes_rows_up_is_found_out(answer, message):
    with pytest.raises(
        InvariantBroken, match=f"report test: transform test-answering {message}"
    ):
        work(batch(1, 2), transforms=[Answering(answer)])


@pytest.mark.parametrize(("rows", "rejections"), [(0, 0), (1, 0), (2, 1), (0, 3)])
def test_a_validator_that_does_not_answer_for_each_record_is_found_out(
    rows, rejections
):
    good = EventValidator().validate(batch(1, 2)).frame[:rows]
    validator = Answering(
        lambda given: Validated(good, [Rejection("o", None, "t")] * rejections)
    )
    message = f"validator test-answering was given 2 records and answered for {rows + rejections}"
    with pytest.raises(InvariantBroken, match=message):
        work(batch(1, 2), validator=validator)


@pytest.mark.parametrize(
    ("role", "late"),
    [
        ("source", False),
        ("source", True),
        ("validator", False),
        ("transform", False),
        ("sink", False),
    ],
)
def test_an_error_of_a_step_is_wrapped_once_and_names_the_step_only(role, late):
    step = Breaking(ValueError("SECRET-VALUE"), late)
    parts = (
        {"transforms": [step]}
        if role == "transform"
        else {role: step}
        if role == "validator"
        else {}
    )
    made = pipeline(
        step if role == "source" else GivenRecords({"s": [batch(1)]}),
        Staging(),
        **parts,
    )
    if role == "sink":
        made = pipeline(made.source, step)
    with pytest.raises(StepFailed) as raised:
        SplitWorker(made)(SPLIT)
    assert (
        str(raised.value)
        == f"report test: {role} test-breaking raised ValueError; see the log for where"
    )
    assert raised.value.__cause__ is step.error


@pytest.mark.parametrize(
    "error", [AccessDenied("s3://b/k: denied"), KeyboardInterrupt(), GeneratorExit()]
)
def test_the_framework_s_own_errors_and_interrupts_pass(error):
    with pytest.raises(type(error)) as raised:
        work(batch(1), validator=Breaking(error))
    assert raised.value is error


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
def test_a_limit_is_exact_and_stages_nothing(limit):
    sink = Staging()
    rejected = [Rejection("r1", None, "too_large"), Rejection("r2", None, "too_large")]
    split_result = work(
        batch(1, 2, rejected=rejected), batch(3, 4), limit=limit, sinks=[sink]
    )
    assert len(split_result.source_keys) == min(limit, 6)
    assert split_result.accepted + len(split_result.rejections) == len(
        split_result.source_keys
    )
    assert sink.staged == []
    assert split_result.staged_parts == [[]]


def test_a_limit_cuts_frames_too():
    frame = EventValidator().validate(batch(1, 2, 3)).frame
    given = Batch(["1", "2", "3"], [None] * 3, None, frame)
    validator = Answering(lambda cut: Validated(cut.frame))
    source = FramedRecords({"s": [given]})
    split_result = SplitWorker(pipeline(source, Staging(), validator=validator), 2)(
        SPLIT
    )
    assert (split_result.source_keys, split_result.accepted) == (["1", "2"], 2)


def deletes(key="a", version="1", at=datetime(2024, 1, 1, tzinfo=UTC)):
    return pl.DataFrame(
        {"source_key": [key], "_version": [version], "_deleted_at": [at]}
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            Batch(["a", "b"], [None], [b"", b""]),
            "2 source keys, 1 versions and 2 records; give one of each",
        ),
        (
            Batch(["a"], [None], []),
            "1 source keys, 1 versions and 0 records; give one of each",
        ),
        (
            Batch(["a"], [None]),
            "1 source keys, 1 versions and 0 records; give one of each",
        ),
        (
            Batch(["a"], [7], [b""]),
            "a version of type int, not a text; give a text or None",
        ),
        (
            Batch(["a", "b"], ["1", 7], [b"", b""]),
            "a version of type int, not a text; give a text or None",
        ),
        (
            Batch(["a"], pl.Series([7]), [b""]),
            "a version of type int, not a text; give a text or None",
        ),
        (
            Batch(rejected=[Rejection("a", 7, "broken")]),
            "a version of type int, not a text; give a text or None",
        ),
        (
            Batch(["a"], iter([None]), [b""]),
            "versions of type list_iterator; give a list or a series",
        ),
        (
            Batch(["a", None], ["1"] * 2, [b""] * 2),
            "a source key of type NoneType, not a text",
        ),
        (Batch(["a"], ["1"], ["{}"]), "a payload of type str, not bytes; encode it"),
        (
            Batch(deletes=pl.DataFrame({"id": [1]})),
            "deletes without the column _deleted_at; see Batch.deletes",
        ),
        (
            Batch(deletes=deletes(key=None)),
            "deletes whose source_key is of type NoneType; see Batch.deletes",
        ),
        (
            Batch(deletes=deletes(version=5)),
            "deletes whose _version is of type int; see Batch.deletes",
        ),
        (
            Batch(deletes=deletes(at=None)),
            "deletes whose _deleted_at is of type NoneType; see Batch.deletes",
        ),
        (
            Batch(deletes=deletes(at="2024-01-01")),
            "deletes whose _deleted_at is of type str; see Batch.deletes",
        ),
        (
            Batch(position=3),
            "a position of type int; give a mapping of JSON types",
        ),
        (["a"], "the type list; yield Batch objects"),
        (None, "the type NoneType; yield Batch objects"),
    ],
)
def test_a_batch_that_does_not_fit_together_is_the_source_s_fault(given, problem):
    with pytest.raises(PluginError) as raised:
        work(given)
    assert str(raised.value) == (
        f"report test: source {GivenRecords.name}: a batch has {problem}"
    )


def test_deletes_of_a_split_may_have_versions_or_none():
    frame = deletes().select("_deleted_at", "_version", "source_key")
    batches = Batch(deletes=deletes(version=None)), Batch(deletes=frame)
    assert work(*batches).deletes.rows() == [("a", None), ("a", "1")]
