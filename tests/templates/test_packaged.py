"""The templates are in the wheel, in the sdist, and in a wheel that is made of the sdist."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from reporting_framework.scaffolding.origins import TEMPLATES

ROOT = Path(__file__).parents[2]
WITHIN = "reporting_framework/scaffolding/templates/"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, a wheel of the sdist in ``of-sdist``, a wheel of the sources in ``of-sources``."""
    folder = tmp_path_factory.mktemp("built")
    build("--sdist", ROOT / "framework", folder)
    [sdist] = folder.glob("*.tar.gz")
    build("--wheel", sdist, folder / "of-sdist")
    build("--wheel", ROOT / "framework", folder / "of-sources")
    return folder


def build(kind: str, source: Path, out: Path) -> None:
    command = [find_uv_bin(), "build", "--quiet", kind, "--python", sys.executable, "--out-dir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def templates() -> dict[str, bytes]:
    files = (path for path in TEMPLATES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(TEMPLATES).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("made", ["of-sources", "of-sdist"])
def test_a_wheel_has_all_of_them(built, made):
    [wheel] = (built / made).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if WITHIN in name}
    assert {name.partition(WITHIN)[2]: data for name, data in found.items()} == templates()


def test_the_sdist_has_all_of_them(built):
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {name.partition(WITHIN)[2] for name in archive.getnames() if WITHIN in name}
    assert found == set(templates())


def test_a_package_is_made_with_an_installed_wheel(built, tmp_path):
    [wheel] = (built / "of-sdist").glob("*.whl")
    site = tmp_path / "site"
    install = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(site)]
    subprocess.run([*install, str(wheel)], check=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from reporting_framework.scaffolding.origins import TEMPLATES; print(TEMPLATES)\n"
        "from reporting_framework.cli.main import reporting; reporting()"
    )
    arguments = ["new", "plugin", "our-sink", "--role", "sink", "--out", str(tmp_path)]
    command = [sys.executable, "-c", code, str(site), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(site))
    assert "no .cruft.json was written: the template's commit is not known" in done.stderr
    assert (tmp_path / "our-sink" / "src" / "our_sink" / "sink.py").is_file()
