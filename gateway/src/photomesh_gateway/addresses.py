"""The client's address of a request, and the key under which its rate is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

__all__ = ["PREFIXES", "ClientAddresses", "rate_key", "rate_keys"]

_Address = IPv4Address | IPv6Address
PREFIXES = (64, 56, 48)
"""Bits of the nested IPv6 prefixes that are counted: a subscriber's network, a site, a provider's pool."""

_MAX_HOPS = 20  # no chain of proxies is longer


class ClientAddresses:
    """Reads `X-Forwarded-*` only as far as our own proxies wrote it; everything left of that came from the client and
    may be forged.

    Our proxies are known by their networks, or by their number: `proxy_hops` of them, one behind another, are in front
    of every request. With networks, the first address from the right that is not a proxy's is the client's.
    """

    def __init__(self, trusted_proxies: Iterable[str] = (), proxy_hops: int = 0) -> None:
        self._trusted = [ip_network(network) for network in trusted_proxies]
        self._hops = proxy_hops
        self.client = lru_cache(maxsize=4096)(self._client)

    def is_proxy(self, peer: str) -> bool:
        """Whether a connection from this address is one of our proxies'."""
        return self._hops > 0 or self._is_trusted(_parse(peer))

    def of_request(self, scope: Scope, fields: Mapping[bytes, bytes]) -> tuple[str, dict[str, str]]:
        """The client's address, and the `X-Forwarded-*` headers for a service. `fields` are the request's headers."""
        peer = scope["client"][0] if scope["client"] else "unix"
        host, scheme = fields.get(b"host", b""), scope["scheme"]
        if not self.is_proxy(peer):
            client = self.client(peer)
        else:
            hops = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            client = self.client(peer, hops.decode("latin-1"))
            host = fields.get(b"x-forwarded-host", host)
            scheme = "https" if fields.get(b"x-forwarded-proto") == b"https" else scheme
        return client, {
            "X-Forwarded-For": client,
            "X-Forwarded-Host": host.decode("ascii", "replace"),
            "X-Forwarded-Proto": scheme,
        }

    def _client(self, peer: str, forwarded_for: str = "") -> str:
        address = _parse(peer)
        if address is None:
            return peer  # a Unix socket has no address
        hops = forwarded_for.split(",")[-(self._hops or _MAX_HOPS) :]
        while hops and (self._hops or self._is_trusted(address)):
            if (earlier := _parse(hops.pop().strip())) is None:
                break
            address = earlier
        return str(address)

    def _is_trusted(self, address: _Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self._trusted
        )


def _parse(text: str) -> _Address | None:
    """An address, with or without a port (some proxies write one); None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=4096)
def rate_key(address: str) -> str:
    """An IPv6 subscriber has a whole /64 to send from, so that network is counted."""
    parsed = _parse(address)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


@lru_cache(maxsize=4096)
def rate_keys(address: str) -> tuple[str, ...]:
    """The prefixes of an IPv6 address, as in `PREFIXES`; of any other, the address alone."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return (address,)
    return tuple(str(IPv6Network((parsed, bits), strict=False)) for bits in PREFIXES)
