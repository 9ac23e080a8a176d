"""Azurite, Microsoft's server of Azure Blob Storage for tests, on loopback.

It is found through the variable ``AZURITE`` (its program ``azurite-blob``), or in the path. Install it with ``npm install
azurite``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Key that Azurite publishes."""

SECONDS = 60


class Azurite(NamedTuple):
    """A running server."""

    endpoint: str

    @property
    def connection_string(self) -> str:
        """Variables that lead Azure's libraries to it."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.endpoint};"
        )

    def create_container(self, name: str) -> None:
        """Create a container."""
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
        signed = "PUT" + "\n" * 12
        signed += "".join(f"{key}:{value}\n" for key, value in headers.items())
        signed += f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256)
        signature = base64.b64encode(digest.digest()).decode()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
        headers["Content-Length"] = "0"
        request = urllib.request.Request(
            f"{self.endpoint}/{name}?restype=container", method="PUT", headers=headers
        )
        with urllib.request.urlopen(request):
            pass


def azurite_program() -> str | None:
    """The program, if it is installed."""
    return os.environ.get("AZURITE") or shutil.which("azurite-blob")


@contextmanager
def azurite(program: str, folder: Path) -> Iterator[Azurite]:
    """A running server without containers, that keeps everything in memory."""
    log = folder / "azurite.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                program,
                "--inMemoryPersistence",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                "0",
            ],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Azurite(f"{_address(log)}/{ACCOUNT}")
        finally:
            process.terminate()
            process.wait()


def _address(log: Path) -> str:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if match := re.search(r"listens on (http://127\.0\.0\.1:\d+)", log.read_text()):
            return match[1]
        time.sleep(0.1)
    raise TimeoutError(log.read_text())
