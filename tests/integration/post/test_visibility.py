"""Follows, blocks and closed accounts, from their events to what each path shows."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from photomesh_shared.events import Envelope, Event
from tests.integration.post.conftest import NewPerson
from tests.integration.post.person import Person
from tests.support.problems import expect_problem
from tests.support.waiting import eventually
from tests.unit.post.world import blocked, followed, unblocked, unfollowed

Relation = Callable[[int, int, int], Envelope[Event]]


async def _say(who: Person, relation: Relation, whom: Person, version: int, *, times: int = 1) -> None:
    await who.platform.say(relation(who.account_id, whom.account_id, version), times=times)


async def _published(author: Person) -> tuple[str, str]:
    photo_id = await author.photo()
    return photo_id, (await author.post(photo_id))["id"]


async def _sees(viewer: Person, author: Person, photo_id: str, post_id: str) -> set[bool]:
    """What the paths say: one answer, if they agree."""
    statuses = [
        (await viewer.ask("GET", path)).status_code for path in (f"/v1/posts/{post_id}", f"/v1/photos/{photo_id}")
    ]
    listed = (await viewer.listed(author.id))["items"]
    return {*(status == 200 for status in statuses), any(post["id"] == post_id for post in listed)}


async def _until(viewer: Person, author: Person, published: tuple[str, str], *, sees: bool) -> None:
    await eventually(lambda: _sees(viewer, author, *published), until=lambda answers: answers == {sees}, within=30)


async def test_a_private_account_opens_to_its_followers(consumer: None, new_person: NewPerson, grace: Person) -> None:
    ada = await new_person(private=True)
    published = await _published(ada)
    await _until(grace, ada, published, sees=False)
    await _say(grace, followed, ada, 1)
    await _until(grace, ada, published, sees=True)
    await _say(grace, unfollowed, ada, 2)
    await _until(grace, ada, published, sees=False)
    await _until(ada, ada, published, sees=True)


async def test_a_block_hides_both_ways_and_from_nobody_else(ada: Person, grace: Person, new_person: NewPerson) -> None:
    linus = await new_person()
    of_ada, of_grace = await _published(ada), await _published(grace)
    await _say(grace, followed, ada, 1)
    await _say(ada, blocked, grace, 1, times=2)
    await _until(grace, ada, of_ada, sees=False)
    await _until(ada, grace, of_grace, sees=False)
    await _until(linus, ada, of_ada, sees=True)
    await _say(ada, unblocked, grace, 2)
    await _until(grace, ada, of_ada, sees=True)
    await _until(ada, grace, of_grace, sees=True)


async def test_late_events_bring_nothing_back(ada: Person, grace: Person) -> None:
    published = await _published(ada)
    await _say(ada, blocked, grace, 3)
    await _until(grace, ada, published, sees=False)
    await _say(ada, blocked, grace, 1)
    await _say(ada, unblocked, grace, 2)
    await _say(ada, unblocked, grace, 4)
    await _until(grace, ada, published, sees=True)
    await _say(ada, blocked, grace, 3)
    await _say(grace, blocked, ada, 1)
    await _until(grace, ada, published, sees=False)
    await _say(grace, unblocked, ada, 2)
    await _until(grace, ada, published, sees=True)


async def test_closing_and_opening_an_account(ada: Person, grace: Person, new_person: NewPerson) -> None:
    linus = await new_person()
    published = await _published(ada)
    await _say(linus, followed, ada, 1)
    for version, private in ((2, True), (3, False), (4, True)):
        await ada.platform.register(ada.account_id, private=private, version=version)
        await _until(grace, ada, published, sees=not private)
        await _until(linus, ada, published, sees=True)


async def test_what_a_block_hides_answers_as_what_does_not_exist(ada: Person, grace: Person) -> None:
    photo_id, post_id = await _published(ada)
    await _say(ada, blocked, grace, 1)
    await _until(grace, ada, (photo_id, post_id), sees=False)

    def shape(answer: httpx.Response, own: str) -> tuple[int, object, object]:
        body = {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}
        headers = {name: value for name, value in answer.headers.items() if name not in ("request-id", "date")}
        assert own not in str(body)
        return answer.status_code, body, headers

    body = {"caption": "mine"}
    for method, hidden, absent in (
        ("GET", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
        ("PATCH", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
        ("DELETE", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
    ):
        content = body if method == "PATCH" else None
        answers = [await grace.ask(method, path, content) for path in (hidden, absent)]
        expect_problem(answers[0], 404, "post-not-found")
        assert shape(answers[0], post_id) == shape(answers[1], post_id)
    assert await grace.listed(ada.id) == await grace.listed("u_1")
