"""Posts from their creation to their publication, and their words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from photomesh_shared.events import Envelope, Event, PostCreated, PostEdited, PostFailed, PostPublished
from tests.integration.post.conftest import NewPerson
from tests.integration.post.person import Person
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.unit.post.world import failed, ready, rejected

Make = Callable[[int, int], Envelope[Event]]
PLACE = {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257}


async def test_a_post_of_ready_photos_is_published_at_once(ada: Person, grace: Person, topics: Topics) -> None:
    first, second = await ada.photo(), await ada.photo()
    caption = "At dusk with @grace #Sunset #日本の春"
    made = await ada.post(second, first, caption=caption, place=PLACE, alt_texts={first: "A lake"})
    assert made["status"] == "published"
    assert (made["hashtags"], made["mentions"], made["place"]) == (["sunset", "日本の春"], ["grace"], PLACE)
    assert made["author"] == {
        "id": ada.id,
        "username": f"user{ada.account_id}",
        "display_name": "Ada L.",
        "avatar_url": None,
    }
    assert [(photo["id"], photo["alt_text"]) for photo in made["photos"]] == [(second, None), (first, "A lake")]
    assert set(made["photos"][0]["variants"]) == {"1080", "640", "320", "150"}
    assert await grace.get(f"/v1/posts/{made['id']}") == made
    photo = await grace.get(f"/v1/photos/{first}")
    assert (photo["post_id"], photo["caption"], photo["alt_text"]) == (made["id"], caption, "A lake")

    created, published = (await topics.events("posts", made["id"]))[:2]
    assert isinstance(created.data, PostCreated)
    assert isinstance(published.data, PostPublished)
    assert published.id == f"{made['id']}.published"
    assert published.entityversion > created.entityversion
    assert [len(photo.variants) for photo in published.data.photos] == [4, 4]
    assert published.data.place is not None
    assert published.data.place.model_dump() == PLACE


async def test_a_post_publishes_itself_when_its_last_photo_is_ready(ada: Person, grace: Person, topics: Topics) -> None:
    photos = [await ada.upload() for _ in range(3)]
    made = await ada.post(*photos)
    assert made["status"] == "processing"
    for photo_id in photos[:-1]:
        await ada.becomes(photo_id, ready)
        await ada.sees(photo_id, "ready")
    seen = await ada.get(f"/v1/posts/{made['id']}")
    assert [photo["status"] for photo in seen["photos"]] == ["ready", "ready", "processing"]
    expect_problem(await grace.ask("GET", f"/v1/posts/{made['id']}"), 404, "post-not-found")
    await ada.becomes(photos[-1], ready)
    await grace.sees_post(made["id"], "published")
    ids = {event.id for event in await topics.events("posts", made["id"]) if isinstance(event.data, PostPublished)}
    assert ids == {f"{made['id']}.published"}


@pytest.mark.parametrize("times", range(3))
async def test_photos_that_become_ready_while_the_post_is_made(ada: Person, times: int) -> None:
    photos = [await ada.upload() for _ in range(3)]
    made, *_ = await asyncio.gather(ada.post(*photos), *(ada.becomes(photo_id, ready) for photo_id in photos))
    await ada.sees_post(made["id"], "published")


@pytest.mark.parametrize("outcome", [rejected, failed])
async def test_a_post_fails_with_the_reason_of_its_photo(ada: Person, topics: Topics, outcome: Make) -> None:
    good, bad = await ada.photo(), await ada.upload()
    made = await ada.post(good, bad)
    await ada.becomes(bad, outcome)
    seen = await ada.sees_post(made["id"], "failed")
    assert seen["reason"] == seen["photos"][1]["reason"]
    assert seen["reason"]["fix"]
    [event] = [e.data for e in await topics.events("posts", made["id"]) if isinstance(e.data, PostFailed)]
    assert event.reason.model_dump() == seen["reason"]
    again = await ada.post(good)
    assert again["status"] == "published"


# One photo, one post


async def test_of_many_requests_at_once_for_one_photo_one_gets_it(ada: Person) -> None:
    shared, others = await ada.photo(), [await ada.photo() for _ in range(8)]
    answers = await asyncio.gather(*(ada.ask("POST", "/v1/posts", {"photo_ids": [shared, other]}) for other in others))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, "photo-in-use", "/photo_ids/0")
    winner = next(answer for answer in answers if answer.status_code == 201).json()
    free = [photo_id for photo_id in others if photo_id not in {photo["id"] for photo in winner["photos"]}]
    await ada.post(*free)


async def test_the_same_request_at_once_and_later_is_one_post(ada: Person, topics: Topics) -> None:
    photo_id = await ada.photo()
    made = await asyncio.gather(*(ada.post(photo_id, caption="Once") for _ in range(6)))
    later = await ada.post(photo_id, caption="Once")
    assert {post["id"] for post in made} == {later["id"]}
    events = await topics.events("posts", later["id"])
    assert {(e.id, e.entityversion) for e in events if isinstance(e.data, PostCreated)} == {
        (events[0].id, events[0].entityversion)
    }
    assert (await ada.listed(ada.id))["items"] == [later]


async def test_idempotency_keys(ada: Person) -> None:
    photo_id = await ada.photo()
    body = {"photo_ids": [photo_id], "caption": "Once"}
    first = await ada.ask("POST", "/v1/posts", body, Idempotency_Key="one-and-only")
    again = await ada.ask("POST", "/v1/posts", body, Idempotency_Key="one-and-only")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    other = await ada.ask("POST", "/v1/posts", body | {"caption": "Twice"}, Idempotency_Key="one-and-only")
    expect_problem(other, 422, "idempotency-key-reused")


# Editing


async def test_edits(ada: Person, grace: Person, topics: Topics) -> None:
    photo_id = await ada.photo()
    made = await ada.post(photo_id, caption="Before #one", place=PLACE, alt_texts={photo_id: "A lake"})
    edited = await ada.edit(made["id"], caption="After #two")
    assert (edited["caption"], edited["hashtags"], edited["place"]) == ("After #two", ["two"], PLACE)
    assert edited["edited_at"]
    edited = await ada.edit(made["id"], place=None, alt_texts={photo_id: None})
    assert (edited["place"], edited["photos"][0]["alt_text"], edited["caption"]) == (None, None, "After #two")
    assert await grace.get(f"/v1/posts/{made['id']}") == edited
    events = await topics.events("posts", made["id"])
    assert [e.entityversion for e in events] == sorted(e.entityversion for e in events)
    last = events[-1].data
    assert isinstance(last, PostEdited)
    assert (last.caption, last.place, last.alt_texts) == ("After #two", None, (None,))


async def test_edits_of_an_old_version_are_refused(ada: Person) -> None:
    made = await ada.post(await ada.photo(), caption="One")
    path = f"/v1/posts/{made['id']}"
    tag = (await ada.ask("GET", path)).headers["etag"]
    done = await ada.ask("PATCH", path, {"caption": "Two"}, If_Match=tag)
    assert done.status_code == 200
    assert done.headers["etag"] != tag
    late = await ada.ask("PATCH", path, {"caption": "Three"}, If_Match=tag)
    expect_problem(late, 412, "precondition-failed")
    assert (await ada.get(path))["caption"] == "Two"
    both = await asyncio.gather(
        *(ada.ask("PATCH", path, {"caption": text}, If_Match=done.headers["etag"]) for text in ("Four", "Five"))
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]


async def test_only_the_author_edits_and_deletes(ada: Person, grace: Person, new_person: NewPerson) -> None:
    made = await ada.post(await ada.photo())
    path = f"/v1/posts/{made['id']}"
    expect_problem(await grace.ask("PATCH", path, {"caption": "Mine"}), 403, "not-your-post")
    expect_problem(await grace.ask("DELETE", path), 403, "not-your-post")
    recluse = await new_person(private=True)
    hidden = await recluse.post(await recluse.photo())
    for method, body in (("PATCH", {"caption": "Mine"}), ("DELETE", None), ("GET", None)):
        answer = await grace.ask(method, f"/v1/posts/{hidden['id']}", body)
        expect_problem(answer, 404, "post-not-found")
    assert (await ada.get(path))["caption"] == ""


# Who sees what


async def test_readers_need_no_account_and_forged_tokens_are_refused(ada: Person) -> None:
    photo_id = await ada.photo()
    made = await ada.post(photo_id)
    for path in (f"/v1/posts/{made['id']}", f"/v1/photos/{photo_id}", f"/v1/users/{ada.id}/posts"):
        assert (await ada.api.get(path)).status_code == 200
        forged = await ada.api.get(path, headers={"Authorization": "Bearer not.a.token"})
        expect_problem(forged, 401, "invalid-token")
    for method, path in (("POST", "/v1/posts"), ("PATCH", f"/v1/posts/{made['id']}"), ("DELETE", "/v1/posts/o_1")):
        answer = await ada.api.request(method, path, json={"photo_ids": [photo_id]} if method == "POST" else {})
        expect_problem(answer, 401, "missing-token")


async def test_when_an_account_becomes_private_its_posts_are_hidden(ada: Person, grace: Person) -> None:
    photo_id = await ada.photo()
    made = await ada.post(photo_id)
    await ada.platform.register(ada.account_id, private=True, version=2)
    path = f"/v1/posts/{made['id']}"
    await grace.is_answered(path, 404)
    expect_problem(await grace.ask("GET", f"/v1/photos/{photo_id}"), 404, "photo-not-found")
    assert (await grace.listed(ada.id)) == {"items": [], "next_cursor": None}
    assert [post["id"] for post in (await ada.listed(ada.id))["items"]] == [made["id"]]
    await ada.platform.register(ada.account_id, private=False, version=3)
    await grace.is_answered(path, 200)


async def test_polling_a_post_is_cheap(ada: Person) -> None:
    waiting = await ada.upload()
    made = await ada.post(waiting)
    path = f"/v1/posts/{made['id']}"
    tag = (await ada.ask("GET", path)).headers["etag"]
    assert (await ada.ask("GET", path, If_None_Match=tag)).status_code == 304
    await ada.becomes(waiting, ready)
    await ada.sees_post(made["id"], "published")
    assert (await ada.ask("GET", path, If_None_Match=tag)).status_code == 200
