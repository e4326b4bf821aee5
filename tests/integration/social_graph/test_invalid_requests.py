"""Invalid requests are answered with a problem."""

from __future__ import annotations

import pytest

from photomesh_shared.ids import encode
from tests.integration.social_graph.api_users import ApiUsers
from tests.integration.social_graph.test_visibility import CHANGES, READS, nonexistent_user
from tests.support.problems import expect_problem

OWN_READS = ["/v1/me/follow-requests", "/v1/me/blocks", "/v1/me/mutes", "/v1/me/relationships?user_id=u_1"]
BAD_IDS = ["1", "p_1", "u_", "u_é", "u_zzzzzzzzzzzz", "u_-1", "null", "u_1%00", "%20"]


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in READS)])
@pytest.mark.parametrize("bad", BAD_IDS)
async def test_malformed_ids(users: ApiUsers, method: str, path: str, bad: str) -> None:
    ada = await users.new_user()
    answer = await users.api.request(method, path.format(bad), headers=ada.headers)
    expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in OWN_READS)])
async def test_missing_and_invalid_tokens(users: ApiUsers, method: str, path: str) -> None:
    expect_problem(await users.api.request(method, path.format("u_1")), 401, "missing-token")
    forged = users.issuer.headers(1, aud="elsewhere")
    expect_problem(await users.api.request(method, path.format("u_1"), headers=forged), 401, "invalid-token")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_actions_on_oneself(users: ApiUsers, method: str, path: str) -> None:
    ada = await users.new_user()
    answer = await users.api.request(method, path.format(ada.id), headers=ada.headers)
    expect_problem(answer, 422, "own-account")


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("number", [0, (1 << 63) - 1])
async def test_ids_of_no_account(users: ApiUsers, method: str, path: str, number: int) -> None:
    ada = await users.new_user()
    answer = await users.api.request(method, path.format(encode("u", number)), headers=ada.headers)
    expect_problem(answer, 404, "account-not-found")


async def test_a_viewer_whose_account_is_unknown(users: ApiUsers) -> None:
    ada, nobody = await users.new_user(), nonexistent_user(users)
    expect_problem(await nobody.put(f"/v1/users/{ada.id}/follow"), 503, "account-not-ready")
    assert await nobody.list_ids("/v1/me/blocks") == []
    assert await nobody.relations_to(ada) == [set()]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "", "99999999999999999999"])
async def test_page_limits_out_of_range(users: ApiUsers, limit: str) -> None:
    ada = await users.new_user()
    for path in (f"/v1/users/{ada.id}/followers", f"/v1/users/{ada.id}/following", *OWN_READS[:3]):
        expect_problem(await ada.get(path, limit=limit), 422, "invalid-request", "/limit")


async def test_number_of_relationships(users: ApiUsers) -> None:
    ada = await users.new_user()
    path = "/v1/me/relationships"
    expect_problem(await ada.get(path), 422, "invalid-request", "/user_id")
    expect_problem(await ada.get(path, user_id=["u_1"] * 101), 422, "invalid-request", "/user_id")
    assert len((await ada.get(path, user_id=[encode("u", n) for n in range(100)])).json()["items"]) == 100


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=50001", f"after={1 << 63}"])
async def test_invalid_internal_requests(users: ApiUsers, query: str) -> None:
    expect_problem(await users.api.get(f"/internal/accounts/u_1/followers?{query}"), 422, "invalid-request")


async def test_openapi_document_has_no_internal_routes(users: ApiUsers) -> None:
    assert not [path for path in (await users.api.get("/openapi.json")).json()["paths"] if "internal" in path]
