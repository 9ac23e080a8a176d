"""A report whose runs are observed, with settings as the file has them."""

import json

import pytest

from reporting_framework.config.file import Config
from reporting_framework.execution.runner import run
from reporting_framework.registry.registry import load_plugins
from reporting_notify import plugin
from tests.support.http import recorded
from tests.support.plugins import (
    SinkWith,
    checkpoint,
    event,
    name_of,
    pipeline,
    source,
)


class Watched:
    """A report with the observer.

    Attributes:
        settings: The table ``[observers.notify]``.
        error: What the next commits raise.
        result: The result of the last run.
    """

    def __init__(self, folder):
        self.folder, self.input = folder, folder / "in"
        self.input.mkdir()
        self.settings, self.error, self.result = {}, None, None
        self._count = 0

    def add(self, *, good=0, bad=0):
        for _ in range(good):
            self._write(event(self._count))
        for _ in range(bad):
            self._write(b'{"study": "SECRET-VALUE"}')

    def _write(self, data):
        (self.input / name_of(self._count)).write_bytes(data)
        self._count += 1

    def lifecycle(self, **how):
        registry = load_plugins([])
        registry.register(plugin, "reporting-notify:notify")
        patient = {"timeout_seconds": 60} | self.settings if self.settings else {}
        registry.add_reports(Config(observers={"notify": patient}))
        return registry.lifecycle(**how)

    def run(self, *, page=None, **how):
        def commit(staged_parts, context):
            if self.error is not None:
                raise self.error
            return kept.commit(staged_parts, context)

        kept = checkpoint(self.folder / "x.parquet")
        sink = SinkWith(kept, commit=commit)
        made = pipeline(source(self.input), sink)
        try:
            self.result = run(made, lifecycle=self.lifecycle(page=page), **how)
        except BaseException as error:
            return error
        return self.result

    @property
    def notes(self):
        path = self.folder / "_observers" / "x" / "notify.json"
        return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.delenv("REPORTING_NOTIFY", raising=False)
    return Watched(tmp_path)


@pytest.fixture
def hook():
    """A webhook that takes everything."""
    with recorded(status=200, body=b"ok") as server:
        yield server


@pytest.fixture
def said(hook, report):
    """The titles that the webhook was sent since this was asked last; the report sends to it."""
    report.settings = {"urls": [hook.endpoint.replace("http", "json") + "/hook"]}

    def take():
        return [json.loads(each.body)["title"] for each in hook.take()]

    return take
