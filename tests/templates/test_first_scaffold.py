"""Who has never seen the project has a report with green tests in less than a minute, packages in a cache."""

import shutil

import pytest

from tests.templates.first_scaffold import NAME, builds, measure


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("hatch") is None, reason="there is no hatch on PATH")
def test_from_an_empty_folder_to_the_first_green_scaffold(tmp_path, capsys):
    build = builds()
    seconds = measure(tmp_path, build=build)
    said = capsys.readouterr().out
    assert f"{NAME}: ok" in said
    assert (f"{NAME} for x86_64, Python 3.12, in dist: built" in said) == build
    assert seconds["green"] < 60
