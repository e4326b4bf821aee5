"""Clients of social-graph and post. Identical concurrent reads share one response, but never with another viewer."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from pydantic import BaseModel, ValidationError

from photomesh_identity.accounts.avatars import Photo
from photomesh_identity.accounts.domain import Account, avatar_url
from photomesh_identity.errors import PhotosUnavailable
from photomesh_identity.metrics import PRIVACY_WRITES
from photomesh_shared.concurrency.repeats import Repeats
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import FOR_POSTS
from photomesh_shared.ids import UserId, encode
from photomesh_shared.internal_api import feed, post, social_graph
from photomesh_shared.internal_api.post import GET_POST_COUNT
from photomesh_shared.internal_api.social_graph import GET_SUMMARY, Summary, SummaryQuery
from photomesh_shared.internal_api.states import AccountState
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.tokens.errors import InsufficientScope
from photomesh_shared.tokens.scopes import Scope

__all__ = ["HidingClient", "PhotoClient", "PostCountClient", "PrivacyClient", "SocialGraphClient"]

log = logging.getLogger(__name__)

_FORBIDDEN = 403
_NOT_FOUND = 404


class SocialGraphClient:
    """Implements `profiles.queries.SocialGraph`."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._calls = SingleFlight[Summary]()

    async def summary(self, account_id: int, viewer_id: int | None) -> Summary:
        async def call() -> Summary:
            query = SummaryQuery(viewer_id=viewer_id)
            return await self._client.call(GET_SUMMARY, query=query, user_id=encode("u", account_id))

        return await self._calls.run((account_id, viewer_id), call)


class PrivacyClient:
    """Implements `accounts.service.PrivacyTarget`."""

    def __init__(self, social_graph: ServiceClient, post: ServiceClient, *, repeats: Repeats, cdn_url: str) -> None:
        """`repeats`: what is refused because a service did not answer is repeated there."""
        self._social_graph = social_graph
        self._post = post
        self._repeats = repeats
        self._cdn_url = cdn_url

    async def store_account(self, account: Account) -> None:
        send = partial(self._send, _state(account, self._cdn_url), encode("u", account.id))
        try:
            await send()
        except Unavailable:
            PRIVACY_WRITES.labels("failed").inc()
            self._repeats.add(("privacy", account.id), send)
            raise
        PRIVACY_WRITES.labels("ok").inc()

    async def _send(self, state: AccountState, account_id: str) -> None:
        await asyncio.gather(
            self._social_graph.call(social_graph.PUT_ACCOUNT, body=state, user_id=account_id),
            self._post.call(post.PUT_ACCOUNT, body=state, account_id=account_id),
        )


class HidingClient:
    """Implements `leaving.service.HidingTarget`."""

    def __init__(
        self,
        social_graph: ServiceClient,
        post: ServiceClient,
        feed: ServiceClient,
        *,
        repeats: Repeats,
        cdn_url: str,
    ) -> None:
        """`repeats`: what is refused because a service did not answer is repeated there."""
        self._social_graph = social_graph
        self._post = post
        self._feed = feed
        self._repeats = repeats
        self._cdn_url = cdn_url

    async def store_everywhere(self, account: Account) -> None:
        send = partial(self._send, _state(account, self._cdn_url), encode("u", account.id))
        try:
            await send()
        except Unavailable:
            self._repeats.add(("status", account.id), send)
            raise

    async def _send(self, state: AccountState, account_id: str) -> None:
        await asyncio.gather(
            self._social_graph.call(social_graph.PUT_ACCOUNT, body=state, user_id=account_id),
            self._post.call(post.PUT_ACCOUNT, body=state, account_id=account_id),
            self._feed.call(feed.PUT_ACCOUNT, body=state, account_id=account_id),
        )


def _state(account: Account, cdn_url: str) -> AccountState:
    return AccountState(
        version=account.version,
        username=account.username,
        display_name=account.display_name,
        avatar_url=avatar_url(account, cdn_url),
        private=account.private,
        status=account.status,
        mentionable_by=account.mentionable_by,
    )


class PostCountClient:
    """Implements `profiles.queries.PostCounts`."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._calls = SingleFlight[int]()

    async def count(self, account_id: int) -> int:
        async def call() -> int:
            return (await self._client.call(GET_POST_COUNT, account_id=encode("u", account_id))).posts

        return await self._calls.run(account_id, call)


class _PhotoResponse(BaseModel):
    """The members of `GET /v1/photos/{photo_id}` that avatars need."""

    owner_id: UserId
    status: str
    purpose: str = FOR_POSTS
    variants: dict[str, str] | None = None


class PhotoClient:
    """Implements `accounts.avatars.Photos`, by post's public API and with the caller's token."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def find(self, photo_id: int, authorization: str) -> Photo | None:
        response = await self._client.request(
            "GET",
            f"/v1/photos/{encode('p', photo_id)}",
            headers={"Authorization": authorization},
            expected=(200, _FORBIDDEN, _NOT_FOUND),
        )
        if response.status == _FORBIDDEN:  # only for lack of the scope
            raise InsufficientScope(required_scope=Scope.PHOTOS_READ)
        if response.status == _NOT_FOUND:
            return None
        try:
            found = _PhotoResponse.model_validate_json(response.body)
        except ValidationError as error:
            log.warning("unexpected response for a photo", extra={"error": str(error)})
            raise PhotosUnavailable from error
        return Photo(found.owner_id, found.status, found.variants or {}, found.purpose)
