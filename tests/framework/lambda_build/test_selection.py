"""What a report needs of what is installed."""

import pytest

from reporting_framework.config.file import find_config, read_config
from reporting_framework.errors import BuildError, PluginError
from reporting_framework.lambda_build.selection import Selection, select
from reporting_framework.lambda_build.target import Target
from reporting_framework.registry.registry import load_plugins
from tests.framework.lambda_build.making import from_folder, install, install_framework


@pytest.fixture
def installation(toy, tmp_path_factory):
    """The toy report, from an index; a made-up framework from a wheel."""
    install_framework(toy, tmp_path_factory.mktemp("wheels"))
    return toy


def selected(report: str, *also: str) -> Selection:
    config = read_config(find_config(None, {}))
    registry = load_plugins()
    registry.add_reports(config)
    return select(report, registry, config, Target("x86_64", "3.12"), also)


def names(provenances) -> list[str]:
    return [each.name for each in provenances]


def test_a_report_of_a_plugin_brings_its_distribution_and_the_framework_with_its_extra(
    installation,
):
    found = selected("toy")
    assert found.roots == {"reporting-framework": ("aws",), "reporting-toy": ()}
    assert names(found.local) == ["reporting-framework"]
    assert [(each.name, each.version) for each in found.pinned] == [
        ("reporting-toy", "1.2")
    ]
    assert found.config is None


def test_what_comes_from_this_machine_is_found_however_deep_and_plugins_are_pinned(
    installation,
):
    project = installation.folder / "project"
    project.mkdir()
    install(
        installation,
        "fake-observer",
        requires=["middle"],
        points="[reporting_framework]\nx = os\n",
    )
    install(installation, "middle", requires=["deep", "not-installed"])
    install(installation, "deep", direct_url=from_folder(project))
    found = selected("toy", "Fake.Observer")
    assert list(found.roots) == [
        "fake-observer",
        "reporting-framework",
        "reporting-toy",
    ]
    assert names(found.local) == ["deep", "reporting-framework"]
    assert names(found.pinned) == ["fake-observer", "reporting-toy"]


COMPOSED = """
[reports.mine]
source = { use = "toy-numbers" }
validator = { use = "pydantic", model = "packaging.version:Version" }
sinks = [{ use = "toy-file", path = "out.txt" }]
"""


def test_a_composed_report_brings_its_file_its_plugins_and_what_its_settings_name(
    installation,
):
    (installation.folder / "reporting.toml").write_text(COMPOSED)
    found = selected("mine")
    assert list(found.roots) == ["packaging", "reporting-framework", "reporting-toy"]
    assert found.config is not None
    assert found.config.name == "reporting.toml"


def test_the_file_goes_along_when_it_sets_the_report(installation):
    (installation.folder / "reporting.toml").write_text("[settings.other]\nx = 1\n")
    assert selected("toy").config is None
    (installation.folder / "reporting.toml").write_text("[settings.toy]\ncount = 1\n")
    assert selected("toy").config is not None


def test_what_is_not_there(installation):
    with pytest.raises(
        PluginError, match="^there is no report 'toi'; did you mean toy"
    ):
        selected("toi")
    with pytest.raises(
        BuildError,
        match="^distribution nowhere: not installed; packages are made of installed",
    ):
        selected("toy", "nowhere")
    (installation.folder / "reporting.toml").write_text(
        COMPOSED.replace("toy-file", "toy-fail")
    )
    with pytest.raises(PluginError, match="^there is no sink 'toy-fail'"):
        selected("mine")
