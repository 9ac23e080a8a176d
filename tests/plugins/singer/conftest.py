"""A tap with a script, and its report in a folder of the test."""

import pytest

from tests.plugins.singer.tap_script import Script


@pytest.fixture
def tap(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Script(tmp_path)
