"""What a message says to install fits how the distribution was installed."""

import importlib.metadata
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from uv import find_uv_bin

import reporting_framework
from reporting_framework import install_command
from tests.framework.distributions import Site
from tests.framework.lambda_build.making import (
    from_folder,
    from_wheel,
    install,
    make_wheel,
)

ROOT = Path(__file__).parents[3]
INDEX = "pip install 'thing[sql]'"
GIT = {"vcs": "git", "commit_id": "1a2b3c", "requested_revision": "v1"}


@pytest.mark.parametrize(
    ("record", "command"),
    [
        (None, INDEX),
        ("{", INDEX),
        ("[]", INDEX),
        ({"url": "file:///gone", "dir_info": {"editable": True}}, INDEX),
        (
            {
                "url": "https://files.example/thing.whl?X-Amz-Signature=SECRET",
                "archive_info": {},
            },
            INDEX,
        ),
        (
            {"url": "https://user:SECRET@files.example/thing.whl", "archive_info": {}},
            "pip install 'thing[sql] @ https://files.example/thing.whl'",
        ),
        (
            {
                "url": "https://SECRET@example.org/reports.git",
                "vcs_info": GIT,
                "subdirectory": "framework",
            },
            "pip install 'thing[sql] @ git+https://example.org/reports.git@v1#subdirectory=framework'",
        ),
        (
            {
                "url": "ssh://git@example.org/reports.git",
                "vcs_info": {"vcs": "git", "commit_id": "1a2b3c"},
            },
            "pip install 'thing[sql] @ git+ssh://git@example.org/reports.git@1a2b3c'",
        ),
    ],
)
def test_the_command_names_the_place_that_was_installed_from(
    site: Site, record, command
):
    install(site, "thing", direct_url=record)
    assert install_command("sql", "thing") == command
    if " @ " in command:
        assert Requirement(shlex.split(command)[2]).extras == {"sql"}, "pip reads it"


def test_a_folder_and_a_wheel_are_named_while_they_are_there(site: Site, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    install(site, "thing", direct_url=from_folder(folder))
    assert shlex.split(install_command("sql", "thing")) == [
        "pip",
        "install",
        "-e",
        f"{folder}[sql]",
    ]
    wheel = make_wheel(tmp_path, "other", "1.0")
    install(site, "other", direct_url=from_wheel(wheel))
    assert shlex.split(install_command("sql", "other")) == [
        "pip",
        "install",
        f"{wheel}[sql]",
    ]


def test_a_requirement_of_the_extra_beside_the_folder_is_named_too(site, tmp_path):
    for name in ("thing", "frames", "pages"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f'[project]\nname = "our-{name}"')
    install(
        site,
        "our-thing",
        requires=["our-frames", "our-pages<2,>=1; extra == 'pages'"],
        extras=["pages"],
        direct_url=from_folder(tmp_path / "thing"),
    )
    assert shlex.split(install_command("pages", "our-thing"))[2:] == [
        *("-e", f"{tmp_path}/thing[pages]"),
        *("-e", f"{tmp_path}/pages"),
    ]


def test_what_is_not_installed_is_taken_for_an_index():
    assert install_command("sql", "not-there") == "pip install 'not-there[sql]'"


def test_an_installer_does_what_the_command_says_of_what_nobody_published(
    tmp_path, monkeypatch
):
    wheel = make_wheel(tmp_path / "wheels", "nobody-published-it", extras=("sql",))
    site = tmp_path / "site"
    uv = [
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--python",
        sys.executable,
        "--target",
        str(site),
    ]
    subprocess.run([*uv, str(wheel)], check=True)
    monkeypatch.syspath_prepend(str(site))
    command = shlex.split(install_command("sql", "nobody-published-it"))
    subprocess.run([*uv, "--reinstall", *command[2:]], check=True)


def test_here_it_is_the_clone():
    text = importlib.metadata.distribution("reporting-framework").read_text(
        "direct_url.json"
    )
    if text is None or not str(reporting_framework.__file__).startswith(str(ROOT)):
        pytest.skip("the framework is not installed from this clone")
    assert shlex.split(install_command("sql"))[-1] == f"{ROOT / 'framework'}[sql]"
