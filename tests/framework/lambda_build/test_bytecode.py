"""Modules, compiled for the target."""

import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePosixPath

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.bytecode import compile_all
from reporting_framework.lambda_build.unpack import Unpacked

FILES = {
    "thing/__init__.py": "def fail():\n    raise ValueError\n",
    "thing/data.json": "{}",
    "thing/old.py": "print 'no'\n",
    "thing/nul.py": "\0",
    "thing/latin.py": "x = '\\d'\n",
    "thing/stubs.pyi": "",
}


@pytest.fixture
def thing(tmp_path) -> Unpacked:
    for name, text in FILES.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Unpacked("thing", "1.0", tmp_path / "site", tuple(map(PurePosixPath, FILES)))


def test_modules_become_compiled_ones_and_what_is_not_python_stays(thing, tmp_path):
    (files,) = compile_all([(thing, "/opt/python")], tmp_path / "out", sys.executable)
    assert sorted(files) == [
        "thing/__init__.pyc", "thing/data.json", "thing/latin.pyc", "thing/nul.py", "thing/old.py"
    ]  # fmt: skip


def test_compiled_modules_are_never_compared_with_a_source(thing, tmp_path):
    (files,) = compile_all([(thing, "/opt/python")], tmp_path / "out", sys.executable)
    head = files["thing/__init__.pyc"].read_bytes()[:8]
    assert head == MAGIC_NUMBER + b"\x01\0\0\0"  # PEP 552: hash-based, unchecked


def test_tracebacks_show_where_lambda_has_the_module_and_nothing_of_this_machine(
    thing, tmp_path
):
    (files,) = compile_all([(thing, "/opt/python")], tmp_path / "out", sys.executable)
    content = files["thing/__init__.pyc"].read_bytes()
    assert b"/opt/python/thing/__init__.py" in content
    assert str(tmp_path).encode() not in content


def test_the_same_sources_give_the_same_bytes_elsewhere(thing, tmp_path):
    one, two = (
        compile_all([(thing, "/opt/python")], tmp_path / out, sys.executable)[0][
            "thing/__init__.pyc"
        ].read_bytes()
        for out in ("one", "two")
    )
    assert one == two


def test_no_modules_need_no_interpreter(tmp_path):
    assert compile_all(
        [(Unpacked("x", "1", tmp_path, ()), "/opt")], tmp_path, "/nowhere"
    ) == [{}]


def test_an_interpreter_that_fails(thing, tmp_path):
    broken = Path(tmp_path / "python")
    broken.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(BuildError, match=rf"^{broken} cannot compile thing: broken$"):
        compile_all([(thing, "/opt/python")], tmp_path / "out", str(broken))
