"""Interpreters for archives."""

from reporting_framework.lambda_build.python_home import python_home
from reporting_framework.lambda_build.target import Target
from tests.framework.lambda_build.conftest import RUNNING
from tests.framework.lambda_build.making import offered


def test_the_interpreter_of_another_architecture_names_no_folder_of_this_machine(
    home, tmp_path, monkeypatch
):
    offered(tmp_path / "offered", monkeypatch, home, RUNNING, "aarch64")
    target = Target("arm64", RUNNING, "emr-serverless")
    files = python_home(target, tmp_path / "python")
    assert f"bin/python{RUNNING}" in files
    assert "bin/python" not in files
    texts = [path.read_text() for path in files.values()]
    assert not any(str(tmp_path) in text for text in texts)
    (data,) = (
        text
        for name, text in zip(files, texts, strict=True)
        if "_sysconfigdata_" in name
    )
    assert "'/install'" in data or '"/install"' in data
