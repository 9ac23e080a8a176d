"""Types of what plugins return: a wrong one is an error that names the plugin."""

import polars as pl
import pytest

from reporting_framework import (
    Batch,
    CommitResult,
    PluginError,
    Rejection,
    Split,
    StagedPart,
    Transform,
    Validated,
)
from reporting_framework.builtin.engine import LocalEngine, LocalEngineSettings
from reporting_framework.execution.plugin_results import check_columns
from reporting_framework.testing.fakes import (
    SCHEMA,
    EventValidator,
    GivenRecords,
    KeptRows,
    batch,
    execute,
    pipeline,
)


class Unchanged(Transform):
    """A transform that returns its frame."""

    name = "test-unchanged"

    def apply(self, frame):
        return frame


class Framed(GivenRecords):
    """A source that declares frames."""

    output_format = "frames"


class Pushed(GivenRecords):
    """A source that answers a trigger."""

    triggers = frozenset({"queue"})


def returning(plugin, **results):
    """Return the plugin with methods that return these results."""
    for method, result in results.items():
        setattr(plugin, method, lambda *_, _result=result, **__: _result)
    return plugin


def source(**results):
    return returning(GivenRecords({"s": [batch(1)]}), **results)


def run(**parts):
    parts = {
        "source": source(),
        "sink": KeptRows(),
        "transforms": [Unchanged()],
        **parts,
    }
    execute(pipeline(parts.pop("source"), parts.pop("sink"), **parts))


FRAME = EventValidator().validate(batch(1)).frame


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"source": source(plan=None)},
            "source test-given: plan returned the type NoneType; give Iterable",
        ),
        (
            {"source": source(plan=["a"])},
            "source test-given: plan yielded the type str; give Split",
        ),
        (
            {"source": source(plan=[Split(1, {})])},
            "source test-given: plan yielded Split whose id has the type int; give str",
        ),
        (
            {"source": source(read=None)},
            "source test-given: read returned the type NoneType; give Iterable",
        ),
        (
            {"source": source(plan_stats={})},
            "source test-given: plan_stats returned the type dict; give PlanStats",
        ),
        (
            {"source": returning(Pushed({"s": [batch(1)]}), build_response=None)},
            "source test-given: build_response returned the type NoneType; give"
            " TriggerResponse",
        ),
        (
            {"validator": returning(EventValidator(), validate=(FRAME, []))},
            "validator test-event: validate returned the type tuple; give Validated",
        ),
        (
            {"validator": returning(EventValidator(), validate=Validated(None))},
            "validator test-event: validate returned Validated whose frame has the type"
            " NoneType; give DataFrame",
        ),
        (
            {
                "validator": returning(
                    EventValidator(), validate=Validated(SCHEMA.to_frame(), ["missing"])
                )
            },
            "validator test-event: validate returned Validated whose rejections has an"
            " item of type str; give Rejection",
        ),
        (
            {
                "validator": returning(
                    EventValidator(), validate=Validated(FRAME.drop("study"))
                )
            },
            "validator test-event: column study is missing; return exactly the declared"
            " columns",
        ),
        (
            {"transforms": [returning(Unchanged(), apply=FRAME.lazy())]},
            "transform test-unchanged: apply returned the type LazyFrame; give"
            " DataFrame",
        ),
        (
            {"transforms": [returning(Unchanged(), apply=FRAME.drop("source_key"))]},
            "transform test-unchanged: its frame has no column source_key; keep it",
        ),
        (
            {"sink": returning(KeptRows(), stage=None)},
            "sink test-kept: stage returned the type NoneType; give StagedPart",
        ),
        (
            {"sink": returning(KeptRows(), stage=StagedPart("1", None))},
            "sink test-kept: stage returned StagedPart whose rows has the type str;"
            " give int",
        ),
        (
            {"sink": returning(KeptRows(), commit=None)},
            "sink test-kept: commit returned the type NoneType; give CommitResult",
        ),
        (
            {"sink": returning(KeptRows(), commit=CommitResult("memory://kept"))},
            "sink test-kept: commit returned CommitResult whose outputs has the type"
            " str; give a sequence of Output",
        ),
        (
            {"sink": returning(KeptRows(), commit=CommitResult(duplicates="1"))},
            "sink test-kept: commit returned CommitResult whose duplicates has the type"
            " str; give int or None",
        ),
        (
            {"sink": returning(KeptRows(), load_state="page 1")},
            "sink test-kept: load_state returned the type str; give Mapping or None",
        ),
    ],
)
def test_a_result_of_a_wrong_type_is_the_fault_of_the_plugin_that_returned_it(
    parts, message
):
    with pytest.raises(PluginError) as raised:
        run(**parts)
    assert str(raised.value) == f"report test: {message}"


@pytest.mark.parametrize("results", ["ab", ["ab"]])
def test_an_engine_must_yield_results_of_splits(results):
    engine = returning(LocalEngine(LocalEngineSettings()), map=results)
    with pytest.raises(
        PluginError, match="engine local: map yielded the type str; give SplitResult"
    ):
        run(engine=engine)


def test_the_transform_whose_columns_depend_on_the_rows_is_named():
    class Counting(Unchanged):
        """A transform that adds a column only if there are rows."""

        name = "test-counting"

        def apply(self, frame):
            return frame.with_columns(n=1) if frame.height else frame

    with pytest.raises(PluginError) as raised:
        run(transforms=[Unchanged(), Counting(), Unchanged()])
    assert str(raised.value) == (
        "report test: transform test-counting: column n is not declared; return exactly"
        " the declared columns"
    )


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        ({"a": pl.Int32, "b": pl.String}, "column a is Int32, not Int64"),
        ({"b": pl.String, "a": pl.Int64}, "its columns are in another order"),
        ({"a": pl.Int64}, "column b is missing"),
        ({"a": pl.Int64, "b": pl.String, "c": pl.Int8}, "column c is not declared"),
    ],
)
def test_the_first_column_that_differs_is_named(returned, problem):
    declared = pl.Schema({"a": pl.Int64, "b": pl.String})
    with pytest.raises(PluginError, match=f"^v: {problem}"):
        check_columns(pl.Schema(returned), declared, "v")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            Framed({"s": [batch(1)]}),
            "payloads, but output_format is 'frames'; yield frames, or declare"
            " 'payloads'",
        ),
        (
            GivenRecords({"s": [Batch(["k"], [None], frame=FRAME)]}),
            "frames, but output_format is 'payloads'; yield payloads, or declare"
            " 'frames'",
        ),
        (
            GivenRecords({"s": [batch(1)._replace(frame=FRAME)]}),
            "frames, but output_format is 'payloads'; yield payloads, or declare"
            " 'frames'",
        ),
        (
            Framed({"s": [Batch(["k"], [None], frame=FRAME.lazy())]}),
            "frame with the type LazyFrame; give DataFrame or None",
        ),
        (
            GivenRecords({"s": [batch(1)._replace(unread=["k"])]}),
            "unread with an item of type str; give ReadFailure",
        ),
        (
            GivenRecords({"s": [batch(1)._replace(rejected=None)]}),
            "rejected with the type NoneType; give a sequence of Rejection",
        ),
    ],
)
def test_records_of_another_form_are_the_fault_of_the_source(given, problem):
    with pytest.raises(PluginError) as raised:
        run(source=given)
    assert str(raised.value) == f"report test: source test-given: a batch has {problem}"


def test_a_batch_without_records_has_no_form():
    rejected = [Rejection("k", None, "too_large")]
    run(source=Framed({"s": [Batch(payloads=[], rejected=rejected)]}))
