"""Settings of the HTTP client."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field

from reporting_framework.plugin_api.settings import Settings

Network = IPv4Network | IPv6Network


class HttpSettings(Settings):
    """Base of the settings of a plugin that sends HTTP requests."""

    allow_private: bool | list[Network] = Field(
        False,
        description=(
            "Whether the server may have a private or a loopback address. A list of"
            " networks, such as 10.0.0.0/8, allows these alone; only a list allows"
            " link-local addresses and those of cloud metadata"
        ),
    )
    parallelism: int = Field(
        4, ge=1, le=64, description="How many requests are in flight at once"
    )
    rate: float | None = Field(
        None, gt=0, description="Maximum number of requests a second"
    )
    burst: int = Field(
        1, ge=1, description="How many requests may follow at once after a pause"
    )
    attempts: int = Field(
        6, ge=1, le=100, description="How often a request is sent until it succeeds"
    )
    wait_seconds: float = Field(
        0.5,
        ge=0,
        description="Pause before the second attempt; it doubles, and has a jitter",
    )
    max_wait_seconds: float = Field(
        60,
        ge=0,
        description=(
            "Longest pause between attempts. If the server asks for a longer one, the"
            " request fails"
        ),
    )
    connect_seconds: float = Field(
        10, gt=0, description="Time limit of a connection, TLS included"
    )
    read_seconds: float = Field(
        60, gt=0, description="Time limit of each wait for data of a response"
    )
    response_seconds: float = Field(
        300, gt=0, description="Time limit of a whole response"
    )
    max_response_bytes: int = Field(
        64 * 1024**2,
        ge=1,
        description="Maximum size of a response, decompressed",
    )
    ca_file: Path | None = Field(
        None,
        description=(
            "File of certificate authorities (PEM) to trust instead of the system's"
        ),
    )
