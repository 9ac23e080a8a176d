"""What packages are made for."""

import pytest
from packaging.markers import Marker, default_environment

from reporting_framework.cli.build import ARCHES, PYTHONS, SERVICES
from reporting_framework.errors import SettingsError
from reporting_framework.lambda_build import target
from reporting_framework.lambda_build.target import Target, target_of


def test_the_command_line_offers_what_there_is():
    assert tuple(target.MACHINES) == ARCHES
    assert target.PYTHONS == PYTHONS
    assert tuple(target.PYTHONS_OF) == SERVICES


@pytest.mark.parametrize(
    ("service", "python"),
    [("lambda", "3.12"), ("emr-serverless", "3.11"), ("glue", "3.11")],
)
def test_each_service_has_a_default_version_of_python(service, python):
    assert target_of(service, "x86_64", None) == Target("x86_64", python, service)
    assert target_of(service, "x86_64", "3.13").python == "3.13"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("lambda", "arm64", "3.11"),
            "--python: '3.11' is not one of '3.12', '3.13', '3.14' for --target lambda",
        ),
        (
            ("glue", "x86_64", "3.12"),
            "--python: '3.12' is not one of '3.11', '3.13' for --target glue",
        ),
        (
            ("glue", "arm64", None),
            "--arch: 'arm64' is not one of 'x86_64' for --target glue",
        ),
    ],
)
def test_what_a_service_does_not_have_is_refused(asked, message):
    with pytest.raises(SettingsError, match=f"^{message}$"):
        target_of(*asked)


@pytest.mark.parametrize(
    ("arch", "platform"),
    [("x86_64", "x86_64-manylinux_2_28"), ("arm64", "aarch64-manylinux_2_28")],
)
def test_wheels_are_those_that_amazon_linux_2023_can_load(arch, platform):
    assert Target(arch, "3.12").platform == platform


def test_every_marker_variable_is_the_targets_and_none_this_machines():
    assert set(Target("arm64", "3.13").markers) == set(default_environment())


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("sys_platform == 'linux' and platform_machine == 'aarch64'", True),
        ("sys_platform == 'win32'", False),
        ("python_version < '3.13'", False),
        ("python_full_version >= '3.13.0' and implementation_name == 'cpython'", True),
    ],
)
def test_markers_are_evaluated_for_the_target(marker, holds):
    assert (
        Marker(marker).evaluate({**Target("arm64", "3.13").markers, "extra": ""})
        is holds
    )
