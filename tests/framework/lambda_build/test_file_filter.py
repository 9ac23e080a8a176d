"""What of a distribution goes into a package."""

from pathlib import PurePosixPath

import pytest

from reporting_framework.lambda_build.file_filter import packaged_files

KEPT = [
    "a/__init__.py",
    "a/data.json",
    "a/native.abi3.so",
    "a/testing/helpers.py",
    "a/reporting_framework/testing/helpers.py",
    "a/bin/tool.py",
    "a/cli/main.py",
    "a/sql/tool.py",
    "a/tests.py",
    "a-1.dist-info/METADATA",
    "a-1.dist-info/entry_points.txt",
    "a-1.dist-info/licenses/LICENSE",
    "a-1.dist-info/licenses/vendored/x/MIT.txt",
    "a-1.dist-info/LICENSE.txt",
    "a-1.dist-info/NOTICE",
    "a-1.dist-info/COPYING.md",
]
LEFT = [
    "bin/a",
    "a/__pycache__/x.cpython-312.pyc",
    "a/tests/test_x.py",
    "reporting_framework/cli/main.py",
    "reporting_framework/lambda_build/build.py",
    "reporting_framework/testing/contracts/source.py",
    "reporting_framework/testing/events/s3-put.json",
    "reporting_framework/query/sql/engine.py",
    "reporting_framework/scaffolding/templates/plugin/{{cookiecutter.name}}/README.md",
    "tests/test_a.py",
    "a/native.pyi",
    "a/native.c",
    "a/include/native.h",
    "a-1.dist-info/RECORD",
    "a-1.dist-info/WHEEL",
    "a-1.dist-info/INSTALLER",
    "a-1.dist-info/direct_url.json",
    "a-1.dist-info/sboms/a.cyclonedx.json",
    "a-1.dist-info/nested/METADATA",
]


@pytest.mark.parametrize("path", KEPT)
def test_kept(path):
    assert packaged_files([PurePosixPath(path)]) == [PurePosixPath(path)]


@pytest.mark.parametrize("path", LEFT)
def test_left_out(path):
    assert packaged_files([PurePosixPath(path)]) == []


def test_in_order():
    assert [
        str(each)
        for each in packaged_files(map(PurePosixPath, ["b.py", "a/b.py", "a.py"]))
    ] == ["a/b.py", "a.py", "b.py"]
