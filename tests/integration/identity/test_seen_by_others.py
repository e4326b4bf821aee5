"""A profile as others see it: counts, relations, and whom it hides from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import asyncpg
import httpx
import pytest

from photomesh_shared.clock import SystemClock
from tests.integration.identity.conftest import serve
from tests.integration.identity.neighbours import NOTHING, Neighbours, serve_neighbours
from tests.integration.identity.people import People, Person
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def serving_neighbours() -> Iterator[Neighbours]:
    with serve_neighbours() as neighbours:
        yield neighbours


@pytest.fixture
def neighbours(serving_neighbours: Neighbours) -> Neighbours:
    serving_neighbours.forget()
    return serving_neighbours


@pytest.fixture(scope="module")
async def town(environment: Mapping[str, str], serving_neighbours: Neighbours) -> AsyncIterator[People]:
    """People of a service that has the neighbours."""
    url = serving_neighbours.url
    async with serve(environment, SystemClock(), post_url=url, social_graph_url=url) as people:
        yield people


@pytest.fixture
async def ada(town: People) -> Person:
    return await town.somebody()


@pytest.fixture
async def grace(town: People) -> Person:
    return await town.somebody()


async def _look(
    person: Person, viewer: Person | None = None, *, by_name: bool = False, if_none_match: str = ""
) -> httpx.Response:
    path = f"by-username/{person.username}" if by_name else person.id
    headers = (viewer.headers if viewer else {}) | ({"If-None-Match": if_none_match} if if_none_match else {})
    return await person.api.get(f"/v1/users/{path}", headers=headers)


@pytest.mark.parametrize("by_name", [False, True])
async def test_counts_and_relations(neighbours: Neighbours, ada: Person, grace: Person, by_name: bool) -> None:
    neighbours.followers[ada.id], neighbours.posts[ada.id] = 7, 3
    neighbours.relations[grace.id, ada.id] = {"following": True}
    public = {name: value for name, value in ada.user.items() if name != "email"}
    public["counts"] = {"posts": 3, "followers": 7, "following": 0}
    seen = await _look(ada, grace, by_name=by_name)
    assert seen.json() == public | {"relationship": {"user_id": ada.id, **NOTHING, "following": True}}
    assert seen.headers["cache-control"] == "private, no-cache"
    for viewer, cache in ((None, "no-cache"), (ada, "private, no-cache")):
        answer = await _look(ada, viewer, by_name=by_name)
        assert answer.json() == public | {"relationship": None}
        assert answer.headers["cache-control"] == cache
        assert answer.headers["vary"] == "Authorization"


@pytest.mark.parametrize("by_name", [False, True])
async def test_whoever_is_blocked_finds_nobody(
    neighbours: Neighbours, ada: Person, grace: Person, by_name: bool
) -> None:
    neighbours.relations[grace.id, ada.id] = {"blocked_by": True}
    hidden = await _look(ada, grace, by_name=by_name)
    path = "by-username/nobody_has_this_name" if by_name else "u_1"
    absent = await ada.api.get(f"/v1/users/{path}", headers=grace.headers)
    bodies = [expect_problem(answer, 404, "account-not-found") for answer in (hidden, absent)]
    for body in bodies:
        del body["request_id"]
    assert bodies[0] == bodies[1]
    assert hidden.headers.keys() == absent.headers.keys()
    assert (await _look(ada)).status_code == 200


async def test_whom_one_blocks_is_there_to_be_unblocked(neighbours: Neighbours, ada: Person, grace: Person) -> None:
    neighbours.relations[grace.id, ada.id] = {"blocking": True}
    assert (await _look(ada, grace)).json()["relationship"]["blocking"] is True


async def test_a_private_profile_is_there(neighbours: Neighbours, ada: Person, grace: Person) -> None:
    await ada.edit(private=True)
    for viewer in (None, grace):
        assert (await _look(ada, viewer)).json()["private"] is True


async def test_without_social_graph_nobody_knows_who_may_look(
    neighbours: Neighbours, ada: Person, grace: Person
) -> None:
    neighbours.away.add("social-graph")
    expect_problem(await _look(ada, grace), 503, "relations-unavailable")
    for viewer in (None, ada):
        answer = await _look(ada, viewer)
        assert (answer.status_code, answer.json()["counts"]) == (200, None)


async def test_without_post_there_are_no_counts(neighbours: Neighbours, ada: Person, grace: Person) -> None:
    neighbours.away.add("post")
    neighbours.relations[grace.id, ada.id] = {"muting": True}
    assert (await _look(ada)).json()["counts"] is None
    seen = (await _look(ada, grace)).json()
    assert (seen["counts"], seen["relationship"]["muting"]) == (None, True)


async def test_the_tag_covers_all_that_is_shown(neighbours: Neighbours, ada: Person, grace: Person) -> None:
    tags = []
    for followers, posts, following in ((0, 0, False), (1, 0, False), (1, 1, False), (1, 1, True)):
        neighbours.followers[ada.id], neighbours.posts[ada.id] = followers, posts
        neighbours.relations[grace.id, ada.id] = {"following": following}
        tags.append((await _look(ada, grace)).headers["etag"])
        again = await _look(ada, grace, if_none_match=tags[-1])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["vary"] == "Authorization"
    await ada.edit(bio="new")
    tags.append((await _look(ada, grace)).headers["etag"])
    tags.append((await _look(ada)).headers["etag"])
    assert len(set(tags)) == len(tags)


async def test_a_bad_token_is_refused(neighbours: Neighbours, ada: Person) -> None:
    answer = await ada.api.get(f"/v1/users/{ada.id}", headers={"Authorization": "Bearer nonsense"})
    expect_problem(answer, 401, "invalid-token")


async def test_what_is_cold_is_read_a_few_times_however_many_ask(
    neighbours: Neighbours, environment: Mapping[str, str], empty_database: str
) -> None:
    urls = {"post_url": neighbours.url, "social_graph_url": neighbours.url}
    async with serve(environment, SystemClock(), postgres_dsn=empty_database, **urls) as people:
        ada, grace = await people.somebody(), await people.somebody()
        neighbours.relations[grace.id, ada.id] = {"following": True}
        answers = await asyncio.gather(*(_look(ada, viewer) for _ in range(2_500) for viewer in (None, grace)))
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers[::2]:
        assert answer.json()["relationship"] is None
    for answer in answers[1::2]:
        assert answer.json()["relationship"]["following"] is True
    assert neighbours.asked.total() <= 30

    # PostgreSQL counts what a connection did when the connection ends. Registering is among it.
    connection = await asyncpg.connect(empty_database)

    async def reads() -> int:
        found: int = await connection.fetchval("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'accounts'")
        return found

    assert 0 < await eventually(reads, until=bool, within=30) <= 40
    await connection.close()
