"""OpenLineage events of a run.

Of a run's records, events contain only counts, and types and fields of rejections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    tags_run,
)

from reporting_openlineage.assertions import (
    MAX_LISTED,
    check_assertions,
    rejection_assertions,
)
from reporting_openlineage.columns import column_lineage
from reporting_openlineage.naming import name_of

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework import ColumnSource
    from reporting_framework.plugin_api.result import Output, RunResult, Step
    from reporting_openlineage.parent import Parent

PRODUCER = "https://pypi.org/project/reporting-openlineage"


class Known(NamedTuple):
    """Facts about a run that are known at its start."""

    namespace: str
    report: str
    run_id: str
    inputs: Sequence[str] = ()
    steps: Sequence[Step] = ()
    schema: pl.Schema | None = None
    columns: Mapping[str, ColumnSource] = {}
    parent: Parent | None = None


def started(known: Known, at: datetime) -> RunEvent:
    """Return the event for the start of a run, with its inputs."""
    return _event(known, at, RunState.START, [_input(uri) for uri in known.inputs])


def finished(known: Known, at: datetime, result: RunResult) -> RunEvent:
    """Return the event for the end of a run, when all its results are visible.

    It has the inputs and outputs, and the counts of the run.
    """
    inputs = _inputs(known, result)
    written = sorted(result.outputs, key=lambda output: output.new_rows == 0)[
        :MAX_LISTED
    ]
    outputs = [] if result.dry_run else [_output(output, known) for output in written]
    tags = {
        "status": result.status,
        "complete": str(result.complete).lower(),
        **({"dry_run": "true"} if result.dry_run else {}),
        "records_read": str(result.records_read),
        "accepted": str(result.accepted),
        "rejected": str(result.rejected),
        "filtered": str(result.filtered),
        "duplicates": str(result.duplicates),
        "objects_unread": str(result.objects_unread),
    }
    fields = [
        tags_run.TagsRunFacetFields(key, value, "REPORTING")
        for key, value in tags.items()
    ]
    return _event(
        known,
        at,
        RunState.COMPLETE,
        inputs,
        outputs,
        {"tags": tags_run.TagsRunFacet(tags=fields)},
    )


def failed(
    known: Known,
    at: datetime,
    error: str,
    *,
    aborted: bool,
    result: RunResult | None = None,
) -> RunEvent:
    """Return the event for a failed or, with `aborted`, interrupted run.

    Args:
        known: Facts about the run.
        at: Time of the event.
        error: Type of the error.
        aborted: Whether the run was interrupted.
        result: Result with the outcomes of checks, if one of them failed.
    """
    facet = error_message_run.ErrorMessageRunFacet(
        message=error, programmingLanguage="python"
    )
    state = RunState.ABORT if aborted else RunState.FAIL
    return _event(
        known,
        at,
        state,
        [_input(uri) for uri in known.inputs]
        if result is None
        else _inputs(known, result),
        facets={"errorMessage": facet},
    )


def _event(
    known: Known,
    at: datetime,
    state: RunState,
    inputs: Sequence[InputDataset],
    outputs: Sequence[OutputDataset] = (),
    facets: dict[str, RunFacet] | None = None,
) -> RunEvent:
    engine = processing_engine_run.ProcessingEngineRunFacet(
        version=version("reporting-framework"),
        name="reporting-framework",
        openlineageAdapterVersion=version("reporting-openlineage"),
    )
    kind = job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration="REPORTING", jobType="REPORT"
    )
    plugins = [
        tags_run.TagsRunFacetFields(
            step.role, f"{step.name} ({step.distribution} {step.version})", "REPORTING"
        )
        for step in known.steps
    ]
    every: dict[str, RunFacet] = {"processing_engine": engine, **(facets or {})}
    if known.parent is not None:
        every["parent"] = _parent(known.parent)
    if plugins:
        tags = every.get("tags")
        tags_of_run = (
            list(tags.tags or ()) if isinstance(tags, tags_run.TagsRunFacet) else []
        )
        every["tags"] = tags_run.TagsRunFacet(tags=[*tags_of_run, *plugins])
    return RunEvent(
        eventType=state,
        eventTime=at.astimezone(UTC).isoformat(),
        run=Run(_uuid(known.run_id), every),
        job=Job(known.namespace, known.report, {"jobType": kind}),
        inputs=list(inputs),
        outputs=list(outputs),
        producer=PRODUCER,
    )


def _parent(parent: Parent) -> parent_run.ParentRunFacet:
    root = parent.root
    return parent_run.ParentRunFacet(
        run=parent_run.Run(parent.run.run_id),
        job=parent_run.Job(parent.run.namespace, parent.run.job),
        root=parent_run.Root(
            run=parent_run.RootRun(root.run_id),
            job=parent_run.RootJob(root.namespace, root.job),
        )
        if root is not None
        else None,
    )


def _uuid(run_id: str) -> str:
    """Return the run's id as a UUID.

    A run's id is a UUID; any other text, for example from a test, is hashed to a UUID.
    """
    try:
        return str(UUID(run_id))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, run_id))


def _inputs(known: Known, result: RunResult) -> list[InputDataset]:
    """Return the inputs at the end of a run; the first one has the checks."""
    alone = len(known.inputs) == 1
    return [
        _input(uri, result, alone=alone, checked=not number)
        for number, uri in enumerate(known.inputs)
    ]


def _input(
    uri: str,
    result: RunResult | None = None,
    *,
    alone: bool = False,
    checked: bool = False,
) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    assertions = []
    if result is not None and alone:  # the counts of several inputs are not known
        facets["inputStatistics"] = (
            input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=result.records_read
            )
        )
        assertions += rejection_assertions(result)
    if result is not None and checked:
        assertions += check_assertions(result)
    if assertions:
        facets["dataQualityAssertions"] = (
            data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=assertions
            )
        )
    name = name_of(uri)
    return InputDataset(name.namespace, name.name, inputFacets=facets)


def _output(output: Output, known: Known) -> OutputDataset:
    facets: dict[str, DatasetFacet] = {}
    schema, lineage = known.schema, column_lineage([*known.inputs], known.columns)
    if schema is not None:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(
                name=name, type=str(dtype), ordinal_position=number
            )
            for number, (name, dtype) in enumerate(schema.items(), 1)
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    if lineage is not None:
        facets["columnLineage"] = lineage
    if output.version:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=output.version
        )
    written = output.new_rows > 0
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=output.new_rows,
        size=output.bytes if written else 0,
        fileCount=int(written),
    )
    name = name_of(output.uri)
    return OutputDataset(
        name.namespace,
        name.name,
        facets=facets,
        outputFacets={"outputStatistics": statistics},
    )
