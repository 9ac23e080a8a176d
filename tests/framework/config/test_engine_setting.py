"""Every report has a setting for its engine, by name or with settings."""

import pytest

from reporting_framework import SettingsError
from reporting_framework.config.file import Config
from reporting_framework.config.resolve import resolve_settings
from reporting_framework.config.toml_report_settings import ComposedSettings
from reporting_framework.plugin_api.report import PluginRef
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.registry.reports import composed

PARTS = {
    "source": {"use": "s"},
    "validator": {"use": "v"},
    "sinks": [{"use": "k"}],
}


class Plain(Settings):
    """Settings of a report of a plugin, which has no engine among them."""

    source: str = "events"


class Own(Settings):
    """Settings of a report that has an engine of another meaning."""

    engine: str = "diesel"


class PlainReport:
    name, Settings = "plain", Plain

    def compose(self, settings):
        from reporting_framework.plugin_api.report import PipelineSpec

        none = PluginRef("x")
        return PipelineSpec(none, none, [none], engine=PluginRef("of-report"))


def resolved(model=ComposedSettings, table=None, environment=None, **more):
    config = Config(settings={"r": table or {}})
    more.setdefault("trigger", PARTS if model is ComposedSettings else {})
    return resolve_settings(
        "r", model, config=config, environment=environment or {}, **more
    )


def engine(*args, **kwargs):
    part = resolved(*args, **kwargs).engine
    return part.use, part.model_extra


@pytest.mark.parametrize("model", [ComposedSettings, Plain])
def test_a_name_or_a_table_chooses_the_engine(model):
    assert engine(model, {"engine": "processes"}) == ("processes", {})
    table = {"engine": {"use": "processes", "workers": 2}}
    assert engine(model, table) == ("processes", {"workers": 2})
    assert engine(model, table, sets=["engine.workers=3"])[1] == {"workers": 3}
    assert engine(
        model, options={"engine": "processes"}, sets=["engine.workers=3"]
    ) == (
        "processes",
        {"workers": 3},
    )
    assert engine(model, environment={"REPORTING_R__ENGINE": "x"}) == ("x", {})


@pytest.mark.parametrize("model", [ComposedSettings, Plain])
def test_a_name_leaves_out_the_settings_of_another_engine(model):
    table = {"engine": {"use": "local", "max_workers": 0}}
    assert engine(model, table, options={"engine": "processes"}) == ("processes", {})


@pytest.mark.parametrize("model", [ComposedSettings, Plain])
def test_settings_without_a_name_are_those_of_local(model):
    assert engine(model, sets=["engine.max_workers=0"]) == ("local", {"max_workers": 0})


def test_a_report_that_nobody_gives_an_engine_keeps_its_own():
    assert "engine" not in vars(resolved(Plain))
    spec = composed(PlainReport(), resolved(Plain))
    assert spec.engine == PluginRef("of-report")
    spec = composed(PlainReport(), resolved(Plain, {"engine": "processes"}))
    assert spec.engine == PluginRef("processes", {})


def test_a_setting_of_this_name_that_a_report_has_is_its_own():
    assert resolved(Own, {"engine": "steam"}).engine == "steam"


def test_a_wrong_engine_is_an_error_that_names_its_place():
    with pytest.raises(SettingsError, match="engine.*reporting.toml"):
        resolved(Plain, {"engine": 7})
