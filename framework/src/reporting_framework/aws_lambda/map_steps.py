"""Steps of a distributed run, as a state machine of Step Functions asks for them.

An event has one key, `triggers.MAP`, whose value names the step:

- ``plan``: plan the run in a new folder below ``work``; the answer has the folder, and
  bucket and key of the items;
- ``read``: read the split of one ``item``;
- ``commit``: commit all results, as an ordinary run;
- ``remove``: remove the folder.

Each step may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from reporting_framework.errors import LocationError, NotSupported, TriggerError
from reporting_framework.execution.distributed import (
    plan_work,
    read_work,
    to_commit,
)
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.triggers import MAP
from reporting_framework.execution.work_folder import Item, WorkFolder
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import Location, parse_location

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.streams import Assembled
    from reporting_framework.plugin_api.result import RunResult

Assemble = Callable[[], "Assembled"]
"""Function that assembles the function's report."""

MAX_SPLITS = 10_000
"""Most splits of one plan: the state machine gets a few bytes for each, and its state
has at most 256 KiB.
"""


class _Step(Settings):
    """Fields of all steps; `correlation_id` is for the log."""

    correlation_id: str = ""


class PlanStep(_Step):
    """Step that plans the run."""

    step: Literal["plan"]
    work: str
    max_splits: int = Field(1_000, ge=1, le=MAX_SPLITS)

    def run(self, assemble: Assemble, deadline: float) -> dict[str, Any]:
        """Plan the run, and return what the next states need."""
        work = _in_s3(self.work)
        pipeline = _only(assemble())
        folder, plan = plan_work(
            pipeline, work, deadline=deadline, max_splits=self.max_splits
        )
        items = folder.items
        return {
            "folder": folder.location.uri,
            "bucket": items.root,
            "key": items.key,
            "splits": len(plan.splits),
            "complete": plan.complete,
        }


class ReadStep(_Step):
    """Step that reads a split."""

    step: Literal["read"]
    folder: str
    item: Item

    def run(self, assemble: Assemble, deadline: float) -> dict[str, Any]:
        """Read the split, and return its number of records."""
        folder = WorkFolder(_in_s3(self.folder))
        return {"records": read_work(_only(assemble()), folder, self.item)}


class CommitStep(_Step):
    """Step that commits the results."""

    step: Literal["commit"]
    folder: str

    def change(self, assembled: Assembled) -> Assembled:
        """Return the report whose run commits the results."""
        pipeline = _only(assembled)
        try:
            planned = to_commit(pipeline, WorkFolder(_in_s3(self.folder)))
        except BaseException:
            close(pipeline)
            raise
        return assembled._replace(pipelines={None: planned})

    def answer(self, result: RunResult) -> dict[str, Any]:
        """Return what later states need; a state has no room for a whole result."""
        return {
            "report": result.report,
            "status": result.status,
            "complete": result.complete,
            "accepted": result.accepted,
            "rejected": result.rejected,
            "duplicates": result.duplicates,
            "objects_unread": result.objects_unread,
        }


class RemoveStep(_Step):
    """Step that removes the work folder."""

    step: Literal["remove"]
    folder: str

    def run(self, assemble: Assemble, deadline: float) -> dict[str, Any]:
        """Remove the folder, whatever state the report is in."""
        WorkFolder(_in_s3(self.folder)).remove()
        return {}


Step = PlanStep | ReadStep | CommitStep | RemoveStep

_STEPS: TypeAdapter[Step] = TypeAdapter(Annotated[Step, Field(discriminator="step")])


def step_of(event: Any) -> Step:
    """Return the step that an event asks for.

    Raises:
        TriggerError: The event has another form.
    """
    try:
        return _STEPS.validate_python(event[MAP])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, (MAP, *first["loc"])))
    raise TriggerError(
        f"{where}: {first['msg']}; use the state machine of the module distributed-map"
    )


def _only(assembled: Assembled) -> Pipeline:
    """Return the only pipeline of a report.

    Raises:
        NotSupported: The source has streams.
    """
    pipeline = assembled.pipelines.get(None)
    if isinstance(pipeline, tuple):
        return pipeline
    for other in assembled.pipelines.values():
        if isinstance(other, tuple):
            close(other)
    raise NotSupported(
        f"report {assembled.report}: its source has streams, so its splits cannot be"
        " distributed; run the report as a whole"
    )


def _in_s3(uri: str) -> Location:
    """Return the location of a work folder.

    Raises:
        LocationError: It is not in S3, which Step Functions reads the items from.
    """
    location = parse_location(uri)
    if location.scheme != "s3" or not location.key:
        raise LocationError(
            f"{location.uri}: a work folder is in a bucket of S3; write s3://BUCKET/FOLDER"
        )
    return location
