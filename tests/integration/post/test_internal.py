"""What other services are told."""

from __future__ import annotations

import httpx
import pytest

from photomesh_shared.events import PostPublished
from photomesh_shared.ids import decode
from tests.integration.post.person import Person
from tests.support.problems import expect_problem


async def _ask(api: httpx.AsyncClient, path: str, body: object = None) -> dict[str, object]:
    answer = await (api.get(path) if body is None else api.post(path, json=body))
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


async def _publish(author: Person, **fields: object) -> str:
    return str((await author.post(await author.photo(), **fields))["id"])


async def test_a_snapshot_is_the_publication_as_it_would_be_today(api: httpx.AsyncClient, ada: Person) -> None:
    photo_id = await ada.photo()
    post_id = str((await ada.post(photo_id, caption="one #two", alt_texts={photo_id: "three"}))["id"])
    await ada.edit(post_id, caption="four", alt_texts={photo_id: "five"})
    gone = await _publish(ada)
    await ada.delete(gone)
    waiting = str((await ada.post(await ada.upload()))["id"])
    told = await _ask(api, f"/internal/posts?ids={waiting},{post_id},{gone},o_1")
    assert isinstance(told["posts"], list)
    (snapshot,) = told["posts"]
    fact = PostPublished.model_validate(snapshot, extra="ignore")
    assert (fact.post_id, fact.author_id, fact.caption, fact.hashtags) == (
        decode("o", post_id),
        ada.account_id,
        "four",
        (),
    )
    assert [photo.alt_text for photo in fact.photos] == ["five"]
    assert snapshot["edited_at"].endswith("Z")
    assert snapshot["version"] > 0
    assert snapshot["deleted"] is False
    assert (snapshot["like_count"], snapshot["comment_count"]) == (0, 0)


async def test_counts_and_timelines(api: httpx.AsyncClient, ada: Person, grace: Person) -> None:
    posts = [await _publish(ada) for _ in range(3)][::-1]
    own = [await _publish(grace)]
    await ada.post(await ada.upload())
    assert await _ask(api, f"/internal/accounts/{ada.id}/posts/count") == {"posts": 3}
    wanted: dict[str, object] = {"author_ids": [ada.id, grace.id, "u_1"], "before": None, "limit": 2}
    assert await _ask(api, "/internal/timelines", wanted) == {
        "timelines": {ada.id: posts[:2], grace.id: own, "u_1": []}
    }
    await ada.delete(posts[0])
    assert await _ask(api, f"/internal/accounts/{ada.id}/posts/count") == {"posts": 2}
    assert await _ask(api, f"/internal/accounts/{grace.id}/posts/count") == {"posts": 1}
    assert await _ask(api, "/internal/accounts/u_1/posts/count") == {"posts": 0}
    wanted = {"author_ids": [ada.id], "before": posts[1], "limit": 50}
    assert await _ask(api, "/internal/timelines", wanted) == {"timelines": {ada.id: posts[2:]}}


async def test_the_state_of_a_viewer(api: httpx.AsyncClient, ada: Person, grace: Person) -> None:
    liked, saved, neither = [await _publish(ada) for _ in range(3)]
    assert (await grace.ask("PUT", f"/v1/posts/{liked}/like")).status_code == 200
    assert (await grace.ask("PUT", f"/v1/posts/{saved}/save")).status_code == 204
    wanted = {"account_id": grace.id, "post_ids": [liked, saved, neither, "o_1"]}
    assert await _ask(api, "/internal/viewer-state", wanted) == {"liked": [liked], "saved": [saved]}
    assert await _ask(api, "/internal/viewer-state", wanted | {"account_id": ada.id}) == {"liked": [], "saved": []}


async def test_names_of_accounts(api: httpx.AsyncClient, ada: Person, grace: Person) -> None:
    told = await _ask(api, f"/internal/accounts?ids={ada.id},u_1,{grace.id}")
    assert isinstance(told["accounts"], list)
    assert {account["id"] for account in told["accounts"]} == {ada.id, grace.id}
    assert all(account.keys() == {"id", "username", "display_name", "avatar_url"} for account in told["accounts"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/internal/posts?ids=nonsense", None),
        ("/internal/posts", None),
        ("/internal/posts?ids=" + ",".join(["o_1"] * 101), None),
        ("/internal/timelines", {"author_ids": ["u_1"] * 201}),
        ("/internal/timelines", {"author_ids": ["u_1"], "limit": 51}),
        ("/internal/accounts/o_1/posts/count", None),
    ],
)
async def test_questions_that_are_refused(api: httpx.AsyncClient, path: str, body: object) -> None:
    answer = await (api.get(path) if body is None else api.post(path, json=body))
    expect_problem(answer, 422, "invalid-request")
