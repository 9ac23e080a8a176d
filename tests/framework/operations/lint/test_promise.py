"""The promise of the checks: a report without errors can be assembled, and its sinks opened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_framework.config.file import read_config
from reporting_framework.errors import ReportingError
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.lint import lint
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report
from tests.framework.distributions import Site

MODEL = "tests.framework.operations.lint.sample:Order"


def parts(*choices: str) -> st.SearchStrategy[str]:
    """One of these texts."""
    return st.sampled_from(choices)


SOURCES = parts(
    '{ use = "object-store-json", uri = "in/" }',
    '{ use = "object-store-json", uri = "memory://in/x", include = "*.json" }',
    '{ use = "object-store-json", uri = "s3:/in" }',
    '{ use = "object-store-json", uri = "in/", include = "a/b" }',
    '{ use = "object-store-json", uri = "in/", lookback = 3 }',
    '{ use = "object-store-json" }',
    '{ uri = "in/" }',
)
VALIDATORS = parts(
    f'{{ use = "pydantic", model = "{MODEL}" }}',
    f'{{ use = "pydantic", model = "{MODEL}", extra = "keep" }}',
    f'{{ use = "pydantic", model = "{MODEL}r" }}',
    '{ use = "frame", columns = { placed_at = { type = "datetime" } } }',
    '{ use = "frame" }',
)
TRANSFORMS = st.lists(
    parts(
        '{ use = "sample-rename" }',
        '{ use = "exclude-projects", patterns = ["x"] }',
        '{ use = "sample-boom" }',
        '{ use = "sample-rename", x = 1 }',
    ),
    max_size=2,
)
SINKS = st.lists(
    parts(
        '{ use = "parquet-checkpoint", uri = "out/x.parquet", timestamp = "placed_at" }',
        '{ use = "parquet-checkpoint", uri = "out/{number}.parquet", timestamp = "placed_at" }',
        '{ use = "parquet-checkpoint", uri = "out/{no}/x.parquet", timestamp = "placed_at" }',
        '{ use = "parquet-checkpoint", uri = "out/y.parquet", timestamp = "nothing" }',
        '{ use = "parquet-checkpoint", uri = "out/{/y.parquet", timestamp = "placed_at" }',
        '{ use = "parquet-checkpoint", uri = "out/z.parquet", timestamp = "placed_at", write_mode = "replace" }',
        '{ use = "ndjson-archive", uri = "archive", timestamp = "placed_at" }',
        '{ use = "ndjson-archive", uri = "archive", timestamp = "placed_at", json_columns = ["number"] }',
        '{ use = "ndjson-archive", uri = "archive", timestamp = "placed_at", partition = "/" }',
    ),
    max_size=2,
)
MORE = parts(
    "",
    "",
    'write_mode = "upsert"',
    'write_mode = "replace"',
    'metadata = "s3:/x"',
    'metadata = "meta"',
    "x = 1",
)


GOOD = {
    "source": parts('{ use = "object-store-json", uri = "in/" }'),
    "validator": parts(f'{{ use = "pydantic", model = "{MODEL}" }}'),
    "transforms": parts("[]", '[{ use = "sample-rename" }]'),
    "sinks": parts(
        '[{ use = "parquet-checkpoint", uri = "out/x.parquet", timestamp = "placed_at" }]',
        '[{ use = "ndjson-archive", uri = "archive", timestamp = "placed_at" }]',
    ),
}
ANY = {
    "source": SOURCES,
    "validator": VALIDATORS,
    "transforms": TRANSFORMS.map(lambda items: f"[{', '.join(items)}]"),
    "sinks": SINKS.map(lambda items: f"[{', '.join(items)}]"),
}


@st.composite
def documents(draw: st.DrawFn) -> str:
    """The text of a configuration file with one report, in which one part may be wrong."""
    wrong = draw(st.sets(st.sampled_from([*ANY, "more"]), max_size=2))
    lines = [f"{name} = {draw((ANY if name in wrong else GOOD)[name])}" for name in ANY]
    more = draw(MORE) if "more" in wrong else ""
    return "\n".join(["[reports.orders]", *lines, more])


def assembled(path: Path) -> ReportingError | None:
    """The error of assembling the report and opening its sinks, if there is one."""
    config, registry = read_config(path), load_plugins()
    registry.add_reports(config)
    try:
        spec = compose_report("orders", registry, config, environment={})
        with prepared(assemble("orders", spec, registry)):
            return None
    except ReportingError as error:
        return error


@pytest.fixture
def sample(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with the sample plugins; the working directory."""
    site.add("sample", module="tests.framework.operations.lint.sample")
    monkeypatch.chdir(site.folder)
    return site


def test_a_report_without_errors_can_be_assembled_and_one_with_errors_cannot(sample):
    seen: Counter[bool] = Counter()
    path = sample.folder / "reporting.toml"

    @settings(max_examples=100)
    @given(documents())
    def holds(text: str) -> None:
        path.write_text(text)
        try:
            linted = lint(path, load_plugins(), {})
        except ReportingError as error:  # pragma: no cover - a defect
            raise AssertionError(text) from error
        errors = [each for each in linted.problems if each.severity == "error"]
        problem = assembled(path)
        shared = [each for each in errors if "give each its own place" in each.message]
        assert bool(errors) == (problem is not None) or shared, (text, errors, problem)
        seen[not errors] += 1

    holds()
    assert min(seen[True], seen[False]) > 10, seen
