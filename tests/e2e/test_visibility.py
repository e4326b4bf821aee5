"""Who sees what of an account: every route × role × privacy, made from the committed OpenAPI document.

Each operation of the document is in exactly one of the tables below: `SHOWN` (it shows something of an account),
`NAMED` (it names something of an account) or `NOTHING_OF_OTHERS` (with the reason). A new route that is in none fails
here until somebody has decided. Where a role must not see, the answer is compared with the one for an id that does not
exist.
"""

from __future__ import annotations

import asyncio
import json
import operator
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from demo.client import Account, ApiError, Platform
from photomesh_shared import ids
from tests.support import photos
from tests.support.waiting import eventually
from tools.openapi import FILES, operations

pytestmark = pytest.mark.timeout(300)

ANONYMOUS, STRANGER, FOLLOWER, REQUESTER = "anonymous", "stranger", "follower", "requester"
BLOCKED, BLOCKER, OWNER = "blocked", "blocker", "owner"
ROLES = (ANONYMOUS, STRANGER, FOLLOWER, REQUESTER, BLOCKED, BLOCKER, OWNER)
_PER_REQUEST = {"connection", "date", "request-id", "ratelimit", "ratelimit-policy", "server-timing"}
"""Headers that say nothing of what was asked for (`connection: close` ends a connection that is two minutes old)."""


@dataclass(frozen=True)
class Scene:
    """One account, what it shows, and people in every role towards it.

    Before it became what it is, everybody could see it, and all liked, saved, collected and commented its post: so
    nothing that they did then may show it now.
    """

    http: httpx.AsyncClient
    url: str
    privacy: str
    people: dict[str, Account]
    friend: Account
    """Follows the owner and is followed by them, and is nothing to the others."""
    ids: dict[str, str]
    """What paths name: the owner, their post, its photo, their comment below it."""
    absent: dict[str, str]
    """The same of what does not exist, of the same age and length: what is young may be on its way, and says so."""
    collections: dict[str, str]
    """Whose collection holds the post: by role."""
    hosted: tuple[str, str]
    """A post of the friend's and a comment below it, where the owner has liked, commented and replied."""

    def path(self, name: str, role: str, query: str = "", *, exists: bool = True) -> str:
        """Of an operation of the document."""
        named = self.ids if exists else self.absent
        own = {"collection_id": self.collections.get(role, "k_1")}
        return (name.split()[1] + query).format(**named, **own)

    async def ask(self, role: str, method: str, path: str, body: object = None) -> httpx.Response:
        """Waits out what is wrong with the servers, and nothing else."""
        headers = {} if role == ANONYMOUS else self.people[role].headers

        async def call() -> httpx.Response:
            return await self.http.request(method, self.url + path, headers=headers, json=body)

        return await eventually(call, until=lambda answer: answer.status_code not in (429, 502, 503, 504), within=60)


Sees = Callable[[Scene, str], bool]


def content(scene: Scene, role: str) -> bool:
    """The rule."""
    return role in (OWNER, FOLLOWER) or (role not in (BLOCKED, BLOCKER) and scene.privacy == "public")


def profile(scene: Scene, role: str) -> bool:
    """Profiles of private accounts are public, and who blocks somebody must be able to find them again."""
    return role != BLOCKED


def followed(scene: Scene, role: str) -> bool:
    """A feed has the posts of those whom its reader follows."""
    return role == FOLLOWER


@dataclass(frozen=True)
class Shown:
    """`marker` (one of `Scene.ids`, or the friend) is in the answer for those who see, and in no other."""

    marker: str
    sees: Sees = content
    query: str = ""


SHOWN = {
    "GET /v1/users/{user_id}": Shown("username", profile),
    "GET /v1/users/by-username/{username}": Shown("user_id", profile),
    "GET /v1/users/{user_id}/posts": Shown("post_id"),
    "GET /v1/users/{user_id}/followers": Shown("friend"),
    "GET /v1/users/{user_id}/following": Shown("friend"),
    "GET /v1/posts/{post_id}": Shown("user_id"),
    "GET /v1/photos/{photo_id}": Shown("user_id"),
    "GET /v1/posts/{post_id}/likes": Shown("user_id"),
    "GET /v1/posts/{post_id}/comments": Shown("comment_id"),
    "GET /v1/comments/{comment_id}/replies": Shown("user_id"),
    "GET /v1/me/saves": Shown("post_id"),
    "GET /v1/me/collections": Shown("photo_id"),
    "GET /v1/me/collections/{collection_id}/posts": Shown("post_id"),
    "GET /v1/feed": Shown("post_id", followed, "?mode=chronological"),
}


@dataclass(frozen=True)
class Named:
    """A call that names something of an account. Who must not know of that gets the answer for what does not exist;
    in other roles it is not made, for it would change something."""

    sees: Sees = content
    body: object = None
    query: str = ""


NAMED = {
    "PATCH /v1/posts/{post_id}": Named(body={"caption": "mine"}),
    "DELETE /v1/posts/{post_id}": Named(),
    "PUT /v1/posts/{post_id}/like": Named(),
    "DELETE /v1/posts/{post_id}/like": Named(),
    "PUT /v1/posts/{post_id}/save": Named(),
    "DELETE /v1/posts/{post_id}/save": Named(),
    "POST /v1/posts/{post_id}/comments": Named(body={"text": "hello"}),
    "DELETE /v1/comments/{comment_id}": Named(),
    "PUT /v1/comments/{comment_id}/like": Named(),
    "DELETE /v1/comments/{comment_id}/like": Named(),
    "PUT /v1/me/collections/{collection_id}/posts/{post_id}": Named(),
    "DELETE /v1/me/collections/{collection_id}/posts/{post_id}": Named(),
    "PUT /v1/users/{user_id}/follow": Named(profile),
    "DELETE /v1/users/{user_id}/follow": Named(profile),
    "PUT /v1/users/{user_id}/block": Named(profile),
    "DELETE /v1/users/{user_id}/block": Named(profile),
    "PUT /v1/users/{user_id}/mute": Named(profile),
    "DELETE /v1/users/{user_id}/mute": Named(profile),
    "PUT /v1/me/follow-requests/{user_id}": Named(profile),
    "DELETE /v1/me/follow-requests/{user_id}": Named(profile),
    "DELETE /v1/me/followers/{user_id}": Named(profile),
    "GET /v1/me/relationships": Named(profile, query="?user_id={user_id}"),
}

_OWN_UPLOAD = "uploads are their owner's alone, whatever the account is to others"
_OWN_ACCOUNT = "one's own account and sessions"
_OWN_COLLECTION = "names one's own collection only"
NOTHING_OF_OTHERS = {
    "GET /.well-known/jwks.json": "keys",
    "GET /v1/limits": "the caller's own limits",
    "POST /v1/accounts": _OWN_ACCOUNT,
    "POST /v1/sessions": _OWN_ACCOUNT,
    "POST /v1/sessions/refresh": _OWN_ACCOUNT,
    "DELETE /v1/sessions/current": _OWN_ACCOUNT,
    "GET /v1/me": _OWN_ACCOUNT,
    "PATCH /v1/me": _OWN_ACCOUNT,
    "GET /v1/uploads": _OWN_UPLOAD,
    "GET /v1/uploads/{upload_id}": _OWN_UPLOAD,
    "DELETE /v1/uploads/{upload_id}": _OWN_UPLOAD,
    "POST /v1/uploads/init": _OWN_UPLOAD,
    "POST /v1/uploads/{upload_id}/parts": _OWN_UPLOAD,
    "POST /v1/uploads/{upload_id}/complete": _OWN_UPLOAD,
    "POST /v1/posts": "of one's own photos; those of others are not told from those that do not exist",
    "POST /v1/me/collections": _OWN_COLLECTION,
    "PATCH /v1/me/collections/{collection_id}": _OWN_COLLECTION,
    "DELETE /v1/me/collections/{collection_id}": _OWN_COLLECTION,
    "GET /v1/me/follow-requests": "who asked to follow oneself: they want to be seen, and a block ends the request",
    "GET /v1/me/blocks": "whom one blocks, by name, to be able to end it",
    "GET /v1/me/mutes": "whom one mutes, by name, to be able to end it",
    "POST /v1/feed/impressions": "is told, and tells nothing",
}

DOCUMENT = {f"{method} {path}": operation for method, path, operation in operations(json.loads(FILES[0].read_text()))}
OPERATIONS = set(DOCUMENT)
NEEDS_TOKEN = {name for name, operation in DOCUMENT.items() if {} not in operation.get("security", [{}])}


def test_every_operation_is_in_one_table() -> None:
    decided = [*SHOWN, *NAMED, *NOTHING_OF_OTHERS]
    assert len(decided) == len(set(decided)), "in two tables"
    assert set(decided) == OPERATIONS, "decide who may see what it shows"


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
    friend, *accounts = await asyncio.gather(*(platform.register(f"{name}_{tag}") for name in ("friend", *roles)))
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

    async def look_around(who: Account) -> str:
        """The collection that the post is in."""
        await platform.like(who, post_id)
        await platform.call("PUT", f"/v1/posts/{post_id}/save", who)
        collection_id = (await platform.call("POST", "/v1/me/collections", who, json={"name": "All"}))["id"]
        await platform.call("PUT", f"/v1/me/collections/{collection_id}/posts/{post_id}", who)
        await comment(who, post_id, comment_id)
        await platform.call("PUT", f"/v1/comments/{comment_id}/like", who)
        return str(collection_id)

    (photo_id, post_id), (_, hosted_id) = await asyncio.gather(publish(owner), publish(friend))
    await eventually(is_shown, within=60)  # who the author is, is known
    comment_id, hosted_comment = await comment(owner, post_id), await comment(friend, hosted_id)
    collections = await asyncio.gather(*(look_around(who) for who in people.values()))
    await platform.like(owner, hosted_id)
    await comment(owner, hosted_id)
    await comment(owner, hosted_id, hosted_comment)
    for one, other in ((friend, owner), (owner, friend), *((people[r], owner) for r in (FOLLOWER, BLOCKED, BLOCKER))):
        await eventually(partial(_follow, platform, one, other), until=_FOLLOWS, within=60)
    await platform.call("PUT", f"/v1/users/{people[BLOCKED].id}/block", owner)
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
        names | {"user_id": owner.id, "post_id": post_id, "photo_id": photo_id, "comment_id": comment_id},
        {name: ids.encode(prefix, new_id()) for name, prefix in _PREFIXES.items()}
        | {"username": "nobody".ljust(len(owner.username), "_")},
        dict(zip(people, collections, strict=True)),
        (hosted_id, hosted_comment),
    )


_PREFIXES = {"user_id": "u", "post_id": "o", "photo_id": "p", "comment_id": "c"}
_FOLLOWS = operator.itemgetter("following")
_REQUESTS = operator.itemgetter("requested")


async def _follow(platform: Platform, one: Account, other: Account) -> dict[str, Any]:
    """The relationship after it. Until social-graph has heard that an account is there it cannot be followed, and until
    it has heard that it is private, whoever asks follows; then that is undone."""
    try:
        relationship = await platform.call("PUT", f"/v1/users/{other.id}/follow", one)
    except ApiError:
        return {"following": False, "requested": False}
    if relationship["following"] and other.username.startswith(OWNER) and one.username.startswith(REQUESTER):
        await platform.call("DELETE", f"/v1/users/{other.id}/follow", one)
    return relationship


def _comparable(answer: httpx.Response, named: Iterable[str]) -> tuple[int, dict[str, str], object]:
    """All of an answer in which what is hidden could differ from what does not exist. Ids that were asked for may be
    repeated."""
    text = answer.text
    for each in named:
        text = text.replace(each, "…")
    body: dict[str, Any] = json.loads(text) if text else {}
    headers = {name: value for name, value in answer.headers.items() if name not in _PER_REQUEST}
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
    assert expected[0] in (200, 404), "nothing is wrong with the request itself"
    await _comes_to(lambda: answer(exists=True), expected)


async def _comes_to(look: Callable[[], Awaitable[object]], expected: object) -> None:
    """Events may be on their way."""
    await eventually(look, until=lambda seen: seen == expected, within=15)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", SHOWN)
async def test_who_sees_what(scene: Scene, name: str, role: str) -> None:
    shown, path = SHOWN[name], scene.path(name, role, SHOWN[name].query)
    sees = shown.sees(scene, role)

    async def look() -> tuple[int, bool]:
        answer = await scene.ask(role, "GET", path)
        return answer.status_code, scene.ids[shown.marker] in answer.text

    if role == ANONYMOUS and name in NEEDS_TOKEN:
        assert await look() == (401, False)
    elif sees or path == scene.path(
        name, role, shown.query, exists=False
    ):  # of one's own, with others' things left out
        await _comes_to(look, (200, sees))
    else:
        await _answers_as_if_absent(scene, name, role, shown.query)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in (ANONYMOUS, OWNER)])
@pytest.mark.parametrize("name", NAMED)
async def test_who_must_not_know_of_it_cannot_tell_by_naming_it(scene: Scene, name: str, role: str) -> None:
    if not NAMED[name].sees(scene, role):
        await _answers_as_if_absent(scene, name, role, NAMED[name].query, NAMED[name].body)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("trace", ["likes", "comments", "replies", "followers", "following"])
async def test_what_somebody_does_elsewhere_is_hidden_by_a_block_only(scene: Scene, trace: str, role: str) -> None:
    post_id, comment_id = scene.hosted
    path = {
        "likes": f"/v1/posts/{post_id}/likes",
        "comments": f"/v1/posts/{post_id}/comments",
        "replies": f"/v1/comments/{comment_id}/replies",
        "followers": f"/v1/users/{scene.friend.id}/followers",
        "following": f"/v1/users/{scene.friend.id}/following",
    }[trace]

    async def look() -> tuple[int, bool]:
        answer = await scene.ask(role, "GET", path)
        return answer.status_code, scene.ids["user_id"] in answer.text

    await _comes_to(look, (200, role not in (BLOCKED, BLOCKER)))
