"""Clients of endpoints (one HTTPS request a row), of post and of identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from photomesh_shared.clock import Clock
from photomesh_shared.internal_api.identity import LIST_STAFF_ROLES, StaffRolesQuery
from photomesh_shared.internal_api.post import GET_SIGHTINGS, MAX_IDS, Sightings, SightingsQuery
from photomesh_shared.outbound import OutboundClient, Refused, Unreachable, retry_after
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.tokens.roles import Role, has_role
from photomesh_webhook.endpoints.secrets import SecretBox
from photomesh_webhook.sending.cloud_event import CONTENT_TYPE, structured
from photomesh_webhook.sending.domain import MAX_RETRY_AFTER, Outcome, Verdict, classify
from photomesh_webhook.sending.rows import Answered, Row, Target
from photomesh_webhook.sending.sights import Sight, Sights
from photomesh_webhook.sending.signature import signed_headers

__all__ = ["HttpChannel", "IdentityOperators", "PostViewer"]

_SECONDS = 15.0
_KEPT_BYTES = 1_024
_MAX_ERROR = 200
_ROLE_SECONDS = 5.0


class HttpChannel:
    """Implements `protocols.Channel`: Standard Webhooks, with a CloudEvent as its body."""

    def __init__(self, outbound: OutboundClient, box: SecretBox, clock: Clock, *, seconds: float = _SECONDS) -> None:
        """`seconds`: for a whole request."""
        self._outbound = outbound
        self._box = box
        self._clock = clock
        self._seconds = seconds

    async def send(self, target: Target, row: Row) -> Answered:
        body = structured(
            event_id=row.event_id,
            source=row.source,
            type_=row.type,
            time=row.event_time,
            subject=row.subject,
            entityversion=row.entityversion,
            value=row.value,
        )
        secrets = [self._box.open(target.id, sealed) for sealed in target.secrets]
        headers = {
            "Content-Type": CONTENT_TYPE,
            **signed_headers(row.event_id, self._clock.now(), body, secrets),
        }
        started = self._clock.monotonic()
        try:
            answer = await self._outbound.post(
                target.url, body, headers=headers, seconds=self._seconds, answer_bytes=_KEPT_BYTES
            )
        except Refused:
            return self._failed(row, started, "refused")
        except Unreachable as error:
            return self._failed(row, started, str(error)[:_MAX_ERROR])
        now = self._clock.now()
        wait = retry_after(answer.headers.get("retry-after"), now, longest=MAX_RETRY_AFTER)
        verdict = classify(answer.status, wait)
        text = answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")
        return Answered(row, now, verdict, answer.status, self._milliseconds(started), text or None)

    def _failed(self, row: Row, started: float, error: str) -> Answered:
        verdict = Verdict(Outcome.FAILED)
        return Answered(row, self._clock.now(), verdict, milliseconds=self._milliseconds(started), error=error)

    def _milliseconds(self, started: float) -> int:
        return int((self._clock.monotonic() - started) * 1000)


class PostViewer:
    """Implements `protocols.Viewer`: the rules of the API."""

    def __init__(self, post: ServiceClient) -> None:
        self._post = post

    async def sights(self, viewer_id: int, sights: Sequence[Sight]) -> Sights:
        """Raises ServiceUnavailable."""
        accounts, posts, comments, hidden = set[int](), set[int](), set[int](), set[tuple[int, int]]()
        for query in _queries(viewer_id, sights):
            found: Sightings = await self._post.call(GET_SIGHTINGS, body=query)
            accounts |= {one.id for one in found.accounts}
            posts |= {one.id for one in found.posts}
            comments |= {one.id for one in found.comments}
            hidden |= {(one.id, account_id) for one in found.comments for account_id in one.hidden_ids}
        return Sights(accounts, posts, comments, hidden)


class IdentityOperators:
    """Implements `protocols.Operators`. A yes holds for seconds: a busy endpoint does not ask for each event."""

    def __init__(self, identity: ServiceClient, clock: Clock, *, seconds: float = _ROLE_SECONDS) -> None:
        self._identity = identity
        self._clock = clock
        self._seconds = seconds
        self._until: dict[int, float] = {}

    async def is_operator(self, account_id: int) -> bool:
        """Raises ServiceUnavailable."""
        now = self._clock.monotonic()
        if self._until.get(account_id, now) > now:
            return True
        found = await self._identity.call(LIST_STAFF_ROLES, body=StaffRolesQuery(account_id=account_id))
        self._until = {one: until for one, until in self._until.items() if until > now and one != account_id}
        if not has_role(frozenset(found.roles), Role.ADMINISTRATOR):
            return False
        self._until[account_id] = now + self._seconds
        return True


def _queries(viewer_id: int, sights: Sequence[Sight]) -> Iterator[SightingsQuery]:
    """As few as the limits of the operation allow."""
    accounts, posts, comments = set[int](), set[int](), set[int]()
    likers: dict[int, set[int]] = {}
    for sight in sights:
        if max(len(posts) + len(sight.posts), len(comments) + len(sight.comments)) > MAX_IDS:
            yield _query(viewer_id, accounts, posts, comments, likers)
            accounts, posts, comments, likers = set(), set(), set(), {}
        accounts |= sight.accounts
        posts |= sight.posts
        comments |= sight.comments
        for comment_id, account_id in sight.likers.items():
            likers.setdefault(comment_id, set()).add(account_id)
    yield _query(viewer_id, accounts, posts, comments, likers)


def _query(
    viewer_id: int, accounts: set[int], posts: set[int], comments: set[int], likers: dict[int, set[int]]
) -> SightingsQuery:
    return SightingsQuery(
        viewer_id=viewer_id,
        account_ids=sorted(accounts),
        post_ids=sorted(posts),
        comment_ids=sorted(comments),
        likers={comment_id: sorted(ids) for comment_id, ids in likers.items()},
    )
