"""Photos from their events to what users see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import permutations
from typing import Any

import httpx
import pytest

from photomesh_shared import ids
from photomesh_shared.events import Envelope, Event, PhotoReady
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import NewUser
from tests.support.post.sample_events import failed, ready, rejected, retention_elapsed, uploaded
from tests.support.problems import expect_problem

Make = Callable[[int, int], Envelope[Event]]


@pytest.mark.parametrize("outcome", [ready, rejected, failed], ids=lambda make: make.__name__)
@pytest.mark.parametrize("first", [0, 1], ids=["uploaded-first", "outcome-first"])
async def test_a_photo_ends_the_same_in_either_order_and_when_events_repeat(
    ada: ApiUser, database: CassandraSession, outcome: Make, first: int
) -> None:
    photo = ada.new_photo()
    events = [uploaded(photo, ada.account_id), outcome(photo, ada.account_id)]
    await ada.platform.publish(events[first], events[1 - first], times=2)
    photo_id = await ada.sees(photo, outcome.__name__)
    await ada.platform.publish(events[0])
    marker = await ada.photo()  # of the same owner, so it is handled after that
    await ada.sees(marker, "ready")
    assert (await ada.get(f"/v1/photos/{photo_id}"))["status"] == outcome.__name__
    rows = await database.execute("SELECT count(*) AS n FROM photos WHERE photo_id = ?", photo)
    assert rows[0]["n"] == 1


async def test_the_newest_outcome_wins_in_any_order(ada: ApiUser) -> None:
    for order in permutations([(failed, 2), (ready, 2), (rejected, 4), (ready, 6)]):
        photo = ada.new_photo()
        await ada.platform.publish(*(make(photo, ada.account_id, version=version) for make, version in order))
        marker = ada.new_photo()
        await ada.platform.publish(uploaded(photo, ada.account_id), uploaded(marker, ada.account_id))
        await ada.sees(marker, "processing")
        await ada.sees(photo, "ready")


async def test_a_ready_photo(ada: ApiUser) -> None:
    photo_id = await ada.photo()
    body = await ada.get(f"/v1/photos/{photo_id}")
    fact = ready(ids.decode("p", photo_id), ada.account_id).data
    assert isinstance(fact, PhotoReady)
    assert body["owner_id"] == ada.id
    assert (body["width"], body["height"], body["placeholder"]) == (fact.width, fact.height, fact.placeholder)
    assert set(body["variants"]) == {"1080", "640", "320", "150"}
    assert body["variants"]["150"].endswith(f"/variants/{fact.variants[-1].key}")
    assert body["metadata"]["camera_model"] == fact.metadata.camera_model
    assert body["reason"] is None
    assert body["post_id"] is None


@pytest.mark.parametrize("outcome", [rejected, failed])
async def test_a_rejected_photo_has_a_reason(ada: ApiUser, outcome: Make) -> None:
    photo_id = await ada.upload()
    await ada.finish(photo_id, outcome)
    await ada.sees(photo_id, outcome.__name__)
    body = await ada.get(f"/v1/photos/{photo_id}")
    assert set(body["reason"]) == {"code", "message", "fix", "retryable"}
    assert body["variants"] is None
    assert body["width"] is None


async def test_polling_is_cheap(ada: ApiUser) -> None:
    photo_id = await ada.upload()
    first = await ada.request("GET", f"/v1/photos/{photo_id}")
    again = await ada.request("GET", f"/v1/photos/{photo_id}", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    await ada.finish(photo_id, ready)
    await ada.sees(photo_id, "ready")
    changed = await ada.request("GET", f"/v1/photos/{photo_id}", If_None_Match=first.headers["etag"])
    assert changed.status_code == 200
    assert changed.headers["cache-control"] == "private, no-cache"


async def test_requests_wait_for_a_photo_right_after_its_upload(ada: ApiUser) -> None:
    photo = ada.new_photo()
    looking = asyncio.create_task(ada.request("GET", f"/v1/photos/{ids.encode('p', photo)}"))
    posting = asyncio.create_task(ada.request("POST", "/v1/posts", {"photo_ids": [ids.encode("p", photo)]}))
    await asyncio.sleep(0)
    await ada.platform.publish(uploaded(photo, ada.account_id))
    assert (await looking).json()["status"] == "processing"
    assert (await posting).status_code == 201


def _comparable(answer: httpx.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = answer.json()
    body.pop("request_id")
    headers = {name: value for name, value in answer.headers.items() if name not in ("request-id", "content-length")}
    return answer.status_code, body, headers


async def test_a_hidden_photo_cannot_be_told_from_an_absent_one(
    ada: ApiUser, grace: ApiUser, new_user: NewUser
) -> None:
    private = await new_user(private=True)
    published = await private.photo()
    await private.post(published)
    hidden = [await ada.upload(), await ada.photo(), published]
    absent = ids.encode("p", ada.new_photo())
    answers = await asyncio.gather(*(grace.request("GET", f"/v1/photos/{photo_id}") for photo_id in [absent, *hidden]))
    assert all(_comparable(answer) == _comparable(answers[0]) for answer in answers)
    body = expect_problem(answers[0], 404, "photo-not-found")
    assert body["retryable"] is True
    assert answers[0].headers["retry-after"] == "1"


@pytest.mark.parametrize("photo_id", ["p_1", "p_AzL8n0Y58m7", "p_10"])
async def test_requests_do_not_wait_for_an_id_that_is_not_young(ada: ApiUser, photo_id: str) -> None:
    body = expect_problem(await ada.request("GET", f"/v1/photos/{photo_id}"), 404, "photo-not-found")
    assert body["retryable"] is False


async def test_a_photo_that_no_post_uses_in_time_is_erased(ada: ApiUser) -> None:
    used, unused = await ada.photo(), await ada.photo()
    numbers = [ids.decode("p", photo) for photo in (used, unused)]
    kept, objects = [await ada.platform.put_objects(number) for number in numbers]
    await ada.post(used)
    for number in numbers:
        await ada.platform.publish(retention_elapsed(number, owner_id=ada.account_id))
    await ada.until_status(f"/v1/photos/{unused}", 404)
    await ada.platform.are_gone(objects)
    refused = await ada.request("POST", "/v1/posts", {"photo_ids": [unused]})
    expect_problem(refused, 422, "unknown-photo", "/photo_ids/0")
    assert (await ada.get(f"/v1/photos/{used}"))["status"] == "ready"
    assert len(await ada.platform.stored(kept)) == len(kept)
