"""Target of a build: an architecture and a Python version of AWS Lambda."""

from __future__ import annotations

from dataclasses import dataclass

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Architectures: Lambda's names, and the names in wheels."""

PYTHONS = ("3.12", "3.13", "3.14")
"""Lambda's runtimes on Amazon Linux 2023, which has glibc 2.34. The runtime
``python3.11`` cannot load these wheels.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """An architecture and a Python version.

    Attributes:
        arch: One of `MACHINES`.
        python: One of `PYTHONS`.
    """

    arch: str
    python: str

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
