"""The visibility matrix: every operation × role × privacy, and at the end with an owner who has left.
docs/visibility.md explains the rules.

Each operation of the OpenAPI document is in exactly one table: `READS` (returns something of an account), `WRITES`
(addresses something of an account), `OWN` (undoes what the caller did: addressed by ownership, never by visibility) or
`UNRELATED` (with the reason). A new operation fails here until it is in one. Where a role must not see something, the
answer is compared with that for an id that does not exist.
"""

from __future__ import annotations

import asyncio
import json
import operator
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest

from demo.client import Account, ApiError, Platform
from photomesh_shared import ids
from tests.support import photos
from tests.support.waiting import eventually
from tools.openapi import FILES, operations

pytestmark = pytest.mark.timeout(600)

ANONYMOUS, STRANGER, FOLLOWER, REQUESTER = "anonymous", "stranger", "follower", "requester"
BLOCKED, BLOCKER, OWNER = "blocked", "blocker", "owner"
ROLES = (ANONYMOUS, STRANGER, FOLLOWER, REQUESTER, BLOCKED, BLOCKER, OWNER)
_PER_REQUEST = {"connection", "date", "request-id", "ratelimit", "ratelimit-policy", "server-timing"}
"""Headers that do not depend on the resource (`connection: close` ends a connection that is two minutes old)."""


class Reaction(NamedTuple):
    """A person's collection that holds the owner's post, comment on the post, and reply to the owner's comment."""

    collection_id: str
    comment_id: str
    reply_id: str


@dataclass(frozen=True)
class Scene:
    """An account with content, and one person in each role towards it.

    At first everybody sees it, and everybody likes, saves, collects and comments on its post; then blocks and privacy
    apply. So nothing that was done before may reveal it afterwards.
    """

    http: httpx.AsyncClient
    url: str
    privacy: str
    people: dict[str, Account]
    friend: Account
    """Follows the owner and is followed back; has no relation to the others."""
    newcomer: Account
    """Blocked by the owner, without ever having done anything under the owner's posts."""
    ids: dict[str, str]
    """Values of path parameters: the owner, the owner's post, its photo, the owner's comment under it."""
    absent: dict[str, str]
    """The same parameters for resources that do not exist, of the same age and length: young ids may be answered
    differently."""
    reactions: dict[str, Reaction]
    """By role."""
    hosted: tuple[str, str]
    """A post of the friend and a comment under it: the owner likes the post, commented, and replied."""

    def path(self, name: str, role: str, query: str = "", *, exists: bool = True) -> str:
        """The path of an operation."""
        named = self.ids if exists else self.absent
        own = {} if role == ANONYMOUS else {"collection_id": self.reactions[role].collection_id}
        return (name.split()[1] + query).format(**{"collection_id": "k_1"} | named | own)

    async def ask(self, role: str, method: str, path: str, body: object = None) -> httpx.Response:
        """Sends a request; repeats it while a server is unavailable or a rate limit is hit."""
        return await self.ask_as(None if role == ANONYMOUS else self.people[role], method, path, body)

    async def ask_as(self, who: Account | None, method: str, path: str, body: object = None) -> httpx.Response:
        headers = who.headers if who else {}

        async def call() -> httpx.Response:
            return await self.http.request(method, self.url + path, headers=headers, json=body)

        return await eventually(call, until=lambda answer: answer.status_code not in (429, 502, 503, 504), within=60)


Sees = Callable[[Scene, str], bool]


def content(scene: Scene, role: str) -> bool:
    """Content of public accounts is public; that of private ones is for followers. A block hides it both ways."""
    return role in (OWNER, FOLLOWER) or (role not in (BLOCKED, BLOCKER) and scene.privacy == "public")


def profile(scene: Scene, role: str) -> bool:
    """Profiles of private accounts are public, and the blocker must be able to find the profile again."""
    return role != BLOCKED


def followed(scene: Scene, role: str) -> bool:
    """A feed has posts of followed accounts only."""
    return role == FOLLOWER


@dataclass(frozen=True)
class Read:
    """`marker` (a key of `Scene.ids`) is in the answer for roles that see, and in no other answer."""

    marker: str
    sees: Sees = content
    query: str = ""


READS = {
    "GET /v1/users/{user_id}": Read("username", profile),
    "GET /v1/users/by-username/{username}": Read("user_id", profile),
    "GET /v1/users/{user_id}/posts": Read("post_id"),
    "GET /v1/users/{user_id}/followers": Read("friend"),
    "GET /v1/users/{user_id}/following": Read("friend"),
    "GET /v1/posts/{post_id}": Read("user_id"),
    "GET /v1/photos/{photo_id}": Read("user_id"),
    "GET /v1/posts/{post_id}/likes": Read("user_id"),
    "GET /v1/posts/{post_id}/comments": Read("comment_id"),
    "GET /v1/comments/{comment_id}/replies": Read("user_id"),
    "GET /v1/me/saves": Read("post_id"),
    "GET /v1/me/collections": Read("photo_id"),
    "GET /v1/me/collections/{collection_id}/posts": Read("post_id"),
    "GET /v1/feed": Read("post_id", followed, "?mode=chronological"),
}


@dataclass(frozen=True)
class Write:
    """A role that does not see gets the answer for a resource that does not exist. Other roles do not send it, because
    it would change the scene."""

    sees: Sees = content
    body: object = None
    query: str = ""


WRITES = {
    "PATCH /v1/posts/{post_id}": Write(body={"caption": "mine"}),
    "DELETE /v1/posts/{post_id}": Write(),
    "PUT /v1/posts/{post_id}/like": Write(),
    "PUT /v1/posts/{post_id}/save": Write(),
    "POST /v1/posts/{post_id}/comments": Write(body={"text": "hello"}),
    "PUT /v1/comments/{comment_id}/like": Write(),
    "PUT /v1/me/collections/{collection_id}/posts/{post_id}": Write(),
    "PUT /v1/users/{user_id}/follow": Write(profile),
    "DELETE /v1/users/{user_id}/follow": Write(profile),
    "PUT /v1/users/{user_id}/block": Write(profile),
    "DELETE /v1/users/{user_id}/block": Write(profile),
    "PUT /v1/users/{user_id}/mute": Write(profile),
    "DELETE /v1/users/{user_id}/mute": Write(profile),
    "PUT /v1/me/follow-requests/{user_id}": Write(profile),
    "DELETE /v1/me/follow-requests/{user_id}": Write(profile),
    "DELETE /v1/me/followers/{user_id}": Write(profile),
    "PUT /v1/me/close-friends/{user_id}": Write(profile),
    "GET /v1/me/relationships": Write(profile, query="?user_id={user_id}"),
}

OWN = {
    "DELETE /v1/posts/{post_id}/like": 200,
    "DELETE /v1/comments/{comment_id}/like": 200,
    "DELETE /v1/me/collections/{collection_id}/posts/{post_id}": 204,
    "DELETE /v1/posts/{post_id}/save": 204,
    "DELETE /v1/comments/{comment_id}": 204,
}
"""The status for everybody who did it, whether or not they still see the post."""

_OWN_UPLOAD = "only their owner has access to uploads"
_OWN_ACCOUNT = "one's own account and sessions"
_OWN_EXPORT = "one's own data, and no id: its links are signed for one object of one's own"
_BY_MAIL = "addresses an account by what its mailbox got; answers alike for all others"
_STAFF = "for staff, who see whether an account works and none of its content; not for any of these roles"
_OWN_NOTIFICATIONS = "what others did to the caller, by the rules of post: tests/e2e/test_notifications.py"
_OWN_WEBHOOK = "addresses one's own webhooks only; what is sent to them: tests/integration/webhook"
_STORY = "for followers and close friends, whatever the privacy, and alike for all others: tests/integration/story"
_OWN_COLLECTION = "addresses one's own collection only"
_EXPLORE = "every post and account is checked by post as any read is: tests/e2e/test_explore.py"
_OWN_EXPLORE = "what one said oneself; answers alike for what others said"
_SEARCH = "every hit is checked by post as any read is: tests/e2e/test_search.py"
UNRELATED = {
    "GET /v1/explore": _EXPLORE,
    "GET /v1/explore/why/{post_id}": _EXPLORE,
    "GET /v1/explore/people": _EXPLORE,
    "GET /v1/explore/trends": "hashtags and places of public posts, without the posts",
    "POST /v1/explore/feedback": "of posts that explore showed; all others are answered as absent",
    "GET /v1/explore/feedback": _OWN_EXPLORE,
    "DELETE /v1/explore/feedback/{feedback_id}": _OWN_EXPLORE,
    "GET /v1/explore/home": _OWN_EXPLORE,
    "PUT /v1/explore/home": _OWN_EXPLORE,
    "DELETE /v1/explore/people/{user_id}": "answers alike for every account",
    "GET /v1/search/suggest": _SEARCH,
    "GET /v1/search/accounts": _SEARCH,
    "GET /v1/search/posts": _SEARCH,
    "GET /v1/search/hashtags": "hashtags of public posts, without the posts",
    "GET /v1/search/places": "places of public posts, without the posts",
    "GET /.well-known/jwks.json": "keys",
    "GET /v1/limits": "the caller's own limits",
    "POST /v1/accounts": _OWN_ACCOUNT,
    "POST /v1/sessions": _OWN_ACCOUNT,
    "POST /v1/sessions/refresh": _OWN_ACCOUNT,
    "DELETE /v1/sessions/current": _OWN_ACCOUNT,
    "PUT /v1/me/password": _OWN_ACCOUNT,
    "POST /v1/password-resets": _BY_MAIL,
    "POST /v1/password-resets/redeem": _BY_MAIL,
    "GET /v1/me/email": _OWN_ACCOUNT,
    "PUT /v1/me/email": _OWN_ACCOUNT,
    "POST /v1/me/email/verification": _OWN_ACCOUNT,
    "POST /v1/email-verifications/redeem": _BY_MAIL,
    "PUT /v1/me/username": _OWN_ACCOUNT,
    "PUT /v1/me/birth-date": _OWN_ACCOUNT,
    "GET /v1/me/consents": _OWN_ACCOUNT,
    "PUT /v1/me/consents": _OWN_ACCOUNT,
    "POST /v1/sessions/second-factor": _OWN_ACCOUNT,
    "POST /v1/sessions/passkey": _OWN_ACCOUNT,
    "POST /v1/sessions/passkey/options": _OWN_ACCOUNT,
    "GET /v1/me/second-factors": _OWN_ACCOUNT,
    "POST /v1/me/totp": _OWN_ACCOUNT,
    "POST /v1/me/totp/confirm": _OWN_ACCOUNT,
    "POST /v1/me/totp/remove": _OWN_ACCOUNT,
    "POST /v1/me/recovery-codes": _OWN_ACCOUNT,
    "POST /v1/me/passkeys/options": _OWN_ACCOUNT,
    "POST /v1/me/passkeys": _OWN_ACCOUNT,
    "GET /v1/me/passkeys": _OWN_ACCOUNT,
    "PATCH /v1/me/passkeys/{passkey_id}": _OWN_ACCOUNT,
    "DELETE /v1/me/passkeys/{passkey_id}": _OWN_ACCOUNT,
    "POST /v1/me/tokens": _OWN_ACCOUNT,
    "GET /v1/me/tokens": _OWN_ACCOUNT,
    "DELETE /v1/me/tokens/{token_id}": _OWN_ACCOUNT,
    "GET /v1/me/sessions": _OWN_ACCOUNT,
    "DELETE /v1/me/sessions": _OWN_ACCOUNT,
    "DELETE /v1/me/sessions/{session_id}": _OWN_ACCOUNT,
    "GET /v1/me": _OWN_ACCOUNT,
    "POST /v1/me/deactivation": _OWN_ACCOUNT,
    "DELETE /v1/me": _OWN_ACCOUNT,
    "GET /v1/erasures/{erasure_id}": "one's own erasure, by its token",
    "GET /v1/erasures/keys": "keys",
    "PATCH /v1/me": _OWN_ACCOUNT,
    "GET /v1/uploads": _OWN_UPLOAD,
    "GET /v1/uploads/{upload_id}": _OWN_UPLOAD,
    "DELETE /v1/uploads/{upload_id}": _OWN_UPLOAD,
    "POST /v1/uploads/init": _OWN_UPLOAD,
    "POST /v1/uploads/{upload_id}/parts": _OWN_UPLOAD,
    "POST /v1/uploads/{upload_id}/complete": _OWN_UPLOAD,
    "POST /v1/posts": "of one's own photos; photos of others are answered as absent",
    "POST /v1/me/collections": _OWN_COLLECTION,
    "PATCH /v1/me/collections/{collection_id}": _OWN_COLLECTION,
    "DELETE /v1/me/collections/{collection_id}": _OWN_COLLECTION,
    "GET /v1/me/follow-requests": "requesters want to be seen, and a block ends the request",
    "GET /v1/me/blocks": "the caller's own blocks, by name, so that they can be ended",
    "GET /v1/me/mutes": "the caller's own mutes, by name, so that they can be ended",
    "GET /v1/me/close-friends": "the caller's own list, of followers: a block takes them off",
    "DELETE /v1/me/close-friends/{user_id}": "of one's own list; answers alike for every account",
    "POST /v1/feed/impressions": "returns nothing",
    "POST /v1/staff/lookups": _STAFF,
    "DELETE /v1/staff/users/{user_id}/sessions": _STAFF,
    "PUT /v1/staff/users/{user_id}/roles": _STAFF,
    "GET /v1/staff/roles": _STAFF,
    "GET /v1/staff/audit-log": _STAFF,
    "GET /v1/notifications/stream": "ids of the caller's own notifications",
    "POST /v1/notifications/stream-tickets": "a ticket for the caller's own stream",
    "POST /v1/me/export": _OWN_EXPORT,
    "GET /v1/me/export": _OWN_EXPORT,
    "DELETE /v1/me/export": _OWN_EXPORT,
    "GET /v1/notifications": _OWN_NOTIFICATIONS,
    "GET /v1/notifications/unread": _OWN_NOTIFICATIONS,
    "GET /v1/notifications/push/key": "the platform's own key",
    "POST /v1/notifications/push/subscriptions": "one's own devices",
    "GET /v1/notifications/push/subscriptions": "one's own devices",
    "DELETE /v1/notifications/push/subscriptions/{subscription_id}": "of one's own devices; answers alike for every id",
    "PUT /v1/notifications/seen": "one's own marker",
    "GET /v1/notifications/preferences": "one's own preferences",
    "PUT /v1/notifications/preferences": "one's own preferences",
    "PUT /v1/notifications/muted-posts/{post_id}": "of one's own posts; posts of others are answered as absent",
    "DELETE /v1/notifications/muted-posts/{post_id}": "of one's own mutes; answers alike for every post",
    "POST /v1/stories": "of one's own photos; those of others are answered as absent",
    "GET /v1/stories/tray": _STORY,
    "GET /v1/users/{user_id}/stories": _STORY,
    "PUT /v1/stories/{story_id}/seen": _STORY,
    "GET /v1/stories/{story_id}/viewers": "of one's own stories; those of others are answered as absent",
    "DELETE /v1/stories/{story_id}": "of one's own stories; those of others are answered as absent",
    "PUT /v1/stories/{story_id}/reply": _STORY,
    "GET /v1/me/stories/archive": "of one's own stories",
    "GET /v1/me/stories/settings": "of one's own stories",
    "PUT /v1/me/stories/settings": "of one's own stories",
    "PUT /v1/me/highlights/{number}": "of one's own stories; those of others are answered as absent",
    "DELETE /v1/me/highlights/{number}": "of one's own stories",
    "GET /v1/users/{user_id}/highlights": "as an account's posts: tests/unit/story/test_archive.py",
    "GET /v1/users/{user_id}/highlights/{number}": "as an account's posts: tests/unit/story/test_archive.py",
    "DELETE /v1/stories/{story_id}/reply": "of one's own reply, whatever one sees",
    "GET /v1/stories/{story_id}/replies": _STORY,
    "DELETE /v1/stories/{story_id}/replies/{user_id}": "of one's own stories; those of others are answered as absent",
    "POST /v1/webhooks": _OWN_WEBHOOK,
    "GET /v1/webhooks": _OWN_WEBHOOK,
    "GET /v1/webhooks/{webhook_id}": _OWN_WEBHOOK,
    "PATCH /v1/webhooks/{webhook_id}": _OWN_WEBHOOK,
    "DELETE /v1/webhooks/{webhook_id}": _OWN_WEBHOOK,
    "POST /v1/webhooks/{webhook_id}/rotate-secret": _OWN_WEBHOOK,
    "POST /v1/webhooks/{webhook_id}/test": _OWN_WEBHOOK,
    "POST /v1/webhooks/{webhook_id}/replay": _OWN_WEBHOOK,
    "GET /v1/webhooks/{webhook_id}/deliveries": _OWN_WEBHOOK,
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": _OWN_WEBHOOK,
}

DOCUMENT = {f"{method} {path}": operation for method, path, operation in operations(json.loads(FILES[0].read_text()))}
OPERATIONS = set(DOCUMENT)
NEEDS_TOKEN = {name for name, operation in DOCUMENT.items() if {} not in operation.get("security", [{}])}


def test_every_operation_is_in_one_table() -> None:
    decided = [*READS, *WRITES, *OWN, *UNRELATED]
    assert len(decided) == len(set(decided)), "in two tables"
    assert set(decided) == OPERATIONS, "add it to the table that says who may see what it returns"


@pytest.fixture(scope="module", params=["public", "private"])
async def scene(
    request: pytest.FixtureRequest,
    platform: Platform,
    http: httpx.AsyncClient,
    gateway_url: str,
    new_id: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Scene:
    tag = secrets.token_hex(4)
    roles = [role for role in ROLES if role != ANONYMOUS]
    friend, newcomer, *accounts = await asyncio.gather(
        *(platform.register(f"{name}_{tag}") for name in ("friend", "newcomer", *roles))
    )
    people = dict(zip(roles, accounts, strict=True))
    owner = people[OWNER]
    file = tmp_path_factory.mktemp("scene") / "small.jpg"
    file.write_bytes(photos.photo("jpeg", 200, 150))

    async def publish(author: Account) -> tuple[str, str]:
        photo_id = await platform.upload(author, file, lambda _: None)
        await platform.wait_until_ready(author, photo_id, within=60)
        return photo_id, (await platform.publish(author, [photo_id], "A scene"))["id"]

    async def comment(who: Account, post: str, parent: str | None = None) -> str:
        body = {"text": "What a light!"} | ({"parent_id": parent} if parent else {})
        return str((await platform.call("POST", f"/v1/posts/{post}/comments", who, json=body))["id"])

    async def is_shown() -> bool:
        return (await http.get(f"{gateway_url}/v1/posts/{post_id}")).status_code == 200

    async def react(who: Account) -> Reaction:
        await platform.like(who, post_id)
        await platform.call("PUT", f"/v1/posts/{post_id}/save", who)
        collection_id = (await platform.call("POST", "/v1/me/collections", who, json={"name": "All"}))["id"]
        await platform.call("PUT", f"/v1/me/collections/{collection_id}/posts/{post_id}", who)
        reply_id = await comment(who, post_id, comment_id)
        await platform.call("PUT", f"/v1/comments/{comment_id}/like", who)
        return Reaction(str(collection_id), await comment(who, post_id), reply_id)

    (photo_id, post_id), (_, hosted_id) = await asyncio.gather(publish(owner), publish(friend))
    await eventually(is_shown, within=60)  # once the author is known to post
    comment_id, hosted_comment = await comment(owner, post_id), await comment(friend, hosted_id)
    reactions = await asyncio.gather(*(react(who) for who in people.values()))
    await platform.like(owner, hosted_id)
    await comment(owner, hosted_id)
    await comment(owner, hosted_id, hosted_comment)
    for one, other in ((friend, owner), (owner, friend), *((people[r], owner) for r in (FOLLOWER, BLOCKED, BLOCKER))):
        await eventually(partial(_follow, platform, one, other), until=_FOLLOWS, within=60)
    for who in (people[BLOCKED], newcomer):
        await platform.call("PUT", f"/v1/users/{who.id}/block", owner)
    await platform.call("PUT", f"/v1/users/{owner.id}/block", people[BLOCKER])
    if request.param == "private":
        await platform.call("PATCH", "/v1/me", owner, json={"private": True})
        await eventually(partial(_follow, platform, people[REQUESTER], owner), until=_REQUESTS, within=60)
    names = {"username": owner.username, "friend": friend.id}
    return Scene(
        http,
        gateway_url,
        request.param,
        people,
        friend,
        newcomer,
        names | {"user_id": owner.id, "post_id": post_id, "photo_id": photo_id, "comment_id": comment_id},
        {name: ids.encode(prefix, new_id()) for name, prefix in _PREFIXES.items()}
        | {"username": "nobody".ljust(len(owner.username), "_")},
        dict(zip(people, reactions, strict=True)),
        (hosted_id, hosted_comment),
    )


_PREFIXES = {"user_id": "u", "post_id": "o", "photo_id": "p", "comment_id": "c"}
_FOLLOWS = operator.itemgetter("following")
_REQUESTS = operator.itemgetter("requested")


async def _follow(platform: Platform, one: Account, other: Account) -> dict[str, Any]:
    """Returns the relationship after a follow; an account cannot be followed until social-graph knows it."""
    try:
        return await platform.call("PUT", f"/v1/users/{other.id}/follow", one)
    except ApiError:
        return {"following": False, "requested": False}


def _comparable(answer: httpx.Response, named: Iterable[str]) -> tuple[int, dict[str, str], object]:
    """The parts of an answer that must be equal for hidden and absent resources. Ids of the request may be repeated."""
    text = answer.text
    for each in named:
        text = text.replace(each, "…")
    body: dict[str, Any] = json.loads(text) if text else {}
    headers = {name: value for name, value in answer.headers.items() if name not in _PER_REQUEST}
    if text != answer.text:
        headers.pop("etag", None)  # a hash of the body, in which the ids differ
    if body.pop("request_id", None):
        del headers["content-length"]  # request ids differ in length
    return answer.status_code, headers, body


async def _answers_as_if_absent(scene: Scene, name: str, role: str, query: str, body: object = None) -> None:
    method = name.split()[0]

    async def answer(exists: bool) -> tuple[int, dict[str, str], object]:
        named = scene.ids if exists else scene.absent
        path = scene.path(name, role, query, exists=exists)
        return _comparable(await scene.ask(role, method, path, body), named.values())

    expected = await answer(exists=False)
    assert expected[0] in (200, 404), "the request itself is valid"
    await _becomes(lambda: answer(exists=True), expected)


async def _becomes(look: Callable[[], Awaitable[object]], expected: object) -> None:
    """Waits: permissive changes arrive by events."""
    await eventually(look, until=lambda seen: seen == expected, within=15)


async def _each(roles: Iterable[str], check: Callable[[str], Awaitable[None]]) -> None:
    """All roles at the same time: an id of the last minute is answered as absent after two seconds only."""
    roles = list(roles)
    outcomes = await asyncio.gather(*map(check, roles), return_exceptions=True)
    failed = {role: outcome for role, outcome in zip(roles, outcomes, strict=True) if outcome is not None}
    assert not failed, failed


@pytest.mark.parametrize("name", READS)
async def test_reads(scene: Scene, name: str) -> None:
    await _each(ROLES, partial(_reads, scene, name))


async def _reads(scene: Scene, name: str, role: str) -> None:
    shown, path = READS[name], scene.path(name, role, READS[name].query)
    sees = shown.sees(scene, role)

    async def look() -> tuple[int, bool]:
        answer = await scene.ask(role, "GET", path)
        return answer.status_code, scene.ids[shown.marker] in answer.text

    if role == ANONYMOUS and name in NEEDS_TOKEN:
        assert await look() == (401, False)
    elif sees or path == scene.path(name, role, shown.query, exists=False):  # own lists, without what is hidden
        await _becomes(look, (200, sees))
    else:
        await _answers_as_if_absent(scene, name, role, shown.query)


@pytest.mark.parametrize("name", WRITES)
async def test_writes_to_what_is_hidden_are_answered_as_absent(scene: Scene, name: str) -> None:
    write = WRITES[name]
    hidden_from = [role for role in ROLES if role not in (ANONYMOUS, OWNER) and not write.sees(scene, role)]
    await _each(hidden_from, lambda role: _answers_as_if_absent(scene, name, role, query=write.query, body=write.body))


def _traces(scene: Scene) -> dict[str, str]:
    """Lists in which the owner is, of what others published."""
    post_id, comment_id = scene.hosted
    return {
        "likes": f"/v1/posts/{post_id}/likes",
        "comments": f"/v1/posts/{post_id}/comments",
        "replies": f"/v1/comments/{comment_id}/replies",
        "followers": f"/v1/users/{scene.friend.id}/followers",
        "following": f"/v1/users/{scene.friend.id}/following",
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("trace", ["likes", "comments", "replies", "followers", "following"])
async def test_only_a_block_hides_what_an_account_does_elsewhere(scene: Scene, trace: str, role: str) -> None:
    path = _traces(scene)[trace]

    async def look() -> tuple[int, bool]:
        answer = await scene.ask(role, "GET", path)
        return answer.status_code, scene.ids["user_id"] in answer.text

    await _becomes(look, (200, role not in (BLOCKED, BLOCKER)))


@pytest.mark.parametrize("reader", [ANONYMOUS, FOLLOWER, OWNER])
@pytest.mark.parametrize("path", ["/v1/posts/{post_id}/likes", "/v1/posts/{post_id}/comments"])
async def test_a_block_hides_reactions_to_the_owners_posts_from_everybody(scene: Scene, path: str, reader: str) -> None:
    if not content(scene, reader):
        return

    async def look() -> set[str]:
        text = (await scene.ask(reader, "GET", path.format(**scene.ids) + "?limit=50")).text
        return {role for role, person in scene.people.items() if person.id in text}

    await _becomes(look, set(ROLES) - {ANONYMOUS, BLOCKED, BLOCKER})


async def test_a_blocked_account_sees_public_content_without_its_token(scene: Scene) -> None:
    """A block is between accounts. Content of a public account is public: going private hides it."""
    path = f"/v1/posts/{scene.ids['post_id']}"
    assert (await scene.ask(BLOCKED, "GET", path)).status_code == 404
    expected = 200 if scene.privacy == "public" else 404
    assert (await scene.ask(ANONYMOUS, "GET", path)).status_code == expected


@pytest.mark.parametrize("name", OWN)
async def test_undoing_needs_to_have_been_done(scene: Scene, name: str) -> None:
    """Otherwise what is hidden is answered as absent."""
    method, template = name.split()
    collection = await scene.ask_as(scene.newcomer, "POST", "/v1/me/collections", {"name": name[:20]})
    own = {"collection_id": collection.json()["id"]}
    hidden, absent = [
        _comparable(await scene.ask_as(scene.newcomer, method, template.format(**ids_of, **own)), ids_of.values())
        for ids_of in (scene.ids, scene.absent)
    ]
    assert hidden == absent
    assert hidden[0] == 404


# These change the scene: last.


@pytest.mark.parametrize("role", [role for role in ROLES if role != ANONYMOUS])
@pytest.mark.parametrize("name", OWN)
async def test_everybody_can_undo_what_they_did(scene: Scene, name: str, role: str) -> None:
    method, template = name.split()
    own = {"collection_id": scene.reactions[role].collection_id}
    if name == "DELETE /v1/comments/{comment_id}":
        own["comment_id"] = scene.reactions[role].comment_id
    for _ in range(2):
        answer = await scene.ask(role, method, template.format(**scene.ids | own))
        assert answer.status_code == OWN[name], answer.text
    if answer.content and not content(scene, role):
        assert answer.json() == {"liked": False, "like_count": 0}


@pytest.mark.parametrize("role", [BLOCKED, BLOCKER, STRANGER])
async def test_the_author_of_a_post_can_delete_any_reply_under_it(scene: Scene, role: str) -> None:
    answer = await scene.ask(OWNER, "DELETE", f"/v1/comments/{scene.reactions[role].reply_id}")
    assert answer.status_code == 204


# And these end it: the owner is deactivated, or leaves.


@pytest.fixture(scope="module")
async def left(scene: Scene, platform: Platform) -> Scene:
    """The scene without its owner, whose last access token is still good for minutes. By then its ids are so old that
    those of the absent are known to be absent."""
    owner = scene.people[OWNER]
    youngest = max(ids.timestamp_of(ids.decode(prefix, scene.absent[name])) for name, prefix in _PREFIXES.items())

    async def age() -> timedelta:
        return datetime.now(UTC) - youngest

    await eventually(age, until=lambda age: age > timedelta(seconds=65), within=90, every=1)
    method, path = ("POST", "/v1/me/deactivation") if scene.privacy == "public" else ("DELETE", "/v1/me")
    await platform.call(method, path, owner, json={"password": owner.password})
    return scene


@pytest.mark.parametrize("name", READS)
async def test_nobody_sees_an_account_that_is_not_active(left: Scene, name: str) -> None:
    """A follower, who would see everything otherwise."""
    shown = READS[name]
    path = left.path(name, FOLLOWER, shown.query)
    if path != left.path(name, FOLLOWER, shown.query, exists=False):
        await _answers_as_if_absent(left, name, FOLLOWER, shown.query)
        return

    async def look() -> tuple[int, bool]:
        answer = await left.ask(FOLLOWER, "GET", path)
        return answer.status_code, left.ids[shown.marker] in answer.text

    await _becomes(look, (200, False))


@pytest.mark.parametrize("path", ["/v1/users/{user_id}", "/v1/posts/{post_id}", "/v1/photos/{photo_id}"])
async def test_its_owner_sees_it(left: Scene, path: str) -> None:
    answer = await left.ask(OWNER, "GET", path.format(**left.ids))
    assert (answer.status_code, left.ids["user_id"] in answer.text) == (200, True)


@pytest.mark.parametrize("trace", ["likes", "comments", "replies", "followers", "following"])
async def test_nor_does_anybody_see_what_it_did_elsewhere(left: Scene, trace: str) -> None:
    path = _traces(left)[trace]

    async def look() -> tuple[int, bool]:
        answer = await left.ask(STRANGER, "GET", path)
        return answer.status_code, left.ids["user_id"] in answer.text

    await _becomes(look, (200, False))


@pytest.mark.parametrize("name", WRITES)
async def test_writes_to_it_are_answered_as_absent(left: Scene, name: str) -> None:
    await _answers_as_if_absent(left, name, FOLLOWER, WRITES[name].query, WRITES[name].body)


@pytest.mark.parametrize("name", OWN)
async def test_what_was_done_under_it_can_be_undone(left: Scene, name: str) -> None:
    method, template = name.split()
    own = {"collection_id": left.reactions[FOLLOWER].collection_id}
    if name == "DELETE /v1/comments/{comment_id}":
        own["comment_id"] = left.reactions[FOLLOWER].reply_id
    answer = await left.ask(FOLLOWER, method, template.format(**left.ids | own))
    assert answer.status_code == OWN[name], answer.text
