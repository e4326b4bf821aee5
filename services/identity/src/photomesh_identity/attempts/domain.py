"""Limits of failed attempts to prove who one is: by account, and by nested prefixes of the address.

Only failures count in the end, so that many people behind one carrier's address can log in, while nobody can try many
passwords:

- One account, from networks that it has not used lately: so nobody guesses its password, from however many addresses.
- The same from each network that it has used lately, in a bucket of its own: so strangers who use up the first one do
  not lock its owner out.
- An address: an IPv6 /64 is one household or handset, and its /56 and /48 may hold many of them; an IPv4 address may be
  that of a carrier, with thousands of subscribers behind it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from photomesh_shared.concurrency.gcra import Policy, Rate

__all__ = ["AttemptLimits", "AttemptNames", "Charge"]

_PREFIX_FACTORS = {64: 1, 56: 2, 48: 4}
_IPV4_FACTOR = 10


@dataclass(frozen=True)
class Charge:
    """One attempt against one bucket. `counted_by`: `account` or `address`."""

    name: bytes
    policy: Policy
    counted_by: str


@dataclass(frozen=True)
class AttemptLimits:
    """Failures: of an account (in each of its networks, and in all others together), and of an IPv6 /64."""

    account: Rate
    address: Rate

    def of_address(self, address: str) -> list[tuple[str, Rate]]:
        """Prefixes of an address and their limits; none for what is not an address."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return []
        if not isinstance(parsed, IPv6Address):
            return [(address, self._times(_IPV4_FACTOR))]
        return [
            (str(IPv6Network((parsed, bits), strict=False)), self._times(factor))
            for bits, factor in _PREFIX_FACTORS.items()
        ]

    def _times(self, factor: int) -> Rate:
        return Rate(self.address.quota * factor, self.address.window)


class AttemptNames:
    """Names of buckets: keyed hashes, so that what is stored reveals neither log-ins nor addresses."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"photomesh attempts\0" + secret.encode()).digest()

    def name(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256)[:16]
