"""What post gives to the export of an account."""

from __future__ import annotations

import httpx

from photomesh_shared.ids import encode
from tests.integration.post.api_user import ApiUser
from tests.support.exports import pages_of
from tests.support.waiting import eventually


async def test_everything_by_ownership_and_page_by_page(
    api: httpx.AsyncClient, ada: ApiUser, grace: ApiUser, counting: None
) -> None:
    account = encode("u", ada.account_id)
    theirs = [await grace.publish_post() for _ in range(3)]
    mine = await ada.publish_post()
    gone = await ada.publish_post()
    assert (await ada.request("DELETE", f"/v1/posts/{gone}")).status_code == 204
    await ada.photo()  # in no post
    first = await ada.comment(theirs[0], "First ü")
    reply = await ada.comment(theirs[0], "A reply", first["id"])
    deleted = await ada.comment(theirs[0], "Deleted")
    assert (await ada.request("DELETE", f"/v1/comments/{deleted['id']}")).status_code == 204
    for path in (*(f"/v1/posts/{post}/like" for post in theirs), f"/v1/comments/{first['id']}/like"):
        assert (await ada.request("PUT", path)).status_code == 200
    assert (await ada.request("DELETE", f"/v1/posts/{theirs[1]}/like")).status_code == 200
    for post in theirs:
        assert (await ada.request("PUT", f"/v1/posts/{post}/save")).status_code < 300
    assert (await ada.request("DELETE", f"/v1/posts/{theirs[2]}/save")).status_code == 204
    collections = []
    for name in ("one", "two", "empty"):
        response = await ada.request("POST", "/v1/me/collections", {"name": name})
        collections.append(response.json()["id"])
    for collection, posts in zip(collections, ([theirs[0], theirs[1]], [theirs[1]], []), strict=True):
        for post in posts:
            path = f"/v1/me/collections/{collection}/posts/{post}"
            assert (await ada.request("PUT", path)).status_code < 300

    for limit in (1, 2, 500):
        posts_of = await pages_of(api, account, "posts", limit=limit)
        assert [one["post_id"] for one in posts_of] == [mine]
        comments = await pages_of(api, account, "comments", limit=limit)
        assert [(one["comment_id"], one["text"], one["parent_id"]) for one in comments] == [
            (first["id"], "First ü", None),
            (reply["id"], "A reply", first["id"]),
        ]
        likes = await pages_of(api, account, "likes", limit=limit)
        assert [(one["post_id"], one["comment_id"]) for one in likes] == [
            (theirs[0], None),
            (theirs[2], None),
            (theirs[0], first["id"]),
        ]
        saves = await pages_of(api, account, "saves", limit=limit)
        assert [one["post_id"] for one in saves] == [theirs[1], theirs[0]]
        listed = await pages_of(api, account, "collection_posts", limit=limit)
        assert [(one["collection_id"], one["post_id"]) for one in listed] == [
            (collections[0], theirs[1]),
            (collections[0], theirs[0]),
            (collections[1], theirs[1]),
        ]
    names = {one["collection_id"]: one["name"] for one in await pages_of(api, account, "collections")}
    assert names == dict(zip(collections, ("one", "two", "empty"), strict=True))

    async def photos() -> set[str]:
        return {one["status"] for one in await pages_of(api, account, "photos")}

    await eventually(photos)
    for cursor in ("x", "1.y", "-1"):
        response = await api.get(f"/internal/export/{account}", params={"section": "saves", "cursor": cursor})
        assert response.status_code == 400
