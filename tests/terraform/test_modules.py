"""Each module and each root configuration is well formed, valid, and passes its own tests."""

import re

import pytest

from tests.support.terraform import CONFIGURATIONS, MODULES, ROOT, Terraform

FOLDERS = [path.relative_to(ROOT) for path in (*MODULES, *CONFIGURATIONS)]


def test_all_of_it_is_formatted(terraform_folder):
    assert Terraform(terraform_folder)("fmt", "-check", "-recursive") == ""


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_valid_and_its_tests_pass(terraform_folder, folder):
    terraform = Terraform(terraform_folder / folder)
    terraform.init()
    terraform("validate", "-no-color")
    said = terraform("test", "-no-color")
    passed, failed = map(int, re.search(r"(\d+) passed, (\d+) failed", said).groups())
    assert (passed > 0, failed) == (True, 0), said


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_variable_and_output_is_described(folder):
    for name in ("variables.tf", "outputs.tf"):
        text = (ROOT / folder / name).read_text()
        blocks = re.findall(r'^(?:variable|output) "(\w+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL)
        assert blocks
        assert [label for label, body in blocks if not re.search(r"^  description +=", body, re.MULTILINE)] == []
