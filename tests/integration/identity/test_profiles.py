"""Reading and updating one's own profile, and reading public ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from photomesh_shared.ids import MAX_ID, encode
from tests.integration.identity.api_users import OWN_MEMBERS, ApiUser, ApiUsers
from tests.support.problems import expect_problem
from tests.support.tokens import Issuer


@pytest.fixture
async def ada(users: ApiUsers) -> ApiUser:
    return await users.new_user()


async def test_updates_only_the_given_members(ada: ApiUser) -> None:
    answer = await ada.update(display_name="  Ada Lovelace ", bio="Numbers,\r\nmostly. 🧮")
    assert answer.status_code == 200
    changed = {"display_name": "Ada Lovelace", "bio": "Numbers,\nmostly. 🧮"}
    assert answer.json() == ada.user | changed
    answer = await ada.update(private=True)
    assert answer.json() == ada.user | changed | {"private": True}
    answer = await ada.update(bio="", private=False)
    assert answer.json() == ada.user | changed | {"bio": ""}
    assert (await ada.me()).json() == answer.json()


async def test_public_profiles_have_no_email_address(users: ApiUsers, ada: ApiUser) -> None:
    public = {name: value for name, value in ada.user.items() if name not in OWN_MEMBERS}
    for path in (ada.id, f"by-username/{ada.username}", f"by-username/{ada.username.upper()}"):
        answer = await users.api.get(f"/v1/users/{path}")
        assert answer.status_code == 200
        shown = answer.json()
        assert {name: shown[name] for name in public} == public
        assert "email" not in shown
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        encode("u", 1),
        encode("u", MAX_ID),
        "by-username/nobody_has_this_name",
        "by-username/a%00b",
        "by-username/%ED%A0%80",
        "by-username/" + "a" * 120,
        "by-username/admin",
    ],
)
async def test_absent_accounts(users: ApiUsers, path: str) -> None:
    expect_problem(await users.api.get(f"/v1/users/{path}"), 404, "account-not-found")


async def test_long_usernames(users: ApiUsers) -> None:
    answer = await users.api.get("/v1/users/by-username/" + "a" * 3000)
    expect_problem(answer, 422, "invalid-request", "/username")


@pytest.mark.parametrize("user_id", ["u_", "1", "p_1", "u_ü", "u_%00", "u_" + "1" * 500])
async def test_malformed_ids(users: ApiUsers, user_id: str) -> None:
    expect_problem(await users.api.get(f"/v1/users/{user_id}"), 422, "invalid-request", "/user_id")


@pytest.mark.parametrize("user_id", ["u_01", "u_zzzzzzzzzzz"])
async def test_an_id_that_exists_nowhere_is_not_found(users: ApiUsers, user_id: str) -> None:
    expect_problem(await users.api.get(f"/v1/users/{user_id}"), 404, "account-not-found")


async def test_a_token_of_another_issuer(users: ApiUsers, issuer: Issuer) -> None:
    expect_problem(await users.api.get("/v1/me", headers=issuer.headers(1)), 401, "invalid-token")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"display_name": ""}, "/display_name"),
        ({"display_name": " \t "}, "/display_name"),
        ({"display_name": "x" * 51}, "/display_name"),
        ({"display_name": "two\nlines"}, "/display_name"),
        ({"display_name": "nul\0nul"}, "/display_name"),
        ({"display_name": "turned \u202e round"}, "/display_name"),
        ({"display_name": None}, "/display_name"),
        ({"bio": "x" * 301}, "/bio"),
        ({"bio": "bell\a"}, "/bio"),
        ({"bio": None}, "/bio"),
        ({"private": None}, "/private"),
        ({"private": "yes"}, "/private"),
        ({"private": 1}, "/private"),
        ({"avatar_photo_id": "u_1"}, "/avatar_photo_id"),
        ({"avatar_photo_id": 10**30}, "/avatar_photo_id"),
        ({"avatar_photo_id": True}, "/avatar_photo_id"),
        ({"username": "another"}, "/username"),
        ({"email": "another@example.com"}, "/email"),
    ],
)
async def test_invalid_members_are_reported_by_pointer(ada: ApiUser, change: dict[str, Any], pointer: str) -> None:
    expect_problem(await ada.update(**change), 422, "invalid-request", pointer)
    assert (await ada.me()).json() == ada.user


async def test_if_none_match(ada: ApiUser) -> None:
    first = await ada.me()
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ada.me(**{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"
    changed = await ada.update(bio="new")
    assert changed.headers["etag"] != tag
    again = await ada.me(**{"If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (200, changed.headers["etag"])


async def test_an_update_without_effect_keeps_the_entity_tag(ada: ApiUser) -> None:
    tag = (await ada.me()).headers["etag"]
    assert (await ada.update()).headers["etag"] == tag
    assert (await ada.update(bio="", private=False, avatar_photo_id=None)).headers["etag"] == tag


async def test_if_match(ada: ApiUser) -> None:
    tag = (await ada.me()).headers["etag"]
    second = await ada.update(if_match=tag, bio="second")
    assert second.status_code == 200
    refused = await ada.update(if_match=tag, bio="third")
    expect_problem(refused, 412, "precondition-failed")
    assert refused.headers["etag"] == second.headers["etag"]
    expect_problem(await ada.update(if_match=f"W/{second.headers['etag']}", bio="third"), 412, "precondition-failed")
    assert (await ada.update(if_match="*", bio="third")).status_code == 200


async def test_of_concurrent_updates_with_if_match_one_succeeds(ada: ApiUser) -> None:
    tag = (await ada.me()).headers["etag"]
    answers = await asyncio.gather(*(ada.update(if_match=tag, bio=f"bio {n}") for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_unknown_paths_and_methods(users: ApiUsers) -> None:
    expect_problem(await users.api.get("/v1/nothing"), 404, "route-not-found")
    answer = await users.api.put("/v1/me", json={})
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"]
