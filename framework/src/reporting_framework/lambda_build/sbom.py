"""Bill of materials, as CycloneDX 1.6 in JSON.

It lists the distributions in the packages and their dependencies.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from reporting_framework._text.messages import one_line
from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.manifest import Manifest, PackagedDistribution
from reporting_framework.lambda_build.unpack import Unpacked

SBOM = "sbom.json"
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""Time of everything in the packages, so that the same inputs give the same bytes."""


def bill_of_materials(
    manifest: Manifest, unpacked: Mapping[str, Unpacked], graph: Graph
) -> str:
    """Return the bill of materials as JSON.

    Its time is the zip files' time, and its serial number follows from the inputs.

    Args:
        manifest: The packages and their distributions.
        unpacked: The distributions, for their licences.
        graph: Dependencies of the distributions.
    """
    parts = {
        shipped.name: _component(shipped, package, unpacked[shipped.name].license)
        for package, item in sorted(manifest.packages.items())
        for shipped in item.distributions
    }
    application = Component(
        name=manifest.report, type=ComponentType.APPLICATION, bom_ref=manifest.report
    )
    bom = Bom(
        components=parts.values(),
        metadata=BomMetaData(component=application),
        serial_number=uuid.uuid5(
            uuid.NAMESPACE_URL, f"reporting-framework:{manifest.inputs}"
        ),
    )
    bom.metadata.timestamp = EARLIEST
    for name, part in parts.items():
        bom.register_dependency(
            part,
            [
                parts[dependency]
                for dependency in sorted(graph.direct(name))
                if dependency in parts
            ],
        )
    needed = {dependency for name in parts for dependency in graph.direct(name)}
    bom.register_dependency(
        application, [part for name, part in parts.items() if name not in needed]
    )
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(shipped: PackagedDistribution, package: str, license_: str) -> Component:
    purl = PackageURL("pypi", name=shipped.name, version=shipped.version)
    return Component(
        name=shipped.name,
        version=shipped.version,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=shipped.sha256)],
        licenses=(
            [LicenseFactory().make_from_string(one_line(license_, 100))]
            if license_
            else ()
        ),
        properties=[
            Property(name="reporting:package", value=package),
            Property(name="reporting:wheel", value=shipped.wheel),
        ],
    )
