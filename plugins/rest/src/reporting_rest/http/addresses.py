"""Addresses that a connection may have, and connections to exactly these.

A name is resolved once for each connection. All its addresses are checked, and the
connection is made to a checked one, so no second look-up can lead elsewhere.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import httpcore2
from typing_extensions import override

from reporting_framework import LocationError
from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.settings import Network
from reporting_rest.http.streams import TimedStream

Address = IPv4Address | IPv6Address

NEVER_BY_DEFAULT: Sequence[Network] = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "fe80::/10",
        "fd00:ec2::/32",  # metadata of AWS
        "100.100.100.200/32",  # of Alibaba Cloud
        "168.63.129.16/32",  # of Azure
        "192.0.0.192/32",  # of Oracle Cloud
    )
)
"""Networks that only a list of networks allows."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Network of IPv4 addresses that a gateway translates (NAT64)."""


@dataclass(frozen=True)
class AddressPolicy:
    """Rule for the addresses of servers.

    Attributes:
        allow_private: `True`: private and loopback addresses, too; networks: only their
            addresses, in addition to public ones.
    """

    allow_private: bool | Sequence[Network] = False

    def allows(self, text: str) -> bool:
        """Return whether a connection may have the address."""
        address = _embedded(ip_address(text.partition("%")[0]))
        if not isinstance(self.allow_private, bool) and any(
            address in network for network in self.allow_private
        ):
            return True
        if any(address in network for network in NEVER_BY_DEFAULT):
            return False
        if address.is_multicast or address.is_unspecified or _is_reserved(address):
            return False
        return address.is_global or self.allow_private is True


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, or the address itself."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _is_reserved(address: Address) -> bool:
    return address.is_reserved and not (address.is_loopback or address.is_private)


class PinnedBackend(httpcore2.SyncBackend):
    """Network of the client: connections to checked addresses, with a time limit.

    Args:
        policy: Rule for addresses.
        subject: Subject of messages.
    """

    def __init__(self, policy: AddressPolicy, subject: str) -> None:
        self._policy, self._subject = policy, subject

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> TimedStream:
        """Connect to the first address of a host that answers.

        Raises:
            LocationError: An address of the host is not allowed.
        """
        failure: Exception | None = None
        for address in self._resolved(host, port):
            try:
                stream = super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream)
        raise failure or httpcore2.ConnectError("no address")

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise AttemptFailed("the host name was not resolved") from None
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if not all(map(self._policy.allows, addresses)):
            raise LocationError(
                f"{self._subject}: host {host}: its address is private, link-local or"
                " of cloud metadata; if that is intended, set allow_private to true, or"
                " to the list of its networks"
            )
        return addresses
