"""Parent run, as orchestrators name it in the environment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

PARENT = "OPENLINEAGE_PARENT_ID"
"""Variable with the run that started this one: ``namespace/job/run id``."""

ROOT = "OPENLINEAGE_ROOT_PARENT_ID"
"""Variable with the first run of the chain, in the same form."""

_log = logging.getLogger(__name__)


class RunOfJob(NamedTuple):
    """A run, and the job that it is of."""

    namespace: str
    job: str
    run_id: str


class Parent(NamedTuple):
    """Run that started this one, and the first run of the chain, if it is known."""

    run: RunOfJob
    root: RunOfJob | None = None


def parent_of(environment: Mapping[str, str]) -> Parent | None:
    """Return the parent run in the environment; `None` if there is none.

    A variable that cannot be read is logged and left out.
    """
    run = _run(environment, PARENT)
    return Parent(run, _run(environment, ROOT)) if run is not None else None


def _run(environment: Mapping[str, str], variable: str) -> RunOfJob | None:
    text = environment.get(variable, "").strip()
    if not text:
        return None
    parts = text.rsplit("/", 2)  # a namespace may be a URL
    try:
        namespace, job, run_id = parts
        run = RunOfJob(namespace, job, str(UUID(run_id)))
    except ValueError:
        run = None
    if run is None or not (run.namespace and run.job):
        _log.warning(
            "%s: not a run; use namespace/job/run id, the id a UUID; the event is sent"
            " without it",
            variable,
        )
        return None
    return run
