"""The internal API, as other services use it."""

from __future__ import annotations

import httpx
import pytest

from photomesh_shared.events import PostPublished
from photomesh_shared.ids import decode
from photomesh_shared.internal_api.post import ViewerState
from tests.integration.post.api_user import ApiUser
from tests.support.problems import expect_problem


async def _call(api: httpx.AsyncClient, path: str, body: object = None) -> dict[str, object]:
    response = await (api.get(path) if body is None else api.post(path, json=body))
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()
    return found


async def test_a_snapshot_is_the_post_as_it_is_now(api: httpx.AsyncClient, ada: ApiUser) -> None:
    photo_id = await ada.photo()
    post_id = str(
        (await ada.post(photo_id, caption="one #two", alt_texts=[{"photo_id": photo_id, "text": "three"}]))["id"]
    )
    await ada.edit(post_id, caption="four", alt_texts=[{"photo_id": photo_id, "text": "five"}])
    gone = await ada.publish_post()
    await ada.delete(gone)
    waiting = str((await ada.post(await ada.upload()))["id"])
    found = await _call(api, f"/internal/posts?ids={waiting},{post_id},{gone},o_1")
    assert isinstance(found["posts"], list)
    (snapshot,) = found["posts"]
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


async def test_counts_and_timelines(api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser) -> None:
    posts = [await ada.publish_post() for _ in range(3)][::-1]
    own = [await grace.publish_post()]
    await ada.post(await ada.upload())
    assert await _call(api, f"/internal/accounts/{ada.id}/posts/count") == {"posts": 3}
    wanted: dict[str, object] = {"author_ids": [ada.id, grace.id, "u_1"], "before": None, "limit": 2}
    assert await _call(api, "/internal/timelines", wanted) == {
        "timelines": {ada.id: posts[:2], grace.id: own, "u_1": []}
    }
    await ada.delete(posts[0])
    assert await _call(api, f"/internal/accounts/{ada.id}/posts/count") == {"posts": 2}
    assert await _call(api, f"/internal/accounts/{grace.id}/posts/count") == {"posts": 1}
    assert await _call(api, "/internal/accounts/u_1/posts/count") == {"posts": 0}
    wanted = {"author_ids": [ada.id], "before": posts[1], "limit": 50}
    assert await _call(api, "/internal/timelines", wanted) == {"timelines": {ada.id: posts[2:]}}


async def test_the_state_of_a_viewer(api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser) -> None:
    liked, saved, neither = [await ada.publish_post() for _ in range(3)]
    assert (await grace.request("PUT", f"/v1/posts/{liked}/like")).status_code == 200
    assert (await grace.request("PUT", f"/v1/posts/{saved}/save")).status_code == 204
    wanted = {"account_id": grace.id, "post_ids": [liked, saved, neither, "o_1"]}
    before = ViewerState.model_validate(await _call(api, "/internal/viewer-state", wanted))
    assert (before.liked, before.saved) == ([decode("o", liked)], [decode("o", saved)])
    assert before.like_versions.keys() == {decode("o", liked)}
    assert before.save_versions.keys() == {decode("o", saved)}
    assert (await grace.request("DELETE", f"/v1/posts/{liked}/like")).status_code == 200
    assert (await grace.request("DELETE", f"/v1/posts/{saved}/save")).status_code == 204
    after = ViewerState.model_validate(await _call(api, "/internal/viewer-state", wanted))
    assert (after.liked, after.saved) == ([], [])
    assert after.like_versions[decode("o", liked)] > before.like_versions[decode("o", liked)]
    assert after.save_versions[decode("o", saved)] > before.save_versions[decode("o", saved)]
    nothing: dict[str, object] = {"liked": [], "saved": [], "like_versions": {}, "save_versions": {}}
    assert await _call(api, "/internal/viewer-state", wanted | {"account_id": ada.id}) == nothing


async def test_accounts(api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser) -> None:
    found = await _call(api, f"/internal/accounts?ids={ada.id},u_1,{grace.id}")
    assert isinstance(found["accounts"], list)
    assert {account["id"] for account in found["accounts"]} == {ada.id, grace.id}
    members = {"id", "username", "display_name", "avatar_url", "hidden"}
    assert all(account.keys() == members and not account["hidden"] for account in found["accounts"])


async def test_sightings_show_what_a_viewer_may_see_now(api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser) -> None:
    post_id = await ada.publish_post()
    written = await grace.request("POST", f"/v1/posts/{post_id}/comments", {"text": "Lovely"})
    comment_id = written.json()["id"]
    photo_id = await ada.photo()
    wanted = {
        "viewer_id": ada.id,
        "account_ids": [grace.id, "u_1"],
        "post_ids": [post_id, "o_1"],
        "comment_ids": [comment_id, "c_1"],
        "photo_ids": [photo_id, "p_1"],
        "counted_post_ids": [post_id, "o_1"],
    }
    found = await _call(api, "/internal/sightings", wanted)
    assert isinstance(found["accounts"], list)
    assert [(one["id"], one["followed"]) for one in found["accounts"]] == [(grace.id, False)]
    assert isinstance(found["posts"], list)
    (post,) = found["posts"]
    assert (post["id"], post["author_id"], post["reason"]) == (post_id, ada.id, None)
    assert post["photo_url"].endswith("/150.jpg")
    assert post["like_count"] == 0
    comment = {"id": comment_id, "post_id": post_id, "author_id": grace.id, "excerpt": "Lovely", "hidden_ids": []}
    assert found["comments"] == [comment | {"like_count": None}]
    assert isinstance(found["photos"], list)
    assert [one["id"] for one in found["photos"]] == [photo_id]
    assert (await grace.request("DELETE", f"/v1/comments/{comment_id}")).status_code == 204
    await ada.delete(post_id)
    assert await _call(api, "/internal/sightings", wanted) == found | {"posts": [], "comments": []}


async def test_sightings_follow_relations_at_once(api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser) -> None:
    wanted: dict[str, object] = {"viewer_id": ada.id, "account_ids": [grace.id]}

    async def seen(*, follows: bool = False, blocks: bool = False, version: int) -> list[bool]:
        state = {"account_id": ada.id, "other_id": grace.id, "version": version}
        body = {"relations": [state | {"follows": follows, "blocks": blocks}]}
        assert (await api.put("/internal/relations", json=body)).status_code == 200
        found = await _call(api, "/internal/sightings", wanted)
        assert isinstance(found["accounts"], list)
        return [one["followed"] for one in found["accounts"]]

    assert await seen(follows=True, version=1) == [True]
    assert await seen(blocks=True, version=2) == []
    assert await seen(version=3) == [False]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/internal/sightings", {"viewer_id": "u_1", "account_ids": ["u_1"] * 501}),
        ("/internal/sightings", {"viewer_id": "u_1", "comment_ids": ["c_1"] * 101}),
        ("/internal/sightings", {"viewer_id": "u_1", "counted_post_ids": ["o_1"] * 101}),
        ("/internal/sightings", {"viewer_id": "u_1", "likers": {"c_1": ["u_1"] * 1001}}),
        ("/internal/posts?ids=nonsense", None),
        ("/internal/posts", None),
        ("/internal/posts?ids=" + ",".join(["o_1"] * 101), None),
        ("/internal/timelines", {"author_ids": ["u_1"] * 201}),
        ("/internal/timelines", {"author_ids": ["u_1"], "limit": 51}),
        ("/internal/accounts/o_1/posts/count", None),
    ],
)
async def test_invalid_requests(api: httpx.AsyncClient, path: str, body: object) -> None:
    response = await (api.get(path) if body is None else api.post(path, json=body))
    expect_problem(response, 422, "invalid-request")
