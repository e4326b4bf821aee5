"""What identity gives to the export of an account."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from photomesh_shared.internal_api import export
from tests.integration.identity.api_users import PASSWORD, ApiUsers
from tests.support.exports import pages_of
from tests.support.internal_calls import RightfulCaller


async def test_profile_sessions_and_no_secret(users: ApiUsers, environment: Mapping[str, str]) -> None:
    ada, auth = await users.new_user(), RightfulCaller(environment, export)
    await ada.update(display_name="Ada ü", bio="Hi", private=True)
    log_in = await users.api.post("/v1/sessions", json={"login": ada.username, "password": PASSWORD})
    assert log_in.status_code == 201
    await ada.refreshed()
    await ada.log_out()

    [profile] = await pages_of(users.api, ada.id, "profile", auth=auth)
    assert profile["account_id"] == ada.id
    assert (profile["display_name"], profile["bio"], profile["private"]) == ("Ada ü", "Hi", True)
    assert "@" in profile["email"]
    sessions = await pages_of(users.api, ada.id, "sessions", auth=auth)
    sessions.sort(key=itemgetter("created_at"))  # their ids are random
    assert [bool(session["revoked_at"]) for session in sessions] == [True, False]
    assert sessions[0]["last_refreshed_at"]
    assert sessions[1]["last_refreshed_at"] is None
    credentials = await pages_of(users.api, ada.id, "credentials", auth=auth)
    assert credentials == [{"kind": "password", "algorithm": "argon2id"}]
    await ada.put("/v1/me/consents", purpose="news", version="1", given=True)
    [consent] = await pages_of(users.api, ada.id, "consents", auth=auth)
    assert (consent["purpose"], consent["given"], consent["source"]) == ("news", True, "settings")


async def test_nothing_of_others_and_no_other_section(users: ApiUsers, environment: Mapping[str, str]) -> None:
    auth = RightfulCaller(environment, export)
    ada, grace = await users.new_user(), await users.new_user()
    [profile] = await pages_of(users.api, ada.id, "profile", auth=auth)
    assert grace.username not in str(profile)
    assert await pages_of(users.api, "u_1", "sessions", auth=auth) == []
    for query, status in (({"section": "posts"}, 404), ({"section": "profile", "cursor": "x"}, 400), ({}, 422)):
        response = await users.api.get(f"/internal/export/{ada.id}", params=query, auth=auth)
        assert response.status_code == status
