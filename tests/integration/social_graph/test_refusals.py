"""Requests that are wrong are told so, and never break anything."""

from __future__ import annotations

import pytest

from photomesh_shared.ids import encode
from tests.integration.social_graph.people import People
from tests.integration.social_graph.test_hiding import CHANGES, READS, old
from tests.support.problems import expect_problem

OWN_READS = ["/v1/me/follow-requests", "/v1/me/blocks", "/v1/me/mutes", "/v1/me/relationships?user_id=u_1"]
BAD_IDS = ["1", "p_1", "u_", "u_01", "u_é", "u_zzzzzzzzzzzz", "u_ZZZZZZZZZZZ", "u_-1", "null", "u_1%00", "%20"]


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in READS)])
@pytest.mark.parametrize("bad", BAD_IDS)
async def test_what_is_no_id(people: People, method: str, path: str, bad: str) -> None:
    ada = await people.somebody()
    answer = await people.api.request(method, path.format(bad), headers=ada.headers)
    expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in OWN_READS)])
async def test_who_is_nobody(people: People, method: str, path: str) -> None:
    expect_problem(await people.api.request(method, path.format("u_1")), 401, "missing-token")
    forged = people.issuer.headers(1, aud="elsewhere")
    expect_problem(await people.api.request(method, path.format("u_1"), headers=forged), 401, "invalid-token")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_oneself(people: People, method: str, path: str) -> None:
    ada = await people.somebody()
    answer = await people.api.request(method, path.format(ada.id), headers=ada.headers)
    expect_problem(answer, 422, "own-account")


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("number", [0, (1 << 63) - 1])
async def test_ids_that_nobody_has(people: People, method: str, path: str, number: int) -> None:
    ada = await people.somebody()
    answer = await people.api.request(method, path.format(encode("u", number)), headers=ada.headers)
    expect_problem(answer, 404, "account-not-found")


async def test_somebody_without_an_account(people: People) -> None:
    ada, nobody = await people.somebody(), old(people)
    expect_problem(await nobody.put(f"/v1/users/{ada.id}/follow"), 503, "account-not-ready")
    assert await nobody.listed("/v1/me/blocks") == []
    assert await nobody.stands_to(ada) == [set()]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "", "99999999999999999999"])
async def test_limits_of_pages(people: People, limit: str) -> None:
    ada = await people.somebody()
    for path in (f"/v1/users/{ada.id}/followers", f"/v1/users/{ada.id}/following", *OWN_READS[:3]):
        expect_problem(await ada.get(path, limit=limit), 422, "invalid-request", "#query/limit")


async def test_how_many_relationships(people: People) -> None:
    ada = await people.somebody()
    path = "/v1/me/relationships"
    expect_problem(await ada.get(path), 422, "invalid-request", "#query/user_id")
    expect_problem(await ada.get(path, user_id=["u_1"] * 101), 422, "invalid-request", "#query/user_id")
    assert len((await ada.get(path, user_id=[encode("u", n) for n in range(100)])).json()["items"]) == 100


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=50001", f"after={1 << 63}"])
async def test_internal_questions_that_are_wrong(people: People, query: str) -> None:
    expect_problem(await people.api.get(f"/internal/accounts/u_1/followers?{query}"), 422, "invalid-request")


async def test_the_api_document_has_nothing_internal(people: People) -> None:
    assert not [path for path in (await people.api.get("/openapi.json")).json()["paths"] if "internal" in path]
