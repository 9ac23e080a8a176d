"""What packages are made for: an architecture and a Python version of AWS Lambda."""

from __future__ import annotations

from dataclasses import dataclass

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names of the architectures, and those of wheels."""

PYTHONS = ("3.12", "3.13", "3.14")
"""Lambda's runtimes on Amazon Linux 2023, whose glibc is 2.34. That of ``python3.11``
cannot load these wheels.
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
        """What wheels may ask for at the most, as uv calls it."""
        return f"{MACHINES[self.arch]}-manylinux_2_28"

    @property
    def markers(self) -> dict[str, str]:
        """The environment that markers are evaluated in (PEP 508), ``extra`` left out.

        The patch version is that which uv assumes when it is told the minor version
        alone.
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
