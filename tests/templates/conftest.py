"""Fixtures for what is made of the templates."""

import pytest

from tests.support.terraform import missing


@pytest.fixture(scope="session")
def terraform_there() -> None:
    """Skips where Terraform cannot be used; asked only by tests that run it, for finding out takes a second."""
    if reason := missing():
        pytest.skip(reason)
