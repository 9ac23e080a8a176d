"""Distributions made up for a test: tiny wheels, and metadata as an installer would have left it behind."""

import base64
import hashlib
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import reporting_framework
from reporting_framework.lambda_build.archive import sha256
from tests.framework.distributions import Site

BUILTIN = "[reporting_framework]\nbuiltin = reporting_framework.builtin.plugin\n"


def metadata(
    name: str,
    version: str = "1.0",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
) -> str:
    """The content of a ``METADATA``."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        "License-Expression: MIT",
    ]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    return "\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)]) + "\n"


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    points: str = "",
    tag: str = "py3-none-any",
) -> Path:
    """A wheel in `folder`; without `files` it has one module of the distribution's name."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    content = dict(
        files if files is not None else {f"{module}.py": f"NAME = {name!r}\n"}
    )
    content[f"{info}/METADATA"] = metadata(name, version, requires, extras)
    content[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    )
    if points:
        content[f"{info}/entry_points.txt"] = points
    record = [
        f"{path},sha256={_digest(text)},{len(text.encode())}"
        for path, text in content.items()
    ]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in content.items():
            archive.writestr(zipfile.ZipInfo(each), text)
    return path


def _digest(text: str) -> str:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        .rstrip(b"=")
        .decode()
    )


def install(
    site: Site,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    points: str = "",
    direct_url: object = None,
) -> None:
    """What an installer leaves of a distribution, without its modules."""
    site.metadata(
        name,
        points,
        version=version,
        metadata=metadata(name, version, requires, extras),
    )
    if direct_url is not None:
        text = direct_url if isinstance(direct_url, str) else json.dumps(direct_url)
        info = site.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        (info / "direct_url.json").write_text(text)


def from_wheel(path: Path) -> dict[str, object]:
    """The ``direct_url.json`` of what was installed from a wheel file."""
    return {"url": path.as_uri(), "archive_info": {}}


def from_folder(path: Path) -> dict[str, object]:
    """The ``direct_url.json`` of what was installed from a folder."""
    return {"url": path.as_uri(), "dir_info": {"editable": True}}


def install_framework(site: Site, folder: Path) -> Path:
    """Put a made-up framework in the place of the real one's metadata; its wheel needs made-up tools."""
    needs = [
        "click",
        "made-up-frames",
        "made-up-tools; extra == 'aws'",
        "click; extra == 'cli'",
    ]
    extras, version = ("aws", "cli"), reporting_framework.__version__
    wheel = make_wheel(
        folder,
        "reporting-framework",
        version,
        requires=needs,
        extras=extras,
        points=BUILTIN,
    )
    install(
        site,
        "reporting-framework",
        version,
        requires=needs,
        extras=extras,
        points=BUILTIN,
        direct_url=from_wheel(wheel),
    )
    return wheel


def index_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have uv take `folder` for the index, and nothing of a network nor of what it fetched before."""
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder.with_name(f"{folder.name}-cache")
    for name, value in {
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(cache),
        "UV_FIND_LINKS": str(folder),
    }.items():
        monkeypatch.setenv(name, value)
    return folder


def offered(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    python: str,
    machine: str = "x86_64",
) -> None:
    """Have uv offer one interpreter, the content of a folder."""
    folder.mkdir(parents=True)
    archive = folder / "python.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(home, "python")
    major, minor = map(int, python.split("."))
    release = {
        "name": "cpython",
        "arch": {"family": machine, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": 1,
        "prerelease": "",
        "url": archive.as_uri(),
        "sha256": sha256(archive),
        "variant": None,
        "build": "20260101",
    }
    listed = folder / "downloads.json"
    listed.write_text(json.dumps({f"cpython-{python}.1-linux-{machine}-gnu": release}))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(listed))
