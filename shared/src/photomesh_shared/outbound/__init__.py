"""HTTPS requests to addresses that strangers named: push endpoints, webhooks.

    async with open_outbound(OutboundPolicy.of(settings), tls=authorities(settings)) as outbound:
        answer = await outbound.post(endpoint, body, headers=headers, seconds=10.0)

What keeps such a request from reaching our own network:

- The address is checked when the socket is made (`guard.py`): after resolution, for every connection, for names and
  literals alike. A name that resolves to something else at the next look-up (DNS rebinding) gains nothing.
- Only https, ports 443 and 8443, no user name in the URL; redirects are not followed, no proxy is taken from the
  environment, no cookie is kept.
- An answer is read up to a limit, within a deadline for the whole request.

In Kubernetes, network policies say the same again.
"""

from __future__ import annotations

from photomesh_shared.outbound.client import Answer, OutboundClient, Unreachable, authorities, open_outbound
from photomesh_shared.outbound.guard import MAX_URL, OutboundPolicy, Refused, check_url, is_public
from photomesh_shared.outbound.retry_after import retry_after

__all__ = [
    "MAX_URL",
    "Answer",
    "OutboundClient",
    "OutboundPolicy",
    "Refused",
    "Unreachable",
    "authorities",
    "check_url",
    "is_public",
    "open_outbound",
    "retry_after",
]
