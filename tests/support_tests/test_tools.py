"""Tools for contributors: which tests a file has, and what a circle of imports is."""

from pathlib import Path

import pytest
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
        ("LICENSE", []),
    ],
)
def test_the_tests_of_a_file(file, tests):
    assert [path.as_posix() for path in found_for(Path(file))] == tests


def test_arrows_that_lead_back_to_their_start_are_circles():
    arrows = {("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")}
    assert circles(arrows) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert circles({("a", "b"), ("b", "c"), ("a", "c")}) == set()


def test_arrows_that_follow_from_others_are_not_essential():
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}
    assert essential(arrows) == arrows - {("a", "c")}
