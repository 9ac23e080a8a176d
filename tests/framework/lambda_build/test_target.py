"""What packages are made for."""

import pytest
from packaging.markers import Marker, default_environment

from reporting_framework.cli.build import ARCHES, PYTHONS
from reporting_framework.lambda_build import target
from reporting_framework.lambda_build.target import Target


def test_the_command_line_offers_what_there_is():
    assert tuple(target.MACHINES) == ARCHES
    assert target.PYTHONS == PYTHONS


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
