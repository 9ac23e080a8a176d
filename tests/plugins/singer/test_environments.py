"""Environments that a tap is installed into."""

import threading
import zipfile
from pathlib import Path

import pytest

import reporting_singer.environments as environments
from reporting_framework import SettingsError, run_report
from reporting_singer.environments import tap_program
from tests.plugins.singer.tap_script import TAP, record, schema


def wheel(folder, *programs):
    """Write a wheel of a tap, so that nothing is downloaded."""
    path = folder / "tap_mini-1.0-py3-none-any.whl"
    info = "tap_mini-1.0.dist-info"
    points = "".join(f"{name} = tap_mini:main\n" for name in programs)
    code = TAP.read_text().replace("\nmain()\n", "\n")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tap_mini.py", code)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tap-mini\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{points}")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_a_tap_is_installed_once_by_however_many(tmp_path, monkeypatch):
    url, calls = str(wheel(tmp_path, "tap-mini")), []
    real = environments._build
    monkeypatch.setattr(environments, "_build", lambda *a: (calls.append(a), real(*a)))
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(tap_program(url, None, None, tmp_path / "envs"))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(calls) == 1
    environment = Path(found[0]).parents[1]
    assert Path(found[0]).name == "tap-mini"
    (environment / "complete").unlink()  # as if it was killed
    (environment / "bin" / "tap-mini").unlink()
    assert Path(tap_program(url, "tap-mini", None, tmp_path / "envs")).exists()
    with pytest.raises(
        SettingsError, match="installs no program tap-x; there are tap-mini"
    ):
        tap_program(url, "tap-x", None, tmp_path / "envs")


def test_a_report_installs_its_tap(tap, monkeypatch):
    url = str(wheel(tap.folder, "tap-mini"))
    monkeypatch.setenv("PYTHONPATH", "not-for-the-tap")
    where = {"pip_url": url, "environments": "envs", "env": {"FAULT_FOLDER": "."}}
    tap.configure(**where)
    tap.set(schema(), record(1))
    run_report("tap")
    assert tap.rows() == [(1, "-")]
    tap.configure(**where, command=["tap-mini"])
    with pytest.raises(SettingsError, match="one of command and pip_url is needed"):
        run_report("tap")


def test_what_cannot_be_installed_is_an_error_of_the_settings(tmp_path):
    with pytest.raises(SettingsError, match="pip_url: it cannot be installed"):
        tap_program(str(tmp_path / "no.whl"), None, None, tmp_path / "envs")


@pytest.mark.slow
def test_pip_installs_where_there_is_no_uv(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *a, **k: None)
    url = str(wheel(tmp_path, "tap-one", "tap-two"))
    with pytest.raises(
        SettingsError, match="is not clear; give one of tap-one, tap-two"
    ):
        tap_program(url, None, None, tmp_path / "envs")
    assert Path(tap_program(url, "tap-two", None, tmp_path / "envs")).exists()
