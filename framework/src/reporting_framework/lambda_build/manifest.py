"""`manifest.json`: the results of a build, for deployment and for the next build."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reporting_framework.lambda_build.archive import sha256

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class PackagedDistribution:
    """A distribution in a package.

    Attributes:
        name: Its normalised name.
        version: Its version.
        wheel: File name of its wheel.
        sha256: Hash of that wheel.
    """

    name: str
    version: str
    wheel: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """A zip file, or another archive.

    Attributes:
        sha256: Its hash.
        zipped: Its size in bytes.
        unzipped: Unzipped size of its content in bytes.
        distributions: Its distributions, by name.
    """

    sha256: str
    zipped: int
    unzipped: int
    distributions: tuple[PackagedDistribution, ...]

    @property
    def source_code_hash(self) -> str:
        """The hash in Terraform's and Lambda's notation."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Results of a build.

    Attributes:
        report: The report.
        arch: Lambda's name of the architecture.
        python: The Python version.
        inputs: Hash of the inputs; see `fingerprint`.
        packages: The archives.
        files: Hashes of the other files.
        left_out: Distributions that only the command line needs, with their versions.
        service: Service of AWS that the packages are for.
    """

    report: str
    arch: str
    python: str
    inputs: str
    packages: Mapping[str, Package]
    files: Mapping[str, str]
    left_out: Mapping[str, str]
    service: str = "lambda"

    @property
    def unzipped(self) -> int:
        """Total unzipped size of all packages in bytes."""
        return sum(package.unzipped for package in self.packages.values())

    def as_json(self) -> str:
        """Return the content of the file."""
        document = asdict(self)
        for name, package in self.packages.items():
            document["packages"][name]["source_code_hash"] = package.source_code_hash
        return json.dumps({**document, "unzipped": self.unzipped}, indent=2) + "\n"


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest of an earlier build; None if it is missing or damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        packages = {
            name: _package(package)
            for name, package in document.pop("packages").items()
        }
        document.pop("unzipped")
        return Manifest(packages=packages, **document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _package(document: dict[str, Any]) -> Package:
    document.pop("source_code_hash")
    return Package(
        distributions=tuple(
            PackagedDistribution(**distribution)
            for distribution in document.pop("distributions")
        ),
        **document,
    )


def is_whole(manifest: Manifest, folder: Path) -> bool:
    """Return whether a folder holds all files of a manifest, with their hashes."""
    checksums = {
        **{name: package.sha256 for name, package in manifest.packages.items()},
        **manifest.files,
    }
    try:
        return all(
            sha256(folder / name) == digest for name, digest in checksums.items()
        )
    except OSError:
        return False
