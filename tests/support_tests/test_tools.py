"""Tools for contributors: which tests a file has, and what a circle of imports is."""

import subprocess
from pathlib import Path

import pytest
from tools import touched
from tools.structure import circles, essential
from tools.touched import tests_of as found_for


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        (
            "framework/src/reporting_framework/execution/runner.py",
            ["tests/framework/execution/test_runner.py"],
        ),
        (
            "framework/src/reporting_framework/_text/messages.py",
            ["tests/framework/text/test_messages.py"],
        ),
        (
            "framework/src/reporting_framework/query/sql/views.py",
            ["tests/framework/query"],
        ),
        (
            "plugins/aws/src/reporting_aws/enrich.py",
            ["tests/plugins/aws/test_enrich.py"],
        ),
        ("plugins/aws/src/reporting_aws/names.py", ["tests/plugins/aws"]),
        ("tests/docs/test_links.py", ["tests/docs/test_links.py"]),
        ("tests/plugins/aws/wire.py", ["tests/plugins/aws"]),
        ("terraform/modules/storage/main.tf", ["tests/terraform"]),
        ("plugins/aws/pyproject.toml", ["tests/plugins/aws"]),
        (
            "framework/src/reporting_framework/scaffolding/templates/plugin/README.md",
            ["tests/framework/scaffolding", "tests/templates"],
        ),
        (
            "framework/src/reporting_framework/testing/contracts/sink.py",
            ["tests/framework/testing", "tests/conformance"],
        ),
        ("tests/support/http.py", ["tests/support_tests"]),
        ("tools/docs/markdown.py", ["tests/docs"]),
        ("tools/touched.py", ["tests/support_tests"]),
        ("benchmarks/generate.py", ["tests/examples"]),
        (".github/workflows/ci.yml", ["tests/test_contributing.py"]),
        ("CONTRIBUTING.md", ["tests/test_contributing.py", "tests/docs"]),
        ("LICENSE", []),
    ],
)
def test_the_tests_of_a_file(file, tests):
    assert [path.as_posix() for path in found_for(Path(file))] == tests


def test_a_change_is_what_differs_from_the_nearer_main_branch(tmp_path, monkeypatch):
    """Its own commits are a change of a main branch, not those that its origin has."""

    def git(*arguments):
        named = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *named, *arguments], cwd=tmp_path, check=True)

    def commit(name):
        (tmp_path / name).touch()
        git("add", name)
        git("commit", "--quiet", "--message", name)

    monkeypatch.setattr(touched, "ROOT", tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    commit("first")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    commit("merged")
    assert touched.changed() == ["merged"]
    git("checkout", "--quiet", "-b", "work")
    commit("mine")
    (tmp_path / "new").touch()
    assert touched.changed() == ["mine", "new"]
    git("update-ref", "-d", "refs/remotes/origin/main")
    assert touched.changed() == ["mine", "new"]


def test_arrows_that_lead_back_to_their_start_are_circles():
    arrows = {("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")}
    assert circles(arrows) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert circles({("a", "b"), ("b", "c"), ("a", "c")}) == set()


def test_arrows_that_follow_from_others_are_not_essential():
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}
    assert essential(arrows) == arrows - {("a", "c")}
