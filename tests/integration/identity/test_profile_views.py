"""Profiles as others see them: counts, relationships, and blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import asyncpg
import httpx
import pytest

from photomesh_shared.clock import SystemClock
from tests.integration.identity.api_users import OWN_MEMBERS, ApiUser, ApiUsers
from tests.integration.identity.conftest import serve
from tests.integration.identity.fake_services import NO_RELATION, FakeServices, serve_fake_services
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def running_services() -> Iterator[FakeServices]:
    with serve_fake_services() as services:
        yield services


@pytest.fixture
def services(running_services: FakeServices) -> FakeServices:
    running_services.reset()
    return running_services


@pytest.fixture
async def users_with_services(environment: Mapping[str, str], services: FakeServices) -> AsyncIterator[ApiUsers]:
    """Users of an identity of their own, since an outage in one test opens its circuit breakers."""
    url = services.url
    async with serve(environment, SystemClock(), post_url=url, social_graph_url=url) as users:
        yield users


@pytest.fixture
async def ada(users_with_services: ApiUsers) -> ApiUser:
    return await users_with_services.new_user()


@pytest.fixture
async def grace(users_with_services: ApiUsers) -> ApiUser:
    return await users_with_services.new_user()


async def _get(
    user: ApiUser, viewer: ApiUser | None = None, *, by_name: bool = False, if_none_match: str = ""
) -> httpx.Response:
    path = f"by-username/{user.username}" if by_name else user.id
    headers = (viewer.headers if viewer else {}) | ({"If-None-Match": if_none_match} if if_none_match else {})
    return await user.api.get(f"/v1/users/{path}", headers=headers)


@pytest.mark.parametrize("by_name", [False, True])
async def test_counts_and_relationship(services: FakeServices, ada: ApiUser, grace: ApiUser, by_name: bool) -> None:
    services.followers[ada.id], services.posts[ada.id] = 7, 3
    services.relations[grace.id, ada.id] = {"following": True}
    public = {name: value for name, value in ada.user.items() if name not in OWN_MEMBERS}
    public["counts"] = {"posts": 3, "followers": 7, "following": 0}
    seen = await _get(ada, grace, by_name=by_name)
    assert seen.json() == public | {"relationship": {"user_id": ada.id, **NO_RELATION, "following": True}}
    assert seen.headers["cache-control"] == "private, no-cache"
    for viewer, cache in ((None, "no-cache"), (ada, "private, no-cache")):
        answer = await _get(ada, viewer, by_name=by_name)
        assert answer.json() == public | {"relationship": None}
        assert answer.headers["cache-control"] == cache
        assert answer.headers["vary"] == "Authorization"


@pytest.mark.parametrize("by_name", [False, True])
async def test_an_account_that_blocks_the_viewer_looks_absent(
    services: FakeServices, ada: ApiUser, grace: ApiUser, by_name: bool
) -> None:
    services.relations[grace.id, ada.id] = {"blocked_by": True}
    hidden = await _get(ada, grace, by_name=by_name)
    path = "by-username/nobody_has_this_name" if by_name else "u_1"
    absent = await ada.api.get(f"/v1/users/{path}", headers=grace.headers)
    bodies = [expect_problem(answer, 404, "account-not-found") for answer in (hidden, absent)]
    for body in bodies:
        del body["request_id"]
    assert bodies[0] == bodies[1]
    assert hidden.headers.keys() == absent.headers.keys()
    assert (await _get(ada)).status_code == 200


async def test_a_blocked_account_is_shown(services: FakeServices, ada: ApiUser, grace: ApiUser) -> None:
    services.relations[grace.id, ada.id] = {"blocking": True}
    assert (await _get(ada, grace)).json()["relationship"]["blocking"] is True


async def test_a_private_profile_is_shown(services: FakeServices, ada: ApiUser, grace: ApiUser) -> None:
    await ada.update(private=True)
    for viewer in (None, grace):
        assert (await _get(ada, viewer)).json()["private"] is True


async def test_without_social_graph_a_profile_is_served_to_anonymous_viewers_and_its_owner(
    services: FakeServices, ada: ApiUser, grace: ApiUser
) -> None:
    services.down.add("social-graph")
    expect_problem(await _get(ada, grace), 503, "relations-unavailable")
    for viewer in (None, ada):
        answer = await _get(ada, viewer)
        assert (answer.status_code, answer.json()["counts"]) == (200, None)


async def test_without_post_counts_are_null(services: FakeServices, ada: ApiUser, grace: ApiUser) -> None:
    services.down.add("post")
    services.relations[grace.id, ada.id] = {"muting": True}
    assert (await _get(ada)).json()["counts"] is None
    seen = (await _get(ada, grace)).json()
    assert (seen["counts"], seen["relationship"]["muting"]) == (None, True)


async def test_the_entity_tag_covers_the_whole_content(services: FakeServices, ada: ApiUser, grace: ApiUser) -> None:
    tags = []
    for followers, posts, following in ((0, 0, False), (1, 0, False), (1, 1, False), (1, 1, True)):
        services.followers[ada.id], services.posts[ada.id] = followers, posts
        services.relations[grace.id, ada.id] = {"following": following}
        tags.append((await _get(ada, grace)).headers["etag"])
        again = await _get(ada, grace, if_none_match=tags[-1])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["vary"] == "Authorization"
    await ada.update(bio="new")
    tags.append((await _get(ada, grace)).headers["etag"])
    tags.append((await _get(ada)).headers["etag"])
    assert len(set(tags)) == len(tags)


async def test_an_invalid_token_is_refused(services: FakeServices, ada: ApiUser) -> None:
    answer = await ada.api.get(f"/v1/users/{ada.id}", headers={"Authorization": "Bearer nonsense"})
    expect_problem(answer, 401, "invalid-token")


async def test_coalesces_concurrent_reads(
    services: FakeServices, environment: Mapping[str, str], empty_database: str
) -> None:
    urls = {"post_url": services.url, "social_graph_url": services.url}
    async with serve(environment, SystemClock(), postgres_dsn=empty_database, **urls) as users:
        ada, grace = await users.new_user(), await users.new_user()
        services.relations[grace.id, ada.id] = {"following": True}
        answers = await asyncio.gather(*(_get(ada, viewer) for _ in range(2_500) for viewer in (None, grace)))
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers[::2]:
        assert answer.json()["relationship"] is None
    for answer in answers[1::2]:
        assert answer.json()["relationship"]["following"] is True
    assert services.calls.total() <= 30

    # PostgreSQL reports statistics of a connection when it ends; they include the registrations.
    connection = await asyncpg.connect(empty_database)

    async def reads() -> int:
        found: int = await connection.fetchval("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'accounts'")
        return found

    assert 0 < await eventually(reads, until=bool, within=30) <= 40
    await connection.close()
