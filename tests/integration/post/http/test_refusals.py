"""Invalid requests: always a problem that names what is wrong, never a 500."""

from __future__ import annotations

import pytest

from photomesh_shared import ids
from tests.integration.post.api_user import ApiUser
from tests.support.post.sample_events import rejected
from tests.support.problems import expect_problem


@pytest.fixture
async def photo_id(ada: ApiUser) -> str:
    return await ada.photo()


@pytest.mark.parametrize(
    ("fields", "code", "pointers"),
    [
        ({"caption": "a" * 2_201}, "caption-too-long", ["/caption"]),
        ({"caption": " ".join(f"#t{n}" for n in range(31))}, "too-many-hashtags", ["/caption"]),
        ({"caption": " ".join(f"@person{n}" for n in range(21))}, "too-many-mentions", ["/caption"]),
        ({"caption": None}, "invalid-request", ["/caption"]),
        ({"caption": "\ud800"}, "invalid-request", ["/caption"]),
        ({"photo_ids": []}, "invalid-request", ["/photo_ids"]),
        ({"photo_ids": None}, "invalid-request", ["/photo_ids"]),
        ({"photo_ids": ["nonsense"]}, "invalid-request", ["/photo_ids/0"]),
        ({"photo_ids": [True, -1, 1.5, {}]}, "invalid-request", [f"/photo_ids/{n}" for n in range(4)]),
        ({"photo_ids": [f"p_{n}" for n in range(1, 10)] + ["p_A", "p_B"]}, "too-many-photos", ["/photo_ids"]),
        ({"photo_ids": ["p_1", "p_2", "p_1"]}, "invalid-request", ["/photo_ids/2"]),
        ({"photo_ids": ["p_1"]}, "unknown-photo", ["/photo_ids/0"]),
        ({"place": {"name": ""}}, "invalid-request", ["/place/name"]),
        ({"place": {"name": "x", "latitude": 91, "longitude": 0}}, "invalid-request", ["/place/latitude"]),
        ({"place": {"name": "x", "latitude": 1}}, "invalid-request", ["/place"]),
        ({"place": {"name": "x", "latitude": float("nan"), "longitude": 0}}, "invalid-request", ["/place/latitude"]),
        (
            {"alt_texts": [{"photo_id": "p_1", "text": "not in this post"}]},
            "invalid-request",
            ["/alt_texts/0/photo_id"],
        ),
        ({"alt_texts": {"p_1": "a map"}}, "invalid-request", ["/alt_texts"]),
        ({"alt_texts": [{"photo_id": "p_1", "text": None}]}, "invalid-request", ["/alt_texts/0/text"]),
        ({"captoin": "misspelt"}, "invalid-request", ["/captoin"]),
        ({"place": {"name": "\udfff"}}, "invalid-request", ["/place/name"]),
        ({"place": {"name": "\u200b"}}, "invalid-request", ["/place/name"]),
        ({"caption": "a\u202eb"}, "invalid-request", ["/caption"]),
        ({"caption": "a\0b"}, "invalid-request", ["/caption"]),
        ({"alt_texts": [{"photo_id": "p_1", "text": "a\x07"}]}, "invalid-request", ["/alt_texts/0/text"]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_invalid_posts(
    ada: ApiUser, photo_id: str, fields: dict[str, object], code: str, pointers: list[str]
) -> None:
    answer = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id], **fields})
    expect_problem(answer, 422, code, *pointers)
    assert (await ada.list_posts(ada.id))["items"] == []
    await ada.post(photo_id)


async def test_a_member_whose_name_is_not_text(ada: ApiUser, photo_id: str) -> None:
    answer = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id], "\ud800": 1})
    expect_problem(answer, 422, "invalid-request")


async def test_alt_texts_are_limited(ada: ApiUser, photo_id: str) -> None:
    for texts, pointer in ((["a" * 1_001], "/alt_texts/0/text"), (["one", "two"], "/alt_texts/1/photo_id")):
        alt_texts = [{"photo_id": photo_id, "text": text} for text in texts]
        answer = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id], "alt_texts": alt_texts})
        expect_problem(answer, 422, "invalid-request", pointer)


@pytest.mark.parametrize("number", [-1, 1 << 63, 10**30, 1.5, True])
async def test_numbers_as_ids(ada: ApiUser, number: object) -> None:
    answer = await ada.request("POST", "/v1/posts", {"photo_ids": [number]})
    expect_problem(answer, 422, "invalid-request", "/photo_ids/0")


async def test_photos_of_other_accounts_are_unknown(ada: ApiUser, grace: ApiUser, photo_id: str) -> None:
    foreign = await grace.photo()
    answer = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id, foreign]})
    absent = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id, ids.encode("p", ada.new_photo())]})
    body = expect_problem(answer, 422, "unknown-photo", "/photo_ids/1")
    assert body | {"request_id": ""} == absent.json() | {"request_id": ""}


async def test_rejected_photos_are_unusable(ada: ApiUser, photo_id: str) -> None:
    bad = await ada.upload()
    await ada.finish(bad, rejected)
    await ada.sees(bad, "rejected")
    answer = await ada.request("POST", "/v1/posts", {"photo_ids": [photo_id, bad]})
    expect_problem(answer, 422, "unusable-photo", "/photo_ids/1")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"nonsense", b"\xff\xfe", b'{"photo_ids": ["p_1"'], ids=lambda content: repr(content)
)
async def test_malformed_json(ada: ApiUser, content: bytes) -> None:
    made = await ada.post(await ada.photo())
    for method, path in (("POST", "/v1/posts"), ("PATCH", f"/v1/posts/{made['id']}")):
        headers = ada.headers | {"Content-Type": "application/json"}
        answer = await ada.api.request(method, path, content=content, headers=headers)
        if content:
            expect_problem(answer, 400, "malformed-json")
        else:
            expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
async def test_json_that_is_not_an_object(ada: ApiUser, body: object) -> None:
    expect_problem(await ada.request("POST", "/v1/posts", body), 422, "invalid-request")


@pytest.mark.parametrize(
    "path", ["/v1/photos/{}", "/v1/posts/{}", "/v1/users/{}/posts"], ids=["photos", "posts", "users"]
)
@pytest.mark.parametrize("wrong", ["x", "1", "p_", "o_!", "u_zzzzzzzzzzz", "p_00", "o_é", "u_" + "1" * 500])
async def test_malformed_ids(ada: ApiUser, path: str, wrong: str) -> None:
    answer = await ada.request("GET", path.format(wrong))
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"caption": "a" * 2_201}, "caption-too-long"),
        ({"caption": None}, "invalid-request"),
        ({"photo_ids": ["p_1"]}, "invalid-request"),
        ({"alt_texts": [{"photo_id": "p_1", "text": "not in this post"}]}, "invalid-request"),
    ],
)
async def test_invalid_edits(ada: ApiUser, photo_id: str, fields: dict[str, object], code: str) -> None:
    made = await ada.post(photo_id, caption="As it was")
    expect_problem(await ada.request("PATCH", f"/v1/posts/{made['id']}", fields), 422, code)
    assert (await ada.get(f"/v1/posts/{made['id']}"))["caption"] == "As it was"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
async def test_posts_that_do_not_exist(ada: ApiUser, method: str) -> None:
    answer = await ada.request(method, "/v1/posts/o_1", {"caption": "x"} if method == "PATCH" else None)
    expect_problem(answer, 404, "post-not-found")
