"""One's own profile and those of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from photomesh_shared.ids import MAX_ID, encode
from tests.integration.identity.people import People, Person
from tests.support.problems import expect_problem
from tests.support.tokens import Issuer


@pytest.fixture
async def ada(people: People) -> Person:
    return await people.somebody()


async def test_only_what_is_sent_changes(ada: Person) -> None:
    answer = await ada.edit(display_name="  Ada Lovelace ", bio="Numbers,\r\nmostly. 🧮")
    assert answer.status_code == 200
    changed = {"display_name": "Ada Lovelace", "bio": "Numbers,\nmostly. 🧮"}
    assert answer.json() == ada.user | changed
    answer = await ada.edit(private=True)
    assert answer.json() == ada.user | changed | {"private": True}
    answer = await ada.edit(bio="", private=False)
    assert answer.json() == ada.user | changed | {"bio": ""}
    assert (await ada.me()).json() == answer.json()


async def test_the_public_profile_has_no_address(people: People, ada: Person) -> None:
    public = {name: value for name, value in ada.user.items() if name != "email"}
    for path in (ada.id, f"by-username/{ada.username}", f"by-username/{ada.username.upper()}"):
        answer = await people.api.get(f"/v1/users/{path}")
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
        "by-username/" + "a" * 3000,
        "by-username/admin",
    ],
)
async def test_nobody_there(people: People, path: str) -> None:
    expect_problem(await people.api.get(f"/v1/users/{path}"), 404, "account-not-found")


@pytest.mark.parametrize("user_id", ["u_", "1", "p_1", "u_01", "u_zzzzzzzzzzz", "u_ü", "u_%00", "u_" + "1" * 500])
async def test_what_is_no_id(people: People, user_id: str) -> None:
    expect_problem(await people.api.get(f"/v1/users/{user_id}"), 422, "invalid-request", "#path/user_id")


async def test_an_account_that_is_gone(people: People, issuer: Issuer) -> None:
    expect_problem(await people.api.get("/v1/me", headers=issuer.headers(1)), 401, "invalid-token")


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
async def test_what_is_wrong_is_told_by_field(ada: Person, change: dict[str, Any], pointer: str) -> None:
    expect_problem(await ada.edit(**change), 422, "invalid-request", pointer)
    assert (await ada.me()).json() == ada.user


async def test_what_is_known_is_not_sent_again(ada: Person) -> None:
    first = await ada.me()
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ada.me(**{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"
    changed = await ada.edit(bio="new")
    assert changed.headers["etag"] != tag
    again = await ada.me(**{"If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (200, changed.headers["etag"])


async def test_what_changes_nothing_keeps_its_tag(ada: Person) -> None:
    tag = (await ada.me()).headers["etag"]
    assert (await ada.edit()).headers["etag"] == tag
    assert (await ada.edit(bio="", private=False, avatar_photo_id=None)).headers["etag"] == tag


async def test_a_change_by_somebody_who_has_not_seen_the_last_one(ada: Person) -> None:
    tag = (await ada.me()).headers["etag"]
    second = await ada.edit(if_match=tag, bio="second")
    assert second.status_code == 200
    refused = await ada.edit(if_match=tag, bio="third")
    expect_problem(refused, 412, "precondition-failed")
    assert refused.headers["etag"] == second.headers["etag"]
    expect_problem(await ada.edit(if_match=f"W/{second.headers['etag']}", bio="third"), 412, "precondition-failed")
    assert (await ada.edit(if_match="*", bio="third")).status_code == 200


async def test_of_many_changes_of_one_version_one_happens(ada: Person) -> None:
    tag = (await ada.me()).headers["etag"]
    answers = await asyncio.gather(*(ada.edit(if_match=tag, bio=f"bio {n}") for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_paths_and_methods_that_do_not_exist(people: People) -> None:
    expect_problem(await people.api.get("/v1/nothing"), 404, "route-not-found")
    answer = await people.api.put("/v1/me", json={})
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"]
