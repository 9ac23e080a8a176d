"""Each module and each root configuration is well formed, valid, and passes its own tests."""

import re

import pytest

from reporting_framework import errors
from tests.support.terraform import CONFIGURATIONS, MODULES, ROOT, Terraform

FOLDERS = [path.relative_to(ROOT) for path in (*MODULES, *CONFIGURATIONS)]


def test_all_of_it_is_formatted(terraform_folder):
    assert Terraform(terraform_folder)("fmt", "-check", "-recursive") == ""


def passes(terraform, files):
    """Run a folder's tests in these files, which validates it as well."""
    terraform.init()
    said = terraform(
        "test", "-no-color", *(f"-filter=tests/{path.name}" for path in files)
    )
    passed, failed = map(int, re.search(r"(\d+) passed, (\d+) failed", said).groups())
    assert (passed > 0, failed) == (True, 0), said


def files_of(folder, *, refused):
    """Files of a folder's tests: those of what is refused (a second for each), or the others."""
    return [
        path
        for path in (ROOT / folder / "tests").glob("*.tftest.hcl")
        if (path.stem == "refused.tftest") == refused
    ]


SAMPLE = ("event-log-checkpoint", "modules/lambda-layers", "modules/monitoring")
"""Folders whose tests run with all others; the rest, and what is refused, by `hatch run slow`: a second for each run."""


@pytest.mark.parametrize(
    "folder",
    [
        folder
        if str(folder) in SAMPLE
        else pytest.param(folder, marks=pytest.mark.slow)
        for folder in FOLDERS
    ],
    ids=str,
)
def test_valid_and_its_tests_pass(terraform_folder, provider, folder):
    terraform = Terraform(terraform_folder / folder, provider=provider)
    passes(terraform, files_of(folder, refused=False))


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [folder for folder in FOLDERS if files_of(folder, refused=True)], ids=str
)
def test_what_is_refused(terraform_folder, provider, folder):
    terraform = Terraform(terraform_folder / folder, provider=provider)
    passes(terraform, files_of(folder, refused=True))
    terraform("validate", "-no-color")


def test_a_distributed_map_tries_again_what_may_go_away():
    text = (ROOT / "modules" / "distributed-map" / "main.tf").read_text()
    blocks = re.findall(
        r"ErrorEquals\s+= \[(.*?)\].*?MaxAttempts\s+= (\d+)", text, re.DOTALL
    )
    attempts = {
        name: int(number)
        for names, number in blocks
        for name in re.findall(r'"(\w+)"', names)
    }
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ReportingError)
    }
    named = attempts.keys() & kinds.keys()
    assert {
        name for name in named if issubclass(kinds[name], errors.TransientError)
    } == {name for name in named if attempts[name]}
    leaves = {name for name, kind in kinds.items() if not kind.__subclasses__()}
    of_a_build_or_replace = {"BuildError", "IncompleteRun"}
    assert leaves - attempts.keys() - of_a_build_or_replace == {"StepFailed"}


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_variable_and_output_is_described(folder):
    for name in ("variables.tf", "outputs.tf"):
        text = (ROOT / folder / name).read_text()
        blocks = re.findall(
            r'^(?:variable|output) "(\w+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL
        )
        assert blocks
        assert [
            label
            for label, body in blocks
            if not re.search(r"^  description +=", body, re.MULTILINE)
        ] == []
