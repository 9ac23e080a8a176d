"""Target of a build: a service of AWS, an architecture and a Python version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reporting_framework.errors import SettingsError

Service = Literal["lambda", "emr-serverless", "glue"]
"""Service of AWS that runs the report."""

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Architectures: Lambda's names, and the names in wheels."""

PYTHONS = ("3.12", "3.13", "3.14")
"""Lambda's runtimes on Amazon Linux 2023, which has glibc 2.34. The runtime
``python3.11`` cannot load these wheels.
"""

PYTHONS_OF: dict[Service, tuple[str, ...]] = {
    "lambda": PYTHONS,
    "emr-serverless": ("3.11", "3.12", "3.13"),
    "glue": ("3.11", "3.13"),
}
"""Python versions of each service, its default first. Glue 5 has 3.11, and Glue 6 has
3.13. An archive for EMR Serverless brings its Python; PySpark 3.5 is made for 3.11.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """An architecture and a Python version.

    Attributes:
        arch: One of `MACHINES`.
        python: One of `PYTHONS_OF` the service.
        service: Service that runs the report.
    """

    arch: str
    python: str
    service: Service = "lambda"

    @property
    def platform(self) -> str:
        """The newest platform that wheels may require, by uv's name."""
        return f"{MACHINES[self.arch]}-manylinux_2_28"

    @property
    def markers(self) -> dict[str, str]:
        """Environment for evaluating markers (PEP 508), without ``extra``.

        The patch version is the one that uv assumes if it gets only the minor version.
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": MACHINES[self.arch],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def target_of(service: Service, arch: str, python: str | None) -> Target:
    """Return the target that options name.

    Args:
        service: Service that runs the report.
        arch: One of `MACHINES`.
        python: Python version; None: the service's default.

    Raises:
        SettingsError: The service does not have the architecture or the version.
    """
    pythons = PYTHONS_OF[service]
    for option, given, allowed in (
        ("--python", python or pythons[0], pythons),
        ("--arch", arch, ("x86_64",) if service == "glue" else tuple(MACHINES)),
    ):
        if given not in allowed:
            raise SettingsError(
                f"{option}: {given!r} is not one of"
                f" {', '.join(map(repr, allowed))} for --target {service}"
            )
    return Target(arch, python or pythons[0], service)
