"""A report is run from Python as from the command line."""

from pathlib import Path

import pytest

from reporting_framework import PluginError, SettingsError, hookimpl, run_report

EXAMPLE = Path(__file__).parents[2] / "examples" / "visit-events"
REPORT = "event-log-checkpoint"


class Told:
    """Remembers what it was told."""

    def __init__(self):
        self.runs = []

    @hookimpl
    def reporting_run_finished(self, result):
        self.runs.append(result.run_id)


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return {"source": str(EXAMPLE), "checkpoint": str(tmp_path / "visits.parquet")}


def test_a_run_and_another_one(places):
    told = Told()
    first = run_report(REPORT, places, observers=[told])
    assert (first.status, first.accepted, first.rejected) == ("ok", 290, 13)
    again = run_report(REPORT, places, time_budget=600)
    assert (again.records_read, again.outputs[0].rows) == (0, 290)
    assert told.runs == [first.run_id]


def test_settings_of_the_environment_and_of_a_file_count(places, monkeypatch):
    monkeypatch.setenv("REPORTING_EVENT_LOG_CHECKPOINT__SOURCE", places["source"])
    Path("other.toml").write_text(
        f"[settings.{REPORT}]\ncheckpoint = '{places['checkpoint']}'\nvalidator = 'visit-event-v2'\n"
    )
    result = run_report(REPORT, config="other.toml", dry_run=True, limit=100)
    assert (result.records_read, result.dry_run) == (100, True)
    assert not Path(places["checkpoint"]).exists()


def test_what_cannot_be_run(places):
    for wrong in ({"limit": 5}, {"limit": 0, "dry_run": True}):
        with pytest.raises(
            SettingsError, match="limit must be at least 1 and needs dry_run=True"
        ):
            run_report(REPORT, places, **wrong)
    with pytest.raises(SettingsError, match="sorce"):
        run_report(REPORT, {**places, "sorce": "x"})
    with pytest.raises(PluginError, match="there is no report 'event-log'"):
        run_report("event-log")
