"""Clients of push services (one HTTPS request a device), and of identity."""

from __future__ import annotations

from collections.abc import Collection

from yarl import URL

from photomesh_notification.push.domain import MAX_RETRY_AFTER, Outcome, Subscription, Verdict, classify
from photomesh_notification.push.encryption import PADDED_TO, encrypt
from photomesh_notification.push.sending import Message
from photomesh_notification.push.vapid import VapidSigner
from photomesh_shared.clock import Clock
from photomesh_shared.internal_api.identity import LIST_OPEN_SESSIONS, SessionsQuery
from photomesh_shared.outbound import OutboundClient, Refused, Unreachable, retry_after
from photomesh_shared.service_client import ServiceClient

__all__ = ["IdentitySessions", "WebPush"]

_SECONDS = 10.0


class WebPush:
    """Implements `sending.Channel` (RFC 8030, 8291, 8292)."""

    def __init__(
        self, outbound: OutboundClient, vapid: VapidSigner, clock: Clock, *, seconds: float = _SECONDS
    ) -> None:
        """`seconds`: for a whole request."""
        self._outbound = outbound
        self._vapid = vapid
        self._clock = clock
        self._seconds = seconds

    def origin(self, subscription: Subscription) -> str:
        return str(URL(subscription.endpoint, encoded=True).origin())

    async def send(self, subscription: Subscription, message: Message) -> Verdict:
        verdict = await self._send(subscription, message, message.payload)
        if verdict.outcome is Outcome.TOO_LARGE:
            verdict = await self._send(subscription, message, message.bare, padded_to=0)
        return verdict

    async def _send(
        self, subscription: Subscription, message: Message, payload: bytes, *, padded_to: int = PADDED_TO
    ) -> Verdict:
        body = encrypt(payload, subscription.p256dh, subscription.auth, padded_to=padded_to)
        headers = {
            "Authorization": self._vapid.authorization(subscription.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(message.ttl.total_seconds())),
            "Topic": message.topic,
            "Urgency": message.urgency,
        }
        try:
            answer = await self._outbound.post(subscription.endpoint, body, headers=headers, seconds=self._seconds)
        except Refused:
            return Verdict(Outcome.REFUSED)
        except Unreachable:
            return Verdict(Outcome.LATER)
        wait = retry_after(answer.headers.get("retry-after"), self._clock.now(), longest=MAX_RETRY_AFTER)
        return classify(answer.status, wait)


class IdentitySessions:
    """Implements `worker.Sessions`. There is no event about the end of a session, and a push must not come after it."""

    def __init__(self, identity: ServiceClient) -> None:
        self._identity = identity

    async def open_among(self, account_id: int, session_ids: Collection[int]) -> Collection[int]:
        """Raises ServiceUnavailable."""
        query = SessionsQuery(account_id=account_id, session_ids=sorted(session_ids))
        return (await self._identity.call(LIST_OPEN_SESSIONS, body=query)).session_ids
