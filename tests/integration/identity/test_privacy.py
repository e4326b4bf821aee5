"""Going private: effective at social-graph before it is acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from photomesh_shared.clock import SystemClock
from tests.integration.identity.api_users import ApiUsers
from tests.integration.identity.conftest import serve
from tests.integration.identity.fake_services import FakeServices, serve_fake_services
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


@pytest.fixture
def services() -> Iterator[FakeServices]:
    with serve_fake_services() as services:
        yield services


@pytest.fixture
async def users(environment: Mapping[str, str], services: FakeServices) -> AsyncIterator[ApiUsers]:
    async with serve(environment, SystemClock(), post_url=services.url, social_graph_url=services.url) as users:
        yield users


async def test_going_private_is_written_through(services: FakeServices, users: ApiUsers) -> None:
    ada = await users.new_user()
    assert (await ada.update(private=True, display_name="Ada")).status_code == 200
    assert services.accounts[ada.id].pop("version") > 0
    assert services.accounts == {
        ada.id: {
            "username": ada.username,
            "display_name": "Ada",
            "avatar_url": None,
            "private": True,
            "status": "active",
            "mentionable_by": "everybody",
        }
    }


@pytest.mark.parametrize("down", ["social-graph", "post"])
async def test_going_private_needs_both_services(environment: Mapping[str, str], down: str) -> None:
    """Social-graph decides who follows, and post who reads."""
    with serve_fake_services() as social_graph, serve_fake_services() as post:
        urls = {"social_graph_url": social_graph.url, "post_url": post.url}
        async with serve(environment, SystemClock(), **urls) as users:
            ada = await users.new_user()
            {"social-graph": social_graph, "post": post}[down].down.add("writes")
            expect_problem(await ada.update(private=True), 503, "privacy-pending")
            for services in (social_graph, post):
                services.reset()
            assert (await ada.update(private=True)).status_code == 200
            assert social_graph.accounts == post.accounts
            assert post.accounts[ada.id]["private"] is True


async def test_other_updates_do_not_wait_for_social_graph(services: FakeServices, users: ApiUsers) -> None:
    ada = await users.new_user()
    assert (await ada.update(private=True)).status_code == 200
    services.reset()
    services.down.add("social-graph")
    for changes in ({"bio": "Numbers"}, {"private": False}, {"display_name": "Ada"}):
        assert (await ada.update(**changes)).status_code == 200
    assert ada.id not in services.accounts


async def test_without_social_graph_going_private_is_not_acknowledged(services: FakeServices, users: ApiUsers) -> None:
    ada = await users.new_user()
    services.down.add("social-graph")
    problem = expect_problem(await ada.update(private=True), 503, "privacy-pending")
    assert problem["retryable"]
    assert (await ada.me()).json()["private"] is True  # stored, and published by its event
    metrics = (await users.api.get("/metrics")).text
    assert 'photomesh_identity_privacy_writes_total{outcome="failed"}' in metrics

    services.down.clear()

    async def stored() -> bool:
        return bool(services.accounts.get(ada.id, {}).get("private"))

    assert await eventually(stored, within=60), "what was refused is repeated in the background"
    services.accounts.clear()

    async def repeat() -> int:
        return (await ada.update(private=True)).status_code

    assert await eventually(repeat, until=lambda status: status == 200) == 200
    assert services.accounts[ada.id]["private"] is True
