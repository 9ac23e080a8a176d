"""Which repository the templates are of."""

import json
import subprocess
from pathlib import Path

import pytest

from reporting_framework.scaffolding.origins import (
    Repository,
    checkout,
    recorded,
    without_secrets,
)


def git(folder: Path, *arguments: str) -> str:
    who = [
        "-c",
        "user.name=Author",
        "-c",
        "user.email=author@example.org",
        "-c",
        "init.defaultBranch=main",
    ]
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository with one commit."""
    (tmp_path / "framework").mkdir()
    (tmp_path / "framework" / "pyproject.toml").touch()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path.resolve()


def test_a_folder_in_no_repository_has_none(tmp_path):
    assert checkout(tmp_path) is None
    assert checkout(tmp_path / "absent") is None


def test_without_a_remote_the_repository_is_its_own_origin(repository):
    commit = git(repository, "rev-parse", "HEAD")
    found = checkout(repository / "framework")
    assert found == Repository(str(repository), commit, repository)
    assert found.modules == f"{repository}/terraform/modules/{{module}}"


def test_with_a_remote_its_address_is_told_and_no_password(repository):
    git(
        repository,
        "remote",
        "add",
        "origin",
        "https://someone:secret@example.org/reports.git",
    )
    found = checkout(repository)
    assert found is not None
    assert found.url == "https://example.org/reports.git"
    assert (
        found.modules
        == f"git::https://example.org/reports.git//terraform/modules/{{module}}?ref={found.commit}"
    )


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:p@ss@host/r.git", "https://host/r.git"),
        ("HTTPS://user:secret@host/r.git", "HTTPS://host/r.git"),
        ("https://user:se/cret@host/r.git", "https://host/r.git"),
        (
            "git+https://token@host/r.git?private_token=secret#secret",
            "git+https://host/r.git",
        ),
        ("http::https://u:secret@host/r.git", "http::https://host/r.git"),
        ("ssh://git:secret@host:22/r.git", "ssh://git@host:22/r.git"),
        ("git@host:group/r.git", "git@host:group/r.git"),
        ("/srv/r.git", "/srv/r.git"),
    ],
)
def test_nothing_secret_of_an_address_is_kept(url, kept):
    assert without_secrets(url) == kept
    found = recorded(
        json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc123"}})
    )
    assert found is not None
    assert found.url == kept


def test_of_an_installation_from_a_repository_the_installer_knows():
    record = '{"url": "https://example.org/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}'
    assert recorded(record) == Repository("https://example.org/r.git", "abc123", None)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        "damaged",
        "[]",
        '{"url": "file:///x/y.whl", "archive_info": {}}',
        '{"url": "x", "vcs_info": {}}',
    ],
)
def test_of_any_other_installation_none_is_known(record):
    assert recorded(record) is None


def test_of_an_installation_from_a_folder_it_is_the_folders(repository):
    found = recorded(
        f'{{"url": "{(repository / "framework").as_uri()}", "dir_info": {{"editable": true}}}}'
    )
    assert found is not None
    assert found.folder == repository


def test_without_git_none_is_known(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert checkout(repository) is None
