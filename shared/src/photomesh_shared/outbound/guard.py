"""Which URLs and addresses may be called. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

from photomesh_shared.settings import OutboundSettings

__all__ = ["MAX_URL", "OutboundPolicy", "Refused", "check_url", "is_public"]

MAX_URL = 2_000
"""Characters. The longest endpoints of push services have some 400."""

_PORTS = frozenset({443, 8443})
_URL = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
"""The characters of RFC 3986 without `#`: no space, control character, backslash or letter that parsers read
differently."""

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""A last label of this form makes a host an IPv4 address: resolvers read `127.1`, `0x7f.1` and `2130706433` as one."""

_IPV4_REFUSED = tuple(
    IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "224.0.0.0/4",  # multicast
    )
)
"""What `is_global` lets through."""

_IPV6_UNICAST = IPv6Network("2000::/3")
_IPV6_REFUSED = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


class Refused(Exception):
    """The URL or the address behind it must not be called."""


@dataclass(frozen=True)
class OutboundPolicy:
    """What may be called: the public internet. `receivers`: for tests, these addresses and ports besides. Production
    refuses to start with any (`OutboundSettings`)."""

    receivers: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    @classmethod
    def of(cls, settings: OutboundSettings) -> OutboundPolicy:
        pairs = (receiver.rpartition(":") for receiver in settings.outbound_test_receivers)
        return cls(frozenset((host.strip("[]"), int(port)) for host, _, port in pairs))

    def allows_port(self, port: int) -> bool:
        return port in _PORTS or any(port == of_receiver for _, of_receiver in self.receivers)

    def allows(self, address: str, port: int) -> bool:
        """Whether a socket may be connected to this resolved address."""
        return (address, port) in self.receivers or (port in _PORTS and is_public(address))


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet. IPv4 in IPv6 is what it is in IPv4 (`::ffff:0:0/96`) or refused
    (translated and tunnelled: NAT64, 6to4, Teredo). Of IPv6, only what has been given out as unicast passes."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed in _IPV6_UNICAST and parsed.is_global and not any(parsed in net for net in _IPV6_REFUSED)
        parsed = parsed.ipv4_mapped
    return _is_public_ipv4(parsed)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _IPV4_REFUSED)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def check_url(url: str, policy: OutboundPolicy) -> URL:
    """Parse a URL that a stranger gave. Raises Refused. Where its host leads is known when it is called only."""
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        raise Refused("It is too long, or has characters that a URL cannot have.")
    try:
        parsed = URL(url, encoded=True)
        scheme, host, port = parsed.scheme, parsed.host, parsed.port
    except ValueError as error:
        raise Refused("It is not a URL.") from error
    if scheme != "https":
        raise Refused("It must begin with https://.")
    if "@" in parsed.raw_authority:
        raise Refused("It must not have a user name.")
    if not host or host.startswith(".") or "%" in host:
        raise Refused("It has no host.")
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) and not _is_address(host):
        raise Refused("Its host is a number, but not an address.")
    if port is None or not policy.allows_port(port):
        raise Refused("Its port must be 443 or 8443.")
    return parsed
