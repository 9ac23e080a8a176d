"""Plans of the root configurations, made with the real provider against an AWS on loopback. Nothing is applied."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import S3Server, moto_server
from tests.support.terraform import (
    MODULES,
    ROOT,
    Terraform,
    copied,
    emulated,
    missing,
    shared_provider,
    variables_of,
)

Plan = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def terraform_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all of the project's Terraform. Skips where Terraform cannot be used."""
    if reason := missing():
        pytest.skip(reason)
    return copied(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def aws() -> Iterator[S3Server]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def provider(terraform_folder: Path, aws: S3Server) -> Iterator[str]:
    """The provider, started once for all commands of the session."""
    folder = terraform_folder / MODULES[0].relative_to(ROOT)
    Terraform(folder).init()
    with shared_provider(folder, variables_of(aws)) as running:
        yield running


@pytest.fixture(scope="session")
def planner(
    terraform_folder: Path, aws: S3Server, provider: str
) -> Callable[[str], Terraform]:
    """Root configurations, by name, ready to be planned."""
    ready: dict[str, Terraform] = {}

    def prepare(name: str) -> Terraform:
        if name not in ready:
            ready[name] = emulated(terraform_folder / name, aws, provider)
        return ready[name]

    return prepare


@pytest.fixture(scope="session")
def plan(planner: Callable[[str], Terraform]) -> Plan:
    """Plans a root configuration with the packages that stand for real ones."""

    def make(name: str, *options: str) -> dict[str, Any]:
        return planner(name).plan("-var=packages_dir=../tests/packages", *options)

    return make
