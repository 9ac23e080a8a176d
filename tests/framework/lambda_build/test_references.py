"""Modules that settings name, and who brings them."""

import re

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.references import referenced_distributions
from tests.framework.lambda_build.making import from_folder, install


def test_modules_of_installed_distributions_however_deep():
    settings = {
        "model": "packaging.version:Version",
        "parts": [{"use": ("click.core:Command.main",)}],
    }
    assert set(referenced_distributions(settings)) == {"packaging", "click"}


@pytest.mark.parametrize(
    "value",
    [
        "s3://a/b",
        "12:30",
        "a b:c",
        "not_a_module_at_all:C",
        "json:loads",
        3,
        None,
        "a:b:c",
    ],
)
def test_what_only_looks_like_a_reference_or_is_the_standard_librarys(value):
    assert list(referenced_distributions({"x": value})) == []


def test_a_module_of_an_editable_distribution(site, monkeypatch):
    project = site.folder / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "fake_plugin_models.py").write_text("class Order: ...\n")
    install(site, "a-broken-one", direct_url=from_folder(project / "gone"))
    install(site, "my-models", direct_url=from_folder(project))
    monkeypatch.syspath_prepend(str(project / "src"))
    assert list(referenced_distributions(["fake_plugin_models:Order"])) == ["my-models"]


def test_a_module_that_no_distribution_brings(site):
    (site.folder / "fake_plugin_loose.py").write_text("")
    place = re.escape(str(site.folder / "fake_plugin_loose.py"))
    with pytest.raises(
        BuildError,
        match=rf"^fake_plugin_loose:Order: it is in {place}, which no installed distribution",
    ):
        list(referenced_distributions({"model": "fake_plugin_loose:Order"}))
