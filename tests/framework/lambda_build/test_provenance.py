"""Where installed distributions come from."""

import re
from importlib.metadata import distribution

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.provenance import installed, provenance
from tests.framework.lambda_build.making import (
    from_folder,
    from_wheel,
    install,
    make_wheel,
)


def test_from_an_index(site):
    install(site, "Some_Thing", "2.1", points="[reporting_framework]\na = b\n")
    found = provenance(distribution("some-thing"))
    assert (found.name, found.version, found.kind, found.path, found.plugin) == (
        "some-thing", "2.1", "index", None, True
    )  # fmt: skip


def test_from_a_folder(site, tmp_path):
    project = tmp_path / "my project"
    project.mkdir()
    install(site, "thing", direct_url=from_folder(project))
    found = provenance(distribution("thing"))
    assert (found.kind, found.path, found.plugin) == ("folder", project, False)


def test_from_a_wheel(site, tmp_path):
    wheel = make_wheel(tmp_path / "w", "thing")
    install(site, "thing", direct_url=from_wheel(wheel))
    found = provenance(distribution("thing"))
    assert (found.kind, found.path) == ("wheel", wheel)


HTTP = "https://user:secret@example.org/x"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"url": "file:///gone", "dir_info": {}},
            "it was installed from /gone, which no longer exists",
        ),
        (
            {"url": "file:///x.whl", "archive_info": {}},
            "it was installed from /x.whl, which no longer exists",
        ),
        (
            {"url": HTTP, "vcs_info": {"vcs": "git"}},
            "it was installed from a repository, from which no wheel can be made again",
        ),
        (
            {"url": "file:///x.tar.gz", "archive_info": {}},
            "it was installed from an archive, from which no wheel can be made",
        ),
        (
            {"url": HTTP, "archive_info": {}},
            "it was installed from an address on the network, from which no wheel can be",
        ),
        ("[]", "its direct_url.json is not a JSON object; install it again"),
        ("{", "its direct_url.json is not a JSON object; install it again"),
    ],
)
def test_from_where_no_wheel_can_be_had(site, record, message):
    install(site, "thing", direct_url=record)
    with pytest.raises(
        BuildError, match=rf"^thing 1.0:? {re.escape(message)}"
    ) as raised:
        provenance(distribution("thing"))
    assert "secret" not in str(raised.value)


def test_what_is_not_installed(site):
    assert installed("nowhere-at-all") is None
